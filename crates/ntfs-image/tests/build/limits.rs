//! Size of the volume, many files, faults of the output.

use std::io::{Cursor, Seek, SeekFrom, Write};

use ntfs_image::{BuildError, BuildErrorKind, Content, NodeSpec, NtfsBuilder, StreamForm, StreamKey};
use testkit::fault_disk::{Fault, FaultDisk};

use crate::support::{build, check, noise, spec};

/// Files in directories of 40, and every fifth in one large directory.
pub(crate) fn many_files(count: u64) -> (NtfsBuilder, Vec<(StreamKey, StreamForm, Vec<u8>)>) {
    let mut builder = NtfsBuilder::new(spec(64 + count / 100));
    let mut dir = builder.root();
    let mut deliveries = Vec::new();
    for n in 0..count {
        if n % 40 == 0 {
            let root = builder.root();
            dir = builder.add(
                root,
                &format!("x86_component_{:08x}", n.wrapping_mul(0x9E37_79B9)),
                NodeSpec::directory(),
            );
        }
        let dir = if n % 5 == 4 { builder.root() } else { dir };
        let key = StreamKey(n);
        let size = n * 31 % 900;
        builder.add(
            dir,
            &format!("file {n}"),
            NodeSpec::file(Content::Keyed {
                key,
                size_bytes: size,
            }),
        );
        deliveries.push((
            key,
            StreamForm::Plain,
            vec![1; usize::try_from(size).expect("small")],
        ));
    }
    (builder, deliveries)
}

/// Enough for three levels of index blocks.
#[test]
fn many_files_are_clean() {
    let (builder, deliveries) = many_files(20_000);
    let volume = build(builder, &deliveries);
    check(&volume.path, 512);
    assert!(volume.report.write_calls < 60, "{:?}", volume.report);
}

#[test]
fn a_volume_that_is_too_small_is_refused_with_the_size_that_is_enough() {
    let fill = |mib: u64| {
        let mut builder = NtfsBuilder::new(spec(mib));
        let root = builder.root();
        for n in 0..60u64 {
            let content = Content::Keyed {
                key: StreamKey(n),
                size_bytes: 1 << 20,
            };
            builder.add(root, &format!("file {n}"), NodeSpec::file(content));
        }
        builder
    };
    let error = fill(40).plan().expect_err("too small");
    assert_eq!(error.kind(), BuildErrorKind::NoSpace);
    let BuildError::NoSpace { needed_bytes, .. } = error else {
        panic!("{error}")
    };
    assert!(needed_bytes < 66 << 20, "{needed_bytes}");
    let mut builder = fill(needed_bytes >> 20);
    assert_eq!(builder.plan().expect("large enough").min_size_bytes, needed_bytes);
    let deliveries: Vec<_> = (0..60)
        .map(|n| (StreamKey(n), StreamForm::Plain, noise(1 << 20, n)))
        .collect();
    check(&build(builder, &deliveries).path, 512);
}

fn small_tree() -> NtfsBuilder {
    let mut builder = NtfsBuilder::new(spec(32));
    let root = builder.root();
    for n in 0..200 {
        builder.add(
            root,
            &format!("file {n}"),
            NodeSpec::file(Content::Bytes(noise(n * 100, n as u64))),
        );
    }
    builder
}

#[test]
fn a_power_cut_at_any_write_leaves_no_volume() {
    // The old content is a valid volume.
    let old = small_tree()
        .writer(FaultDisk::sized(32 << 20, 0))
        .unwrap()
        .finish()
        .unwrap()
        .0
        .into_contents();
    let (_, report) = small_tree()
        .writer(FaultDisk::sized(32 << 20, 0))
        .unwrap()
        .finish()
        .unwrap();
    let signature = |disk: &[u8]| disk[3..11] == *b"NTFS    ";
    assert!(signature(&old));
    for write in 0..usize::try_from(report.write_calls).unwrap() {
        for fault in [Fault::Lost, Fault::Error, Fault::Torn { kept: 100 }] {
            let mut disk = FaultDisk::sized(32 << 20, 0);
            disk.write_all(&old).unwrap();
            disk.seek(SeekFrom::Start(0)).unwrap();
            let first = disk.trace().len();
            let mut disk = disk.failing_at(first + write, fault);
            let result = small_tree()
                .writer(&mut disk)
                .and_then(ntfs_image::VolumeWriter::finish)
                .map(|_| ());
            let seen = disk.contents();
            if write == 0 {
                // Nothing, or only zeros over the boot sector, reached the disk.
                assert!(!signature(seen) || seen == old, "write {write} {fault:?}");
            } else if let Fault::Torn { kept: 100 } = fault {
                // The last write may have been the boot sector, torn: it lacks its end mark.
                assert!(
                    !signature(seen) || seen[510..512] != [0x55, 0xAA],
                    "write {write}"
                );
            } else {
                assert!(!signature(seen), "write {write} {fault:?}");
            }
            assert!(fault == Fault::Lost || result.is_err(), "write {write} {fault:?}");
        }
    }
}

#[test]
fn a_stream_that_is_not_delivered_leaves_no_volume() {
    let mut builder = NtfsBuilder::new(spec(32));
    let root = builder.root();
    builder.add(
        root,
        "a",
        NodeSpec::file(Content::Keyed {
            key: StreamKey(1),
            size_bytes: 5,
        }),
    );
    let mut disk = Cursor::new(Vec::new());
    let error = builder
        .writer(&mut disk)
        .unwrap()
        .finish()
        .expect_err("not delivered");
    assert_eq!(error.kind(), BuildErrorKind::Delivery);
    assert!(disk.get_ref()[..512].iter().all(|byte| *byte == 0));
}

#[test]
fn the_same_description_gives_the_same_bytes() {
    let make = || {
        small_tree()
            .writer(Cursor::new(Vec::new()))
            .unwrap()
            .finish()
            .unwrap()
    };
    let (first, report) = make();
    assert!(first == make().0);
    assert!(report.write_calls <= 8, "{report:?}");
    assert!(report.seek_calls <= 4, "{report:?}");
}

/// A compressed stream of the length that the writer names lies in the record, a longer one does not.
#[test]
fn compact_streams_lie_in_records_up_to_the_length_that_is_told() {
    let key = StreamKey(1);
    let builder = |names: usize| {
        let mut builder = NtfsBuilder::new(spec(32));
        let root = builder.root();
        for n in 0..2 {
            let content = Content::Keyed {
                key,
                size_bytes: 4000,
            };
            let mut node = NodeSpec::file(content);
            node.object_id = Some(vec![n + 1; 16]);
            let node = builder.add_node(node);
            for name in 0..names {
                let name: Vec<u16> = format!("file {n} by name {name}").encode_utf16().collect();
                builder.add_name(root, node, &name, None);
            }
        }
        builder
    };
    for names in 1..4 {
        let limit = builder(names).writer(Cursor::new(Vec::new())).unwrap();
        let limit = limit.compact_record_bytes(key).expect("may be compact");
        assert!(limit > 200, "{limit}");
        for (stored, clusters) in [(limit, 0), (limit + 1, 2)] {
            let stored = noise(usize::try_from(stored).unwrap(), 1);
            let form = StreamForm::Compact(ntfs_image::CompactFormat::Xpress4K);
            let volume = build(builder(names), &[(key, form, stored)]);
            assert_eq!(volume.report.data_cluster_bytes, clusters * 4096);
            assert_eq!(volume.report.extension_record_count, 0);
            check(&volume.path, 512);
        }
        // For readers with an NTFS of their own, whatever the room.
        let form = StreamForm::CompactInClusters(ntfs_image::CompactFormat::Xpress4K);
        let volume = build(builder(names), &[(key, form, noise(100, 1))]);
        assert_eq!(volume.report.data_cluster_bytes, 2 * 4096);
        check(&volume.path, 512);
    }
    let mut small = NtfsBuilder::new(spec(32));
    let root = small.root();
    let content = Content::Keyed { key, size_bytes: 100 };
    small.add(root, "in the record", NodeSpec::file(content));
    let writer = small.writer(Cursor::new(Vec::new())).unwrap();
    assert_eq!(writer.compact_record_bytes(key), None);
}

#[test]
fn hostile_sizes_are_refused_by_name() {
    for (sizes, expected) in [
        (vec![5, u64::MAX], "\\file 1: a stream of 2^32 clusters or more"),
        (vec![u64::from(u32::MAX) * 4096; 70_000], "2^60 bytes"),
    ] {
        let mut builder = NtfsBuilder::new(spec(32));
        let root = builder.root();
        for (n, size_bytes) in (0..).zip(sizes) {
            let mut node = NodeSpec::file(Content::Keyed {
                key: StreamKey(n),
                size_bytes,
            });
            node.streams[0].sparse = true;
            builder.add(root, &format!("file {n}"), node);
        }
        let error = builder.plan().expect_err("refused");
        assert_eq!(error.kind(), BuildErrorKind::Invalid);
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn what_cannot_be_stored_is_refused_by_name() {
    let refused = |make: &dyn Fn(&mut NtfsBuilder)| {
        let mut builder = NtfsBuilder::new(spec(32));
        make(&mut builder);
        builder.plan().expect_err("refused").to_string()
    };
    let with = |change: &'static dyn Fn(&mut NodeSpec)| {
        refused(&move |builder| {
            let root = builder.root();
            let dir = builder.add(root, "folder", NodeSpec::directory());
            let mut node = NodeSpec::file(Content::Bytes(vec![1]));
            change(&mut node);
            builder.add(dir, "file", node);
        })
    };
    let encrypted = with(&|node| node.metadata.attributes = 0x4020);
    assert_eq!(
        encrypted,
        "\\folder\\file: encrypted (EFS), but without $EFS metadata"
    );
    assert!(with(&|node| node.object_id = Some(vec![0; 5])).starts_with("\\folder\\file: object id"));
    assert!(with(&|node| node.extended_attributes = Some(vec![0; 5])).contains("extended attributes"));
    let twice = refused(&|builder| {
        let root = builder.root();
        builder.add(root, "same", NodeSpec::directory());
        builder.add(root, "same", NodeSpec::directory());
    });
    assert_eq!(twice, "\\same: two entries of this name");
    let system = refused(&|builder| {
        let root = builder.root();
        builder.add(root, "$MFT", NodeSpec::directory());
    });
    assert_eq!(system, "\\$MFT: two entries of this name");
    let circle = refused(&|builder| {
        let root = builder.root();
        let a = builder.add_node(NodeSpec::directory());
        let b = builder.add_node(NodeSpec::directory());
        builder.add_name(a, b, &[65], None);
        builder.add_name(b, a, &[66], None);
        builder.add(root, "c", NodeSpec::directory());
    });
    assert!(circle.ends_with("in a circle of directories"), "{circle}");
    let nameless = refused(&|builder| {
        builder.add_node(NodeSpec::directory());
    });
    assert_eq!(nameless, "\\<node 1>: has no name");
}

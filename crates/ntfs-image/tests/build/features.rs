//! One volume with everything a Windows tree can hold.

use std::sync::Arc;

use ntfs_image::{
    CompactFormat, Content, DosNames, Metadata, NodeId, NodeSpec, ReparsePoint, StreamForm, StreamKey,
    StreamSpec, VolumeSpec, Warning,
};

use crate::readback::{compare_with_ntfs3g, read_back};
use crate::recorder::Recorder;
use crate::support::{check, descriptor, noise, spec, units, wof_stored};

fn bytes(builder: &mut Recorder, parent: NodeId, name: &str, content: Vec<u8>) -> NodeId {
    builder.add(parent, name, NodeSpec::file(Content::Bytes(content)))
}

fn links(builder: &mut Recorder, root: NodeId) {
    let dir = builder.add(root, "links", NodeSpec::directory());
    for (count, size) in [(2, 10), (20, 300), (61, 5000), (1024, 70_000)] {
        let node = builder.add_node(NodeSpec::file(Content::Bytes(noise(size, count))));
        for n in 0..count {
            let name = units(&format!("one of {count} names that are somewhat long, {n}"));
            builder.add_name(
                dir,
                node,
                &name,
                (n == 3).then(|| units(&format!("N{count}~1"))).as_deref(),
            );
        }
    }
}

fn large_directory(builder: &mut Recorder, root: NodeId, count: u32) {
    let dir = builder.add(root, "large", NodeSpec::directory());
    for n in 0..count {
        // Deliveries in an order that is not that of the names.
        let name = format!(
            "amd64_component-{:08x}_31bf3856ad364e35_10.0.{n}",
            n.wrapping_mul(0x9E37_79B9)
        );
        bytes(builder, dir, &name, noise((n % 40) as usize, u64::from(n)));
    }
}

fn collation(builder: &mut Recorder, root: NodeId) {
    let dir = builder.add(root, "collation", NodeSpec::directory());
    let names = [
        "a",
        "B",
        "c",
        "Z_",
        "z-",
        "[",
        "_",
        "^",
        "ä",
        "Ä_",
        "ß",
        "ss",
        "ı",
        "I_",
        "İ",
        "ﬀ",
        "Å",
        "ǆ",
        "Ǆ_",
        "ά",
        "ΐ",
        "ᾳ",
        "ῼ_",
        "\u{1E9E}",
        "\u{10400}",
        "\u{10428}",
        "e\u{301}",
        "é",
        "日本",
        "~",
        "{",
        "\u{2C65}",
        "\u{23A}_",
        "ꙁ",
        "ⅷ",
        "Ⅷ_",
        "ⓐ",
    ];
    for name in names {
        bytes(builder, dir, name, name.as_bytes().to_vec());
    }
    for unit in [0xD800u16, 0xDBFF, 0xDC00, 0xDFFF] {
        let node = builder.add_node(NodeSpec::file(Content::Bytes(vec![1])));
        builder.add_name(dir, node, &[unit, u16::from(b'x'), unit], None);
    }
    let mut odd = NodeSpec::directory();
    odd.case_sensitive = true;
    let odd = builder.add(root, "case-sensitive", odd);
    for name in ["readme", "README", "Readme", "other"] {
        bytes(builder, odd, name, name.as_bytes().to_vec());
    }
}

fn resident_limits(builder: &mut Recorder, root: NodeId, step: usize) {
    let dir = builder.add(root, "limits", NodeSpec::directory());
    for size in (560..800).step_by(step) {
        bytes(builder, dir, &format!("{size}"), noise(size, size as u64));
    }
    for size in (200..330).step_by(step) {
        let mut node = NodeSpec::file(Content::Bytes(noise(size, 1)));
        node.streams
            .push(StreamSpec::named(units("second"), Content::Bytes(noise(size, 2))));
        builder.add(dir, &format!("two streams of {size}"), node);
    }
    bytes(builder, dir, "none", Vec::new());
    builder.add(dir, "no stream", NodeSpec::default());
}

fn extras(builder: &mut Recorder, root: NodeId) {
    let dir = builder.add(root, "extras", NodeSpec::directory());
    let reparse = |tag, data| {
        Some(ReparsePoint {
            tag,
            reserved: 0,
            data: Arc::new(data),
        })
    };
    let mut target = vec![0, 0, 14, 0, 16, 0, 6, 0];
    target.extend(units("\\??\\C:\\").iter().flat_map(|unit| unit.to_le_bytes()));
    target.extend([0, 0]);
    target.extend(units("C:\\").iter().flat_map(|unit| unit.to_le_bytes()));
    target.extend([0, 0]);
    for n in 0..100 {
        let node = NodeSpec {
            reparse: reparse(0xA000_0003, target.clone()),
            ..NodeSpec::directory()
        };
        builder.add(dir, &format!("junction {n}"), node);
    }
    for (name, tag, data) in [
        ("guid tag", 0x0000_0042, noise(40, 1)),
        ("large reparse", 0x8000_0055, noise(16_000, 2)),
        ("cloud", 0x9000_001A, noise(100, 3)),
    ] {
        let mut node = NodeSpec::file(Content::Bytes(noise(30, 9)));
        node.reparse = reparse(tag, data);
        builder.add(dir, name, node);
    }
    for n in 0..200u64 {
        let mut node = NodeSpec::file(Content::Bytes(noise(30, n)));
        node.object_id = Some(noise(if n % 2 == 0 { 16 } else { 64 }, n + 77));
        builder.add(dir, &format!("object {n}"), node);
    }
    for (name, value) in [("small ea", 20usize), ("large ea", 9000)] {
        let mut list = Vec::new();
        for (index, key) in ["USER.FIRST", "SECOND"].into_iter().enumerate() {
            let start = list.len();
            list.extend([0, 0, 0, 0, 0, key.len() as u8]);
            list.extend((value as u16).to_le_bytes());
            list.extend(key.as_bytes());
            list.push(0);
            list.extend(noise(value, 5));
            list.resize(list.len().next_multiple_of(4), 0);
            if index == 0 {
                let next = (list.len() - start) as u32;
                list[start..start + 4].copy_from_slice(&next.to_le_bytes());
            }
        }
        let mut node = NodeSpec::file(Content::Bytes(noise(30, 9)));
        node.extended_attributes = Some(list);
        builder.add(dir, name, node);
    }
    let mut with_streams = NodeSpec::directory();
    for n in 0..30 {
        let content = Content::Bytes(noise(n * 150, n as u64));
        with_streams.streams.push(StreamSpec::named(
            units(&format!("stream of a directory {n}")),
            content,
        ));
    }
    let with_streams = builder.add(dir, "directory with streams", with_streams);
    for n in 0..200 {
        bytes(builder, with_streams, &format!("file {n}"), noise(20, n));
    }
}

fn sparse(builder: &mut Recorder, root: NodeId, alternating: usize) {
    let dir = builder.add(root, "sparse", NodeSpec::directory());
    let mut contents = vec![vec![0; 1 << 20], noise(1 << 18, 1), vec![0; 100], noise(100, 2)];
    let mut alternating = vec![0u8; alternating];
    for at in (0..alternating.len()).step_by(131_072) {
        alternating[at + 5] = 1;
    }
    contents.push(alternating);
    let mut end = noise(70_000, 3);
    end.resize(500_001, 0);
    contents.push(end);
    for (n, content) in contents.into_iter().enumerate() {
        let mut stream = StreamSpec::unnamed(Content::Bytes(content.clone()));
        stream.sparse = true;
        let mut named = StreamSpec::named(units("sparse stream"), Content::Bytes(content));
        named.sparse = n != 4;
        let node = NodeSpec {
            streams: vec![stream, named],
            ..NodeSpec::default()
        };
        builder.add(dir, &format!("sparse {n}"), node);
    }
}

fn metadata(builder: &mut Recorder, root: NodeId, count: u32) {
    let dir = builder.add(root, "metadata", NodeSpec::directory());
    for n in 0..count {
        let security = builder.add_security_descriptor(&descriptor(n));
        let metadata = Metadata {
            attributes: [0x20, 0x21, 0x22, 0x26, 0x2020, 0x1020, 0x120, 0x80][n as usize % 8],
            creation_time: 131_000_000_000_000_001 + u64::from(n),
            modification_time: 132_000_000_000_000_003,
            change_time: 132_000_000_000_000_007,
            access_time: 133_000_000_000_000_009,
            security: Some(security),
        };
        let node = NodeSpec {
            metadata,
            ..NodeSpec::file(Content::Bytes(noise(10, u64::from(n))))
        };
        builder.add(dir, &format!("owned {n}"), node);
    }
    let mut packed = NodeSpec::file(Content::Bytes(noise(100_000, 1)));
    packed.metadata.attributes = 0x820;
    builder.add(dir, "was compressed", packed);
    let mut deep = dir;
    for n in 0..120 {
        deep = builder.add(deep, &format!("level {n}"), NodeSpec::directory());
    }
    bytes(builder, deep, "at the bottom", noise(10_000, 1));
}

fn delivered(builder: &mut Recorder, root: NodeId, sizes: &[usize]) {
    let dir = builder.add(root, "delivered", NodeSpec::directory());
    for (n, size) in (0..).zip(sizes.iter().copied()) {
        let key = StreamKey(1000 - n);
        for copy in 0..=n % 4 {
            let content = Content::Keyed {
                key,
                size_bytes: size as u64,
            };
            let mut node = NodeSpec::file(content.clone());
            if copy == 1 {
                node.streams.push(StreamSpec::named(units("same"), content));
            }
            builder.add(dir, &format!("copy {copy} of {size}"), node);
        }
        builder.deliver(key, StreamForm::Plain, noise(size, n), noise(size, n));
    }
}

fn compact(builder: &mut Recorder, root: NodeId) {
    let dir = builder.add(root, "compact", NodeSpec::directory());
    for (n, format) in (0..).zip([
        CompactFormat::Xpress4K,
        CompactFormat::Lzx32K,
        CompactFormat::Xpress8K,
        CompactFormat::Xpress16K,
    ]) {
        for (size, copies) in [(300usize, 1u64), (70_000, 1), (3 << 20, 2)] {
            let key = StreamKey(2000 + n * 10_000_000 + size as u64);
            for copy in 0..copies {
                let content = Content::Keyed {
                    key,
                    size_bytes: size as u64,
                };
                let mut node = NodeSpec::file(content);
                node.streams.push(StreamSpec::named(
                    units("Zone.Identifier"),
                    Content::Bytes(noise(26, 1)),
                ));
                builder.add(dir, &format!("compact {format:?} {size} {copy}"), node);
            }
            let plain = noise(size, 4);
            builder.deliver(
                key,
                StreamForm::Compact(format),
                wof_stored(&plain, format),
                plain,
            );
        }
    }
}

/// How much of each kind.
pub(crate) struct Scale {
    /// Names that Linux' drivers cannot show, and compact files, which they do not read.
    odd: bool,
    entries: u32,
    limit_step: usize,
    alternating: usize,
    descriptors: u32,
    sizes: &'static [usize],
}

const FULL: Scale = Scale {
    odd: true,
    entries: 1600,
    limit_step: 1,
    alternating: 24 << 20,
    descriptors: 3000,
    sizes: &[0, 1, 700, 5000, 100_000, 9 << 20, 20 << 20],
};

/// For Linux' own drivers.
pub(crate) const MOUNTABLE: Scale = Scale { odd: false, ..SMALL };

const SMALL: Scale = Scale {
    odd: true,
    entries: 200,
    limit_step: 13,
    alternating: 4 << 20,
    descriptors: 100,
    sizes: &[0, 1, 700, 5000, 100_000],
};

pub(crate) fn everything(spec: VolumeSpec, scale: &Scale) -> Recorder {
    let mut builder = Recorder::new(spec);
    let root = builder.root();
    links(&mut builder, root);
    large_directory(&mut builder, root, scale.entries);
    if scale.odd {
        collation(&mut builder, root);
        compact(&mut builder, root);
    }
    resident_limits(&mut builder, root, scale.limit_step);
    extras(&mut builder, root);
    sparse(&mut builder, root, scale.alternating);
    metadata(&mut builder, root, scale.descriptors);
    delivered(&mut builder, root, scale.sizes);
    builder
}

#[test]
fn every_feature_is_clean() {
    let (volume, recorded) = everything(spec(256), &FULL).build();
    check(&volume.path, 512);
    read_back(&volume.path, &recorded);
    compare_with_ntfs3g(&volume.path, &recorded);
    assert!(volume.report.extension_record_count > 100, "{:?}", volume.report);
    assert_eq!(volume.report.compact_file_count, 16);
    assert!(
        volume
            .report
            .warnings
            .contains(&Warning::CompressionDropped { nodes: 1 })
    );
}

#[test]
fn every_feature_is_clean_with_generated_dos_names() {
    let (volume, _) = everything(
        VolumeSpec {
            dos_names: DosNames::Generate,
            ..spec(128)
        },
        &SMALL,
    )
    .build();
    check(&volume.path, 512);
}

#[test]
fn every_cluster_size_is_clean() {
    for shift in 9..=16 {
        let (volume, _) = everything(
            VolumeSpec {
                cluster_bytes: 1 << shift,
                ..spec(160)
            },
            &SMALL,
        )
        .build();
        check(&volume.path, 512);
    }
}

#[test]
fn large_sectors_and_records_are_clean() {
    for (sector_bytes, cluster_bytes, mft_record_bytes) in [
        (512, 4096, 4096),
        (4096, 4096, 4096),
        (4096, 65536, 4096),
        (512, 1024, 4096),
    ] {
        let (volume, _) = everything(
            VolumeSpec {
                sector_bytes,
                cluster_bytes,
                mft_record_bytes,
                ..spec(160)
            },
            &SMALL,
        )
        .build();
        check(&volume.path, sector_bytes);
    }
}

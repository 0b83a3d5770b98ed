//! Volumes with ranges that nothing may be placed in, and with streams placed by the caller.

use ntfs_image::{
    BuildError, Content, NodeSpec, NtfsBuilder, Placement, StreamForm, StreamKey, StreamSpec, VolumeSpec,
};

use crate::support::{build, check, noise, spec};

#[test]
fn placed_streams_and_free_ranges_are_kept() {
    let keep_free = vec![20..300, 2000..2001, 4000..4100];
    let mut builder = NtfsBuilder::new(VolumeSpec {
        keep_free: keep_free.clone(),
        ..spec(64)
    });
    let root = builder.root();
    let mut deliveries = Vec::new();
    let mut placed = Vec::new();
    for (n, lcn) in (0..).zip([700u64, 16_000, 3000, 10]) {
        let key = StreamKey(n);
        let bytes = noise(30_000, n);
        let mut stream = StreamSpec::unnamed(Content::Keyed {
            key,
            size_bytes: bytes.len() as u64,
        });
        stream.placement = Placement::At(lcn);
        builder.add(
            root,
            &format!("placed {n}"),
            NodeSpec {
                streams: vec![stream],
                ..NodeSpec::default()
            },
        );
        placed.push((lcn, bytes.clone()));
        deliveries.push((key, StreamForm::Plain, bytes));
    }
    for n in 10..50 {
        let key = StreamKey(n);
        let bytes = noise(500_000, n);
        builder.add(
            root,
            &format!("other {n}"),
            NodeSpec::file(Content::Keyed {
                key,
                size_bytes: 500_000,
            }),
        );
        deliveries.push((key, StreamForm::Plain, bytes));
    }
    let volume = build(builder, &deliveries);
    check(&volume.path, 512);
    let disk = std::fs::read(&volume.path).unwrap();
    for (lcn, bytes) in placed {
        let at = usize::try_from(lcn * 4096).unwrap();
        assert!(disk[at..at + bytes.len()] == bytes[..], "placed at {lcn}");
    }
    for range in keep_free {
        let at = |lcn: u64| usize::try_from(lcn * 4096).unwrap();
        assert!(
            disk[at(range.start)..at(range.end)].iter().all(|byte| *byte == 0),
            "{range:?}"
        );
    }
}

/// Hundreds of small ranges cost what they hold, no more, and tables still lie in one piece.
#[test]
fn many_small_ranges_are_kept_on_a_full_volume() {
    let keep_free: Vec<_> = (0..700u64)
        .map(|n| 40 + n * 19..40 + n * 19 + 1 + n % 3)
        .collect();
    let mut builder = NtfsBuilder::new(VolumeSpec {
        keep_free: keep_free.clone(),
        ..spec(64)
    });
    let root = builder.root();
    let mut deliveries = Vec::new();
    for n in 0..96 {
        let (key, size_bytes) = (StreamKey(n), 500_000);
        let content = Content::Keyed { key, size_bytes };
        builder.add(root, &format!("file {n}"), NodeSpec::file(content));
        deliveries.push((key, StreamForm::Plain, noise(500_000, n)));
    }
    let volume = build(builder, &deliveries);
    assert!(
        volume.plan.clusters - volume.plan.needed_clusters < 2000,
        "{:?}",
        volume.plan
    );
    check(&volume.path, 512);
    let disk = std::fs::read(&volume.path).unwrap();
    for range in keep_free {
        let at = |lcn: u64| usize::try_from(lcn * 4096).unwrap();
        assert!(
            disk[at(range.start)..at(range.end)].iter().all(|byte| *byte == 0),
            "{range:?}"
        );
    }
    let log_file = disk.split(|byte| *byte != 0xFF).map(<[u8]>::len).max();
    assert!(log_file >= Some(2 << 20), "{log_file:?}");
}

#[test]
fn a_volume_too_divided_for_its_log_is_refused_with_the_size_that_is_enough() {
    let builder = |mib: u64| {
        NtfsBuilder::new(VolumeSpec {
            keep_free: (1..80).map(|n| n * 100..n * 100 + 1).collect(),
            ..spec(mib)
        })
    };
    let BuildError::NoSpace { needed_bytes, .. } = builder(32).plan().expect_err("no gap is large enough")
    else {
        panic!("another error")
    };
    check(&build(builder(needed_bytes >> 20), &[]).path, 512);
}

/// A system file has one record. Here the free clusters before the tables run out, so that `$Bitmap` lies in gaps of
/// three clusters: more pieces than its record can list.
#[test]
fn a_bitmap_in_too_many_pieces_is_refused_by_its_record() {
    const KEPT_CLUSTERS: u64 = 130;
    let first_gap = 24_000;
    let mut keep_free: Vec<_> = (0..1000)
        .map(|n| first_gap + n * (KEPT_CLUSTERS + 3))
        .map(|lcn| lcn..lcn + KEPT_CLUSTERS)
        .collect();
    let spec = VolumeSpec {
        cluster_bytes: 512,
        ..spec(2048)
    };
    // All the rest is kept free.
    keep_free.last_mut().unwrap().end = spec.size_bytes / 512 - 1;
    let builder = |data_clusters: u64| {
        let mut builder = NtfsBuilder::new(VolumeSpec {
            keep_free: keep_free.clone(),
            ..spec.clone()
        });
        let root = builder.root();
        let content = Content::Keyed {
            key: StreamKey(1),
            size_bytes: data_clusters * 512,
        };
        builder.add(root, "data", NodeSpec::file(content));
        builder
    };
    // As much data as the plan lets in.
    let plan = builder(1000).plan().unwrap();
    let data_clusters = 1000 + plan.clusters - plan.needed_clusters;
    let mut writer = builder(data_clusters).writer(std::io::empty()).unwrap();
    let size_bytes = data_clusters * 512;
    writer
        .begin_stream(StreamKey(1), StreamForm::Plain, size_bytes)
        .unwrap();
    writer
        .write(&vec![1; usize::try_from(size_bytes).unwrap()])
        .unwrap();
    writer.end_stream().unwrap();
    let error = writer.finish().expect_err("too many pieces");
    assert_eq!(
        error.to_string(),
        "system file in too many pieces, record: 6 violates clusters to be kept free that leave larger gaps"
    );
}

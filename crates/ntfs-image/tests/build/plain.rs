//! Directories, files, streams, links.

use ntfs_image::{Content, NodeSpec, NtfsBuilder, StreamForm, StreamKey, StreamSpec};

use crate::support::{build, check, noise, spec, units};

#[test]
fn empty_volume_is_clean() {
    let volume = build(NtfsBuilder::new(spec(32)), &[]);
    check(&volume.path, 512);
}

#[test]
fn files_in_directories_are_clean() {
    let mut builder = NtfsBuilder::new(spec(64));
    let root = builder.root();
    let mut deliveries = Vec::new();
    for d in 0..20u64 {
        let dir = builder.add(root, &format!("directory number {d}"), NodeSpec::directory());
        for f in 0..20u64 {
            let key = StreamKey(d * 100 + f);
            let bytes = noise(usize::try_from(f * f * 97).unwrap(), key.0);
            let content = Content::Keyed {
                key,
                size_bytes: bytes.len() as u64,
            };
            let mut node = NodeSpec::file(content);
            if f == 7 {
                node.streams.push(StreamSpec::named(
                    units("extra"),
                    Content::Bytes(noise(50_000, 7)),
                ));
                node.streams
                    .push(StreamSpec::named(units("small"), Content::Bytes(noise(50, 8))));
            }
            let node = builder.add(dir, &format!("file {f}.dat"), node);
            if f == 9 {
                builder.add_name(root, node, &units(&format!("link to {d}")), None);
            }
            deliveries.push((key, StreamForm::Plain, bytes));
        }
    }
    let volume = build(builder, &deliveries);
    check(&volume.path, 512);
    assert!(volume.report.write_calls < 10, "{:?}", volume.report);
    assert_eq!(volume.report.record_count, volume.plan.record_count);
}

//! Random trees: built, checked, and read back equal.

use ntfs_image::{
    Content, DosNames, Metadata, NodeId, NodeSpec, ReparsePoint, StreamForm, StreamKey, StreamSpec,
    VolumeSpec,
};
use proptest::prelude::*;

use crate::readback::read_back;
use crate::recorder::Recorder;
use crate::support::{check, descriptor, noise, spec};

/// One step: what is added, and where.
#[derive(Clone, Debug)]
struct Step {
    directory: bool,
    parent: usize,
    name: String,
    size: usize,
    keyed: bool,
    sparse: bool,
    streams: Vec<usize>,
    links: usize,
    owner: Option<u32>,
    extra: u8,
    time: u64,
}

fn step() -> impl Strategy<Value = Step> {
    let name = prop_oneof!["[a-zA-Z0-9 ._~+-]{1,40}", "\\PC{1,12}", "[a-z]{1,8}\\.[a-z]{1,3}"];
    let size = prop_oneof![0usize..900, 900usize..20_000, 60_000usize..300_000];
    (
        (
            any::<bool>(),
            any::<usize>(),
            name,
            size,
            any::<bool>(),
            any::<bool>(),
        ),
        (
            proptest::collection::vec(0usize..2000, 0..4),
            0usize..12,
            proptest::option::of(0u32..40),
            0u8..12,
            any::<u32>(),
        ),
    )
        .prop_map(
            |((directory, parent, name, size, keyed, sparse), (streams, links, owner, extra, time))| Step {
                directory,
                parent,
                name,
                size,
                keyed,
                sparse,
                streams,
                links,
                owner,
                extra,
                time: u64::from(time) << 20,
            },
        )
}

/// A name that is allowed and that no other entry has.
fn unique(name: &str, number: usize) -> Vec<u16> {
    let clean: String = name.chars().filter(|c| !"/\\:\0".contains(*c)).collect();
    format!("{clean}{number}").encode_utf16().collect()
}

fn record(spec: VolumeSpec, steps: &[Step]) -> Recorder {
    let mut recorder = Recorder::new(spec);
    let mut directories = vec![recorder.root()];
    for (number, step) in steps.iter().enumerate() {
        let content = |size: usize, seed: u64| Content::Bytes(noise(size, seed));
        let mut node = if step.directory {
            NodeSpec::directory()
        } else {
            NodeSpec::default()
        };
        node.metadata = Metadata {
            attributes: node.metadata.attributes | u32::from(step.extra & 3) << 5 & 0x20,
            creation_time: step.time,
            modification_time: step.time + 1,
            change_time: step.time + 2,
            access_time: step.time + 3,
            security: step
                .owner
                .map(|owner| recorder.add_security_descriptor(&descriptor(owner))),
        };
        if !step.directory {
            let mut bytes = noise(step.size, number as u64);
            if step.sparse {
                let half = bytes.len() / 2;
                bytes[half..].fill(0);
            }
            let key = StreamKey(number as u64);
            let mut stream = StreamSpec::unnamed(if step.keyed {
                Content::Keyed {
                    key,
                    size_bytes: bytes.len() as u64,
                }
            } else {
                Content::Bytes(bytes.clone())
            });
            stream.sparse = step.sparse;
            node.streams.push(stream);
            if step.keyed {
                recorder.deliver(key, StreamForm::Plain, bytes.clone(), bytes);
            }
        }
        for (n, size) in step.streams.iter().enumerate() {
            let name = format!("stream {n}").encode_utf16().collect();
            node.streams
                .push(StreamSpec::named(name, content(*size, n as u64)));
        }
        match step.extra {
            4 => node.object_id = Some(noise(16, number as u64 + 1)),
            5 => {
                node.reparse = Some(ReparsePoint {
                    tag: 0xA000_000C,
                    reserved: 0,
                    data: noise(step.size % 3000, 1).into(),
                });
            }
            _ => {}
        }
        let parent = directories[step.parent % directories.len()];
        let node = recorder.add_node(node);
        let name = unique(&step.name, number);
        let dos = (step.extra == 6).then(|| format!("D{number}~1").encode_utf16().collect::<Vec<_>>());
        recorder.add_name(parent, node, &name, dos.as_deref());
        if step.directory {
            directories.push(node);
        } else {
            for link in 0..step.links {
                let parent: NodeId = directories[(step.parent / 3 + link) % directories.len()];
                recorder.add_name(
                    parent,
                    node,
                    &unique(&step.name, 10_000 + number * 100 + link),
                    None,
                );
            }
        }
    }
    recorder
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn random_trees_read_back_equal(
        steps in proptest::collection::vec(step(), 1..120),
        shift in 9u32..=16,
        generate in any::<bool>(),
    ) {
        let dos_names = if generate { DosNames::Generate } else { DosNames::Given };
        let recorder = record(VolumeSpec { cluster_bytes: 1 << shift, dos_names, ..spec(96) }, &steps);
        let (volume, recorded) = recorder.build();
        // The `ntfs` crate counts index blocks in clusters where larger clusters make it 512-byte units.
        if shift <= 12 {
            read_back(&volume.path, &recorded);
        }
        check(&volume.path, 512);
    }
}

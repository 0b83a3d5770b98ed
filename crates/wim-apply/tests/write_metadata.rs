//! Any image that the format can hold is read back as it was written.

use proptest::prelude::*;
use wim_apply::{BlobHash, Dentry, DentryId, Image, Inode, InodeId, Limits, Stream, StreamKind, TaggedItem};

/// What an entry is made of.
#[derive(Clone, Debug)]
struct Spec {
    name: Vec<u16>,
    short_name: Vec<u16>,
    parent: prop::sample::Index,
    /// A further name of an earlier file.
    link: Option<prop::sample::Index>,
    attributes: u32,
    times: [u64; 3],
    security: Option<prop::sample::Index>,
    tag: u32,
    fixed_up: bool,
    data: Option<[u8; 20]>,
    reparse: [u8; 20],
    named: Vec<(Vec<u16>, Option<[u8; 20]>)>,
    tagged: Vec<(u32, Vec<u8>)>,
}

fn name() -> impl Strategy<Value = Vec<u16>> {
    // Unpaired surrogates are names, too.
    prop::collection::vec(1_u16.., 1..12)
}

fn hash() -> impl Strategy<Value = [u8; 20]> {
    any::<[u8; 20]>().prop_filter("zero is no hash", |hash| *hash != [0; 20])
}

fn spec() -> impl Strategy<Value = Spec> {
    let attributes = prop::sample::select(vec![0x20, 0x10, 0x10, 0x420, 0x410, 0x80, 0x4020, 0x36]);
    let named = prop::collection::vec((name(), prop::option::of(hash())), 0..3);
    let tagged = prop::collection::vec((1_u32.., prop::collection::vec(any::<u8>(), 0..20)), 0..3);
    let first = (
        name(),
        prop_oneof![Just(Vec::new()), name()],
        any::<prop::sample::Index>(),
    );
    let second = (
        prop::option::weighted(0.2, any::<prop::sample::Index>()),
        attributes,
        any::<[u64; 3]>(),
    );
    let third = (any::<Option<prop::sample::Index>>(), any::<u32>(), any::<bool>());
    let fourth = (prop::option::of(hash()), hash(), named, tagged);
    (first, second, third, fourth).prop_map(|(first, second, third, fourth)| Spec {
        name: first.0,
        short_name: first.1,
        parent: first.2,
        link: second.0,
        attributes: second.1,
        times: second.2,
        security: third.0,
        tag: third.1,
        fixed_up: third.2,
        data: fourth.0,
        reparse: fourth.1,
        named: fourth.2,
        tagged: fourth.3,
    })
}

fn inode(spec: &Spec, descriptors: usize) -> Inode {
    let mut inode = Inode {
        attributes: spec.attributes,
        creation_time: spec.times[0],
        last_access_time: spec.times[1],
        last_write_time: spec.times[2],
        security: spec
            .security
            .as_ref()
            .filter(|_| descriptors > 0)
            .map(|index| u32::try_from(index.index(descriptors)).expect("few")),
        tagged_items: spec
            .tagged
            .iter()
            .map(|(tag, data)| TaggedItem {
                tag: *tag,
                data: data.clone(),
            })
            .collect(),
        ..Inode::default()
    };
    let mut push = |kind, name: &[u16], hash: Option<[u8; 20]>| {
        inode.streams.push(Stream {
            kind,
            name: name.into(),
            hash: BlobHash(hash.unwrap_or_default()),
            blob: None,
            size_bytes: 0,
        });
    };
    if spec.attributes & 0x400 != 0 {
        push(StreamKind::ReparsePoint, &[], Some(spec.reparse));
    }
    // A reparse point without data is not told from one with empty data.
    let file = spec.attributes & 0x10 == 0;
    let says_nothing = spec.data.is_none() && (!file || spec.attributes & 0x400 != 0);
    if (file || spec.attributes & 0x4000 != 0) && !says_nothing {
        let kind = if spec.attributes & 0x4000 == 0 {
            StreamKind::Data
        } else {
            StreamKind::EfsRaw
        };
        push(kind, &[], spec.data);
    }
    for (name, hash) in &spec.named {
        push(StreamKind::Data, name, *hash);
    }
    if spec.attributes & 0x400 != 0 {
        inode.reparse_tag = spec.tag;
        inode.reparse_fixed_up = spec.fixed_up;
    }
    inode
}

/// Parent, name, short name, inode.
type Entry<'a> = (Option<usize>, &'a [u16], &'a [u16], usize);

/// An image in the order in which it is read: the entries of a directory together, its first directory next.
fn image(specs: &[Spec], descriptors: Vec<Vec<u8>>) -> Image {
    let mut root = Inode {
        attributes: 0x10,
        link_count: 1,
        ..Inode::default()
    };
    root.security = (!descriptors.is_empty()).then_some(0);
    let mut tree: Vec<Entry<'_>> = vec![(None, &[], &[], 0)];
    let mut inodes = vec![root];
    for spec in specs {
        let directories: Vec<usize> = (0..tree.len())
            .filter(|&at| inodes[tree[at].3].is_directory() && !inodes[tree[at].3].is_reparse_point())
            .collect();
        let parent = directories[spec.parent.index(directories.len())];
        if tree
            .iter()
            .any(|entry| entry.0 == Some(parent) && *entry.1 == *spec.name)
        {
            continue;
        }
        let files: Vec<usize> = (0..inodes.len())
            .filter(|&at| !inodes[at].is_directory() && !inodes[at].is_reparse_point())
            .collect();
        let number = match &spec.link {
            Some(link) if !files.is_empty() => files[link.index(files.len())],
            _ => {
                inodes.push(inode(spec, descriptors.len()));
                inodes.len() - 1
            }
        };
        inodes[number].link_count += u32::from(number != 0);
        tree.push((Some(parent), &spec.name, &spec.short_name, number));
    }
    let mut out = Image {
        security_descriptors: descriptors,
        ..Image::default()
    };
    let mut inode_map = vec![None; inodes.len()];
    let mut add = |out: &mut Image, at: usize, parent: DentryId| {
        let id = DentryId(u32::try_from(out.dentries.len()).expect("few"));
        let number = *inode_map[tree[at].3].get_or_insert_with(|| {
            out.inodes.push(inodes[tree[at].3].clone());
            InodeId(u32::try_from(out.inodes.len() - 1).expect("few"))
        });
        if id != parent {
            out.dentries[parent.0 as usize].children.push(id);
        }
        out.dentries.push(Dentry {
            name: tree[at].1.into(),
            short_name: tree[at].2.into(),
            parent,
            inode: number,
            children: Vec::new(),
        });
        id
    };
    let mut pending = vec![(0, add(&mut out, 0, Image::ROOT))];
    while let Some((directory, id)) = pending.pop() {
        let first = pending.len();
        for (at, entry) in tree.iter().enumerate().skip(1) {
            if entry.0 == Some(directory) {
                pending.push((at, add(&mut out, at, id)));
            }
        }
        pending[first..].reverse();
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn written_is_read(specs in prop::collection::vec(spec(), 0..40), descriptors in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..4)) {
        let written = image(&specs, descriptors);
        let bytes = written.encode_metadata().unwrap();
        let read = Image::parse_metadata(&bytes, &Limits::default(), &|_| None).unwrap();
        prop_assert_eq!(&read.warnings, &Vec::<String>::new());
        prop_assert_eq!(format!("{written:#?}"), format!("{read:#?}"));
        prop_assert_eq!(bytes, read.encode_metadata().unwrap());
    }
}

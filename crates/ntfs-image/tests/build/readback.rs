//! Volumes read by the `ntfs` crate, and by ntfs-3g.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use ntfs::indexes::NtfsFileNameIndex;
use ntfs::structured_values::NtfsFileNamespace;
use ntfs::{Ntfs, NtfsAttributeType, NtfsReadSeek};
use ntfs_image::{Content, NodeSpec, StreamSpec, upcase};

use crate::recorder::Recorded;

/// What the `ntfs` crate finds of a record: attribute type and name to value.
type Attributes = BTreeMap<(u32, Vec<u16>), Vec<Vec<u8>>>;

fn record_of(node: u32) -> u64 {
    if node == 0 { 5 } else { 26 + u64::from(node) }
}

/// The `ntfs` crate finds what was described: every attribute of every record, every entry of every
/// directory, in order and by search.
pub(crate) fn read_back(volume: &Path, recorded: &Recorded) {
    let mut disk = std::io::BufReader::with_capacity(65536, File::open(volume).expect("volume"));
    let mut volume = Ntfs::new(&mut disk).expect("a volume");
    volume.read_upcase_table(&mut disk).expect("upcase table");
    let mut by_node: BTreeMap<u32, Vec<&[u16]>> = BTreeMap::new();
    let mut by_parent: BTreeMap<u32, Vec<(&[u16], u32)>> = BTreeMap::new();
    for (parent, node, name, _) in &recorded.names {
        by_node.entry(*node).or_default().push(name);
        by_parent.entry(*parent).or_default().push((name, *node));
    }
    for (index, node) in (0..).zip(&recorded.nodes) {
        let found = attributes(&volume, &mut disk, record_of(index));
        let at = format!(
            "node {index} {:?}",
            by_node
                .get(&index)
                .map(|names| String::from_utf16_lossy(names[0]))
        );
        if index != 0 {
            compare(recorded, node, &by_node[&index], &found, &at);
        }
        if node.metadata.attributes & 0x10 != 0 {
            let names = by_parent.remove(&index).unwrap_or_default();
            compare_directory(&volume, &mut disk, index, &names, &at);
        }
    }
}

fn attributes<T: Read + Seek>(volume: &Ntfs, disk: &mut T, record: u64) -> Attributes {
    let file = volume
        .file(disk, record)
        .unwrap_or_else(|e| panic!("record {record}: {e}"));
    let mut out = Attributes::new();
    let mut all = file.attributes();
    while let Some(item) = all.next(disk) {
        let item = item.unwrap_or_else(|e| panic!("record {record}: {e}"));
        let attribute = item.to_attribute().expect("attribute");
        let kind = attribute.ty().expect("type");
        let name: Vec<u16> = attribute
            .name()
            .expect("name")
            .0
            .chunks_exact(2)
            .map(|b| u16::from_le_bytes([b[0], b[1]]))
            .collect();
        let mut value = attribute.value(disk).expect("value");
        let mut bytes = vec![0; usize::try_from(value.len()).expect("size")];
        value
            .read_exact(disk, &mut bytes)
            .unwrap_or_else(|e| panic!("record {record}, {kind:?}: {e}"));
        out.entry((kind as u32, name)).or_default().push(bytes);
    }
    out
}

fn compare(recorded: &Recorded, node: &NodeSpec, names: &[&[u16]], found: &Attributes, at: &str) {
    let one = |kind: NtfsAttributeType| {
        found
            .get(&(kind as u32, Vec::new()))
            .map(|values| values[0].clone())
    };
    let metadata = &node.metadata;
    let mut information = Vec::new();
    for time in [
        metadata.creation_time,
        metadata.modification_time,
        metadata.change_time,
        metadata.access_time,
    ] {
        information.extend(time.to_le_bytes());
    }
    information.extend(recorded.attributes(node).to_le_bytes());
    let standard = one(NtfsAttributeType::StandardInformation).expect("information");
    assert_eq!(standard[..36], information, "{at}");
    if let Some(security) = metadata.security {
        assert_eq!(standard[52..56], security.0.to_le_bytes(), "{at}");
    }

    let mut long: Vec<Vec<u16>> = found[&(NtfsAttributeType::FileName as u32, Vec::new())]
        .iter()
        .filter(|value| value[65] != NtfsFileNamespace::Dos as u8)
        .map(|value| {
            value[66..]
                .chunks_exact(2)
                .map(|b| u16::from_le_bytes([b[0], b[1]]))
                .collect()
        })
        .collect();
    let mut given: Vec<Vec<u16>> = names.iter().map(|name| name.to_vec()).collect();
    long.sort();
    given.sort();
    assert_eq!(long, given, "{at}");

    let directory = metadata.attributes & 0x10 != 0;
    let mut streams: BTreeMap<Vec<u16>, Vec<u8>> = node
        .streams
        .iter()
        .map(|stream| (stream.name.clone(), recorded.plain(stream)))
        .collect();
    if let Some((_, stored)) = recorded.compact(node) {
        streams.insert("WofCompressedData".encode_utf16().collect(), stored.to_vec());
        if let Some(unnamed) = streams.get_mut(&Vec::new()) {
            unnamed.fill(0);
        }
    }
    if !directory {
        streams
            .entry(Vec::new())
            .or_insert_with(|| recorded.plain(&StreamSpec::unnamed(Content::Bytes(Vec::new()))));
    }
    let data: BTreeMap<Vec<u16>, Vec<u8>> = found
        .iter()
        .filter(|((kind, _), _)| *kind == NtfsAttributeType::Data as u32)
        .map(|((_, name), values)| (name.clone(), values[0].clone()))
        .collect();
    assert_eq!(
        data.keys().collect::<Vec<_>>(),
        streams.keys().collect::<Vec<_>>(),
        "{at}"
    );
    for (name, bytes) in &streams {
        assert!(
            data[name] == *bytes,
            "{at}: stream {:?} differs",
            String::from_utf16_lossy(name)
        );
    }

    assert_eq!(
        one(NtfsAttributeType::ObjectId),
        node.object_id.as_ref().map(|id| id[..16].to_vec()),
        "{at}"
    );
    if let Some(reparse) = &node.reparse {
        let value = one(NtfsAttributeType::ReparsePoint).expect("reparse point");
        assert_eq!(value[..4], reparse.tag.to_le_bytes(), "{at}");
        assert_eq!(value[8..], **reparse.data, "{at}");
    }
    if let Some(list) = &node.extended_attributes {
        let packed = one(NtfsAttributeType::EA).expect("extended attributes");
        assert_eq!(packed.len(), list.len(), "{at}");
        assert_eq!(packed[4..8], list[4..8], "{at}");
    }
}

fn compare_directory<T: Read + Seek>(
    volume: &Ntfs,
    disk: &mut T,
    node: u32,
    names: &[(&[u16], u32)],
    at: &str,
) {
    let file = volume.file(disk, record_of(node)).expect("record");
    let index = file.directory_index(disk).expect("index");
    let mut entries = index.entries();
    let mut found: Vec<(Vec<u16>, u64)> = Vec::new();
    let mut last: Option<Vec<u16>> = None;
    while let Some(entry) = entries.next(disk) {
        let entry = entry.unwrap_or_else(|e| panic!("{at}: {e}"));
        let key = entry.key().expect("key").expect("file name");
        let name: Vec<u16> = key
            .name()
            .0
            .chunks_exact(2)
            .map(|b| u16::from_le_bytes([b[0], b[1]]))
            .collect();
        let upper: Vec<u16> = name.iter().map(|&unit| upcase(unit)).collect();
        assert!(
            last.as_ref().is_none_or(|last| *last <= upper),
            "{at}: order at {}",
            String::from_utf16_lossy(&name)
        );
        last = Some(upper);
        let record = entry.file_reference().file_record_number();
        if record >= 27 && key.namespace() != NtfsFileNamespace::Dos {
            found.push((name, record));
        }
    }
    let mut given: Vec<(Vec<u16>, u64)> = names
        .iter()
        .map(|(name, node)| (name.to_vec(), record_of(*node)))
        .collect();
    found.sort();
    given.sort();
    assert_eq!(found, given, "{at}");
    for (name, node) in names.iter().step_by(7) {
        let Ok(text) = String::from_utf16(name) else {
            continue;
        };
        let twins = names.iter().filter(|(other, _)| {
            other
                .iter()
                .map(|&unit| upcase(unit))
                .eq(name.iter().map(|&unit| upcase(unit)))
        });
        if twins.count() == 1 {
            let mut finder = index.finder();
            let entry = NtfsFileNameIndex::find(&mut finder, volume, disk, &text)
                .unwrap_or_else(|| panic!("{at}: {text} is not found"))
                .expect("entry");
            assert_eq!(
                entry.file_reference().file_record_number(),
                record_of(*node),
                "{at}: {text}"
            );
        }
    }
    disk.seek(SeekFrom::Start(0)).expect("seek");
}

/// ntfs-3g shows what was described, its raw metadata included.
pub(crate) fn compare_with_ntfs3g(volume: &Path, recorded: &Recorded) {
    let Some(mut found) = testkit::manifest::from_ntfs3g(volume) else {
        return;
    };
    let mut expected = recorded.manifest();
    found.0.remove("");
    for (path, facts) in &mut found.0 {
        // What stands behind a reparse point is the reader's matter.
        if facts.contains_key("reparse") {
            facts.retain(|name, _| {
                !["type", "size", "target", "links"].contains(&name.as_str()) && !name.starts_with("sha1")
            });
        }
        // A name that is its own DOS name was not given one.
        let name = path.rsplit('/').next().unwrap_or_default();
        if facts
            .get("dos_name")
            .is_some_and(|dos| dos.eq_ignore_ascii_case(name))
        {
            facts.remove("dos_name");
        }
        // Neither "normal" nor "directory" is stored; ntfs-3g makes them up for some.
        if let Some(attributes) = facts.get_mut("attributes") {
            let stored = u32::from_str_radix(attributes, 16).expect("attributes") & !0x90;
            *attributes = format!("{stored:08x}");
        }
        // Descriptors that were not given are the builder's own choice.
        if expected
            .0
            .get(path)
            .is_some_and(|facts| !facts.contains_key("acl"))
        {
            facts.remove("acl");
        }
    }
    expected = expected.without_facts(&["target"]);
    found.assert_same_shared(&expected, "ntfs-3g and what was described");
}

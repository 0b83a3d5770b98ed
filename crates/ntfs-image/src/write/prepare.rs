//! From the described tree to one that can be written: everything checked, names ordered, namespaces and
//! places decided.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::geometry::Geometry;
use super::record::capacity;
use super::secure::Descriptors;
use super::tree::{NONE, Node, Source, Stream, Tree};
use super::{BuildError, Warning};
use crate::layout::{EFS_BYTES, EFS_SECTOR_BYTES, file_attribute, record};
use crate::spec::{EncryptedLengths, NodeId, StreamKey, VolumeSpec};
use crate::upcase::upcase_table;

/// Most names that Windows gives a file.
const MAX_LINKS: usize = 1024;
/// Most clusters of a file.
///
/// # Source
/// Microsoft, "NTFS overview", limits: 16 TiB with clusters of 4096 bytes, 256 TiB with 64 KiB.
const MAX_CLUSTERS_OF_A_FILE: u64 = u32::MAX as u64;
/// Most bytes of all streams: far more than any volume holds, and no sum of them overflows.
const MAX_TOTAL_BYTES: u64 = 1 << 60;
/// Longest reparse point, header included.
const MAX_REPARSE_BYTES: usize = 16 * 1024;
/// Entries of the root directory that are system files: name and record, in the order of the index.
pub(super) const SYSTEM_NAMES: [(&str, u64); 12] = [
    ("$AttrDef", record::ATTRIBUTE_DEFINITIONS),
    ("$BadClus", record::BAD_CLUSTERS),
    ("$Bitmap", record::BITMAP),
    ("$Boot", record::BOOT),
    ("$Extend", record::EXTEND),
    ("$LogFile", record::LOG_FILE),
    ("$MFT", record::MFT),
    ("$MFTMirr", record::MFT_MIRROR),
    ("$Secure", record::SECURE),
    ("$UpCase", record::UPCASE),
    ("$Volume", record::VOLUME),
    (".", record::ROOT),
];
/// First of the entry numbers that mean system files.
pub(super) const FIRST_SYSTEM: u32 = NONE - 16;

/// An entry of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// A name of a node; the DOS one if `dos`.
    Name { name: u32, dos: bool },
    /// `SYSTEM_NAMES[n]`.
    System(usize),
}

/// A tree that can be written.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) geometry: Geometry,
    /// Per node: where its names start in `node_names`; one more at the end.
    node_at: Vec<u32>,
    node_names: Vec<u32>,
    /// Per node: where its entries start in `entries`; one more at the end.
    pub(super) entry_at: Vec<u32>,
    /// Sorted within a directory: twice the number of the name, plus one for its DOS name.
    pub(super) entries: Vec<u32>,
    /// Sorted by key.
    pub(super) keys: Vec<(u64, u32)>,
    pub(super) warnings: Vec<Warning>,
}

impl Prepared {
    /// Names of a node, in the order they were added.
    pub(super) fn names_of(&self, node: u32) -> &[u32] {
        let at = node as usize;
        &self.node_names[self.node_at[at] as usize..self.node_at[at + 1] as usize]
    }

    /// Number of entries of a directory.
    pub(super) fn entry_count(&self, node: u32) -> usize {
        (self.entry_at[node as usize + 1] - self.entry_at[node as usize]) as usize
    }

    /// Entry `at` of a directory, in the order of its index.
    pub(super) fn entry(&self, node: u32, at: usize) -> Entry {
        decode_entry(self.entries[self.entry_at[node as usize] as usize + at])
    }
}

pub(super) fn decode_entry(entry: u32) -> Entry {
    if entry >= FIRST_SYSTEM {
        Entry::System((entry - FIRST_SYSTEM) as usize)
    } else {
        Entry::Name {
            name: entry / 2,
            dos: entry % 2 == 1,
        }
    }
}

/// Code units of an entry's name.
pub(super) fn entry_name<'t>(tree: &'t Tree, entry: Entry, system: &'t [Vec<u16>]) -> &'t [u16] {
    match entry {
        Entry::Name { name, dos: false } => tree.name(name),
        Entry::Name { name, dos: true } => tree.dos_name(name),
        Entry::System(at) => &system[at],
    }
}

/// `SYSTEM_NAMES` as code units.
pub(super) fn system_names() -> Vec<Vec<u16>> {
    SYSTEM_NAMES
        .iter()
        .map(|(name, _)| name.encode_utf16().collect())
        .collect()
}

/// Order of names without regard to case.
pub(super) fn compare_ignoring_case(table: &[u16], a: &[u16], b: &[u16]) -> Ordering {
    let upper = |unit: &u16| table[usize::from(*unit)];
    a.iter().map(upper).cmp(b.iter().map(upper))
}

/// Checks everything and decides what does not depend on the delivery.
pub(super) fn prepare(
    spec: &VolumeSpec,
    tree: &mut Tree,
    descriptors: &Descriptors,
) -> Result<Prepared, BuildError> {
    let geometry = Geometry::new(spec)?;
    check_nodes(tree, descriptors, &geometry)?;
    let (node_at, node_names) = group(tree, |name| name.node);
    let mut prepared = Prepared {
        geometry,
        node_at,
        node_names,
        entry_at: Vec::new(),
        entries: Vec::new(),
        keys: Vec::new(),
        warnings: Vec::new(),
    };
    check_links(tree, &prepared)?;
    let dropped = tree
        .nodes
        .iter()
        .filter(|node| node.attributes & file_attribute::COMPRESSED != 0)
        .count();
    if dropped > 0 {
        prepared.warnings.push(Warning::CompressionDropped {
            nodes: dropped as u64,
        });
    }
    super::naming::name_directories(spec, tree, &mut prepared)?;
    let room = capacity(geometry.record_bytes);
    for node in 0..super::bytes::low32(tree.nodes.len()) {
        super::room::decide_places(tree, &prepared, node, room);
    }
    let streams = (0..).zip(&tree.streams);
    prepared.keys = streams
        .filter_map(|(at, stream)| match stream.source {
            Source::Key(key) => Some((key, at)),
            Source::Bytes(_) => None,
        })
        .collect();
    prepared.keys.sort_unstable();
    for pair in prepared.keys.windows(2) {
        let [(a, first), (b, second)] = pair else { continue };
        let sizes = [
            tree.streams[*first as usize].size,
            tree.streams[*second as usize].size,
        ];
        if a == b && sizes[0] != sizes[1] {
            return Err(BuildError::Delivery {
                key: StreamKey(*a),
                reason: "two sizes under one key",
                found: sizes[1],
                expected: sizes[0],
            });
        }
    }
    Ok(prepared)
}

/// Groups names by a node, keeping their order: starts, and numbers of names.
pub(super) fn group(tree: &Tree, by: impl Fn(&super::tree::Name) -> u32) -> (Vec<u32>, Vec<u32>) {
    let mut starts = vec![0u32; tree.nodes.len() + 1];
    for name in &tree.names {
        starts[by(name) as usize + 1] += 1;
    }
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    let mut next = starts.clone();
    let mut grouped = vec![0u32; tree.names.len()];
    for (at, name) in (0..).zip(&tree.names) {
        let slot = &mut next[by(name) as usize];
        grouped[*slot as usize] = at;
        *slot += 1;
    }
    (starts, grouped)
}

fn refuse(tree: &Tree, node: u32, reason: &'static str) -> BuildError {
    let exists = (node as usize) < tree.nodes.len();
    let path = if exists {
        tree.path(node)
    } else {
        format!("<node {node}>")
    };
    BuildError::Node {
        node: NodeId(node),
        path,
        reason,
    }
}

fn check_nodes(tree: &Tree, descriptors: &Descriptors, geometry: &Geometry) -> Result<(), BuildError> {
    let mut total_bytes = 0u64;
    for (at, node) in (0..).zip(&tree.nodes) {
        let bad = |reason| Err(refuse(tree, at, reason));
        if let Some(reason) = check_encryption(tree, node) {
            return bad(reason);
        }
        if node.security != 0 && !descriptors.contains(node.security) {
            return bad("unknown security descriptor");
        }
        if node.case_sensitive && !node.directory {
            return bad("only directories can be case-sensitive");
        }
        if let Some(extra) = tree.extra(node) {
            if extra
                .reparse
                .as_ref()
                .is_some_and(|reparse| reparse.data.len() + 8 > MAX_REPARSE_BYTES)
            {
                return bad("reparse point of more than 16 KiB");
            }
            if extra
                .object_id
                .as_ref()
                .is_some_and(|id| id.len() != 16 && id.len() != 64)
            {
                return bad("object id of other than 16 or 64 bytes");
            }
            if extra.extended.as_ref().is_some_and(|list| list.packed.is_empty()) {
                return bad("malformed or too many extended attributes");
            }
        }
        let mut seen = BTreeSet::new();
        for index in tree.streams_of(node) {
            let stream = &tree.streams[index];
            let name = tree.stream_name(stream);
            if name.is_empty() && node.directory {
                return bad("a directory has no unnamed stream");
            }
            if name
                .iter()
                .any(|&unit| unit == 0 || [b'/', b'\\', b':'].map(u16::from).contains(&unit))
            {
                return bad("stream name with NUL, slash, backslash or colon");
            }
            let upper: Vec<u16> = name
                .iter()
                .map(|&unit| upcase_table()[usize::from(unit)])
                .collect();
            if !seen.insert(upper) {
                return bad("two streams of one name");
            }
            if stream.size > MAX_CLUSTERS_OF_A_FILE * geometry.cluster {
                return bad("a stream of 2^32 clusters or more");
            }
            total_bytes = total_bytes.saturating_add(stream.size);
            if total_bytes > MAX_TOTAL_BYTES {
                return bad("with this file, the streams have more than 2^60 bytes");
            }
            if let Some(lcn) = tree.placements.get(stream.placement as usize) {
                if stream.sparse {
                    return bad("a placed stream cannot be sparse");
                }
                let end = lcn.saturating_add(geometry.clusters_for(stream.size));
                geometry.check_range("place of a stream", &(*lcn..end))?;
            }
        }
    }
    for name in &tree.names {
        let units = |at: u32| tree.nodes.get(at as usize);
        let Some(parent) = units(name.parent) else {
            return Err(refuse(tree, name.parent, "no such directory"));
        };
        if units(name.node).is_none() || name.node == 0 {
            return Err(refuse(tree, name.node, "no such node, or the root"));
        }
        if !parent.directory {
            return Err(refuse(tree, name.parent, "not a directory"));
        }
    }
    Ok(())
}

/// What is wrong with the encryption of a node.
fn check_encryption(tree: &Tree, node: &Node) -> Option<&'static str> {
    let efs = tree.extra(node).and_then(|extra| extra.efs.as_ref());
    let mut streams = tree.streams_of(node).map(|index| &tree.streams[index]);
    let Some(efs) = efs else {
        let encrypted = node.attributes & file_attribute::ENCRYPTED != 0;
        return if encrypted || streams.any(|stream| stream.encrypted != NONE) {
            Some("encrypted (EFS), but without $EFS metadata")
        } else {
            None
        };
    };
    if !EFS_BYTES.contains(&efs.len()) {
        return Some("$EFS metadata of other than 84 to 262,144 bytes");
    }
    let bad = |stream: &Stream| {
        let EncryptedLengths {
            size_bytes,
            valid_bytes,
        } = tree.lengths(stream);
        let sectors = size_bytes.checked_next_multiple_of(EFS_SECTOR_BYTES);
        stream.encrypted != NONE && (sectors != Some(stream.size) || valid_bytes > size_bytes)
    };
    streams
        .any(bad)
        .then_some("ciphertext that is not the stream's length in whole sectors of 512 bytes")
}

fn check_links(tree: &Tree, prepared: &Prepared) -> Result<(), BuildError> {
    let nodes = super::bytes::low32(tree.nodes.len());
    for node in 1..nodes {
        let names = prepared.names_of(node);
        let directory = tree.nodes[node as usize].directory;
        if names.is_empty() {
            return Err(refuse(tree, node, "has no name"));
        }
        if names.len() > MAX_LINKS || directory && names.len() > 1 {
            return Err(refuse(
                tree,
                node,
                "more than 1024 names, or more than one of a directory",
            ));
        }
        for &name in names {
            let units = tree.name(name);
            let forbidden = [b'/', b'\\', b':'].map(u16::from);
            if units.is_empty() || units.iter().any(|unit| *unit == 0 || forbidden.contains(unit)) {
                return Err(refuse(
                    tree,
                    node,
                    "name empty, longer than 255 code units, or with NUL, slash, backslash or colon",
                ));
            }
            if units == [u16::from(b'.'); 1] || units == [u16::from(b'.'); 2] {
                return Err(refuse(tree, node, "named . or .."));
            }
        }
    }
    // Every directory must hang below the root: follow the parents, marking each round.
    let mut round_of = vec![0u32; tree.nodes.len()];
    round_of[0] = NONE;
    for start in 1..nodes {
        let mut at = start;
        while round_of[at as usize] == 0 {
            round_of[at as usize] = start;
            at = tree.names[prepared.names_of(at)[0] as usize].parent;
            if round_of[at as usize] == start {
                return Err(refuse(tree, start, "in a circle of directories"));
            }
        }
    }
    Ok(())
}

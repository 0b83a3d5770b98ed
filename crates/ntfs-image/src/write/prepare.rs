//! From the described tree to one that can be written: everything checked, names ordered, namespaces and
//! places decided.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::attribute::{one_run_len, resident_len};
use super::geometry::Geometry;
use super::record::capacity;
use super::secure::Descriptors;
use super::tree::{NONE, Node, Source, Tree};
use super::{BuildError, Warning, dosname};
use crate::layout::{file_attribute, namespace, record};
use crate::spec::{DosNames, NodeId, StreamKey, VolumeSpec};
use crate::upcase::upcase_table;

/// Most names that Windows gives a file.
const MAX_LINKS: usize = 1024;
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
const FIRST_SYSTEM: u32 = NONE - 16;

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
    entry_at: Vec<u32>,
    /// Sorted within a directory: twice the number of the name, plus one for its DOS name.
    entries: Vec<u32>,
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

fn decode_entry(entry: u32) -> Entry {
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
fn compare_ignoring_case(table: &[u16], a: &[u16], b: &[u16]) -> Ordering {
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
    let unmarked = tree.nodes.iter().filter(|node| node.case_sensitive).count();
    if unmarked > 0 {
        prepared.warnings.push(Warning::CaseSensitivityNotMarked {
            directories: unmarked as u64,
        });
    }
    name_directories(spec, tree, &mut prepared)?;
    let room = capacity(geometry.record_bytes);
    for node in 0..super::bytes::low32(tree.nodes.len()) {
        decide_places(tree, &prepared, node, room);
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
fn group(tree: &Tree, by: impl Fn(&super::tree::Name) -> u32) -> (Vec<u32>, Vec<u32>) {
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
    for (at, node) in (0..).zip(&tree.nodes) {
        let bad = |reason| Err(refuse(tree, at, reason));
        if node.attributes & file_attribute::ENCRYPTED != 0 {
            return bad("encrypted (EFS) files and directories cannot be stored");
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

/// Namespaces, DOS names, and the order of every directory.
fn name_directories(spec: &VolumeSpec, tree: &mut Tree, prepared: &mut Prepared) -> Result<(), BuildError> {
    let mut dropped = 0u64;
    for node in 1..super::bytes::low32(tree.nodes.len()) {
        dropped += choose_dos_name(spec.dos_names, tree, prepared.names_of(node));
    }
    if dropped > 0 {
        prepared
            .warnings
            .push(Warning::DosNamesDropped { names: dropped });
    }
    let (starts, grouped) = group(tree, |name| name.parent);
    let system = system_names();
    let mut collisions = 0;
    let mut lost = 0;
    prepared.entry_at.reserve_exact(tree.nodes.len() + 1);
    prepared.entries.reserve(grouped.len());
    let mut entries: Vec<u32> = Vec::new();
    for node in 0..super::bytes::low32(tree.nodes.len()) {
        prepared
            .entry_at
            .push(super::bytes::low32(prepared.entries.len()));
        let at = node as usize;
        let names = &grouped[starts[at] as usize..starts[at + 1] as usize];
        if spec.dos_names == DosNames::Generate {
            generate_dos_names(tree, names);
        }
        entries.clear();
        for &name in names {
            entries.push(name * 2);
            if tree.names[name as usize].dos_len > 0 {
                entries.push(name * 2 + 1);
            }
        }
        if node == 0 {
            entries.extend((FIRST_SYSTEM..).take(SYSTEM_NAMES.len()));
        }
        let (same, gone) = order_directory(tree, node, &mut entries, &system)?;
        if !tree.nodes[at].case_sensitive {
            collisions += same;
        }
        lost += gone;
        prepared.entries.extend_from_slice(&entries);
    }
    prepared
        .entry_at
        .push(super::bytes::low32(prepared.entries.len()));
    if lost > 0 {
        prepared.warnings.push(Warning::DosNamesDropped { names: lost });
    }
    if collisions > 0 {
        prepared
            .warnings
            .push(Warning::NamesDifferOnlyInCase { names: collisions });
    }
    Ok(())
}

/// At most one name of a node is a DOS name or has one. Marks names that shall get a generated one with the
/// namespace `WIN32`; returns how many given DOS names were dropped.
fn choose_dos_name(rule: DosNames, tree: &mut Tree, names: &[u32]) -> u64 {
    let table = upcase_table();
    let mut dropped = 0;
    let mut primary = names
        .iter()
        .position(|&name| dosname::is_legal(tree.dos_name(name)) && dosname::is_legal_long(tree.name(name)));
    for (at, &name) in names.iter().enumerate() {
        if tree.names[name as usize].dos_len > 0 && Some(at) != primary {
            tree.names[name as usize].dos_len = 0;
            dropped += 1;
        }
    }
    if primary.is_none() {
        primary = match rule {
            DosNames::Given => names.iter().position(|&name| dosname::is_legal(tree.name(name))),
            DosNames::Generate => names
                .iter()
                .position(|&name| dosname::is_legal_long(tree.name(name))),
        };
    }
    if let Some(&name) = primary.and_then(|at| names.get(at)) {
        let parent = tree.names[name as usize].parent;
        let case_sensitive = tree.nodes[parent as usize].case_sensitive;
        let same = compare_ignoring_case(table, tree.name(name), tree.dos_name(name)).is_eq();
        let legal = dosname::is_legal(tree.name(name));
        let entry = &mut tree.names[name as usize];
        if legal && (same || entry.dos_len == 0) {
            entry.dos_len = 0;
            entry.namespace = if case_sensitive {
                namespace::POSIX
            } else {
                namespace::WIN32_AND_DOS
            };
        } else if entry.dos_len > 0 || rule == DosNames::Generate && !case_sensitive {
            entry.namespace = namespace::WIN32;
        }
    }
    dropped
}

fn generate_dos_names(tree: &mut Tree, names: &[u32]) {
    let wanting = |tree: &Tree, name: u32| {
        let name = &tree.names[name as usize];
        name.namespace == namespace::WIN32 && name.dos_len == 0
    };
    if !names.iter().any(|&name| wanting(tree, name)) {
        return;
    }
    let table = upcase_table();
    let upper = |units: &[u16]| {
        units
            .iter()
            .map(|&unit| table[usize::from(unit)])
            .collect::<Vec<_>>()
    };
    let mut taken = BTreeSet::new();
    for &name in names {
        for units in [tree.name(name), tree.dos_name(name)] {
            if units.len() <= 12 {
                taken.insert(upper(units));
            }
        }
    }
    for &name in names {
        if wanting(tree, name) {
            let dos = dosname::generate(tree.name(name), &mut taken);
            tree.set_dos_name(name, &dos);
        }
    }
}

/// Sorts the entries of a directory and settles names that are the same. Returns how many names differ only
/// in case, and how many DOS names were dropped.
fn order_directory(
    tree: &mut Tree,
    node: u32,
    entries: &mut Vec<u32>,
    system: &[Vec<u16>],
) -> Result<(u64, u64), BuildError> {
    let table = upcase_table();
    entries.sort_unstable_by(|&a, &b| {
        let (x, y) = (
            entry_name(tree, decode_entry(a), system),
            entry_name(tree, decode_entry(b), system),
        );
        compare_ignoring_case(table, x, y)
            .then_with(|| x.cmp(y))
            .then_with(|| a.cmp(&b))
    });
    let mut plain: BTreeMap<u32, bool> = BTreeMap::new();
    let mut lost = 0;
    for pair in entries.windows(2) {
        let (a, b) = (decode_entry(pair[0]), decode_entry(pair[1]));
        let (x, y) = (entry_name(tree, a, system), entry_name(tree, b, system));
        if compare_ignoring_case(table, x, y).is_ne() {
            continue;
        }
        match (a, b) {
            (Entry::Name { name, dos: true }, _) | (_, Entry::Name { name, dos: true }) => {
                plain.entry(name).or_insert(false);
                lost += 1;
            }
            (Entry::Name { name: first, .. }, Entry::Name { name: second, .. }) if x != y => {
                plain.insert(first, true);
                plain.insert(second, true);
            }
            (Entry::Name { name, .. }, _) | (_, Entry::Name { name, .. }) => {
                let units = String::from_utf16_lossy(tree.name(name));
                let parent = tree.path(node);
                return Err(BuildError::DuplicateName {
                    path: format!("{parent}\\{units}"),
                });
            }
            (Entry::System(_), Entry::System(_)) => {}
        }
    }
    let collisions = plain.values().filter(|collides| **collides).count() as u64;
    for name in plain.keys() {
        let name = &mut tree.names[*name as usize];
        name.namespace = namespace::POSIX;
        name.dos_len = 0;
    }
    if !plain.is_empty() {
        entries.retain(|&entry| match decode_entry(entry) {
            Entry::Name { name, dos } => !dos || tree.names[name as usize].dos_len > 0,
            Entry::System(_) => true,
        });
    }
    Ok((collisions, lost))
}

/// Length of an encoded `$FILE_NAME` attribute.
fn file_name_len(units: usize) -> usize {
    resident_len(0, 66 + 2 * units)
}

/// What the names of a node take in its record.
fn names_cost(tree: &Tree, prepared: &Prepared, at: u32, room: usize) -> usize {
    let mut cost = if at == 0 { file_name_len(1) } else { 0 };
    for &name in prepared.names_of(at) {
        cost += file_name_len(tree.name(name).len());
        let dos = tree.names[name as usize].dos_len;
        if dos > 0 {
            cost += file_name_len(usize::from(dos));
        }
        if cost > room / 2 {
            // The rest goes to other records, under an attribute list.
            return cost + one_run_len(0, false);
        }
    }
    cost
}

/// Longest reparse point or extended attributes that stay in the record of a node: what its index, its names
/// and an attribute list leave, and no more than half a record.
pub(super) fn small_value_limit(tree: &Tree, prepared: &Prepared, at: u32, room: usize) -> usize {
    let directory = tree.nodes[at as usize].directory;
    let others = resident_len(0, 72)
        + names_cost(tree, prepared, at, room)
        + one_run_len(0, false)
        + if directory {
            LARGE_INDEX_COST + 32 + super::index::LEAST_LARGE_ROOT_BYTES
        } else {
            one_run_len(0, false)
        };
    (room / 2).min(room.saturating_sub(others + resident_len(0, 0)))
}

/// What a node's record must hold beside its streams and its index.
fn fixed_cost(tree: &Tree, prepared: &Prepared, at: u32, node: &Node, room: usize) -> usize {
    let mut cost = resident_len(0, 72) + names_cost(tree, prepared, at, room);
    if at == 0 {
        cost += resident_len(0, super::secure::ROOT_DESCRIPTOR.len());
    }
    if let Some(extra) = tree.extra(node) {
        let limit = small_value_limit(tree, prepared, at, room);
        let value = |bytes| {
            if bytes <= limit {
                resident_len(0, bytes)
            } else {
                one_run_len(0, false)
            }
        };
        if extra.object_id.is_some() {
            cost += resident_len(0, 16);
        }
        if let Some(reparse) = &extra.reparse {
            cost += value(reparse.data.len() + 8);
        }
        if let Some(extended) = &extra.extended {
            cost += resident_len(0, 8) + value(extended.packed.len());
        }
    }
    if tree.compact_stream(node).is_some() {
        cost += resident_len(0, 8 + 16);
    }
    cost
}

/// Decides which streams of a node lie in its record.
fn decide_places(tree: &mut Tree, prepared: &Prepared, at: u32, room: usize) {
    let node = &tree.nodes[at as usize];
    if node.stream_count == 0 {
        return;
    }
    let mut left = room.saturating_sub(fixed_cost(tree, prepared, at, node, room));
    if node.directory {
        left = left.saturating_sub(LARGE_INDEX_COST + super::index::LEAST_LARGE_ROOT_BYTES + 32);
    }
    let mut range: Vec<usize> = tree.streams_of(node).collect();
    range.sort_by_key(|&index| tree.stream_name(&tree.streams[index]).len().min(1));
    let costs = |stream: &super::tree::Stream, tree: &Tree| {
        let units = tree.stream_name(stream).len();
        let size = usize::try_from(stream.size).unwrap_or(usize::MAX / 2);
        (
            resident_len(units, size.min(1 << 20)),
            one_run_len(units, stream.sparse),
        )
    };
    let mut least: usize = range
        .iter()
        .map(|&index| {
            let (inside, outside) = costs(&tree.streams[index], tree);
            inside.min(outside)
        })
        .sum();
    for index in range {
        let (inside, outside) = costs(&tree.streams[index], tree);
        least -= inside.min(outside);
        let stream = &mut tree.streams[index];
        let may = stream.size == 0 || !stream.sparse && stream.placement == NONE;
        stream.resident = may && (inside <= outside || inside + least <= left);
        left = left.saturating_sub(if stream.resident { inside } else { outside });
    }
}

/// Room that `$INDEX_ALLOCATION` and `$BITMAP` of a directory take.
pub(super) const LARGE_INDEX_COST: usize = 176;

/// Attribute bytes of a node as decided, without an index.
pub(super) fn node_cost(tree: &Tree, prepared: &Prepared, at: u32) -> usize {
    let node = &tree.nodes[at as usize];
    let room = capacity(prepared.geometry.record_bytes);
    let compact = tree.compact_stream(node).into_iter();
    let streams: usize = tree
        .streams_of(node)
        .map(|index| &tree.streams[index])
        .chain(compact)
        .map(|stream| {
            let units = tree.stream_name(stream).len();
            if stream.resident {
                resident_len(units, usize::try_from(stream.size).unwrap_or(0))
            } else {
                one_run_len(units, stream.sparse)
            }
        })
        .sum();
    fixed_cost(tree, prepared, at, node, room) + streams
}

/// Room for the value of an index root: without blocks, and with.
pub(super) fn index_rooms(tree: &Tree, prepared: &Prepared, at: u32) -> (usize, usize) {
    let room = capacity(prepared.geometry.record_bytes);
    let small = room.saturating_sub(node_cost(tree, prepared, at) + resident_len(4, 0));
    (small, small.saturating_sub(LARGE_INDEX_COST))
}

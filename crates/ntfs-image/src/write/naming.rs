//! Namespaces, DOS names, and the order of every directory.

use std::collections::{BTreeMap, BTreeSet};

use super::prepare::{
    Entry, FIRST_SYSTEM, Prepared, SYSTEM_NAMES, compare_ignoring_case, decode_entry, entry_name, group,
    system_names,
};
use super::tree::Tree;
use super::{BuildError, Warning, dosname};
use crate::layout::namespace;
use crate::spec::{DosNames, VolumeSpec};
use crate::upcase::upcase_table;

/// Namespaces, DOS names, and the order of every directory.
pub(super) fn name_directories(
    spec: &VolumeSpec,
    tree: &mut Tree,
    prepared: &mut Prepared,
) -> Result<(), BuildError> {
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

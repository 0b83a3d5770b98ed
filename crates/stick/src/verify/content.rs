//! Every file of the volume against the tree that it was made from.

mod encrypted;
mod metadata;
mod streams;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io::{Read, Seek};
use std::sync::atomic::Ordering;

use ntfs_image::NtfsBuilder;
use ntfs_image::read::{DirectoryEntry, File, FileReference, Volume};

use super::VerifyReport;
use crate::tree::{ATTRIBUTE_DIRECTORY, Entry, EntryId, NodeId, Tree};
use crate::{Error, Prepared, Progress, Result, RunOptions};
use wim_apply::path::name_to_text;

/// Records below this number are the volume's own.
const FIRST_USER_RECORD: u64 = 24;
/// Bytes hashed at a time.
const BLOCK_BYTES: usize = 1 << 18;

/// Compares everything.
pub(super) fn compare<R: Read + Seek>(
    prepared: &Prepared,
    volume: &mut Volume<R>,
    options: &RunOptions<'_>,
    report: &mut VerifyReport,
    progress: &mut dyn FnMut(Progress),
) -> Result<()> {
    let (tree, builder) = (prepared.tree(), &prepared.builder);
    compare_tree(tree, builder, volume, options, report, progress)
}

fn compare_tree<R: Read + Seek>(
    tree: &Tree,
    builder: &NtfsBuilder,
    volume: &mut Volume<R>,
    options: &RunOptions<'_>,
    report: &mut VerifyReport,
    progress: &mut dyn FnMut(Progress),
) -> Result<()> {
    let root = volume.root().map_err(Error::Ntfs)?;
    let mut comparison = Comparison {
        tree,
        builder,
        volume,
        options,
        report,
        progress,
        total_bytes: tree.data_bytes(),
        records: HashMap::new(),
        nodes: HashMap::new(),
        buffer: vec![0; BLOCK_BYTES],
    };
    let root_node = tree.entry(tree.root()).node;
    comparison.node("\\", root_node, &root)?;
    let mut stack = vec![(tree.root(), root)];
    while let Some((entry, directory)) = stack.pop() {
        comparison.directory(entry, &directory, &mut stack)?;
    }
    Ok(())
}

struct Comparison<'a, 'p, R> {
    tree: &'a Tree,
    /// Knows which DOS names could not be kept.
    builder: &'a NtfsBuilder,
    volume: &'a mut Volume<R>,
    options: &'a RunOptions<'a>,
    report: &'a mut VerifyReport,
    progress: &'a mut (dyn FnMut(Progress) + 'p),
    total_bytes: u64,
    /// Which record holds a node: names of one node must lead to one record.
    records: HashMap<NodeId, FileReference>,
    /// The other way round: records lead to one node each.
    nodes: HashMap<u64, NodeId>,
    buffer: Vec<u8>,
}

impl<R: Read + Seek> Comparison<'_, '_, R> {
    fn directory(&mut self, at: EntryId, directory: &File, stack: &mut Vec<(EntryId, File)>) -> Result<()> {
        let path = self.tree.path(at);
        let mut found: HashMap<Vec<u16>, DirectoryEntry> = match self.volume.directory(directory) {
            Ok(entries) => entries.into_iter().map(|e| (e.key.name.clone(), e)).collect(),
            Err(error) => {
                self.report.add("directory-unreadable", path, error);
                return Ok(());
            }
        };
        for &child in &self.tree.entry(at).children {
            if self.options.interrupt.load(Ordering::Relaxed) {
                return Err(Error::Interrupted);
            }
            let entry = self.tree.entry(child);
            let path = format!("{path}\\{}", name_to_text(&entry.name));
            match found.remove(&*entry.name) {
                None => self.report.add("missing", path, "not on the volume"),
                Some(on_disk) => {
                    self.dos_name(&path, child, &on_disk);
                    if let Some(file) = self.entry(&path, entry, &on_disk)?
                        && self.tree.node(entry.node).attributes & ATTRIBUTE_DIRECTORY != 0
                    {
                        stack.push((child, file));
                    }
                }
            }
        }
        let mut extra: Vec<&DirectoryEntry> = found
            .values()
            .filter(|e| e.reference.record >= FIRST_USER_RECORD)
            .collect();
        extra.sort_by(|a, b| a.key.name.cmp(&b.key.name));
        for entry in extra {
            self.report.add(
                "extra",
                format!("{path}\\{}", name_to_text(&entry.key.name)),
                "not in the image",
            );
        }
        Ok(())
    }

    /// The DOS name that a fresh stick has: an illegal one, or a second one of a file, is dropped there too.
    fn dos_name(&mut self, path: &str, child: EntryId, on_disk: &DirectoryEntry) {
        // A name of eight and three characters is its own DOS name.
        let found = on_disk
            .dos_name
            .as_deref()
            .filter(|name| *name != on_disk.key.name);
        // Every entry but the root's was added to the builder, in this order.
        let expected = (child.0 as usize)
            .checked_sub(1)
            .and_then(|index| self.builder.dos_name(index));
        if found != expected {
            let shown = |name: Option<&[u16]>| name_to_text(name.unwrap_or_default());
            let message = format!("DOS name {:?}, expected {:?}", shown(found), shown(expected));
            self.report.add("dos-name-differs", path, message);
        }
    }

    /// One name; gives the file when its node was not compared before.
    fn entry(&mut self, path: &str, entry: &Entry, on_disk: &DirectoryEntry) -> Result<Option<File>> {
        if let Some(&known) = self.records.get(&entry.node) {
            if known != on_disk.reference {
                let message = format!(
                    "record {}, expected a link to record {}",
                    on_disk.reference.record, known.record
                );
                self.report.add("hard-link-broken", path, message);
            }
            return Ok(None);
        }
        self.records.insert(entry.node, on_disk.reference);
        if let Some(other) = self.nodes.insert(on_disk.reference.record, entry.node) {
            let message = format!(
                "shares record {} with another file of the image",
                on_disk.reference.record
            );
            self.report.add("hard-link-extra", path, message);
            self.nodes.insert(on_disk.reference.record, other);
        }
        match self.volume.file_by_reference(on_disk.reference) {
            Ok(file) => {
                self.node(path, entry.node, &file)?;
                Ok(Some(file))
            }
            Err(error) => {
                self.report.add("record-unreadable", path, error);
                Ok(None)
            }
        }
    }

    fn node(&mut self, path: &str, id: NodeId, file: &File) -> Result<()> {
        let node = self.tree.node(id);
        self.report.files_compared += 1;
        if let Err(error) = self.metadata(path, node, file) {
            self.report.add("metadata-unreadable", path, error);
        }
        self.encrypted(path, node, file)?;
        self.streams(path, node, file)
    }
}

fn stream_path(path: &str, name: &[u16]) -> String {
    if name.is_empty() {
        path.to_owned()
    } else {
        format!("{path}:{}", name_to_text(name))
    }
}

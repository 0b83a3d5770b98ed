//! Directories: listing with DOS aliases folded, lookup by path.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::io::{Read, Seek};

use super::file::File;
use super::file_name::FileName;
use super::index::{Index, Node};
use super::reference::FileReference;
use super::volume::Volume;
use crate::layout::{attribute, namespace, record};
use crate::{Error, Result};

/// Name of the index of a directory.
pub const I30: [u16; 4] = [b'$' as u16, b'I' as u16, b'3' as u16, b'0' as u16];

/// An entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryEntry {
    /// The file.
    pub reference: FileReference,
    /// The key: name, times, sizes and attributes as the directory states them.
    pub key: FileName,
    /// The 8.3 alias that is an entry of its own in the directory.
    pub dos_name: Option<Vec<u16>>,
}

impl<R: Read + Seek> Volume<R> {
    /// The entries of a directory in its order, DOS aliases folded into the names they belong to.
    ///
    /// # Errors
    /// `NotFound` when the file is not a directory, `Corrupt`, `Limit`, `Io`.
    pub fn directory(&mut self, directory: &File) -> Result<Vec<DirectoryEntry>> {
        let index = self.index(directory, &I30)?;
        let mut entries: Vec<DirectoryEntry> = Vec::new();
        let mut aliases = BTreeMap::new();
        self.for_each_entry(&index, &mut |entry| {
            let key = FileName::parse(entry.key).ok_or_else(|| Error::Corrupt {
                what: "directory entry",
                at: directory.at,
                found: format!("a key of {} bytes", entry.key.len()),
                expected: "a file name",
            })?;
            let reference = FileReference::from_raw(entry.head);
            if key.is_dos_alias() {
                aliases.insert(reference, key);
            } else {
                entries.push(DirectoryEntry {
                    reference,
                    key,
                    dos_name: None,
                });
            }
            Ok(())
        })?;
        for entry in entries.iter_mut().filter(|e| e.key.namespace == namespace::WIN32) {
            entry.dos_name = aliases.remove(&entry.reference).map(|key| key.name);
        }
        // An alias without its long name is damage; it stays visible.
        entries.extend(aliases.into_iter().map(|(reference, key)| DirectoryEntry {
            reference,
            key,
            dos_name: None,
        }));
        Ok(entries)
    }

    /// One name in a directory: the exact name if it is there, else (unless the directory is case-sensitive)
    /// one that is equal up to case. DOS aliases are names too.
    ///
    /// # Errors
    /// `NotFound`, and as [`Volume::directory`].
    pub fn lookup_in(&mut self, directory: &File, name: &[u16]) -> Result<FileReference> {
        self.load_upcase();
        let index = self.index(directory, &I30)?;
        let mut found = Vec::new();
        self.search(&index, &index.root, name, 0, &mut found)?;
        let sensitive = directory
            .standard_information()
            .is_some_and(|info| info.is_case_sensitive_directory());
        let exact = found.iter().find(|(_, candidate)| candidate == name);
        let chosen = exact.or_else(|| found.first().filter(|_| !sensitive));
        chosen
            .map(|(reference, _)| *reference)
            .ok_or_else(|| Error::NotFound {
                what: "file",
                name: String::from_utf16_lossy(name),
            })
    }

    /// A file by path from the root; `\` and `/` both separate, empty parts are skipped.
    ///
    /// # Errors
    /// As [`Volume::lookup_in`].
    pub fn lookup(&mut self, path: &str) -> Result<File> {
        let parts = path.split(['\\', '/']).filter(|part| !part.is_empty());
        let names: Vec<Vec<u16>> = parts.map(|part| part.encode_utf16().collect()).collect();
        self.lookup_names(&names).map_err(|error| match error {
            Error::NotFound { what, .. } => Error::NotFound {
                what,
                name: path.to_owned(),
            },
            other => other,
        })
    }

    /// A file by the names that lead to it from the root.
    ///
    /// # Errors
    /// As [`Volume::lookup_in`].
    pub fn lookup_names(&mut self, names: &[Vec<u16>]) -> Result<File> {
        let mut file = self.file(record::ROOT)?;
        for name in names {
            let reference = self.lookup_in(&file, name)?;
            file = self.file_by_reference(reference)?;
        }
        Ok(file)
    }

    /// Collects the entries equal to `name` up to case, going down only where they can be.
    fn search(
        &mut self,
        index: &Index<'_>,
        node: &Node,
        name: &[u16],
        depth: usize,
        found: &mut Vec<(FileReference, Vec<u16>)>,
    ) -> Result<()> {
        self.check_index_depth(depth)?;
        for entry in node.entries() {
            let entry = entry?;
            let key = FileName::parse(entry.key);
            let order = match &key {
                Some(key) if !entry.is_last() => self.compare_folded(name, &key.name),
                _ => Ordering::Less,
            };
            if order == Ordering::Greater {
                continue;
            }
            if let Some(vcn) = entry.child {
                let child = self.index_block(index, vcn)?;
                self.search(index, &child, name, depth + 1, found)?;
            }
            match key {
                Some(key) if order == Ordering::Equal => {
                    found.push((FileReference::from_raw(entry.head), key.name));
                }
                _ => break,
            }
        }
        Ok(())
    }

    /// Loads the volume's own `$UpCase`; the table of Windows stands in when it cannot be read.
    pub(crate) fn load_upcase(&mut self) {
        if self.upcase.is_none() {
            let table = self.read_upcase().filter(|table| table.len() == 65_536);
            self.upcase = Some(table.unwrap_or_else(|| crate::upcase_table().to_vec()));
        }
    }

    fn read_upcase(&mut self) -> Option<Vec<u16>> {
        let file = self.file(record::UPCASE).ok()?;
        let data = file
            .attribute(attribute::DATA, &[])
            .filter(|a| a.size_bytes() == 131_072)?;
        Some(super::bytes::utf16(&self.load_value(data).ok()?))
    }

    fn upcase_unit(&self, unit: u16) -> u16 {
        self.upcase
            .as_ref()
            .and_then(|table| table.get(usize::from(unit)))
            .copied()
            .unwrap_or(unit)
    }

    /// Order of two names by upper-cased code units, then length.
    pub(crate) fn compare_folded(&self, a: &[u16], b: &[u16]) -> Ordering {
        a.iter()
            .map(|&u| self.upcase_unit(u))
            .cmp(b.iter().map(|&u| self.upcase_unit(u)))
    }
}

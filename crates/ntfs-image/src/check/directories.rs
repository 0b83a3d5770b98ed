//! Third pass: directory indexes against the names that records state.

use std::io::{Read, Seek};

use super::Checker;
use super::code::Code;
use super::report::Place;
use crate::layout::{collation, file_attribute, record, record_flag};
use crate::read::{FileName, FileReference, I30};

/// One entry of a directory as the index has it.
struct Entry {
    at: u64,
    child: u64,
    key: FileName,
}

impl<R: Read + Seek> Checker<'_, R> {
    pub(super) fn check_directories(&mut self) {
        self.names
            .sort_by_key(|name| (name.parent_record(), name.child_record(), name.name_at));
        self.first_name = vec![None; self.records.len()];
        for (index, name) in self.names.iter().enumerate() {
            let child = usize::try_from(name.child_record()).unwrap_or(usize::MAX);
            if let (Some(slot), Ok(index)) = (self.first_name.get_mut(child), u32::try_from(index)) {
                let better = slot.is_none() || name.namespace != crate::layout::namespace::DOS;
                if better {
                    *slot = Some(index);
                }
            }
        }
        for number in 0..self.records.len() as u64 {
            let directory = |fact: super::records::RecordFact| fact.flags & record_flag::DIRECTORY != 0;
            if self
                .record_fact(number)
                .is_some_and(|fact| fact.is_base() && directory(fact))
            {
                self.check_directory(number);
            }
        }
        self.report_not_indexed();
    }

    fn check_directory(&mut self, number: u64) {
        self.volume.prefetch(number);
        let Ok(file) = self.volume.file(number) else {
            return;
        };
        let mut entries = Vec::new();
        let mut bad = Vec::new();
        self.check_index(
            &file,
            &I30,
            collation::FILE_NAME,
            &mut |at, entry| match FileName::parse(entry.key) {
                Some(key) if entry.key.len() == 0x42 + key.name.len() * 2 => {
                    entries.push(Entry {
                        at,
                        child: entry.head,
                        key,
                    });
                }
                _ => bad.push((at, entry.key.len())),
            },
        );
        for (at, len) in bad {
            let place = Place::record(number, at);
            self.out.add(
                Code::IndexEntry,
                place,
                format!("a key of {len} bytes"),
                "a file name",
            );
        }
        self.out.report.stats.directory_entries += entries.len() as u64;
        let sensitive = file
            .standard_information()
            .is_some_and(|info| info.is_case_sensitive_directory());
        if !sensitive {
            self.check_duplicates(number, &entries);
        }
        for entry in &entries {
            self.check_directory_entry(file.reference, entry);
        }
    }

    fn check_duplicates(&mut self, number: u64, entries: &[Entry]) {
        for pair in entries.windows(2) {
            let [a, b] = pair else { continue };
            if self.volume.compare_folded(&a.key.name, &b.key.name).is_eq() {
                let text = format!(
                    "{:?} and {:?}",
                    String::from_utf16_lossy(&a.key.name),
                    String::from_utf16_lossy(&b.key.name)
                );
                self.out.add(
                    Code::NameDuplicate,
                    Place::record(number, b.at),
                    text,
                    "names that differ",
                );
            }
        }
    }

    fn check_directory_entry(&mut self, directory: FileReference, entry: &Entry) {
        let child = FileReference::from_raw(entry.child);
        let place = Place {
            record: Some(child.record),
            offset: Some(entry.at),
        };
        let text = || {
            let name = String::from_utf16_lossy(&entry.key.name);
            format!("entry {name:?} in {directory} for {child}")
        };
        if entry.key.parent != directory {
            let text = format!("{}, parent {}", text(), entry.key.parent);
            self.out
                .add(Code::EntryParent, place, text, "the directory itself as parent");
        }
        let fact = self.record_fact(child.record);
        if fact.is_none_or(|fact| !fact.is_base() || fact.sequence != child.sequence) {
            return self.out.add(
                Code::EntryTarget,
                place,
                text(),
                "a file in use, with its sequence number",
            );
        }
        let Some(index) = self.find_name(directory.record, child.record, &entry.key.name) else {
            return self.out.add(
                Code::EntryName,
                place,
                text(),
                "a name of the file, in the same case",
            );
        };
        let Some(name) = self.names.get_mut(index) else {
            return;
        };
        if name.indexed {
            self.out.add(
                Code::EntryName,
                place,
                format!("{} twice", text()),
                "each name once",
            );
            return;
        }
        name.indexed = true;
        let name = *name;
        if name.namespace != entry.key.namespace {
            let text = format!("{}, namespace {}", text(), entry.key.namespace);
            self.out.add(
                Code::EntryNamespace,
                place,
                text,
                format!("namespace {}", name.namespace),
            );
        }
        if name.parent != entry.key.parent.to_raw() {
            let text = format!("{}, parent {}", text(), FileReference::from_raw(name.parent));
            self.out
                .add(Code::NameParent, place, text, entry.key.parent.to_string());
        }
        self.check_key_copies(child.record, entry, place);
    }

    /// Sizes and attributes that the key repeats from the file.
    fn check_key_copies(&mut self, child: u64, entry: &Entry, place: Place) {
        // Windows leaves the copies of system files as they were at format.
        let fact = usize::try_from(child)
            .ok()
            .and_then(|child| self.files.get(child))
            .copied();
        let Some(fact) = fact.filter(|fact| fact.known && child >= record::QUOTA) else {
            return;
        };
        let directory = self
            .record_fact(child)
            .is_some_and(|fact| fact.flags & record_flag::DIRECTORY != 0);
        if (entry.key.attributes & file_attribute::INDEX_PRESENT != 0) != directory {
            let text = format!("attributes {:#x}", entry.key.attributes);
            self.out.add(
                Code::EntryAttributes,
                place,
                text,
                format!("directory {directory}"),
            );
        }
        let special = file_attribute::SPARSE | file_attribute::COMPRESSED | file_attribute::REPARSE_POINT;
        if !directory && fact.links == 1 && (entry.key.attributes ^ fact.attributes) & special != 0 {
            let text = format!("attributes {:#x}", entry.key.attributes);
            self.out.add(
                Code::EntryAttributes,
                place,
                text,
                format!("{:#x}", fact.attributes),
            );
        }
        let reparse = fact.attributes & file_attribute::REPARSE_POINT != 0;
        if reparse && entry.key.reparse_or_ea != fact.reparse_or_ea {
            let text = format!("tag {:#010x}", entry.key.reparse_or_ea);
            self.out.add(
                Code::EntryAttributes,
                place,
                text,
                format!("{:#010x}", fact.reparse_or_ea),
            );
        }
        if directory {
            return;
        }
        let same_allocation = if fact.resident {
            entry.key.allocated_bytes <= fact.size_bytes.next_multiple_of(8)
        } else {
            entry.key.allocated_bytes == fact.allocated_bytes
        };
        let differs = entry.key.size_bytes != fact.size_bytes || !same_allocation;
        // Windows does not keep the copies of its transaction files up to date.
        if differs && !self.is_below_extend(child) {
            let text = format!(
                "{} bytes, {} allocated",
                entry.key.size_bytes, entry.key.allocated_bytes
            );
            let expected = format!("{} bytes, {} allocated", fact.size_bytes, fact.allocated_bytes);
            let code = if fact.links > 1 {
                Code::EntrySizeLinked
            } else {
                Code::EntrySize
            };
            self.out.add(code, place, text, expected);
        }
    }

    fn find_name(&self, parent: u64, child: u64, name: &[u16]) -> Option<usize> {
        let start = self
            .names
            .partition_point(|n| (n.parent_record(), n.child_record()) < (parent, child));
        let group = self.names[start..]
            .iter()
            .take_while(|n| (n.parent_record(), n.child_record()) == (parent, child));
        let mut candidates = group.enumerate().filter(|(_, n)| self.name_of(n) == name);
        let first = candidates.next()?;
        // The same name twice (Win32 and DOS alike) is told apart by what is not indexed yet.
        let open = std::iter::once(first)
            .chain(candidates)
            .find(|(_, n)| !n.indexed)
            .unwrap_or(first);
        Some(start + open.0)
    }

    fn report_not_indexed(&mut self) {
        for index in 0..self.names.len() {
            let name = self.names[index];
            if name.indexed {
                continue;
            }
            let place = Place {
                record: Some(name.child_record()),
                offset: self.volume.record_offset(name.child_record()),
            };
            let text = format!(
                "{:?}, namespace {}, not in directory {}",
                String::from_utf16_lossy(self.name_of(&name)),
                name.namespace,
                name.parent_record()
            );
            self.out
                .add(Code::NameNotIndexed, place, text, "an entry in the directory");
        }
    }
}

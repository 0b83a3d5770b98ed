//! One of the trees of an ISO 9660 image: primary, Joliet, or primary with Rock Ridge.

use std::io::{Read, Seek};

use super::descriptor::{SECTOR_BYTES, VolumeDescriptor};
use super::record::{self, Record};
use super::rock_ridge::{self, RockRidge};
use super::susp;
use crate::entry::Location;
use crate::source::Source;
use crate::{Entry, EntryKind, Error, ReadOptions, Result, UnixMeta, View, text};

/// The sections of a file (or the extent of a directory), as the records name them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileSections {
    /// Offset of the record that named them.
    pub(crate) record_at: u64,
    /// Byte offset in the image and length of each section.
    pub(crate) sections: Vec<(u64, u64)>,
    /// Why the bytes are not the file's content, and where that is recorded.
    pub(crate) unsupported: Option<(String, u64)>,
}

/// A tree: where its root is, and how names are recorded.
#[derive(Clone, Debug)]
pub(crate) struct IsoTree {
    pub(crate) view: View,
    pub(crate) descriptor: VolumeDescriptor,
    /// Bytes to skip at the start of each system use area (SUSP `SP`).
    susp_skip: usize,
}

impl IsoTree {
    pub(crate) fn new(view: View, descriptor: VolumeDescriptor, susp_skip: usize) -> Self {
        Self {
            view,
            descriptor,
            susp_skip,
        }
    }

    pub(crate) fn root(&self, options: &ReadOptions) -> Result<Entry> {
        let (bytes, at) = (&self.descriptor.root_record, self.descriptor.root_record_at);
        let record = record::decode(bytes, at, options.verify_checksums)?
            .filter(Record::is_directory)
            .ok_or_else(|| {
                Error::corrupt(
                    "ISO 9660 root directory record",
                    at,
                    "no directory",
                    "a directory",
                )
            })?;
        let mut root = self.entry(&record, RockRidge::default())?;
        root.name.clear();
        Ok(root)
    }

    /// Whether the tree carries SUSP, and the bytes to skip: `SP` is the first field of the root's "." record.
    pub(crate) fn detect_susp<R: Read + Seek>(
        &self,
        source: &mut Source<R>,
        options: &ReadOptions,
    ) -> Result<Option<usize>> {
        let root = self.root(options)?;
        let Location::Iso(FileSections { sections, .. }) = &root.location else {
            return Ok(None);
        };
        let Some(&(at, len)) = sections.first() else {
            return Ok(None);
        };
        let bytes = source.read_vec("ISO 9660 root directory", at, len.min(SECTOR_BYTES))?;
        let Some(dot) = record::decode(&bytes, at, options.verify_checksums)? else {
            return Ok(None);
        };
        let area = dot.system_use.1;
        // CD-ROM XA puts 14 bytes of its own before it.
        Ok(match (area, area.get(14..).unwrap_or_default()) {
            ([b'S', b'P', _, _, 0xbe, 0xef, skip, ..], _) | (_, [b'S', b'P', _, _, 0xbe, 0xef, skip, ..]) => {
                Some(usize::from(*skip))
            }
            _ => None,
        })
    }

    /// Entries of a directory, sections of one file joined, "." and ".." left out.
    pub(crate) fn read_dir<R: Read + Seek>(
        &self,
        source: &mut Source<R>,
        options: &ReadOptions,
        directory: &FileSections,
    ) -> Result<Vec<Entry>> {
        let mut entries: Vec<Entry> = Vec::new();
        // Set while the last entry waits for its next section: the identifier that it must have.
        let mut open_sections: Option<Vec<u8>> = None;
        for &(start, len) in &directory.sections {
            if len > options.limits.max_directory_bytes {
                return Err(Error::Limit {
                    what: "bytes of an ISO 9660 directory",
                    asked: len,
                    limit: options.limits.max_directory_bytes,
                });
            }
            let bytes = source.read_vec("ISO 9660 directory", start, len)?;
            let mut at = 0_usize;
            while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
                let offset = start + at as u64;
                let Some(record) = record::decode(rest, offset, options.verify_checksums)? else {
                    // The rest of the sector is unused.
                    at = at.saturating_add(1).next_multiple_of(SECTOR_BYTES as usize);
                    continue;
                };
                at += record.len;
                if record.is_dot() {
                    continue;
                }
                let unfinished = open_sections.take();
                if record.has_more_extents() {
                    open_sections = Some(record.identifier.to_vec());
                }
                match (unfinished, entries.last_mut()) {
                    (Some(identifier), Some(last)) => {
                        if identifier != record.identifier {
                            return Err(Error::corrupt(
                                "ISO 9660 multi-extent file",
                                record.at,
                                format!("a record for {}", text::from_bytes(record.identifier)),
                                format!("the next section of {}", last.name),
                            ));
                        }
                        self.add_section(last, &record, options)?;
                    }
                    _ => {
                        if let Some(entry) = self.full_entry(source, options, &record)? {
                            entries.push(entry);
                        }
                    }
                }
            }
        }
        if open_sections.is_some() {
            return Err(Error::corrupt(
                "ISO 9660 multi-extent file",
                directory.record_at,
                "the end of the directory",
                "its last section",
            ));
        }
        Ok(entries)
    }

    fn add_section(&self, entry: &mut Entry, record: &Record<'_>, options: &ReadOptions) -> Result<()> {
        if let Location::Iso(file) = &mut entry.location {
            let limit = options.limits.max_extents;
            if file.sections.len() >= limit {
                return Err(Error::Limit {
                    what: "sections of a file",
                    asked: limit as u64 + 1,
                    limit: limit as u64,
                });
            }
            file.sections.push(self.section(record)?);
            entry.size_bytes = entry.size_bytes.saturating_add(u64::from(record.data_bytes));
        }
        Ok(())
    }

    fn section(&self, record: &Record<'_>) -> Result<(u64, u64)> {
        let what = "ISO 9660 directory record";
        if record.interleaved {
            return Err(Error::unsupported(what, record.at, "an interleaved file"));
        }
        if record.volume_sequence > 1 {
            return Err(Error::unsupported(
                what,
                record.at,
                format!("a file on volume {} of a set", record.volume_sequence),
            ));
        }
        let block = u64::from(record.first_block) + u64::from(record.extended_attribute_blocks);
        Ok((
            block * u64::from(self.descriptor.block_bytes),
            u64::from(record.data_bytes),
        ))
    }

    /// An entry with its Rock Ridge fields; `None` for a moved directory, which `CL` lists at its true place.
    fn full_entry<R: Read + Seek>(
        &self,
        source: &mut Source<R>,
        options: &ReadOptions,
        record: &Record<'_>,
    ) -> Result<Option<Entry>> {
        if self.view != View::RockRidge {
            return self.entry(record, RockRidge::default()).map(Some);
        }
        let rock_ridge = self.rock_ridge(source, options, record)?;
        if rock_ridge.relocated {
            return Ok(None);
        }
        let Some(child) = rock_ridge.child_block else {
            return self.entry(record, rock_ridge).map(Some);
        };
        // The moved directory describes itself in its own "." record.
        let at = u64::from(child) * u64::from(self.descriptor.block_bytes);
        let sector = source.read_vec("relocated directory", at, SECTOR_BYTES)?;
        let dot = record::decode(&sector, at, options.verify_checksums)?
            .filter(Record::is_directory)
            .ok_or_else(|| {
                Error::corrupt("relocated directory", at, "no directory record", "its own record")
            })?;
        let mut own = self.rock_ridge(source, options, &dot)?;
        own.name = rock_ridge.name.or_else(|| Some(self.name(record)));
        self.entry(&dot, own).map(Some)
    }

    fn rock_ridge<R: Read + Seek>(
        &self,
        source: &mut Source<R>,
        options: &ReadOptions,
        record: &Record<'_>,
    ) -> Result<RockRidge> {
        let (at, area) = record.system_use;
        let area = area.get(self.susp_skip..).unwrap_or_default();
        let at = at + self.susp_skip as u64;
        let fields = susp::read_fields(source, options, self.descriptor.block_bytes, (at, area))?;
        rock_ridge::decode(&fields, options.verify_checksums)
    }

    fn entry(&self, record: &Record<'_>, rock_ridge: RockRidge) -> Result<Entry> {
        let kind = if record.is_directory() {
            EntryKind::Directory
        } else if let Some(target) = rock_ridge.symlink {
            EntryKind::Symlink(target)
        } else if rock_ridge.unix.is_some_and(is_special) {
            EntryKind::Special
        } else {
            EntryKind::File
        };
        Ok(Entry {
            name: rock_ridge.name.unwrap_or_else(|| self.name(record)),
            kind,
            size_bytes: u64::from(record.data_bytes),
            modified: rock_ridge.modified.or(record.recorded),
            accessed: rock_ridge.accessed,
            created: rock_ridge.created,
            hidden: record.is_hidden(),
            associated: record.is_associated(),
            unix: rock_ridge.unix,
            location: Location::Iso(FileSections {
                record_at: record.at,
                sections: vec![self.section(record)?],
                unsupported: rock_ridge.unsupported,
            }),
        })
    }

    /// The recorded identifier without version number and the dot of an empty extension (ECMA-119, 7.5.1).
    fn name(&self, record: &Record<'_>) -> String {
        let name = if self.view == View::Joliet {
            text::from_utf16_be(record.identifier)
        } else {
            text::from_bytes(record.identifier)
        };
        if record.is_directory() {
            return name;
        }
        let stem = match name.rsplit_once(';') {
            Some((stem, version)) if version.bytes().all(|b| b.is_ascii_digit()) => stem,
            _ => &name,
        };
        stem.strip_suffix('.').unwrap_or(stem).to_owned()
    }
}

/// Neither a regular file (or unset) nor a directory nor a symbolic link.
fn is_special(unix: UnixMeta) -> bool {
    !matches!(unix.mode >> 12, 0 | 0o04 | 0o10 | 0o12)
}

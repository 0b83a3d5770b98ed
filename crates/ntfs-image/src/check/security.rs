//! `$Secure`: descriptors, their second copy, and the two indexes; and what files refer to.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use super::Checker;
use super::code::Code;
use super::report::Place;
use crate::layout::{SDS_BLOCK_BYTES, attribute, collation, record};
use crate::read::bytes::{slice, u16_at, u32_at, u64_at};
use crate::read::{Attribute, File, SDH, SDS, SDS_HEADER_BYTES, SII, descriptor_hash};

/// What both indexes and the header in `$SDS` say of a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    hash: u32,
    id: u32,
    offset: u64,
    length: u32,
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            hash: u32_at(bytes, 0)?,
            id: u32_at(bytes, 4)?,
            offset: u64_at(bytes, 8)?,
            length: u32_at(bytes, 16)?,
        })
    }
}

impl<R: Read + Seek> Checker<'_, R> {
    pub(super) fn check_secure(&mut self) {
        let place = Place {
            record: Some(record::SECURE),
            offset: None,
        };
        let file = match self.volume.file(record::SECURE) {
            Ok(file) => file,
            Err(error) => return self.out.add_error(Code::SecurityIndex, place, &error),
        };
        let place = Place::record(record::SECURE, file.at);
        let by_id = self.read_security_index(&file, &SII, collation::ULONG);
        let by_hash = self.read_security_index(&file, &SDH, collation::SECURITY_HASH);
        self.out.report.stats.security_descriptors = by_id.len() as u64;
        for (id, header) in &by_id {
            if by_hash.get(id) != Some(header) {
                let text = format!("id {id:#x} in $SDH: {:?}", by_hash.get(id));
                self.out
                    .add(Code::SecurityIndex, place, text, format!("{header:?} as in $SII"));
            }
        }
        for id in by_hash.keys().filter(|id| !by_id.contains_key(id)) {
            self.out.add(
                Code::SecurityIndex,
                place,
                format!("id {id:#x} only in $SDH"),
                "in both indexes",
            );
        }
        match file.attribute(attribute::DATA, &SDS) {
            Some(sds) => {
                for header in by_id.values() {
                    self.check_security_entry(sds, *header);
                }
                self.check_sds_chain(sds, &by_id);
            }
            None => self.out.add(Code::AttributeMissing, place, "no $SDS", "one"),
        }
        for (id, count, first) in self.unresolved_ids(&by_id) {
            let place = Place {
                record: Some(first),
                offset: self.volume.record_offset(first),
            };
            let text = format!("id {id:#x} in {count} files");
            self.out.add(Code::SecurityId, place, text, "an id of $SII");
        }
    }

    fn unresolved_ids(&self, known: &BTreeMap<u32, Header>) -> Vec<(u32, u64, u64)> {
        let unknown = self.security_ids.iter().filter(|(id, _)| !known.contains_key(id));
        unknown.map(|(&id, &(count, first))| (id, count, first)).collect()
    }

    fn read_security_index(&mut self, file: &File, name: &[u16], rule: u32) -> BTreeMap<u32, Header> {
        let mut found = BTreeMap::new();
        let mut bad = Vec::new();
        self.check_index(file, name, rule, &mut |at, entry| {
            let header = entry.data().and_then(Header::parse);
            let key_agrees = |header: &Header| match rule {
                collation::ULONG => u32_at(entry.key, 0) == Some(header.id) && entry.key.len() == 4,
                _ => {
                    let key = (u32_at(entry.key, 0), u32_at(entry.key, 4));
                    key == (Some(header.hash), Some(header.id)) && entry.key.len() == 8
                }
            };
            match header.filter(key_agrees) {
                Some(header) => {
                    found.insert(header.id, header);
                }
                None => bad.push((at, format!("key {:02x?}, data {header:?}", entry.key))),
            }
        });
        for (at, text) in bad {
            let place = Place::record(record::SECURE, at);
            self.out
                .add(Code::SecurityIndex, place, text, "a key that fits its data");
        }
        found
    }

    fn check_security_entry(&mut self, sds: &Attribute, header: Header) {
        let place = Place::record(record::SECURE, sds.at);
        let text = || format!("id {:#x} at byte {:#x} of $SDS", header.id, header.offset);
        let in_block = header.offset % SDS_BLOCK_BYTES;
        let length = u64::from(header.length);
        let legal = header.offset.is_multiple_of(16)
            && (header.offset / SDS_BLOCK_BYTES).is_multiple_of(2)
            && length > u64::from(SDS_HEADER_BYTES)
            && in_block + length <= SDS_BLOCK_BYTES;
        if !legal || header.id < crate::layout::FIRST_SECURITY_ID {
            let text = format!("{}, {length} bytes", text());
            return self.out.add(
                Code::SecurityEntry,
                place,
                text,
                "16-aligned in a first copy's block",
            );
        }
        let mut entry = vec![0; header.length as usize];
        let mut copy = entry.clone();
        for (at, bytes) in [
            (header.offset, &mut entry),
            (header.offset + SDS_BLOCK_BYTES, &mut copy),
        ] {
            match self.volume.read_attribute(sds, at, bytes) {
                Ok(count) if count == bytes.len() => {}
                Ok(_) => {
                    let text = format!("{}, past its end", text());
                    return self
                        .out
                        .add(Code::SecurityEntry, place, text, "both copies inside $SDS");
                }
                Err(error) => return self.out.add_error(Code::SecurityEntry, place, &error),
            }
        }
        if Header::parse(&entry) != Some(header) {
            let text = format!("{}: {:?}", text(), Header::parse(&entry));
            return self
                .out
                .add(Code::SecurityEntry, place, text, format!("{header:?}"));
        }
        if entry != copy {
            self.out
                .add(Code::SecurityMirror, place, text(), "two equal copies");
        }
        let descriptor = &entry[SDS_HEADER_BYTES as usize..];
        if descriptor_hash(descriptor) != header.hash {
            let text = format!("{}: hash {:#010x}", text(), header.hash);
            self.out.add(
                Code::SecurityHash,
                place,
                text,
                format!("{:#010x}", descriptor_hash(descriptor)),
            );
        }
        if let Err(why) = check_descriptor(descriptor) {
            self.out.add(
                Code::SecurityDescriptor,
                place,
                format!("{}: {why}", text()),
                "a legal descriptor",
            );
        }
    }

    /// Follows the entries in `$SDS` itself: none may be missing from the index.
    fn check_sds_chain(&mut self, sds: &Attribute, by_id: &BTreeMap<u32, Header>) {
        let place = Place::record(record::SECURE, sds.at);
        let blocks = sds
            .size_bytes()
            .min(self.volume.limits.max_value_bytes)
            .div_ceil(SDS_BLOCK_BYTES);
        let mut block = vec![0; SDS_BLOCK_BYTES as usize];
        for number in (0..blocks).step_by(2) {
            let start = number * SDS_BLOCK_BYTES;
            let Ok(count) = self.volume.read_attribute(sds, start, &mut block) else {
                return;
            };
            let mut at = 0usize;
            // What follows the last entry may be old; an entry states its own offset.
            while let Some(header) = block[..count].get(at..).and_then(Header::parse) {
                if header.offset != start + at as u64 || header.length <= SDS_HEADER_BYTES || header.id == 0 {
                    break;
                }
                if !by_id.contains_key(&header.id) {
                    let text = format!("id {:#x} at byte {:#x} of $SDS", header.id, header.offset);
                    self.out.add(Code::SecurityIndex, place, text, "an entry in $SII");
                }
                at = at.saturating_add(header.length as usize).next_multiple_of(16);
            }
        }
    }

    /// Remembers the security id of a file, checks a descriptor of its own.
    pub(super) fn check_security_of(&mut self, file: &File, id: Option<u32>) {
        let number = file.reference.record;
        if let Some(own) = file.attribute(attribute::SECURITY_DESCRIPTOR, &[]) {
            let place = Place::record(number, own.at);
            match self.volume.load_value(own) {
                Ok(bytes) => {
                    if let Err(why) = check_descriptor(&bytes) {
                        self.out
                            .add(Code::SecurityDescriptor, place, why, "a legal descriptor");
                    }
                }
                Err(error) => self.out.add_error(Code::SecurityDescriptor, place, &error),
            }
        } else if id.unwrap_or(0) == 0 && number >= record::FIRST_UNUSED {
            let place = Place::record(number, file.at);
            let text = format!("security id {id:?}, no $SECURITY_DESCRIPTOR");
            self.out.add(Code::SecurityMissing, place, text, "one of them");
        }
        if let Some(id) = id.filter(|&id| id != 0) {
            let uses = self.security_ids.entry(id).or_insert((0, number));
            uses.0 += 1;
        }
    }
}

/// Whether a self-relative descriptor is well formed.
///
/// # Source
/// MS-DTYP, 2.4.6 (descriptor), 2.4.5 (ACL), 2.4.2 (SID).
fn check_descriptor(bytes: &[u8]) -> Result<(), String> {
    let short = || format!("{} bytes", bytes.len());
    let control = u16_at(bytes, 2).ok_or_else(short)?;
    if bytes[0] != 1 || control & 0x8000 == 0 {
        return Err(format!("revision {}, control {control:#06x}", bytes[0]));
    }
    let offset = |at| u32_at(bytes, at).map(|at| at as usize).ok_or_else(short);
    for (what, at) in [("owner", offset(4)?), ("group", offset(8)?)] {
        if at != 0 && (at < 20 || sid_len(bytes, at).is_none()) {
            return Err(format!("{what} at {at:#x}"));
        }
    }
    for (what, flag, at) in [("SACL", 0x10, offset(12)?), ("DACL", 0x04, offset(16)?)] {
        if control & flag != 0 && at != 0 && (at < 20 || !acl_is_legal(bytes, at)) {
            return Err(format!("{what} at {at:#x}"));
        }
    }
    Ok(())
}

fn sid_len(bytes: &[u8], at: usize) -> Option<usize> {
    let head = slice(bytes, at, 8)?;
    let length = 8 + usize::from(head[1]) * 4;
    slice(bytes, at, length)?;
    (head[0] == 1 && head[1] <= 15).then_some(length)
}

fn acl_is_legal(bytes: &[u8], at: usize) -> bool {
    let legal = || {
        let acl = slice(bytes, at, usize::from(u16_at(bytes, at.checked_add(2)?)?))?;
        let count = u16_at(acl, 4)?;
        let mut next = 8;
        for _ in 0..count {
            let length = usize::from(u16_at(acl, next + 2)?);
            slice(acl, next, length).filter(|_| length >= 8 && length.is_multiple_of(4))?;
            next += length;
        }
        Some(matches!(acl[0], 1..=4))
    };
    legal() == Some(true)
}

//! `$Extend\$Reparse` and `$Extend\$ObjId`: they list every reparse point and every object id.

use std::collections::BTreeSet;
use std::io::{Read, Seek};

use super::Checker;
use super::code::Code;
use super::report::Place;
use crate::layout::{collation, record};
use crate::read::bytes::{u32_at, u64_at};
use crate::read::{File, FileReference};

const R: [u16; 2] = [b'$' as u16, b'R' as u16];
const O: [u16; 2] = [b'$' as u16, b'O' as u16];
const Q: [u16; 2] = [b'$' as u16, b'Q' as u16];

impl<S: Read + Seek> Checker<'_, S> {
    pub(super) fn check_registers(&mut self) {
        self.check_reparse_register();
        self.check_object_id_register();
        if let Some(file) = self.extend_child("$Quota") {
            self.check_index(&file, &O, collation::SID, &mut |_, _| {});
            self.check_index(&file, &Q, collation::ULONG, &mut |_, _| {});
        }
    }

    fn extend_child(&mut self, name: &str) -> Option<File> {
        let extend = self.volume.file(record::EXTEND).ok()?;
        let units: Vec<u16> = name.encode_utf16().collect();
        let reference = self.volume.lookup_in(&extend, &units).ok()?;
        self.volume.file_by_reference(reference).ok()
    }

    fn check_reparse_register(&mut self) {
        let points: BTreeSet<(u32, u64)> = std::mem::take(&mut self.reparse_points).into_iter().collect();
        let Some(file) = self.extend_child("$Reparse") else {
            return self.report_absent(Code::ReparseIndex, "$Reparse", points.len());
        };
        let mut listed = BTreeSet::new();
        let mut bad = Vec::new();
        self.check_index(&file, &R, collation::ULONGS, &mut |at, entry| match (
            u32_at(entry.key, 0),
            u64_at(entry.key, 4),
        ) {
            (Some(tag), Some(reference)) if entry.key.len() == 12 => {
                listed.insert((tag, reference));
            }
            _ => bad.push(at),
        });
        for at in bad {
            let place = Place::record(file.reference.record, at);
            self.out
                .add(Code::ReparseIndex, place, "a bad key", "tag and file reference");
        }
        let show = |&(tag, file): &(u32, u64)| {
            (
                FileReference::from_raw(file),
                format!("tag {tag:#010x} of {}", FileReference::from_raw(file)),
            )
        };
        self.compare_register(Code::ReparseIndex, &points, &listed, show);
    }

    fn check_object_id_register(&mut self) {
        let ids: BTreeSet<([u8; 16], u64)> = std::mem::take(&mut self.object_ids).into_iter().collect();
        let Some(file) = self.extend_child("$ObjId") else {
            return self.report_absent(Code::ObjectIdIndex, "$ObjId", ids.len());
        };
        let mut listed = BTreeSet::new();
        let mut bad = Vec::new();
        self.check_index(&file, &O, collation::ULONGS, &mut |at, entry| {
            let data = entry.data().unwrap_or_default();
            match (<[u8; 16]>::try_from(entry.key), u64_at(data, 0)) {
                (Ok(id), Some(reference)) if data.len() == 56 => {
                    // The volume's own id is listed on some volumes and not on others.
                    if FileReference::from_raw(reference).record != record::VOLUME {
                        listed.insert((id, reference));
                    }
                }
                _ => bad.push(at),
            }
        });
        for at in bad {
            let place = Place::record(file.reference.record, at);
            self.out.add(
                Code::ObjectIdIndex,
                place,
                "a bad entry",
                "a GUID, 56 bytes of data",
            );
        }
        let show = |&(id, file): &([u8; 16], u64)| {
            (
                FileReference::from_raw(file),
                format!("id {id:02x?} of {}", FileReference::from_raw(file)),
            )
        };
        self.compare_register(Code::ObjectIdIndex, &ids, &listed, show);
    }

    fn report_absent(&mut self, code: Code, name: &str, count: usize) {
        if count > 0 {
            let place = Place {
                record: Some(record::EXTEND),
                offset: None,
            };
            self.out.add(
                code,
                place,
                format!("no {name} for {count} files"),
                "one in $Extend",
            );
        }
    }

    fn compare_register<T: Ord>(
        &mut self,
        code: Code,
        there: &BTreeSet<T>,
        listed: &BTreeSet<T>,
        show: impl Fn(&T) -> (FileReference, String),
    ) {
        for missing in there.difference(listed) {
            let (file, text) = show(missing);
            let place = Place {
                record: Some(file.record),
                offset: self.volume.record_offset(file.record),
            };
            self.out
                .add(code, place, format!("{text}, not listed"), "an entry");
        }
        for surplus in listed.difference(there) {
            let (file, text) = show(surplus);
            let place = Place {
                record: Some(file.record),
                offset: self.volume.record_offset(file.record),
            };
            self.out
                .add(code, place, format!("{text}, listed"), "only what files have");
        }
    }
}

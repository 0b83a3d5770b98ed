//! First pass: the header of every record, in the order of the MFT.

use std::io::{Read, Seek};

use super::Checker;
use super::code::Code;
use super::report::Place;
use crate::layout::{FIXUP_STRIDE_BYTES, attribute, record_flag};
use crate::read::Record;
use crate::read::bytes::u16_at;

/// What the first pass remembers of a record.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RecordFact {
    pub(super) state: State,
    pub(super) flags: u16,
    pub(super) sequence: u16,
    /// Raw reference of the base record; 0 for a base record.
    pub(super) base: u64,
}

/// Whether a record can be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    #[default]
    Free,
    Unreadable,
    InUse,
}

impl RecordFact {
    pub(super) fn is_base(&self) -> bool {
        self.state == State::InUse && self.base == 0
    }
}

impl<R: Read + Seek> Checker<'_, R> {
    pub(super) fn check_records(&mut self) {
        let count = self.volume.record_count();
        let bitmap = self.load_mft_bitmap(count);
        self.out.report.stats.records = count;
        for number in 0..count {
            self.volume.prefetch(number);
            let marked = bitmap.as_ref().map(|bits| bit(bits, number));
            let fact = self.check_record(number, marked);
            self.records.push(fact);
        }
        if let Some(bits) = bitmap {
            let tail = (count..bits.len() as u64 * 8).find(|&number| bit(&bits, number));
            if let Some(number) = tail {
                let found = format!("bit {number} set");
                let expected = format!("no bit from {count} on");
                self.out.add(
                    Code::MftBitmap,
                    Place {
                        record: Some(0),
                        offset: None,
                    },
                    found,
                    expected,
                );
            }
        }
    }

    fn load_mft_bitmap(&mut self, count: u64) -> Option<Vec<u8>> {
        let loaded = self.volume.file(0).and_then(|file| {
            let at = file.at;
            match file.attribute(attribute::BITMAP, &[]) {
                Some(found) => self.volume.load_value(found).map(|bits| (bits, at)),
                None => Err(crate::Error::NotFound {
                    what: "attribute",
                    name: "$MFT:$BITMAP".to_owned(),
                }),
            }
        });
        match loaded {
            Ok((bits, at)) => {
                if (bits.len() as u64) < count.div_ceil(8) || !bits.len().is_multiple_of(8) {
                    let expected = format!("a multiple of 8 that holds {count} records");
                    let found = format!("{} bytes", bits.len());
                    self.out
                        .add(Code::MftBitmapSize, Place::record(0, at), found, expected);
                }
                Some(bits)
            }
            Err(error) => {
                self.out.add_error(
                    Code::MftBitmapSize,
                    Place {
                        record: Some(0),
                        offset: None,
                    },
                    &error,
                );
                None
            }
        }
    }

    fn check_record(&mut self, number: u64, marked: Option<bool>) -> RecordFact {
        let (bytes, at) = match self.volume.record_bytes(number) {
            Ok(found) => found,
            Err(error) => {
                let place = Place {
                    record: Some(number),
                    offset: None,
                };
                self.out.add_error(Code::RecordUnreadable, place, &error);
                return RecordFact {
                    state: State::Unreadable,
                    ..RecordFact::default()
                };
            }
        };
        let place = Place::record(number, at);
        let empty = bytes.get(..4) == Some(&[0; 4]);
        if empty && marked != Some(true) && number >= 16 {
            return RecordFact::default();
        }
        let signature = bytes.get(..4).unwrap_or_default().to_vec();
        let record = match Record::parse(number, at, bytes) {
            Ok(record) => record,
            Err(error) => {
                let code = if signature == b"FILE" {
                    Code::RecordFixup
                } else {
                    Code::RecordSignature
                };
                self.out.add_error(code, place, &error);
                let state = if marked == Some(false) {
                    State::Free
                } else {
                    State::Unreadable
                };
                return RecordFact {
                    state,
                    ..RecordFact::default()
                };
            }
        };
        if marked.is_some_and(|marked| marked != record.is_in_use()) {
            let found = format!("in use {} in the record", record.is_in_use());
            self.out.add(
                Code::MftBitmap,
                place,
                found,
                format!("in use {}", marked.unwrap_or(false)),
            );
        }
        self.check_header(&record);
        let fact = RecordFact {
            state: if record.is_in_use() {
                State::InUse
            } else {
                State::Free
            },
            flags: record.header.flags,
            sequence: record.header.sequence,
            base: record.header.base.to_raw(),
        };
        if record.is_in_use() {
            self.out.report.stats.records_in_use += 1;
            self.check_attributes(&record);
        }
        fact
    }

    fn check_header(&mut self, record: &Record) {
        let place = Place::record(record.number, record.at);
        let (header, bytes) = (&record.header, record.bytes());
        let mut bad = |code, at: u64, found: String, expected: &str| {
            self.out.add(
                code,
                Place::record(record.number, record.at + at),
                found,
                expected,
            );
        };
        let (array_at, words) = (u16_at(bytes, 4).unwrap_or(0), u16_at(bytes, 6).unwrap_or(0));
        if usize::from(words) != bytes.len() / FIXUP_STRIDE_BYTES + 1 {
            bad(
                Code::RecordFixup,
                6,
                format!("{words} words"),
                "one a 512-byte stride, and one",
            );
        }
        if array_at != 0x30 && array_at != 0x2a {
            bad(
                Code::RecordFixup,
                4,
                format!("array at {array_at:#x}"),
                "0x30, or 0x2a before NTFS 3.1",
            );
        }
        if u64::from(header.first_attribute) < u64::from(array_at) + u64::from(words) * 2 {
            let found = format!("first attribute at {:#x}", header.first_attribute);
            bad(Code::RecordHeader, 0x14, found, "after the update sequence");
        }
        if header.allocated_bytes as usize != bytes.len() {
            let found = format!("{} bytes allocated", header.allocated_bytes);
            bad(Code::RecordHeader, 0x1c, found, "the size of a record");
        }
        if !record.is_in_use() {
            return;
        }
        if array_at >= 0x30 && u64::from(header.stored_number) != record.number & 0xffff_ffff {
            bad(
                Code::RecordNumber,
                0x2c,
                header.stored_number.to_string(),
                "its own number",
            );
        }
        if header.sequence == 0 {
            bad(
                Code::RecordHeader,
                0x10,
                "sequence number 0".to_owned(),
                "1 or more",
            );
        }
        let known = record_flag::IN_USE
            | record_flag::DIRECTORY
            | record_flag::EXTEND_CHILD
            | record_flag::VIEW_INDEX;
        if header.flags & !known != 0 {
            bad(
                Code::RecordFlags,
                0x16,
                format!("{:#x}", header.flags),
                "flags up to 0xf",
            );
        }
        // The end mark is the first type code that is not followed by an attribute.
        let end = record
            .attributes()
            .filter_map(Result::ok)
            .last()
            .map_or(usize::from(header.first_attribute), |last| last.at + last.length);
        let used = header.used_bytes as usize;
        if used != end + 8 {
            let found = format!("{used:#x} with the end mark at {end:#x}");
            self.out.add(
                Code::RecordUsed,
                place,
                found,
                "8 bytes past the start of the end mark",
            );
        }
    }
}

pub(super) fn bit(bits: &[u8], index: u64) -> bool {
    let byte = usize::try_from(index / 8).ok().and_then(|at| bits.get(at));
    byte.is_some_and(|byte| byte >> (index % 8) & 1 != 0)
}

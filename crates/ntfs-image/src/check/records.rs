//! First pass: the structure of every record, in the order of the MFT.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::io::{Read, Seek};

use super::Checker;
use super::clusters::Extent;
use super::code::Code;
use super::report::Place;
use crate::layout::{FIXUP_STRIDE_BYTES, attribute, attribute_flag, record_flag};
use crate::read::bytes::{u16_at, u32_at};
use crate::read::{RawAttribute, RawForm, RawNonResident, Record, runs};

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

    fn check_attributes(&mut self, record: &Record) {
        let mut instances = BTreeSet::new();
        let mut previous: Option<RawAttribute<'_>> = None;
        for found in record.attributes() {
            let found = match found {
                Ok(found) => found,
                Err(bad) => {
                    let place = Place::record(record.number, record.at + bad.at as u64);
                    let found = format!("{} {}", bad.what, bad.found);
                    self.out.add(Code::AttributeHeader, place, found, bad.expected);
                    return;
                }
            };
            let place = Place::record(record.number, record.at + found.at as u64);
            if !instances.insert(found.instance) || found.instance >= record.header.next_instance {
                let found = format!("instance {} of {:#x}", found.instance, found.type_code);
                let expected = format!("unique and below {}", record.header.next_instance);
                self.out.add(Code::AttributeInstance, place, found, expected);
            }
            if let Some(before) = &previous {
                self.check_order(before, &found, place);
            }
            self.check_attribute(record, &found, place);
            previous = Some(found);
        }
    }

    fn check_order(&mut self, before: &RawAttribute<'_>, found: &RawAttribute<'_>, place: Place) {
        let lowest = |a: &RawAttribute<'_>| match &a.form {
            RawForm::NonResident(extent) => extent.lowest_vcn,
            RawForm::Resident { .. } => 0,
        };
        let names = self.compare_names(&before.name, &found.name);
        let order = before
            .type_code
            .cmp(&found.type_code)
            .then(names)
            .then_with(|| lowest(before).cmp(&lowest(found)));
        let several = found.type_code == attribute::FILE_NAME;
        match order {
            Ordering::Less => {}
            Ordering::Equal if several => {}
            Ordering::Equal => {
                let text = format!(
                    "{:#x} {:?} twice",
                    found.type_code,
                    String::from_utf16_lossy(&found.name)
                );
                self.out
                    .add(Code::AttributeDuplicate, place, text, "each type and name once");
            }
            Ordering::Greater => {
                let text = format!("{:#x} after {:#x}", found.type_code, before.type_code);
                self.out
                    .add(Code::AttributeOrder, place, text, "ascending type, name and VCN");
            }
        }
    }

    fn check_attribute(&mut self, record: &Record, found: &RawAttribute<'_>, place: Place) {
        self.check_definition(found, place);
        let header = if matches!(found.form, RawForm::Resident { .. }) {
            0x18
        } else {
            0x40
        };
        if !found.name.is_empty() && (found.name_at < header || !found.name_at.is_multiple_of(2)) {
            let text = format!("name at {:#x}", found.name_at);
            self.out
                .add(Code::AttributeHeader, place, text, "after the header");
        }
        let known = attribute_flag::COMPRESSED | attribute_flag::ENCRYPTED | attribute_flag::SPARSE;
        if found.flags & !known != 0 {
            let text = format!("{:#06x} on {:#x}", found.flags, found.type_code);
            self.out
                .add(Code::AttributeFlags, place, text, "compressed, encrypted, sparse");
        }
        match &found.form {
            RawForm::Resident {
                value_at,
                value,
                indexed,
            } => {
                let name_end = found.name_at + found.name.len() * 2;
                let after_name = found.name.is_empty() || *value_at >= name_end;
                if *value_at < 0x18 || !value_at.is_multiple_of(8) && !value.is_empty() || !after_name {
                    let text = format!("value at {value_at:#x}");
                    self.out
                        .add(Code::AttributeHeader, place, text, "8-aligned, after the name");
                }
                let wanted = u8::from(found.type_code == attribute::FILE_NAME);
                if *indexed != wanted {
                    let text = format!("indexed {indexed} on {:#x}", found.type_code);
                    self.out
                        .add(Code::AttributeHeader, place, text, wanted.to_string());
                }
            }
            RawForm::NonResident(extent) => self.check_extent(record, found, extent, place),
        }
    }

    /// An extent by itself: its mapping pairs, and the sizes that the first one has.
    fn check_extent(
        &mut self,
        record: &Record,
        found: &RawAttribute<'_>,
        extent: &RawNonResident<'_>,
        place: Place,
    ) {
        let mapping_at = place.offset.unwrap_or(0) + extent.mapping_at as u64;
        let name_end = found.name_at + found.name.len() * 2;
        let misplaced = extent.mapping_at < 0x40 || !found.name.is_empty() && extent.mapping_at < name_end;
        if misplaced || !extent.mapping_at.is_multiple_of(8) {
            let text = format!("mapping pairs at {:#x}", extent.mapping_at);
            self.out
                .add(Code::AttributeHeader, place, text, "8-aligned, after the name");
        }
        let limit = self.volume.limits.max_runs;
        let decoded = runs::decode(extent.mapping, extent.lowest_vcn, limit, mapping_at);
        let runs = match decoded {
            Ok((runs, _)) => runs,
            Err(error) => return self.out.add_error(Code::RunsInvalid, place, &error),
        };
        let end = runs.last().map_or(extent.lowest_vcn, |run| run.vcns().end);
        if end != extent.highest_vcn.wrapping_add(1) {
            let text = format!("highest VCN {} with runs up to {end}", extent.highest_vcn);
            self.out
                .add(Code::RunsVcn, place, text, "the last VCN of the runs");
        }
        let clusters = self.volume.boot.cluster_count();
        for run in &runs {
            let Some(lcn) = run.lcn else { continue };
            if lcn.checked_add(run.clusters).is_none_or(|end| end > clusters) {
                let text = format!("{} clusters at {lcn}", run.clusters);
                self.out
                    .add(Code::RunsRange, place, text, format!("below cluster {clusters}"));
                continue;
            }
            self.extents.push(Extent {
                lcn,
                clusters: run.clusters,
                record: record.number,
                type_code: found.type_code,
            });
        }
        if extent.lowest_vcn == 0 {
            self.check_sizes(extent, place);
        }
    }

    fn check_sizes(&mut self, extent: &RawNonResident<'_>, place: Place) {
        let cluster = u64::from(self.volume.boot.cluster_bytes);
        let (allocated, size) = (extent.allocated_bytes, extent.size_bytes);
        let in_order = extent.initialized_bytes <= size && size <= allocated;
        if !in_order || !allocated.is_multiple_of(cluster) {
            let text = format!(
                "initialized {}, size {size}, allocated {allocated}",
                extent.initialized_bytes
            );
            self.out.add(
                Code::SizeFields,
                place,
                text,
                "in this order, allocated in whole clusters",
            );
        }
    }

    fn check_definition(&mut self, found: &RawAttribute<'_>, place: Place) {
        let Some(definition) = definition(found.type_code) else {
            let text = format!("{:#x}", found.type_code);
            return self
                .out
                .add(Code::AttributeType, place, text, "a type of $AttrDef");
        };
        let length = match &found.form {
            RawForm::Resident { value, .. } => value.len() as u64,
            RawForm::NonResident(_) if definition.must_be_resident => {
                let text = format!("{:#x} in clusters", found.type_code);
                return self.out.add(Code::AttributeForm, place, text, "a resident value");
            }
            RawForm::NonResident(extent) if extent.lowest_vcn == 0 => extent.size_bytes,
            RawForm::NonResident(_) => return,
        };
        // A volume without a label keeps an empty $VOLUME_NAME.
        let empty_label = found.type_code == attribute::VOLUME_NAME && length == 0;
        if !empty_label && !(definition.min_bytes..=definition.max_bytes).contains(&length) {
            let text = format!("{length} bytes of {:#x}", found.type_code);
            let expected = format!("{} to {}", definition.min_bytes, definition.max_bytes);
            self.out.add(Code::AttributeForm, place, text, expected);
        }
    }
}

struct Definition {
    must_be_resident: bool,
    min_bytes: u64,
    max_bytes: u64,
}

/// A type's line in the `$AttrDef` of Windows.
fn definition(type_code: u32) -> Option<Definition> {
    let table = attribute_definitions();
    let line = table
        .chunks_exact(160)
        .find(|line| u32_at(line, 0x80) == Some(type_code))?;
    let max = crate::read::bytes::u64_at(line, 0x98)?;
    Some(Definition {
        must_be_resident: u32_at(line, 0x8c)? & 0x40 != 0,
        min_bytes: crate::read::bytes::u64_at(line, 0x90)?,
        max_bytes: max,
    })
}

fn attribute_definitions() -> &'static [u8] {
    static TABLE: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    TABLE.get_or_init(crate::attrdef_bytes)
}

pub(super) fn bit(bits: &[u8], index: u64) -> bool {
    let byte = usize::try_from(index / 8).ok().and_then(|at| bits.get(at));
    byte.is_some_and(|byte| byte >> (index % 8) & 1 != 0)
}

//! First pass: the attributes in a record, each by itself and in their order.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::io::{Read, Seek};

use super::Checker;
use super::clusters::Extent;
use super::code::Code;
use super::report::Place;
use crate::layout::{attribute, attribute_flag};
use crate::read::bytes::u32_at;
use crate::read::{RawAttribute, RawForm, RawNonResident, Record, runs};

impl<R: Read + Seek> Checker<'_, R> {
    pub(super) fn check_attributes(&mut self, record: &Record) {
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

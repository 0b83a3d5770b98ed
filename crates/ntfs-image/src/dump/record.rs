//! MFT records: header, update sequence, attributes, unused rest.

use std::io::{Read, Seek};

use super::index;
use super::owners::{Owners, type_name};
use super::tile::Tiles;
use crate::Result;
use crate::layout::attribute;
use crate::read::bytes::{u16_at, u32_at};
use crate::read::{FileName, RawAttribute, RawForm, Record, StandardInformation, Volume};

/// The records whose first bytes lie in the run of the MFT that starts at byte `position` of it.
pub(super) fn records<R: Read + Seek>(
    volume: &mut Volume<R>,
    owners: &Owners,
    position: u64,
    end: u64,
    tiles: &mut Tiles<'_>,
) -> Result<()> {
    let size = u64::from(volume.boot().record_bytes);
    let mut number = position.div_ceil(size);
    while number < volume.record_count() && tiles.at().saturating_add(size) <= end {
        volume.prefetch(number);
        let (bytes, at) = volume.record_bytes(number)?;
        if at != tiles.at() {
            break;
        }
        if bytes.iter().all(|&byte| byte == 0) {
            tiles.add(size, &format!("record {number}: never used"))?;
        } else {
            match Record::parse(number, at, bytes) {
                Ok(record) => one(owners, &record, tiles)?,
                Err(error) => tiles.add(size, &format!("record {number}: {error}"))?,
            }
        }
        number += 1;
    }
    Ok(())
}

fn one(owners: &Owners, record: &Record, tiles: &mut Tiles<'_>) -> Result<()> {
    let (header, bytes, number) = (&record.header, record.bytes(), record.number);
    let array = u64::from(u16_at(bytes, 4).unwrap_or(0));
    let words = u64::from(u16_at(bytes, 6).unwrap_or(0));
    let state = if record.is_in_use() { "in use" } else { "free" };
    let base = if record.is_base() {
        String::new()
    } else {
        format!(", extends {}", header.base)
    };
    let text = format!(
        "record {number} {}: header, {state}, flags {:#x}, sequence {}, {} links, LSN {:#x}, \
{:#x} of {:#x} bytes{base}",
        owners.path(number),
        header.flags,
        header.sequence,
        header.link_count,
        header.lsn,
        header.used_bytes,
        header.allocated_bytes,
    );
    let first = u64::from(header.first_attribute);
    let (array, array_end) = (array.min(first), (array + words * 2).min(first));
    tiles.add(array, &text)?;
    tiles.add(array_end - array, &format!("record {number}: update sequence"))?;
    if first > array_end {
        tiles.add(first - array_end, &format!("record {number}: padding"))?;
    }
    let mut at = first;
    for found in record.attributes() {
        match found {
            Ok(found) => {
                attribute(number, &found, tiles)?;
                at = (found.at + found.length) as u64;
            }
            Err(bad) => {
                let text = format!(
                    "record {number}: {} {}, expected {}",
                    bad.what, bad.found, bad.expected
                );
                return tiles.add(bytes.len() as u64 - at, &text);
            }
        }
    }
    let used = u64::from(header.used_bytes).max(at);
    if used > at {
        tiles.add(used - at, &format!("record {number}: end mark"))?;
    }
    if bytes.len() as u64 > used {
        let left = &bytes[used as usize..];
        let old = if left.iter().any(|&byte| byte != 0) {
            ", old content"
        } else {
            ""
        };
        tiles.add(left.len() as u64, &format!("record {number}: unused{old}"))?;
    }
    Ok(())
}

/// One attribute: the entries of an index root are lines of their own.
fn attribute(number: u64, found: &RawAttribute<'_>, tiles: &mut Tiles<'_>) -> Result<()> {
    let name = if found.name.is_empty() {
        String::new()
    } else {
        format!(" {:?}", String::from_utf16_lossy(&found.name))
    };
    let head = format!(
        "record {number}: {}{name}, instance {}, flags {:#x}",
        type_name(found.type_code),
        found.instance,
        found.flags
    );
    let length = found.length as u64;
    match &found.form {
        RawForm::Resident { value, value_at, .. } if found.type_code == attribute::INDEX_ROOT => {
            let text = format!("{head}, {}", value_text(found.type_code, value));
            index::root(number, &text, found, *value_at, value, tiles)
        }
        RawForm::Resident { value, .. } => tiles.add(
            length,
            &format!(
                "{head}, {} bytes{}",
                value.len(),
                value_text(found.type_code, value)
            ),
        ),
        RawForm::NonResident(extent) => {
            let text = format!(
                "{head}, VCN {} to {}, {} bytes of {}, {} initialized",
                extent.lowest_vcn,
                extent.highest_vcn.cast_signed(),
                extent.size_bytes,
                extent.allocated_bytes,
                extent.initialized_bytes
            );
            tiles.add(length, &text)
        }
    }
}

/// What a resident value says, for the types where that is short.
fn value_text(type_code: u32, value: &[u8]) -> String {
    let text = match type_code {
        attribute::STANDARD_INFORMATION => StandardInformation::parse(value).map(|info| {
            format!(
                ", attributes {:#x}, security id {:x?}, created {:#x}, modified {:#x}, changed {:#x}, \
accessed {:#x}",
                info.attributes,
                info.security_id,
                info.creation_time,
                info.modification_time,
                info.change_time,
                info.access_time
            )
        }),
        attribute::FILE_NAME => FileName::parse(value).map(|name| format!(", {}", name_text(&name))),
        attribute::INDEX_ROOT => u32_at(value, 4).map(|rule| format!("collation {rule:#x}")),
        attribute::REPARSE_POINT => u32_at(value, 0).map(|tag| format!(", tag {tag:#010x}")),
        _ => None,
    };
    text.unwrap_or_default()
}

pub(super) fn name_text(name: &FileName) -> String {
    format!(
        "{:?} namespace {} in {}, {} bytes, {} allocated, attributes {:#x}",
        String::from_utf16_lossy(&name.name),
        name.namespace,
        name.parent,
        name.size_bytes,
        name.allocated_bytes,
        name.attributes
    )
}

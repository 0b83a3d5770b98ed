//! Attribute headers inside one MFT record.

use super::bytes::{slice, u8_at, u16_at, u32_at, u64_at, utf16};
use crate::layout::{ATTRIBUTE_END, attribute_flag};

/// One attribute as it lies in a record.
#[derive(Clone, Debug)]
pub struct RawAttribute<'r> {
    /// Byte offset of the header in the record.
    pub at: usize,
    /// Type code.
    pub type_code: u32,
    /// Bytes, header included.
    pub length: usize,
    /// Name; empty for most.
    pub name: Vec<u16>,
    /// Byte offset of the name in the attribute.
    pub name_at: usize,
    /// Flags ([`attribute_flag`](crate::layout::attribute_flag)).
    pub flags: u16,
    /// Instance number, unique in its record.
    pub instance: u16,
    /// Where the value is.
    pub form: RawForm<'r>,
}

/// Where the value of an attribute is.
#[derive(Clone, Debug)]
pub enum RawForm<'r> {
    /// In the record.
    Resident {
        /// The value.
        value: &'r [u8],
        /// Byte offset of the value in the attribute.
        value_at: usize,
        /// The "indexed" byte: 1 for `$FILE_NAME`.
        indexed: u8,
    },
    /// In clusters of its own.
    NonResident(RawNonResident<'r>),
}

/// Header fields of a non-resident attribute.
#[derive(Clone, Debug)]
pub struct RawNonResident<'r> {
    /// First VCN of this extent.
    pub lowest_vcn: u64,
    /// Last VCN of this extent; all ones when it has none.
    pub highest_vcn: u64,
    /// Clusters per compression unit as a power of two; 0 for none.
    pub compression_unit: u8,
    /// Bytes of all clusters, holes included. Only in the first extent, like the sizes that follow.
    pub allocated_bytes: u64,
    /// Bytes of the value.
    pub size_bytes: u64,
    /// Bytes that were written; the rest reads as zeros.
    pub initialized_bytes: u64,
    /// Bytes of clusters really allocated; only sparse and compressed attributes have the field.
    pub total_allocated_bytes: Option<u64>,
    /// Byte offset of the mapping pairs in the attribute.
    pub mapping_at: usize,
    /// Mapping pairs, up to the end of the attribute.
    pub mapping: &'r [u8],
}

/// Why an attribute header cannot be read: the field, what is there, the rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadAttribute {
    /// Byte offset of the attribute in the record.
    pub at: usize,
    /// Field.
    pub what: &'static str,
    /// What is there.
    pub found: String,
    /// The rule.
    pub expected: &'static str,
}

/// The attribute at byte `at` of a fixed-up record; `Ok(None)` at the end mark.
pub(crate) fn parse(bytes: &[u8], at: usize) -> Result<Option<RawAttribute<'_>>, BadAttribute> {
    let bad = |what, found: String, expected| BadAttribute {
        at,
        what,
        found,
        expected,
    };
    let type_code =
        u32_at(bytes, at).ok_or_else(|| bad("attribute", "the end of the record".into(), "an end mark"))?;
    if type_code == ATTRIBUTE_END {
        return Ok(None);
    }
    let length = u32_at(bytes, at + 4).unwrap_or(0) as usize;
    let all = slice(bytes, at, length)
        .filter(|_| length >= 24 && length.is_multiple_of(8))
        .ok_or_else(|| {
            bad(
                "attribute length",
                length.to_string(),
                "a multiple of 8 inside the record",
            )
        })?;
    let short = || bad("attribute length", length.to_string(), "room for its header");
    let name_len = usize::from(u8_at(all, 9).ok_or_else(short)?);
    let name_at = usize::from(u16_at(all, 10).ok_or_else(short)?);
    let name = match name_len {
        0 => Vec::new(),
        _ => slice(all, name_at, name_len * 2).map(utf16).ok_or_else(|| {
            bad(
                "attribute name",
                format!("{name_len} at {name_at:#x}"),
                "inside the attribute",
            )
        })?,
    };
    let flags = u16_at(all, 12).ok_or_else(short)?;
    let form = match u8_at(all, 8).ok_or_else(short)? {
        0 => {
            let value_len = u32_at(all, 16).ok_or_else(short)? as usize;
            let value_at = usize::from(u16_at(all, 20).ok_or_else(short)?);
            let value = slice(all, value_at, value_len).ok_or_else(|| {
                bad(
                    "resident value",
                    format!("{value_len} bytes at {value_at:#x}"),
                    "inside the attribute",
                )
            })?;
            RawForm::Resident {
                value,
                value_at,
                indexed: u8_at(all, 22).ok_or_else(short)?,
            }
        }
        1 => RawForm::NonResident(non_resident(all, flags).ok_or_else(short)?),
        other => return Err(bad("non-resident flag", other.to_string(), "0 or 1")),
    };
    let instance = u16_at(all, 14).ok_or_else(short)?;
    Ok(Some(RawAttribute {
        at,
        type_code,
        length,
        name,
        name_at,
        flags,
        instance,
        form,
    }))
}

fn non_resident(all: &[u8], flags: u16) -> Option<RawNonResident<'_>> {
    let mapping_at = usize::from(u16_at(all, 0x20)?);
    let lowest_vcn = u64_at(all, 0x10)?;
    let has_total = flags & (attribute_flag::COMPRESSED | attribute_flag::SPARSE) != 0;
    Some(RawNonResident {
        lowest_vcn,
        highest_vcn: u64_at(all, 0x18)?,
        compression_unit: u8_at(all, 0x22)?,
        allocated_bytes: u64_at(all, 0x28)?,
        size_bytes: u64_at(all, 0x30)?,
        initialized_bytes: u64_at(all, 0x38)?,
        total_allocated_bytes: if has_total && lowest_vcn == 0 && mapping_at >= 0x48 {
            u64_at(all, 0x40)
        } else {
            None
        },
        mapping_at,
        mapping: all.get(mapping_at..)?,
    })
}

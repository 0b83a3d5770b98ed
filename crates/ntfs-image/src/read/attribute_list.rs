//! `$ATTRIBUTE_LIST`: which record holds which attribute of a file that needs several records.

use super::bytes::{slice, u8_at, u16_at, u32_at, u64_at, utf16};
use super::reference::FileReference;

/// One entry of an attribute list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListEntry {
    /// Byte offset in the list.
    pub at: usize,
    /// Type code.
    pub type_code: u32,
    /// Bytes of the entry.
    pub length: usize,
    /// Name of the attribute.
    pub name: Vec<u16>,
    /// First VCN of the extent.
    pub lowest_vcn: u64,
    /// Record that holds it.
    pub record: FileReference,
    /// Instance number in that record.
    pub instance: u16,
}

/// The entry at byte `at`; `Err` when it does not fit.
pub(crate) fn parse_entry(list: &[u8], at: usize) -> Result<ListEntry, String> {
    let length = usize::from(u16_at(list, at.saturating_add(4)).unwrap_or(0));
    let entry = slice(list, at, length)
        .filter(|_| length >= 26)
        .ok_or_else(|| format!("length {length}"))?;
    let fields = || {
        let (name_len, name_at) = (usize::from(u8_at(entry, 6)?), usize::from(u8_at(entry, 7)?));
        Some(ListEntry {
            at,
            type_code: u32_at(entry, 0)?,
            length,
            name: if name_len == 0 {
                Vec::new()
            } else {
                utf16(slice(entry, name_at, name_len * 2)?)
            },
            lowest_vcn: u64_at(entry, 8)?,
            record: FileReference::from_raw(u64_at(entry, 16)?),
            instance: u16_at(entry, 24)?,
        })
    };
    fields().ok_or_else(|| "a name outside the entry".to_owned())
}

/// All entries; stops at the first bad one, which is returned beside them with its offset.
pub(crate) fn parse(list: &[u8]) -> (Vec<ListEntry>, Option<(usize, String)>) {
    let (mut entries, mut at) = (Vec::new(), 0);
    while at < list.len() {
        match parse_entry(list, at) {
            Ok(entry) => {
                at += entry.length;
                entries.push(entry);
            }
            Err(found) => return (entries, Some((at, found))),
        }
    }
    (entries, None)
}

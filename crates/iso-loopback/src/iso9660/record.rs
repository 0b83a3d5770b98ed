//! Directory records (ECMA-119, 9.1).

use super::time;
use crate::fields::Fields;
use crate::{Error, Result, Timestamp};

const WHAT: &str = "ISO 9660 directory record";
/// Length of a record with a one-byte identifier and no padding.
const MIN_BYTES: usize = 34;

/// One record, as recorded.
#[derive(Clone, Debug)]
pub(super) struct Record<'a> {
    pub(super) at: u64,
    pub(super) len: usize,
    pub(super) extended_attribute_blocks: u8,
    pub(super) first_block: u32,
    pub(super) data_bytes: u32,
    pub(super) recorded: Option<Timestamp>,
    pub(super) flags: u8,
    pub(super) interleaved: bool,
    pub(super) volume_sequence: u16,
    pub(super) identifier: &'a [u8],
    /// The system use area: where it starts in the image, and its bytes.
    pub(super) system_use: (u64, &'a [u8]),
}

impl Record<'_> {
    pub(super) fn is_hidden(&self) -> bool {
        self.flags & 0x01 != 0
    }

    pub(super) fn is_directory(&self) -> bool {
        self.flags & 0x02 != 0
    }

    pub(super) fn is_associated(&self) -> bool {
        self.flags & 0x04 != 0
    }

    pub(super) fn has_more_extents(&self) -> bool {
        self.flags & 0x80 != 0
    }

    /// The records for the directory itself and its parent.
    pub(super) fn is_dot(&self) -> bool {
        matches!(self.identifier, [0] | [1])
    }
}

/// Decodes the record at the start of `bytes`, which lie at offset `at`. `None` is the zero byte that ends a sector.
pub(super) fn decode(bytes: &[u8], at: u64, compare_halves: bool) -> Result<Option<Record<'_>>> {
    let len = usize::from(Fields::new(WHAT, at, bytes).u8(0)?);
    if len == 0 {
        return Ok(None);
    }
    let fields = Fields::new(WHAT, at, Fields::new(WHAT, at, bytes).slice(0, len)?);
    let identifier_len = usize::from(if len < MIN_BYTES { 0 } else { fields.u8(32)? });
    if identifier_len == 0 || len < identifier_len + MIN_BYTES - 1 {
        return Err(Error::corrupt(
            WHAT,
            at,
            format!("length {len} with an identifier of {identifier_len} bytes"),
            "an identifier, and 33 bytes more than that",
        ));
    }
    // A padding byte follows an identifier of even length.
    let system_use = (33 + identifier_len + (identifier_len + 1) % 2).min(len);
    Ok(Some(Record {
        at,
        len,
        extended_attribute_blocks: fields.u8(1)?,
        first_block: fields.both32(2, compare_halves)?,
        data_bytes: fields.both32(10, compare_halves)?,
        recorded: time::short(fields.slice(18, 7)?),
        flags: fields.u8(25)?,
        interleaved: fields.u8(26)? != 0 || fields.u8(27)? != 0,
        volume_sequence: fields.u16(28)?,
        identifier: fields.slice(33, identifier_len)?,
        system_use: (
            fields.offset(system_use),
            fields.slice(system_use, len - system_use)?,
        ),
    }))
}

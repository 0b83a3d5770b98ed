//! The 16-byte tag before every descriptor (ECMA-167, 3/7.2 and 4/7.2).

use super::crc::crc16;
use crate::fields::Fields;
use crate::{Error, Result};

pub(super) const PRIMARY_VOLUME: u16 = 1;
pub(super) const ANCHOR: u16 = 2;
pub(super) const VOLUME_POINTER: u16 = 3;
pub(super) const PARTITION: u16 = 5;
pub(super) const LOGICAL_VOLUME: u16 = 6;
pub(super) const TERMINATING: u16 = 8;
pub(super) const INTEGRITY: u16 = 9;
pub(super) const FILE_SET: u16 = 256;
pub(super) const FILE_IDENTIFIER: u16 = 257;
pub(super) const ALLOCATION_EXTENT: u16 = 258;
pub(super) const FILE_ENTRY: u16 = 261;
pub(super) const EXTENDED_FILE_ENTRY: u16 = 266;

/// Length of a tag.
pub(super) const TAG_BYTES: usize = 16;

/// What a tag says about its descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) identifier: u16,
    pub(super) location: u32,
}

/// Decodes the tag at the start of a structure; with `verify`, its checksum and the CRC of what follows.
pub(super) fn decode(fields: &Fields<'_>, verify: bool) -> Result<Tag> {
    let tag = Tag {
        identifier: fields.u16(0)?,
        location: fields.u32(12)?,
    };
    let bytes = fields.slice(0, TAG_BYTES)?;
    if verify {
        let stored = fields.u8(4)?;
        let sum = bytes
            .iter()
            .fold(0_u8, |sum, byte| sum.wrapping_add(*byte))
            .wrapping_sub(stored);
        if sum != stored {
            return Err(Error::corrupt(
                fields.what,
                fields.offset(4),
                format!("tag checksum {stored:#04x}"),
                format!("{sum:#04x}"),
            ));
        }
        let covered = fields.slice(TAG_BYTES, usize::from(fields.u16(10)?))?;
        let (stored, computed) = (fields.u16(8)?, crc16(covered));
        if stored != computed {
            return Err(Error::corrupt(
                fields.what,
                fields.offset(8),
                format!("descriptor CRC {stored:#06x}"),
                format!("{computed:#06x}"),
            ));
        }
    }
    Ok(tag)
}

/// Decodes a tag and checks that it is one of the wanted kinds.
pub(super) fn expect(fields: &Fields<'_>, wanted: &[u16], verify: bool) -> Result<Tag> {
    let identifier = fields.u16(0)?;
    if !wanted.contains(&identifier) {
        let wanted: Vec<String> = wanted.iter().map(u16::to_string).collect();
        return Err(Error::corrupt(
            fields.what,
            fields.at,
            format!("tag identifier {identifier}"),
            wanted.join(" or "),
        ));
    }
    decode(fields, verify)
}

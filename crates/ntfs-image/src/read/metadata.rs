//! What else a file carries: reparse point, extended attributes; and the volume's label and version.

use std::io::{Read, Seek};

use super::bytes::{slice, u8_at, u16_at, u32_at, utf16};
use super::file::{File, parse_reparse_point};
use super::volume::Volume;
use crate::layout::{attribute, record};
use crate::{Error, ReparsePoint, Result};

/// One extended attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtendedAttribute {
    /// Flags: 0x80 when the file must not be opened by who does not know the attribute.
    pub flags: u8,
    /// Name, usually ASCII upper case.
    pub name: Vec<u8>,
    /// Value.
    pub value: Vec<u8>,
}

/// What `$Volume` states.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VolumeInformation {
    /// Label.
    pub label: Vec<u16>,
    /// Version of NTFS.
    pub version: (u8, u8),
    /// Flags; 1 is "dirty".
    pub flags: u16,
}

/// Takes a packed list of extended attributes apart; `None` when an entry does not fit.
///
/// # Source
/// MS-FSCC, 2.4.15 `FileFullEaInformation`.
#[must_use]
pub fn parse_extended_attributes(packed: &[u8]) -> Option<Vec<ExtendedAttribute>> {
    let (mut found, mut rest) = (Vec::new(), packed);
    while !rest.is_empty() {
        let next = u32_at(rest, 0)? as usize;
        let name_len = usize::from(u8_at(rest, 5)?);
        let value_len = usize::from(u16_at(rest, 6)?);
        let value_at = 8 + name_len + 1;
        found.push(ExtendedAttribute {
            flags: u8_at(rest, 4)?,
            name: slice(rest, 8, name_len)?.to_vec(),
            value: slice(rest, value_at, value_len)?.to_vec(),
        });
        if next == 0 {
            break;
        }
        if next < value_at + value_len {
            return None;
        }
        rest = rest.get(next..)?;
    }
    Some(found)
}

impl<R: Read + Seek> Volume<R> {
    /// The reparse point of a file.
    ///
    /// # Errors
    /// `Corrupt` when its length does not fit, `Limit`, `Io`.
    pub fn reparse_point(&mut self, file: &File) -> Result<Option<ReparsePoint>> {
        let Some(found) = file.attribute(attribute::REPARSE_POINT, &[]) else {
            return Ok(None);
        };
        let value = self.load_value(found)?;
        let point = parse_reparse_point(&value).ok_or_else(|| Error::Corrupt {
            what: "reparse point",
            at: found.at,
            found: format!("{} bytes that do not fit their length field", value.len()),
            expected: "header and data",
        })?;
        Ok(Some(point))
    }

    /// The packed list of extended attributes of a file
    /// ([`parse_extended_attributes`] takes it apart).
    ///
    /// # Errors
    /// `Corrupt`, `Limit`, `Io`.
    pub fn extended_attributes(&mut self, file: &File) -> Result<Option<Vec<u8>>> {
        file.attribute(attribute::EA, &[])
            .map(|found| self.load_value(found))
            .transpose()
    }

    /// Label, version and flags of the volume.
    ///
    /// # Errors
    /// As [`Volume::file`].
    pub fn information(&mut self) -> Result<VolumeInformation> {
        let file = self.file(record::VOLUME)?;
        let value = file.resident(attribute::VOLUME_INFORMATION).unwrap_or_default();
        Ok(VolumeInformation {
            label: utf16(file.resident(attribute::VOLUME_NAME).unwrap_or_default()),
            version: (u8_at(value, 8).unwrap_or(0), u8_at(value, 9).unwrap_or(0)),
            flags: u16_at(value, 10).unwrap_or(0),
        })
    }
}

//! `$FILE_NAME`: a name of a file in a directory, in records and as key of directory indexes.

use super::bytes::{slice, u8_at, u32_at, u64_at, utf16};
use super::reference::FileReference;
use crate::layout::namespace;

/// A `$FILE_NAME` value. Times are FILETIME.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName {
    /// Directory that holds the name.
    pub parent: FileReference,
    /// Creation.
    pub creation_time: u64,
    /// Last write to the data.
    pub modification_time: u64,
    /// Last change of the record.
    pub change_time: u64,
    /// Last access.
    pub access_time: u64,
    /// Bytes allocated to the unnamed stream.
    pub allocated_bytes: u64,
    /// Bytes of the unnamed stream.
    pub size_bytes: u64,
    /// File attributes.
    pub attributes: u32,
    /// Reparse tag, or size of the extended attributes.
    pub reparse_or_ea: u32,
    /// [`namespace`](crate::layout::namespace).
    pub namespace: u8,
    /// The name.
    pub name: Vec<u16>,
}

impl FileName {
    /// Reads a value; `None` when it is too short for its name.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let length = usize::from(u8_at(value, 0x40)?);
        Some(Self {
            parent: FileReference::from_raw(u64_at(value, 0)?),
            creation_time: u64_at(value, 0x08)?,
            modification_time: u64_at(value, 0x10)?,
            change_time: u64_at(value, 0x18)?,
            access_time: u64_at(value, 0x20)?,
            allocated_bytes: u64_at(value, 0x28)?,
            size_bytes: u64_at(value, 0x30)?,
            attributes: u32_at(value, 0x38)?,
            reparse_or_ea: u32_at(value, 0x3c)?,
            namespace: u8_at(value, 0x41)?,
            name: utf16(slice(value, 0x42, length * 2)?),
        })
    }

    /// Whether this is only the 8.3 alias of another name.
    #[must_use]
    pub fn is_dos_alias(&self) -> bool {
        self.namespace == namespace::DOS
    }
}

/// A `$STANDARD_INFORMATION` value. Times are FILETIME.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StandardInformation {
    /// Creation.
    pub creation_time: u64,
    /// Last write to the data.
    pub modification_time: u64,
    /// Last change of the record.
    pub change_time: u64,
    /// Last access.
    pub access_time: u64,
    /// File attributes.
    pub attributes: u32,
    /// Highest version allowed; 0.
    pub maximum_versions: u32,
    /// Version; 1 in a case-sensitive directory.
    pub version: u32,
    /// Id of the owner for quotas.
    pub owner_id: u32,
    /// Id of the security descriptor in `$Secure`; `None` in the 48-byte form.
    pub security_id: Option<u32>,
    /// Last entry in the change journal.
    pub usn: u64,
}

impl StandardInformation {
    /// Reads a value of 48 or 72 bytes; `None` for fewer.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        u32_at(value, 0x2c)?;
        let long = value.len() >= 72;
        Some(Self {
            creation_time: u64_at(value, 0)?,
            modification_time: u64_at(value, 0x08)?,
            change_time: u64_at(value, 0x10)?,
            access_time: u64_at(value, 0x18)?,
            attributes: u32_at(value, 0x20)?,
            maximum_versions: u32_at(value, 0x24)?,
            version: u32_at(value, 0x28)?,
            owner_id: if long { u32_at(value, 0x30)? } else { 0 },
            security_id: if long { u32_at(value, 0x34) } else { None },
            usn: if long { u64_at(value, 0x40)? } else { 0 },
        })
    }

    /// Whether names in this directory are case-sensitive.
    ///
    /// # Source
    /// M. Suhanov, "NTFS today" (2019): the flag of `fsutil file setCaseSensitiveInfo`.
    #[must_use]
    pub fn is_case_sensitive_directory(&self) -> bool {
        self.maximum_versions == 0 && self.version & 1 != 0
    }
}

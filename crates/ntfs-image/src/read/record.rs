//! One MFT record.

use super::attribute::{self, BadAttribute, RawAttribute};
use super::bytes::{u16_at, u32_at, u64_at};
use super::fixup;
use super::reference::FileReference;
use crate::layout::{FILE_MAGIC, record_flag};
use crate::{Error, Result};

/// A record of the MFT, its update sequence applied.
#[derive(Clone, Debug)]
pub struct Record {
    /// Number in the MFT.
    pub number: u64,
    /// Byte offset on the volume.
    pub at: u64,
    /// Fields of the header.
    pub header: RecordHeader,
    bytes: Vec<u8>,
}

/// Header of an MFT record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordHeader {
    /// Log sequence number of the last change.
    pub lsn: u64,
    /// Times the record was reused.
    pub sequence: u16,
    /// `$FILE_NAME` attributes of the file, DOS names included.
    pub link_count: u16,
    /// Byte offset of the first attribute.
    pub first_attribute: u16,
    /// [`record_flag`](crate::layout::record_flag).
    pub flags: u16,
    /// Bytes in use, the end mark included.
    pub used_bytes: u32,
    /// Bytes of the record.
    pub allocated_bytes: u32,
    /// The record this one extends; zero for a base record.
    pub base: FileReference,
    /// Instance number of the next attribute.
    pub next_instance: u16,
    /// The record's own number, as stored (NTFS 3.1; lower 32 bits).
    pub stored_number: u32,
}

impl Record {
    /// Reads a record out of the bytes found at `at`; applies the update sequence.
    ///
    /// # Errors
    /// `Corrupt` when it has no `FILE` signature, a torn update sequence, or header offsets outside of it.
    pub fn parse(number: u64, at: u64, mut bytes: Vec<u8>) -> Result<Self> {
        const WHAT: &str = "MFT record";
        if bytes.get(..4) != Some(FILE_MAGIC) {
            let found = format!("{:02x?}", bytes.get(..4).unwrap_or_default());
            return Err(Error::Corrupt {
                what: "MFT record signature",
                at,
                found,
                expected: "\"FILE\"",
            });
        }
        fixup::apply(&mut bytes, WHAT, at)?;
        let header = RecordHeader::parse(&bytes).ok_or(Error::Truncated {
            what: WHAT,
            at,
            need: 0x30,
            have: bytes.len() as u64,
        })?;
        let (first, used) = (usize::from(header.first_attribute), header.used_bytes as usize);
        if first < 0x28 || first >= used || used > bytes.len() || !first.is_multiple_of(8) {
            let found = format!("attributes at {first:#x}, {used:#x} bytes used");
            return Err(Error::Corrupt {
                what: WHAT,
                at,
                found,
                expected: "attributes inside the record",
            });
        }
        Ok(Self {
            number,
            at,
            header,
            bytes,
        })
    }

    /// Number and sequence.
    #[must_use]
    pub fn reference(&self) -> FileReference {
        FileReference {
            record: self.number,
            sequence: self.header.sequence,
        }
    }

    /// Whether the record is in use.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        self.header.flags & record_flag::IN_USE != 0
    }

    /// Whether the record is a base record, not an extension of another.
    #[must_use]
    pub fn is_base(&self) -> bool {
        self.header.base.is_null()
    }

    /// The bytes, update sequence applied.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The attributes in order; ends after the first error.
    pub fn attributes(&self) -> impl Iterator<Item = Result<RawAttribute<'_>, BadAttribute>> {
        let used = self
            .bytes
            .get(..self.header.used_bytes as usize)
            .unwrap_or_default();
        let mut next = Some(usize::from(self.header.first_attribute));
        std::iter::from_fn(move || match attribute::parse(used, next?) {
            Ok(Some(found)) => {
                next = Some(found.at + found.length);
                Some(Ok(found))
            }
            Ok(None) => None,
            Err(error) => {
                next = None;
                Some(Err(error))
            }
        })
    }

    /// The same as an [`Error`] with its place on the volume.
    pub(crate) fn attribute_error(&self, bad: BadAttribute) -> Error {
        Error::Corrupt {
            what: bad.what,
            at: self.at.saturating_add(bad.at as u64),
            found: format!("{} (record {})", bad.found, self.number),
            expected: bad.expected,
        }
    }
}

impl RecordHeader {
    fn parse(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            lsn: u64_at(bytes, 0x08)?,
            sequence: u16_at(bytes, 0x10)?,
            link_count: u16_at(bytes, 0x12)?,
            first_attribute: u16_at(bytes, 0x14)?,
            flags: u16_at(bytes, 0x16)?,
            used_bytes: u32_at(bytes, 0x18)?,
            allocated_bytes: u32_at(bytes, 0x1c)?,
            base: FileReference::from_raw(u64_at(bytes, 0x20)?),
            next_instance: u16_at(bytes, 0x28)?,
            stored_number: u32_at(bytes, 0x2c)?,
        })
    }
}

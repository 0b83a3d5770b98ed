//! Little-endian fields of a slice, without panics.

use crate::{Error, Result};

pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// A structure and its place in the file, to read fields of.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a> {
    pub(crate) what: &'static str,
    pub(crate) at: u64,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Fields<'a> {
    fn missing(&self, end: usize) -> Error {
        Error::Truncated {
            what: self.what,
            at: self.at,
            need: end as u64,
            have: self.bytes.len() as u64,
        }
    }

    pub(crate) fn u16(&self, at: usize) -> Result<u16> {
        u16_at(self.bytes, at).ok_or_else(|| self.missing(at.saturating_add(2)))
    }

    pub(crate) fn u32(&self, at: usize) -> Result<u32> {
        u32_at(self.bytes, at).ok_or_else(|| self.missing(at.saturating_add(4)))
    }

    pub(crate) fn u64(&self, at: usize) -> Result<u64> {
        u64_at(self.bytes, at).ok_or_else(|| self.missing(at.saturating_add(8)))
    }

    pub(crate) fn slice(&self, at: usize, length: usize) -> Result<&'a [u8]> {
        let end = at.saturating_add(length);
        self.bytes.get(at..end).ok_or_else(|| self.missing(end))
    }

    pub(crate) fn corrupt(&self, found: String, expected: &'static str) -> Error {
        Error::Corrupt {
            what: self.what,
            at: self.at,
            found,
            expected,
        }
    }
}

/// Overwrites the bytes at `at`, which the caller has allocated.
pub(crate) fn put(bytes: &mut [u8], at: usize, field: &[u8]) {
    bytes[at..at + field.len()].copy_from_slice(field);
}

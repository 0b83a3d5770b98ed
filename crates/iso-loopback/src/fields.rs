//! Numbers at fixed offsets of one structure; every read is checked.

use crate::{Error, Result};

/// The bytes of one structure and where they lie in the image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a> {
    pub(crate) what: &'static str,
    pub(crate) at: u64,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn new(what: &'static str, at: u64, bytes: &'a [u8]) -> Self {
        Self { what, at, bytes }
    }

    pub(crate) fn offset(&self, field: usize) -> u64 {
        self.at.saturating_add(field as u64)
    }

    pub(crate) fn slice(&self, start: usize, len: usize) -> Result<&'a [u8]> {
        start
            .checked_add(len)
            .and_then(|end| self.bytes.get(start..end))
            .ok_or_else(|| Error::Truncated {
                what: self.what,
                at: self.offset(start),
                need: len as u64,
                have: self.bytes.len().saturating_sub(start) as u64,
            })
    }

    fn array<const N: usize>(&self, start: usize) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.slice(start, N)?);
        Ok(array)
    }

    pub(crate) fn u8(&self, start: usize) -> Result<u8> {
        Ok(u8::from_le_bytes(self.array(start)?))
    }

    pub(crate) fn u16(&self, start: usize) -> Result<u16> {
        Ok(u16::from_le_bytes(self.array(start)?))
    }

    pub(crate) fn u32(&self, start: usize) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array(start)?))
    }

    pub(crate) fn u64(&self, start: usize) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array(start)?))
    }

    /// A 16-bit number recorded little-endian, then big-endian (ECMA-119, 7.2.3).
    pub(crate) fn both16(&self, start: usize, compare: bool) -> Result<u16> {
        let little = self.u16(start)?;
        let big = u16::from_be_bytes(self.array(start.saturating_add(2))?);
        self.same_halves(start, compare, u32::from(little), u32::from(big))?;
        Ok(little)
    }

    /// A 32-bit number recorded little-endian, then big-endian (ECMA-119, 7.3.3).
    pub(crate) fn both32(&self, start: usize, compare: bool) -> Result<u32> {
        let little = self.u32(start)?;
        let big = u32::from_be_bytes(self.array(start.saturating_add(4))?);
        self.same_halves(start, compare, little, big)?;
        Ok(little)
    }

    fn same_halves(&self, start: usize, compare: bool, little: u32, big: u32) -> Result<()> {
        if compare && little != big {
            return Err(Error::corrupt(
                self.what,
                self.offset(start),
                format!("{little:#x} little-endian, {big:#x} big-endian"),
                "the same number in both halves",
            ));
        }
        Ok(())
    }
}

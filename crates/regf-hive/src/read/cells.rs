//! Hive bins and the cells in them.

use crate::bytes::{Fields, u32_at};
use crate::header::Header;
use crate::layout::{BLOCK_BYTES, bin};
use crate::limits::Limits;
use crate::{Error, Result};

/// The hive bins with a map of their allocated cells. Taking a cell marks it used, so that no cell is read
/// twice: cycles and amplification end here.
pub(super) struct Cells<'a> {
    bins: &'a [u8],
    /// One bit for each 8 bytes: an allocated cell starts here and was not taken.
    free_to_take: Vec<u64>,
}

impl<'a> Cells<'a> {
    pub(super) fn map(bytes: &'a [u8], header: &Header, limits: &Limits) -> Result<Self> {
        let bins_bytes = header.bins_bytes as usize;
        let asked = bins_bytes as u64 + BLOCK_BYTES as u64;
        if asked > limits.max_hive_bytes {
            return Err(Error::Limit {
                what: "hive size in bytes",
                asked,
                limit: limits.max_hive_bytes,
            });
        }
        let Some(bins) = bytes.get(BLOCK_BYTES..BLOCK_BYTES.saturating_add(bins_bytes)) else {
            return Err(Error::Truncated {
                what: "hive bins",
                at: BLOCK_BYTES as u64,
                need: bins_bytes as u64,
                have: (bytes.len() as u64).saturating_sub(BLOCK_BYTES as u64),
            });
        };
        let mut cells = Self {
            bins,
            free_to_take: vec![0; bins.len().div_ceil(512)],
        };
        let mut at = 0;
        while at < bins.len() {
            at += cells.map_bin(at)?;
        }
        Ok(cells)
    }

    /// Marks the cells of the bin at `start`; returns the bin's size. A broken chain of cells ends the
    /// marking of its bin, and is an error only for what refers to the cells behind.
    fn map_bin(&mut self, start: usize) -> Result<usize> {
        let f = Fields {
            what: "hive bin",
            at: file_offset(start),
            bytes: self.bins.get(start..).unwrap_or_default(),
        };
        let magic = f.slice(0, 4)?;
        if magic != bin::MAGIC {
            return Err(f.corrupt(format!("{:?}", magic.escape_ascii().to_string()), "\"hbin\""));
        }
        let size = f.u32(bin::SIZE)? as usize;
        if size == 0 || !size.is_multiple_of(BLOCK_BYTES) || size > f.bytes.len() {
            return Err(f.corrupt(
                format!("size {size:#x}"),
                "a multiple of 4096 within the hive bins",
            ));
        }
        let mut at = bin::HEADER_BYTES;
        while let Some((cell_bytes, allocated)) = cell_size(f.bytes, at) {
            if cell_bytes < 8 || !cell_bytes.is_multiple_of(8) || cell_bytes > size - at {
                break;
            }
            if allocated {
                let bit = (start + at) / 8;
                if let Some(word) = self.free_to_take.get_mut(bit / 64) {
                    *word |= 1 << (bit % 64);
                }
            }
            at += cell_bytes;
            if at >= size {
                break;
            }
        }
        Ok(size)
    }

    /// The content of the cell at `offset`, which must be allocated and not used before.
    pub(super) fn take(&mut self, what: &'static str, offset: u32) -> Result<Fields<'a>> {
        let start = offset as usize;
        let (bit, at) = (start / 8, file_offset(start));
        let wrong = |expected| Error::Corrupt {
            what,
            at,
            found: format!("a reference to cell {offset:#x}"),
            expected,
        };
        let word = self.free_to_take.get_mut(bit / 64);
        let Some(word) = word.filter(|w| start.is_multiple_of(8) && **w >> (bit % 64) & 1 == 1) else {
            return Err(wrong("an allocated cell that nothing else uses"));
        };
        *word &= !(1 << (bit % 64));
        let (cell_bytes, _) = cell_size(self.bins, start).ok_or_else(|| wrong("a cell"))?;
        let content = self.bins.get(start + 4..start.saturating_add(cell_bytes));
        Ok(Fields {
            what,
            at: at + 4,
            bytes: content.ok_or_else(|| wrong("a cell within the hive bins"))?,
        })
    }

    /// As [`Cells::take`], for a record with a two-byte signature.
    pub(super) fn take_record(
        &mut self,
        what: &'static str,
        offset: u32,
        signature: [u8; 2],
    ) -> Result<Fields<'a>> {
        let record = self.take(what, offset)?;
        let found = record.slice(0, 2)?;
        if found != signature {
            let expected = match &signature {
                b"nk" => "\"nk\"",
                b"vk" => "\"vk\"",
                b"sk" => "\"sk\"",
                _ => "\"db\"",
            };
            return Err(record.corrupt(format!("{:?}", found.escape_ascii().to_string()), expected));
        }
        Ok(record)
    }
}

/// Offset in the file of an offset in the hive bins.
fn file_offset(in_bins: usize) -> u64 {
    in_bins as u64 + BLOCK_BYTES as u64
}

/// Size of the cell at `at`, and whether it is allocated.
fn cell_size(bytes: &[u8], at: usize) -> Option<(usize, bool)> {
    let size = u32_at(bytes, at)?.cast_signed();
    Some((size.unsigned_abs() as usize, size < 0))
}

//! Hive bins under construction: cells are allocated one after the other.

use crate::bytes::put;
use crate::layout::{BLOCK_BYTES, bin};
use crate::{Error, Result};

/// The file under construction; the base block is filled in last.
pub(super) struct Bins {
    file: Vec<u8>,
    /// Where the bin being filled ends, in the file.
    bin_end: usize,
    /// Where the next cell goes, in the file.
    next: usize,
    timestamp: u64,
}

impl Bins {
    pub(super) fn new(timestamp: u64) -> Self {
        Self {
            file: vec![0; BLOCK_BYTES],
            bin_end: BLOCK_BYTES,
            next: BLOCK_BYTES,
            timestamp,
        }
    }

    /// Allocates a cell with this content and returns its offset.
    pub(super) fn allocate(&mut self, content: &[u8]) -> Result<u32> {
        let offset = self.reserve(content.len())?;
        self.fill(offset, 0, content);
        Ok(offset)
    }

    /// Allocates a cell of zeros.
    pub(super) fn reserve(&mut self, content_bytes: usize) -> Result<u32> {
        let cell_bytes = (content_bytes + 4).next_multiple_of(8);
        if cell_bytes > self.bin_end - self.next {
            self.open_bin(cell_bytes)?;
        }
        let at = self.next;
        let size = i32::try_from(cell_bytes).map_err(|_| too_large())?;
        put(&mut self.file, at, &(-size).to_le_bytes());
        self.next += cell_bytes;
        u32::try_from(at - BLOCK_BYTES).map_err(|_| too_large())
    }

    /// Overwrites bytes of a cell's content.
    pub(super) fn fill(&mut self, offset: u32, at: usize, bytes: &[u8]) {
        put(&mut self.file, offset as usize + BLOCK_BYTES + 4 + at, bytes);
    }

    /// Closes the bin being filled and begins one that takes a cell of this size.
    fn open_bin(&mut self, cell_bytes: usize) -> Result<()> {
        self.close_bin();
        let start = self.file.len();
        let bin_bytes = (cell_bytes + bin::HEADER_BYTES).next_multiple_of(BLOCK_BYTES);
        // Offsets and sizes are 32-bit, and bit 31 of an offset marks volatile cells.
        let end = start + bin_bytes;
        if end > i32::MAX as usize {
            return Err(too_large());
        }
        self.file.resize(end, 0);
        let field = |value: usize| {
            u32::try_from(value)
                .map(u32::to_le_bytes)
                .map_err(|_| too_large())
        };
        put(&mut self.file, start, bin::MAGIC);
        put(&mut self.file, start + bin::OFFSET, &field(start - BLOCK_BYTES)?);
        put(&mut self.file, start + bin::SIZE, &field(bin_bytes)?);
        if start == BLOCK_BYTES {
            put(
                &mut self.file,
                start + bin::TIMESTAMP,
                &self.timestamp.to_le_bytes(),
            );
        }
        self.next = start + bin::HEADER_BYTES;
        self.bin_end = end;
        Ok(())
    }

    /// Makes the rest of the bin a free cell.
    fn close_bin(&mut self) {
        if let Ok(rest @ 1..) = u32::try_from(self.bin_end - self.next) {
            put(&mut self.file, self.next, &rest.to_le_bytes());
        }
    }

    /// The file, its base block still empty, and the size of the bins.
    pub(super) fn finish(mut self) -> Result<(Vec<u8>, u32)> {
        self.close_bin();
        let bins_bytes = u32::try_from(self.file.len() - BLOCK_BYTES).map_err(|_| too_large())?;
        Ok((self.file, bins_bytes))
    }
}

fn too_large() -> Error {
    Error::Invalid {
        what: "hive",
        reason: "it would be larger than 2 GiB".to_owned(),
    }
}

//! A data stream while its segments come: where the data lie, and what is missing between them.

use super::segment::EncryptionHeader;
use super::{RawStream, corrupt, whole_sectors};
use crate::Result;

#[derive(Debug)]
pub(super) struct OpenStream {
    pub(super) found: RawStream,
    /// Of the segment whose data are read.
    pub(super) header: EncryptionHeader,
    /// Where the next segment may begin.
    next: u64,
    /// A segment ended the valid data.
    past_valid: bool,
    /// The last hole; it may go on.
    hole: Option<(u64, u64)>,
    /// Union of the bits of all ends of holes.
    hole_bits: u64,
}

impl OpenStream {
    pub(super) fn new(found: RawStream) -> Self {
        Self {
            found,
            header: EncryptionHeader::default(),
            next: 0,
            past_valid: false,
            hole: None,
            hole_bits: 0,
        }
    }

    /// Where the next byte belongs when `left` bytes of a block are missing.
    pub(super) fn data_at(&self, block: usize, left: u64) -> u64 {
        let length = self.header.blocks.get(block).copied().unwrap_or(0);
        self.header.block_start(block) + u64::from(length) - left
    }

    /// End of the data that mean something, as far as is known.
    pub(super) fn data_end(&self) -> u64 {
        if self.found.encrypted {
            whole_sectors(self.found.valid_bytes)
        } else {
            self.found.size_bytes
        }
    }

    pub(super) fn plain_segment(&mut self, data_bytes: u64) {
        self.header = EncryptionHeader {
            start: self.found.size_bytes,
            blocks: vec![u32::try_from(data_bytes).unwrap_or(u32::MAX)],
            ..EncryptionHeader::default()
        };
        self.found.size_bytes += data_bytes;
        self.found.valid_bytes = self.found.size_bytes;
    }

    /// Notes where the data of a segment lie, and what is missing between them.
    pub(super) fn place(&mut self, header: &EncryptionHeader, at: u64) -> Result<()> {
        if header.start < self.next {
            let what = "EFS raw form: starting file offset";
            return corrupt(what, at, header.start, "the end of the segment before, or beyond");
        }
        if self.past_valid && header.valid_bytes > 0 {
            let what = "EFS raw form: bytes within the valid data length";
            let expected = "0, since the segment before ended it";
            return corrupt(what, at + 16, header.valid_bytes, expected);
        }
        let (size, valid) = (u64::from(header.size_bytes), u64::from(header.valid_bytes));
        let valid_end = header.start + valid;
        if valid > 0 {
            self.add_hole(self.next, header.start);
            self.found.valid_bytes = valid_end;
        }
        for (index, &block) in header.blocks.iter().enumerate() {
            let data_end = header.block_start(index) + u64::from(block);
            self.add_hole(data_end, header.block_start(index + 1).min(valid_end));
        }
        self.past_valid = valid < size;
        if size > 0 {
            self.found.size_bytes = header.start + size;
        }
        self.next = header.start + whole_sectors(size);
        self.found.sparse |= header.sparse;
        Ok(())
    }

    fn add_hole(&mut self, start: u64, end: u64) {
        if start >= end {
            return;
        }
        match &mut self.hole {
            Some((_, last)) if *last == start => *last = end,
            hole => {
                if let Some((start, end)) = hole.replace((start, end)) {
                    self.hole_bits |= start | end;
                }
            }
        }
    }

    pub(super) fn finish(mut self) -> RawStream {
        if let Some((start, end)) = self.hole {
            self.hole_bits |= start;
            // The last hole may end with the valid data, wherever that is.
            if end < self.found.valid_bytes {
                self.hole_bits |= end;
            }
            self.found.hole_unit_bytes = 1 << self.hole_bits.trailing_zeros().min(62);
        }
        self.found
    }
}

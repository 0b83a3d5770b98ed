//! Logs with a bitmap of dirty sectors (`DIRT`), as Windows before 8.1 writes.

use crate::Result;
use crate::bytes::u32_at;
use crate::layout::base;

use super::{Log, Target};

const SECTOR_BYTES: usize = 512;

impl Target {
    /// Applies the log if it belongs to this state of the hive: its time is that of the hive's header.
    pub(super) fn apply_vector(&mut self, log: &Log<'_>) -> Result<()> {
        let bins_bytes = u32_at(log.bytes, base::BINS_BYTES).unwrap_or(0);
        let vector = log
            .bytes
            .get(SECTOR_BYTES..)
            .and_then(|rest| rest.strip_prefix(b"DIRT"));
        let sectors = bins_bytes as usize / SECTOR_BYTES;
        let bitmap_bytes = sectors.div_ceil(8);
        let applicable = log.last_written == self.last_written && !self.stopped;
        let Some(bitmap) = vector
            .and_then(|vector| vector.get(..bitmap_bytes))
            .filter(|_| applicable && bins_bytes.is_multiple_of(4096))
        else {
            return Ok(());
        };
        let dirty = |sector: &usize| {
            bitmap
                .get(sector / 8)
                .is_some_and(|byte| byte >> (sector % 8) & 1 == 1)
        };
        // The signature and the bitmap, padded to a sector; then one sector for each set bit.
        let first = SECTOR_BYTES + (4 + bitmap_bytes).next_multiple_of(SECTOR_BYTES);
        let data = log.bytes.get(first..).unwrap_or_default();
        let (pages, _) = data.as_chunks::<SECTOR_BYTES>();
        let count = (0..sectors).filter(dirty).count();
        if count > pages.len() {
            return Ok(());
        }
        self.resize(bins_bytes)?;
        for (sector, page) in (0..sectors).filter(dirty).zip(pages) {
            // Below `bins_bytes`, which is 32-bit.
            self.put_page((sector * SECTOR_BYTES) as u32, page);
        }
        self.next_sequence = self.next_sequence.max(log.sequence);
        self.entries_applied += 1;
        Ok(())
    }
}

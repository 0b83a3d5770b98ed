//! Items that are carried out at once: for chunks that lie in the caches.
#![expect(unsafe_code, reason = "unchecked stores and copies in an inner loop")]

use super::sink::{Sink, Source, check, copy_delta};
use crate::codec::Reason;
use crate::codec::memory::{SLOP_BYTES, copy_exact, copy_match, put};

/// The output.
#[derive(Debug)]
pub(super) struct Direct<'a> {
    output: &'a mut [u8],
}

impl<'a> Direct<'a> {
    pub(super) fn new(output: &'a mut [u8]) -> Self {
        Self { output }
    }
}

impl Sink for Direct<'_> {
    type Fill = usize;

    #[inline(always)]
    fn is_full(&self, fill: usize) -> bool {
        fill >= self.output.len()
    }

    #[inline(always)]
    fn literal(&mut self, fill: &mut usize, byte: u8) {
        if *fill < self.output.len() {
            // SAFETY: it was checked just now; after `is_full` the compiler knows it.
            unsafe { put(self.output, *fill, byte) };
        }
        *fill += 1;
    }

    #[inline(always)]
    fn announce(&self, _: usize, _: u32) {}

    #[inline(always)]
    fn matched(
        &mut self,
        fill: &mut usize,
        source: Source,
        offset: u32,
        reach: u64,
        length: u32,
    ) -> Result<(), Reason> {
        let at = *fill;
        check(self.output.len(), at, reach, length)?;
        let (offset, length) = (offset as usize, length as usize);
        match source {
            Source::Copy if offset.wrapping_sub(1) < at && at + length + SLOP_BYTES <= self.output.len() => {
                // SAFETY: it was checked just now; lengths and positions are far from overflowing.
                unsafe { copy_match(self.output, at, offset, length) };
            }
            Source::Copy => copy_exact(self.output, at, offset, length),
            Source::Delta(power) => copy_delta(self.output, at, 1 << power, offset, length),
        }
        *fill = at + length;
        Ok(())
    }

    fn finish(&mut self, _: usize) {}
}

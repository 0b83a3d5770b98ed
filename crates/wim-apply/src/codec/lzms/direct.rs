//! Items that are carried out at once: for chunks that lie in the caches.

use super::sink::{Sink, Source, carry_out, check};
use crate::codec::Reason;

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
        // After `is_full` the compiler knows that there is one.
        if let Some(place) = self.output.get_mut(*fill) {
            *place = byte;
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
        carry_out(self.output, at, source, offset, length);
        *fill = at + length as usize;
        Ok(())
    }

    fn finish(&mut self, _: usize) {}
}

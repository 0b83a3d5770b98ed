//! Where decoded items go.
#![expect(unsafe_code, reason = "one unchecked copy in an inner loop")]

use crate::codec::Reason;
use crate::codec::memory::{SLOP_BYTES, copy_exact, copy_match};

/// How a match makes its bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Source {
    #[default]
    Copy,
    /// By differences, of bytes that are two to this power apart.
    Delta(u8),
}

/// An output that takes items.
pub(super) trait Sink {
    /// How far it is filled. It is apart from the sink, to be held in registers.
    type Fill: Copy + Default;

    /// Whether no more items have room.
    fn is_full(&self, fill: Self::Fill) -> bool;

    /// Adds a literal; the output must not be full.
    fn literal(&mut self, fill: &mut Self::Fill, byte: u8);

    /// Fetches what a match copies from.
    fn announce(&self, fill: Self::Fill, offset: u32);

    /// Adds a match that reaches `reach` bytes back.
    fn matched(
        &mut self,
        fill: &mut Self::Fill,
        source: Source,
        offset: u32,
        reach: u64,
        length: u32,
    ) -> Result<(), Reason>;

    /// Carries out what is left to do.
    fn finish(&mut self, fill: Self::Fill);
}

/// Whether a match fits into an output of that size.
#[inline(always)]
pub(super) fn check(output_bytes: usize, at: usize, reach: u64, length: u32) -> Result<(), Reason> {
    if reach.wrapping_sub(1) >= at as u64 {
        return Err(Reason::MatchOffset);
    }
    if length as usize > output_bytes - at {
        return Err(Reason::MatchLength);
    }
    Ok(())
}

/// Makes the bytes of a match that was checked.
#[inline(always)]
pub(super) fn carry_out(output: &mut [u8], at: usize, source: Source, offset: u32, length: u32) {
    let (offset, length) = (offset as usize, length as usize);
    match source {
        Source::Copy
            if offset.wrapping_sub(1) < at && at.saturating_add(length + SLOP_BYTES) <= output.len() =>
        {
            // SAFETY: both were asked just now; a sum that would overflow is more than the length of a slice.
            unsafe { copy_match(output, at, offset, length) };
        }
        Source::Copy => copy_exact(output, at, offset, length),
        Source::Delta(power) => copy_delta(output, at, 1 << power, offset, length),
    }
}

/// Each byte differs from the one a span before as it does at the source.
fn copy_delta(output: &mut [u8], at: usize, span: usize, offset: usize, length: usize) {
    let output = &mut output[at - offset - span..at + length];
    for to in offset + span..offset + span + length {
        let predicted = output[to - span].wrapping_sub(output[to - offset - span]);
        output[to] = output[to - offset].wrapping_add(predicted);
    }
}

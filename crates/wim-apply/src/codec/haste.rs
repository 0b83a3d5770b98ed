//! Where encoders look for no matches, so that they are done quickly with what does not compress.

/// After this many bytes without a match one byte is passed over after each that is looked at, on average; after twice as
/// many two, and so on.
const BYTES_PER_STEP: usize = 256;
/// Most that are passed over on average.
const MAX_STEP: usize = 8;

/// How many bytes to pass over after one with this value, if there was no match in the last `unmatched` ones.
///
/// The number depends on the data, so that the same places are looked at when it comes again.
#[inline(always)]
pub(super) fn passed_over(unmatched: usize, value: u8) -> usize {
    let step = (unmatched / BYTES_PER_STEP).min(MAX_STEP);
    if step == 0 {
        0
    } else {
        usize::from(value) % (2 * step + 1)
    }
}

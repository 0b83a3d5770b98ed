//! The codewords of canonical codes, for encoders.

use super::MAX_CODE_BITS;

/// Sets each used symbol's codeword (in its low bits) from the lengths.
pub(crate) fn codewords(lengths: &[u8], codewords: &mut [u32]) {
    let mut counts = [0_u32; MAX_CODE_BITS + 1];
    for &length in lengths {
        counts[usize::from(length)] += 1;
    }
    counts[0] = 0;
    let mut next = [0_u32; MAX_CODE_BITS + 1];
    for length in 1..=MAX_CODE_BITS {
        next[length] = (next[length - 1] + counts[length - 1]) << 1;
    }
    for (&length, codeword) in lengths.iter().zip(codewords) {
        *codeword = next[usize::from(length)];
        next[usize::from(length)] += 1;
    }
}

//! Marvin32, the hash of log entries.
//!
//! # Source
//! US patent 8,555,148 B2 for the algorithm; the seed was confirmed on logs written by Windows 10.

const SEED: u64 = 0x82ef_4d88_7a4e_55c5;

/// Hash of `data` with the seed of log entries.
pub(super) fn marvin32(data: &[u8]) -> u64 {
    let mut state = (low(SEED), low(SEED >> 32));
    let (words, rest) = data.as_chunks::<4>();
    for word in words {
        mix(&mut state, u32::from_le_bytes(*word));
    }
    let mut last = [0; 4];
    for (slot, byte) in last.iter_mut().zip(rest.iter().chain(&[0x80])) {
        *slot = *byte;
    }
    mix(&mut state, u32::from_le_bytes(last));
    mix(&mut state, 0);
    u64::from(state.0) | u64::from(state.1) << 32
}

fn mix((lo, hi): &mut (u32, u32), word: u32) {
    *lo = lo.wrapping_add(word);
    *hi ^= *lo;
    *lo = lo.rotate_left(20).wrapping_add(*hi);
    *hi = hi.rotate_left(9) ^ *lo;
    *lo = lo.rotate_left(27).wrapping_add(*hi);
    *hi = hi.rotate_left(19);
}

fn low(value: u64) -> u32 {
    (value & u64::from(u32::MAX)) as u32
}

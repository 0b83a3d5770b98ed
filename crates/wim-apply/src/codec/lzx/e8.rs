//! The x86 filter: operands of `call` instructions are absolute in the compressed data.

use crate::codec::cpu::equal_mask;

/// The pretended size of the file that the code is from.
const FILE_BYTES: i32 = 12_000_000;
/// The last bytes of a chunk are never touched.
const TAIL_BYTES: usize = 10;
/// Bytes searched at once.
const BLOCK: usize = 32;
/// Opcode of `call rel32`.
const CALL: u8 = 0xe8;

/// Turns absolute operands back to relative ones.
pub(super) fn undo(data: &mut [u8]) {
    filter(data, |operand, at| {
        if (0..FILE_BYTES).contains(&operand) {
            Some(operand - at)
        } else if (-at..0).contains(&operand) {
            Some(operand + FILE_BYTES)
        } else {
            None
        }
    });
}

/// Turns relative operands into absolute ones.
pub(super) fn apply(data: &mut [u8]) {
    filter(data, |operand, at| {
        if (-at..FILE_BYTES - at).contains(&operand) {
            Some(operand + at)
        } else if (FILE_BYTES - at..FILE_BYTES).contains(&operand) {
            Some(operand - FILE_BYTES)
        } else {
            None
        }
    });
}

#[inline(always)]
fn filter(data: &mut [u8], translate: impl Fn(i32, i32) -> Option<i32>) {
    let end = data.len().saturating_sub(TAIL_BYTES);
    let (mut base, mut next) = (0, 0);
    while base < end {
        let mut mask = call_mask(data, base);
        while mask != 0 {
            let at = base + mask.trailing_zeros() as usize;
            mask &= mask - 1;
            if at >= end {
                break;
            }
            if at < next {
                continue; // within an operand
            }
            let operand: &mut [u8; 4] = data[at + 1..].first_chunk_mut().expect("ten bytes follow");
            let position = i32::try_from(at).expect("chunks are at most 2 MiB");
            if let Some(new) = translate(i32::from_le_bytes(*operand), position) {
                *operand = new.to_le_bytes();
            }
            next = at + 5;
        }
        base += BLOCK;
    }
}

/// A bit for each byte of the block at `at`: whether it is the opcode.
#[inline(always)]
fn call_mask(data: &[u8], at: usize) -> u32 {
    match data[at..].first_chunk::<BLOCK>() {
        Some(bytes) => equal_mask(bytes, CALL),
        None => {
            let mut last = [0; BLOCK];
            last[..data.len() - at].copy_from_slice(&data[at..]);
            equal_mask(&last, CALL)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A call at `at` of a chunk of `size` bytes, filtered: its operand then.
    fn applied(size: usize, at: usize, operand: i32) -> i32 {
        let mut data = vec![0; size];
        data[at] = CALL;
        data[at + 1..at + 5].copy_from_slice(&operand.to_le_bytes());
        let before = data.clone();
        apply(&mut data);
        let operand = i32::from_le_bytes(*data[at + 1..].first_chunk().unwrap());
        undo(&mut data);
        assert_eq!(data, before);
        operand
    }

    #[test]
    fn operands_at_the_ends_of_their_ranges() {
        let at = 100;
        assert_eq!(applied(1000, at, -101), -101);
        assert_eq!(applied(1000, at, -100), 0);
        assert_eq!(applied(1000, at, FILE_BYTES - 101), FILE_BYTES - 1);
        assert_eq!(applied(1000, at, FILE_BYTES - 100), -100);
        assert_eq!(applied(1000, at, FILE_BYTES - 1), -1);
        assert_eq!(applied(1000, at, FILE_BYTES), FILE_BYTES);
    }

    #[test]
    fn the_last_ten_bytes_are_left_alone() {
        assert_eq!(applied(1000, 989, 7), 996);
        assert_eq!(applied(1000, 990, 7), 7);
        assert_eq!(applied(11, 0, 7), 7);
        assert_eq!(applied(10, 0, 7), 7);
    }

    proptest! {
        #[test]
        fn undo_is_the_inverse(parts in prop::collection::vec((0_usize..9, any::<i32>(), 0_u32..20), 0..60)) {
            let mut data = Vec::new();
            for (calls, operand, shift) in parts {
                data.extend(vec![CALL; calls]);
                data.extend((operand >> shift).to_le_bytes());
            }
            let mut filtered = data.clone();
            apply(&mut filtered);
            undo(&mut filtered);
            prop_assert_eq!(filtered, data);
        }
    }
}

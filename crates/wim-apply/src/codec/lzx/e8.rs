//! The x86 filter: operands of `call` instructions are absolute in the compressed data.

use crate::codec::cpu::{BytePair, match_mask};

/// The pretended size of the file that the code is from.
const FILE_BYTES: i32 = 12_000_000;
/// The last bytes of a chunk are never touched.
const TAIL_BYTES: usize = 10;
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
        base += 16;
    }
}

/// A bit for each of the 16 bytes from `at` on: whether it is the opcode.
#[inline(always)]
fn call_mask(data: &[u8], at: usize) -> u32 {
    const CALLS: [BytePair; 1] = [[(0xff, CALL), (0, 0)]];
    match data[at..].first_chunk::<17>() {
        Some(bytes) => match_mask(bytes, &CALLS),
        None => {
            let mut last = [0; 17];
            last[..data.len() - at].copy_from_slice(&data[at..]);
            match_mask(&last, &CALLS)
        }
    }
}

//! The fast form of the x86 filter.

use super::x86::{CALL_REACH, CONFIRM_WITHIN, REACH, instruction, positions};
use crate::codec::cpu::{BytePair, match_mask};

/// First bytes of instructions: 48 or 4C and 8B or 8D, E8 or E9, F0 83, FF 15.
const OPCODES: [BytePair; 4] = [
    [(0xfb, 0x48), (0xf9, 0x89)],
    [(0xfe, 0xe8), (0, 0)],
    [(0xff, 0xf0), (0xff, 0x83)],
    [(0xff, 0xff), (0xff, 0x15)],
];

/// The filter, with the table of when each target was last used.
#[derive(Debug)]
pub(super) struct Filter {
    /// By the low 16 bits of the target: where, counted on from chunk to chunk.
    last_use: Box<[u32]>,
    /// What to add to a position in this chunk.
    epoch: u32,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            last_use: vec![0; 1 << 16].into_boxed_slice(),
            epoch: CONFIRM_WITHIN as u32 + 1,
        }
    }
}

impl Filter {
    /// Turns absolute operands back to relative ones.
    pub(super) fn undo(&mut self, data: &mut [u8]) {
        let positions = positions(data.len());
        let size = u32::try_from(data.len()).expect("chunks are at most 1 GiB");
        if self.epoch.checked_add(size + CONFIRM_WITHIN as u32 + 1).is_none() {
            *self = Self::default();
        }
        let epoch = self.epoch;
        let mut reach_end = [0; 2];
        let mut base = positions.start;
        let mut skip = 0;
        while base < positions.end {
            let block = data[base..].first_chunk().expect("17 bytes follow");
            // Bytes of the operand of an instruction in an earlier block do not count.
            let mut mask = match_mask(block, &OPCODES) >> skip << skip;
            skip = 0;
            while mask != 0 {
                let at = base + mask.trailing_zeros() as usize;
                if at >= positions.end {
                    break;
                }
                let code = data[at..].first_chunk().expect("16 bytes follow");
                let next = if let Some((opcode_bytes, is_call)) = instruction(code) {
                    let position = at as u32;
                    let operand: &mut [u8; 4] = data[at + opcode_bytes..]
                        .first_chunk_mut()
                        .expect("13 bytes follow");
                    let mut value = u32::from_le_bytes(*operand);
                    if at < reach_end[usize::from(is_call)] {
                        value = value.wrapping_sub(position);
                        *operand = value.to_le_bytes();
                    }
                    let next = at + opcode_bytes + 4;
                    let here = epoch + (next as u32 - 1);
                    let last_use = &mut self.last_use[(value.wrapping_add(position) & 0xffff) as usize];
                    if here - *last_use <= CONFIRM_WITHIN as u32 {
                        reach_end = [next + REACH as usize, next + CALL_REACH as usize];
                    }
                    *last_use = here;
                    next
                } else if code[0] == 0xe9 {
                    at + 5
                } else {
                    mask &= mask - 1;
                    continue;
                };
                let done = next - base;
                if done >= 16 {
                    skip = done - 16;
                    break;
                }
                mask = mask >> done << done;
            }
            base += 16;
        }
        self.epoch += size + CONFIRM_WITHIN as u32 + 1;
    }
}

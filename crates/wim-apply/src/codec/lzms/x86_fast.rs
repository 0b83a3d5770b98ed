//! The fast form of the x86 filter.

use super::x86::{CALL_REACH, CONFIRM_WITHIN, REACH, positions};
use super::x86_find::{Hits, JUMP, SEGMENT};

/// By the first byte of an instruction: the size of what comes before the operand, and how far from a confirmed
/// instruction it is translated.
static SHAPES: [Shape; 256] = {
    let mut shapes = [Shape {
        opcode_bytes: 3,
        reach: REACH as u16,
    }; 256];
    shapes[0xe8] = Shape {
        opcode_bytes: 1,
        reach: CALL_REACH as u16,
    };
    shapes[0xff].opcode_bytes = 2;
    shapes
};

#[derive(Clone, Copy)]
struct Shape {
    opcode_bytes: u16,
    reach: u16,
}

/// The filter, with the table of when each target was last used.
#[derive(Debug)]
pub(super) struct Filter {
    /// By the low 16 bits of the target: where, counted on from chunk to chunk.
    last_use: Box<[u32; 1 << 16]>,
    /// What to add to a position in this chunk.
    epoch: u32,
    hits: Hits,
}

impl Default for Filter {
    fn default() -> Self {
        let last_use = vec![0; 1 << 16].into_boxed_slice();
        Self {
            last_use: last_use.try_into().expect("it has that size"),
            epoch: CONFIRM_WITHIN as u32 + 1,
            hits: Hits::default(),
        }
    }
}

impl Filter {
    /// Turns absolute operands back to relative ones.
    pub(super) fn undo(&mut self, data: &mut [u8]) {
        self.translate::<false>(data);
    }

    /// Turns relative operands to absolute ones: what [`undo`](Self::undo) undoes.
    pub(super) fn apply(&mut self, data: &mut [u8]) {
        self.translate::<true>(data);
    }

    #[inline(always)]
    fn translate<const TO_ABSOLUTE: bool>(&mut self, data: &mut [u8]) {
        let positions = positions(data.len());
        let size = u32::try_from(data.len()).expect("chunks are at most 1 GiB");
        if self.epoch.checked_add(size + CONFIRM_WITHIN as u32 + 1).is_none() {
            *self = Self::default();
        }
        // `REACH` after the end of the last confirmed instruction; zero when there is none.
        let mut confirmed = 0;
        let mut next = 0;
        for from in positions.clone().step_by(SEGMENT) {
            // What instructions of this segment change are operands, and in those no instruction is looked for.
            self.hits.find(data, from, positions.end.min(from + SEGMENT));
            for &place in self.hits.places() {
                let at = from + usize::from(place);
                if at < next {
                    continue;
                }
                let opcode = data[at];
                if opcode == JUMP {
                    next = at + 5;
                    continue;
                }
                let shape = SHAPES[usize::from(opcode)];
                let operand: &mut [u8; 4] = data[at + usize::from(shape.opcode_bytes)..]
                    .first_chunk_mut()
                    .expect("13 bytes follow");
                let position = at as u32;
                let is_near = at + (REACH as usize) < confirmed + usize::from(shape.reach);
                let added = if is_near { position } else { 0 };
                let before = u32::from_le_bytes(*operand);
                let (relative, after) = if TO_ABSOLUTE {
                    (before, before.wrapping_add(added))
                } else {
                    let relative = before.wrapping_sub(added);
                    (relative, relative)
                };
                *operand = after.to_le_bytes();
                next = at + usize::from(shape.opcode_bytes) + 4;
                let here = self.epoch + (next as u32 - 1);
                let target = relative.wrapping_add(position) as u16;
                let last_use = &mut self.last_use[usize::from(target)];
                if here - *last_use <= CONFIRM_WITHIN as u32 {
                    confirmed = next + REACH as usize;
                }
                *last_use = here;
            }
        }
        self.epoch += size + CONFIRM_WITHIN as u32 + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::lzms::x86;
    use proptest::prelude::*;

    proptest! {
        /// Both forms undo it, over more than one segment.
        #[test]
        fn what_was_applied_is_undone(
            choices in prop::collection::vec((0_usize..9, 0_u32..5, 0_usize..40), 0..900),
        ) {
            let opcodes: [&[u8]; 9] = [
                &[0x48, 0x8b, 0x05], &[0x4c, 0x8d, 0x3d], &[0xe8], &[0xe8], &[0xe9], &[0xf0, 0x83, 0x05], &[0xff, 0x15],
                &[0x48], &[0x90],
            ];
            let mut data = Vec::new();
            for (opcode, target, gap) in choices {
                data.extend(opcodes[opcode]);
                data.extend((target * 4096).wrapping_sub(data.len() as u32).to_le_bytes());
                data.extend(std::iter::repeat_n(0x90, gap));
            }
            let mut filter = Filter::default();
            let mut there = data.clone();
            filter.apply(&mut there);
            let mut back = there.clone();
            filter.undo(&mut back);
            prop_assert!(back == data);
            x86::undo(&mut there);
            prop_assert!(there == data);
        }
    }
}

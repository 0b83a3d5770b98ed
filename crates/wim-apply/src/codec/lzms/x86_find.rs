//! The search for instructions that the x86 filter looks at.
#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "vector instructions that the baseline does not have")
)]

use super::x86::instruction;
use crate::codec::cpu::{BytePair, match_mask};

/// How many positions are searched at once.
pub(super) const SEGMENT: usize = 2048;
/// Positions of a block.
const BLOCK: usize = 32;
/// What is written for a block at least.
const AT_ONCE: usize = 2;

/// First bytes of instructions: 48 or 4C and 8B or 8D, E8 or E9, F0 83, FF 15.
const OPCODES: [BytePair; 4] = [
    [(0xfb, 0x48), (0xf9, 0x89)],
    [(0xfe, 0xe8), (0, 0)],
    [(0xff, 0xf0), (0xff, 0x83)],
    [(0xff, 0xff), (0xff, 0x15)],
];

/// Where instructions begin in a segment.
#[derive(Debug)]
pub(super) struct Hits {
    places: [u16; SEGMENT + BLOCK],
    count: usize,
}

impl Default for Hits {
    fn default() -> Self {
        Self {
            places: [0; SEGMENT + BLOCK],
            count: 0,
        }
    }
}

impl Hits {
    /// Offsets from the start of the segment, in ascending order.
    pub(super) fn places(&self) -> &[u16] {
        &self.places[..self.count]
    }

    /// Searches the segment from `from` to `to`, after which two more bytes follow, for the instructions of the filter and
    /// for `jmp` (E9).
    pub(super) fn find(&mut self, data: &[u8], from: usize, to: usize) {
        #[cfg(target_arch = "x86_64")]
        if crate::codec::cpu::is_modern() {
            // SAFETY: the processor has the features that the function is compiled for.
            return unsafe { self.find_avx2(data, from, to) };
        }
        self.find_by(data, from, to, block_mask);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    fn find_avx2(&mut self, data: &[u8], from: usize, to: usize) {
        self.find_by(data, from, to, |bytes| block_mask_avx2(bytes));
    }

    #[inline(always)]
    fn find_by(&mut self, data: &[u8], from: usize, to: usize, block_mask: impl Fn(&[u8; BLOCK + 2]) -> u32) {
        assert!(to - from <= SEGMENT);
        self.count = 0;
        let mut base = from;
        while base < to {
            let mask = match data[base..].first_chunk() {
                Some(bytes) => block_mask(bytes),
                None => {
                    let mut bytes = [0; BLOCK + 2];
                    bytes[..data.len() - base].copy_from_slice(&data[base..]);
                    block_mask(&bytes)
                }
            };
            let cut = BLOCK.saturating_sub(to - base) as u32;
            self.add((base - from) as u16, mask << cut >> cut);
            base += BLOCK;
        }
    }

    /// Adds the places of the bits of `mask`. Mostly there are few: some are written without asking.
    #[inline(always)]
    fn add(&mut self, base: u16, mut mask: u32) {
        let mut at = self.count;
        self.count += mask.count_ones() as usize;
        while let Some(places) = self.places[at..].first_chunk_mut::<AT_ONCE>() {
            for place in places {
                *place = base + mask.trailing_zeros() as u16;
                mask &= mask.wrapping_sub(1);
            }
            if mask == 0 {
                return;
            }
            at += AT_ONCE;
        }
    }
}

/// A bit for each position, the first one lowest.
fn block_mask(bytes: &[u8; BLOCK + 2]) -> u32 {
    let half = |at: usize| {
        let half = bytes[at..].first_chunk().expect("17 bytes follow");
        let mut candidates = match_mask(half, &OPCODES);
        let mut found = 0;
        while candidates != 0 {
            let bit = candidates.trailing_zeros();
            candidates &= candidates - 1;
            let code = bytes[at + bit as usize..]
                .first_chunk()
                .expect("two bytes follow");
            found |= u32::from(code[0] == JUMP || instruction(code).is_some()) << bit;
        }
        found
    };
    half(0) | half(16) << 16
}

/// Opcode of `jmp rel32`.
pub(super) const JUMP: u8 = 0xe9;

/// The three bytes of each instruction and of `jmp`: (mask, value) of each byte.
const INSTRUCTIONS: [[(u8, u8); 3]; 6] = [
    [(0xff, 0x48), (0xff, 0x8b), (0xf7, 0x05)],
    [(0xfb, 0x48), (0xff, 0x8d), (0x07, 0x05)],
    [(0xff, 0xe8), (0, 0), (0, 0)],
    [(0xff, JUMP), (0, 0), (0, 0)],
    [(0xff, 0xf0), (0xff, 0x83), (0xff, 0x05)],
    [(0xff, 0xff), (0xff, 0x15), (0, 0)],
];

/// By a byte's nibbles: which of the instructions (a bit for each) it can belong to.
struct Nibbles {
    low: [u8; 16],
    high: [u8; 16],
}

/// For the three bytes of an instruction.
static CLASSES: [Nibbles; 3] = [nibbles(0), nibbles(1), nibbles(2)];

const fn nibbles(place: usize) -> Nibbles {
    let (mut low, mut high) = ([0; 16], [0; 16]);
    let mut i = 0;
    while i < INSTRUCTIONS.len() {
        let (mask, value) = INSTRUCTIONS[i][place];
        let mut nibble = 0;
        while nibble < 16 {
            let byte = nibble as u8;
            if (byte ^ value) & mask & 0x0f == 0 {
                low[nibble] |= 1 << i;
            }
            if (byte << 4 ^ value) & mask & 0xf0 == 0 {
                high[nibble] |= 1 << i;
            }
            nibble += 1;
        }
        i += 1;
    }
    Nibbles { low, high }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
#[inline]
fn block_mask_avx2(bytes: &[u8; BLOCK + 2]) -> u32 {
    use std::arch::x86_64::{
        __m256i, _mm_loadu_si128, _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_cmpeq_epi8,
        _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_set1_epi8, _mm256_setzero_si256,
        _mm256_shuffle_epi8, _mm256_srli_epi16,
    };
    let table = |nibbles: &[u8; 16]| {
        // SAFETY: a load from an array of 16 bytes, which needs no alignment.
        _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(nibbles.as_ptr().cast()) })
    };
    let nibble = _mm256_set1_epi8(15);
    let classes = |at: usize| -> __m256i {
        debug_assert!(at <= 2);
        // SAFETY: 32 bytes from `at`, which is at most 2, of an array of 34; they need no alignment.
        let bytes = unsafe { _mm256_loadu_si256(bytes.as_ptr().add(at).cast()) };
        let low = _mm256_and_si256(bytes, nibble);
        let high = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), nibble);
        _mm256_and_si256(
            _mm256_shuffle_epi8(table(&CLASSES[at].low), low),
            _mm256_shuffle_epi8(table(&CLASSES[at].high), high),
        )
    };
    let all = _mm256_and_si256(_mm256_and_si256(classes(0), classes(1)), classes(2));
    let none = _mm256_cmpeq_epi8(all, _mm256_setzero_si256());
    !_mm256_movemask_epi8(none).cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Both searches find what the plain filter does.
        #[test]
        fn finds_what_the_plain_filter_finds(
            choices in prop::collection::vec(0_usize..17, 60..3 * BLOCK + 5),
            other in any::<u8>(),
        ) {
            let bytes = [
                0x48, 0x4c, 0x8b, 0x8d, 0x05, 0x0d, 0x15, 0xe8, 0xe9, 0xf0, 0x83, 0xff, 0x25, 0x8d, 0x05, 0x48, other,
            ];
            let data: Vec<u8> = choices.iter().map(|&choice| bytes[choice]).collect();
            let (from, to) = (1, data.len() - 16);
            let found: Vec<u16> = (from..to)
                .filter(|&at| {
                    let code = data[at..].first_chunk().unwrap();
                    code[0] == JUMP || instruction(code).is_some()
                })
                .map(|at| (at - from) as u16)
                .collect();
            let mut hits = Hits::default();
            hits.find_by(&data, from, to, block_mask);
            prop_assert_eq!(hits.places(), &found);
            hits.find(&data, from, to);
            prop_assert_eq!(hits.places(), &found);
        }

        /// Every byte of every place.
        #[test]
        fn classes_are_exact(code in prop::array::uniform3(any::<u8>())) {
            let fits = (0..3).fold(63, |fits, i| {
                fits & CLASSES[i].low[usize::from(code[i] & 15)] & CLASSES[i].high[usize::from(code[i] >> 4)]
            });
            prop_assert_eq!(fits != 0, code[0] == JUMP || instruction(&code).is_some());
        }
    }
}

//! Chosen items, and how they are written.

use super::{MIN_MATCH, SYMBOLS, TABLE_BYTES};
use crate::codec::cpu::Hot;
use crate::codec::hash_chains::Match;
use crate::codec::huffman::codewords;

/// Bits for the length of a codeword beside it.
const LENGTH_BITS: u32 = 4;
/// After the last item; decoders do not need it, but Microsoft's encoder writes it.
pub(super) const END: usize = 256;
/// A length header with this value is followed by more.
const LONG_LENGTH: usize = 15;
/// A byte with this value is followed by the whole length.
const LONGER_LENGTH: usize = 255;

/// Literals and the match after them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) literals: u16,
    pub(super) symbol: u16,
    /// Of the match, less the minimum.
    pub(super) length: u16,
    /// Without its highest bit.
    pub(super) offset: u16,
}

impl Run {
    #[inline(always)]
    pub(super) fn new(literals: usize, found: Match) -> Self {
        let length = found.length - MIN_MATCH;
        let offset_bits = found.offset.ilog2() as usize;
        Self {
            literals: literals as u16,
            symbol: (256 + 16 * offset_bits + length.min(LONG_LENGTH)) as u16,
            length: length as u16,
            offset: (found.offset - (1 << offset_bits)) as u16,
        }
    }
}

/// Bits of the offset after a symbol; literals have none.
pub(super) fn offset_bits(symbol: usize) -> u32 {
    if symbol < 256 { 0 } else { symbol as u32 >> 4 & 15 }
}

/// Bytes beside the bit stream that a length, less the minimum, takes.
#[inline(always)]
pub(super) fn length_bytes(length: u16) -> usize {
    match usize::from(length) {
        0..LONG_LENGTH => 0,
        length if length - LONG_LENGTH < LONGER_LENGTH => 1,
        _ => 3,
    }
}

/// The codewords for these lengths, each above its length.
pub(super) fn packed_codes(lengths: &[u8; SYMBOLS]) -> [u32; SYMBOLS] {
    let mut codes = [0; SYMBOLS];
    codewords(lengths, &mut codes);
    for (code, &length) in codes.iter_mut().zip(lengths) {
        *code = *code << LENGTH_BITS | u32::from(length);
    }
    codes
}

/// Writes the items behind the table.
pub(super) struct Write<'a> {
    pub(super) runs: &'a [Run],
    pub(super) codes: &'a [u32; SYMBOLS],
    pub(super) input: &'a [u8],
    pub(super) output: &'a mut [u8],
}

impl Hot for Write<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            runs, codes, input, ..
        } = self;
        let mut units = UnitWriter::new(self.output, TABLE_BYTES);
        let mut at = 0;
        for run in runs {
            let end = at + usize::from(run.literals);
            units.put_literals(codes, &input[at..end]);
            units.put_match(codes[usize::from(run.symbol) % SYMBOLS], run);
            at = end + usize::from(run.length) + MIN_MATCH;
        }
        units.put_literals(codes, &input[at..]);
        units.finish(codes[END]);
    }
}

/// Writes units of bits, and bytes between them where a decoder looks for them: it holds at least 16 bits.
struct UnitWriter<'a> {
    output: &'a mut [u8],
    /// Of what is written or has its place.
    end: usize,
    /// Bits that are in no unit yet, at most 16 of them between calls.
    bits: u64,
    held: u32,
    /// Places of the next two units.
    places: [usize; 2],
}

impl<'a> UnitWriter<'a> {
    fn new(output: &'a mut [u8], start: usize) -> Self {
        Self {
            output,
            end: start + 4,
            bits: 0,
            held: 0,
            places: [start, start + 2],
        }
    }

    #[inline(always)]
    fn put_literals(&mut self, codes: &[u32; SYMBOLS], literals: &[u8]) {
        for &byte in literals {
            self.hold(codes[usize::from(byte)]);
            self.flush();
        }
    }

    /// Writes a match with this codeword.
    #[inline(always)]
    fn put_match(&mut self, code: u32, run: &Run) {
        self.hold(code);
        self.flush();
        if usize::from(run.symbol) % 16 == LONG_LENGTH {
            self.put_length(run.length);
        }
        let offset_bits = u32::from(run.symbol >> 4 & 15);
        self.bits = self.bits << offset_bits | u64::from(run.offset);
        self.held += offset_bits;
        self.flush();
    }

    #[inline(always)]
    fn hold(&mut self, code: u32) {
        let length = code % (1 << LENGTH_BITS);
        self.bits = self.bits << length | u64::from(code >> LENGTH_BITS);
        self.held += length;
    }

    /// Writes a unit, if one is full and more is held. Else what is held is written too, and again later: no branch is
    /// as quick when it is guessed wrong.
    #[inline(always)]
    fn flush(&mut self) {
        self.put_unit((self.bits.wrapping_shr(self.held.wrapping_sub(16))) as u16);
        let is_full = self.held > 16;
        self.held -= 16 * u32::from(is_full);
        self.places = if is_full {
            [self.places[1], self.end]
        } else {
            self.places
        };
        self.end += 2 * usize::from(is_full);
    }

    #[inline(always)]
    fn put_unit(&mut self, unit: u16) {
        self.output[self.places[0]..][..2].copy_from_slice(&unit.to_le_bytes());
    }

    fn put_length(&mut self, length: u16) {
        match length_bytes(length) {
            1 => self.put_bytes([(usize::from(length) - LONG_LENGTH) as u8]),
            _ => {
                let [low, high] = length.to_le_bytes();
                self.put_bytes([LONGER_LENGTH as u8, low, high]);
            }
        }
    }

    #[inline(always)]
    fn put_bytes<const N: usize>(&mut self, bytes: [u8; N]) {
        self.output[self.end..][..N].copy_from_slice(&bytes);
        self.end += N;
    }

    /// Writes the last codeword and what is held. A unit more has a place, for readers that hold two.
    fn finish(mut self, code: u32) {
        self.hold(code);
        self.flush();
        self.put_unit((self.bits << (16 - self.held)) as u16);
        self.output[self.places[1]..][..2].fill(0);
        debug_assert_eq!(self.end, self.output.len());
    }
}

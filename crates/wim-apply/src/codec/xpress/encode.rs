//! The XPRESS encoder.

use super::{MAX_CHUNK_BYTES, MIN_MATCH, SYMBOLS, TABLE_BYTES};
use crate::codec::cpu::{self, Hot};
use crate::codec::hash_chains::{Effort, HashChains, Match};
use crate::codec::haste;
use crate::codec::huffman::{LengthBuilder, codewords};

/// Bits for the length of a codeword beside it.
const LENGTH_BITS: u32 = 4;
/// Longest codeword.
const MAX_CODE_BITS: usize = 15;
/// After the last item; decoders do not need it, but Microsoft's encoder writes it.
const END: usize = 256;
/// A length header with this value is followed by more.
const LONG_LENGTH: usize = 15;
/// A byte with this value is followed by the whole length.
const LONGER_LENGTH: usize = 255;

/// A match of this length is taken without a look at others.
const NICE_LENGTH: usize = 40;
/// Three bytes from farther away cost more than they save.
const MAX_OFFSET_OF_3: usize = 4096;

/// Literals and the match after them.
#[derive(Clone, Copy, Debug)]
struct Run {
    literals: u16,
    symbol: u16,
    /// Of the match, less the minimum.
    length: u16,
    /// Without its highest bit.
    offset: u16,
}

/// What the chosen items take.
#[derive(Debug)]
struct Demand {
    /// How often each symbol occurs.
    frequencies: [u32; SYMBOLS],
    /// Bytes beside the bit stream.
    bytes: usize,
}

impl Demand {
    /// Size of the chunk in bytes, with codewords of these lengths.
    fn chunk_bytes(&self, lengths: &[u8; SYMBOLS]) -> usize {
        let of_symbol = |(symbol, (&frequency, &length)): (usize, (&u32, &u8))| {
            frequency * (u32::from(length) + offset_bits(symbol))
        };
        let symbols = self.frequencies.iter().zip(lengths).enumerate();
        let bits: u32 = symbols.map(of_symbol).sum();
        // One unit more than there are bits for: readers hold two.
        TABLE_BYTES + 2 * (bits.div_ceil(16) as usize + 1) + self.bytes
    }

    #[inline(never)]
    fn add_literals(&mut self, literals: &[u8]) {
        for &byte in literals {
            self.frequencies[usize::from(byte)] += 1;
        }
    }

    #[inline(never)]
    fn remove_literals(&mut self, literals: &[u8]) {
        for &byte in literals {
            self.frequencies[usize::from(byte)] -= 1;
        }
    }
}

/// Encoder with reusable tables. Equal input gives equal output.
#[derive(Debug, Default)]
pub struct Encoder {
    chains: HashChains,
    builder: LengthBuilder,
    runs: Vec<Run>,
}

impl Encoder {
    /// An encoder for chunks of any size.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Encodes one chunk of at most 64 KiB, in place of what `output` holds. `None` when it does not become
    /// smaller (or is larger than a chunk may be): then it is to be stored as it is.
    pub fn compress(&mut self, input: &[u8], output: &mut Vec<u8>) -> Option<()> {
        if input.len() > MAX_CHUNK_BYTES as usize || input.len() <= TABLE_BYTES {
            return None;
        }
        let mut demand = cpu::run(Parse { encoder: self, input });
        demand.frequencies[END] += 1;
        let mut lengths = [0; SYMBOLS];
        self.builder
            .build(&demand.frequencies, MAX_CODE_BITS, &mut lengths);
        let chunk_bytes = demand.chunk_bytes(&lengths);
        if chunk_bytes >= input.len() {
            return None;
        }
        // What it holds is overwritten.
        output.resize(chunk_bytes, 0);
        for (byte, [low, high]) in output.iter_mut().zip(lengths.as_chunks::<2>().0) {
            *byte = low | high << 4;
        }
        let mut codes = [0; SYMBOLS];
        codewords(&lengths, &mut codes);
        for (code, length) in codes.iter_mut().zip(lengths) {
            *code = *code << LENGTH_BITS | u32::from(length);
        }
        cpu::run(Write {
            runs: &self.runs,
            codes: &codes,
            input,
            output,
        });
        Some(())
    }

    /// Chooses literals and matches: a match waits while the next position has a better one.
    #[inline(always)]
    fn parse(&mut self, input: &[u8]) -> Demand {
        self.chains.load(input);
        let [effort, lazy] = efforts(input.len());
        self.runs.clear();
        let mut demand = Demand {
            frequencies: [0; SYMBOLS],
            bytes: 0,
        };
        let (mut at, mut run_start, mut skipped) = (0, 0, false);
        while at < input.len() {
            let mut found = self.chains.find(at, MIN_MATCH - 1, effort);
            if found.length == 0 {
                demand.frequencies[usize::from(input[at])] += 1;
                at += 1;
                let passed_over = haste::passed_over(at - run_start, input[at - 1]);
                if passed_over > 0 {
                    let end = input.len().min(at + passed_over);
                    demand.add_literals(&input[at..end]);
                    at = end;
                    skipped = true;
                }
                continue;
            }
            let mut entered = at + 1;
            while found.length < NICE_LENGTH {
                let next = self.chains.find(at + 1, found.length - 1, lazy);
                entered = at + 2;
                if next.length != 0 && gain(found, next) > 2 {
                    demand.frequencies[usize::from(input[at])] += 1;
                    at += 1;
                    found = next;
                    continue;
                }
                break;
            }
            let end = at + found.length;
            if skipped {
                let earlier = equal_before(&input[run_start..at], &input[..at - found.offset]);
                demand.remove_literals(&input[at - earlier..at]);
                at -= earlier;
                found.length += earlier;
                skipped = false;
            }
            let run = Run::new(at - run_start, found);
            demand.frequencies[usize::from(run.symbol)] += 1;
            demand.bytes += length_bytes(run.length);
            self.runs.push(run);
            self.chains.skip(entered, end, effort);
            (at, run_start) = (end, end);
        }
        demand
    }
}

struct Parse<'a> {
    encoder: &'a mut Encoder,
    input: &'a [u8],
}

impl Hot for Parse<'_> {
    type Output = Demand;

    #[inline(always)]
    fn run(self) -> Demand {
        self.encoder.parse(self.input)
    }
}

/// Writes the items behind the table.
struct Write<'a> {
    runs: &'a [Run],
    codes: &'a [u32; SYMBOLS],
    input: &'a [u8],
    output: &'a mut [u8],
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

impl Run {
    #[inline(always)]
    fn new(literals: usize, found: Match) -> Self {
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
fn offset_bits(symbol: usize) -> u32 {
    if symbol < 256 { 0 } else { symbol as u32 >> 4 & 15 }
}

/// Bytes beside the bit stream that a length, less the minimum, takes.
#[inline(always)]
fn length_bytes(length: u16) -> usize {
    match usize::from(length) {
        0..LONG_LENGTH => 0,
        length if length - LONG_LENGTH < LONGER_LENGTH => 1,
        _ => 3,
    }
}

/// How hard to search a chunk of that size, and the position after a match: in larger ones there is more to find, and the
/// work for each chunk is a lesser part.
fn efforts(chunk_bytes: usize) -> [Effort; 2] {
    let depths = match chunk_bytes {
        0..=8192 => [4, 1],
        8193..=16_384 => [5, 2],
        16_385..=32_768 => [6, 2],
        _ => [8, 3],
    };
    depths.map(|depth| Effort {
        depth,
        nice_length: NICE_LENGTH,
        max_offset_of_3: MAX_OFFSET_OF_3,
        enters_all_of_3: chunk_bytes > 8192,
    })
}

/// How many bytes at the ends of both are equal.
fn equal_before(bytes: &[u8], others: &[u8]) -> usize {
    let pairs = bytes.iter().rev().zip(others.iter().rev());
    pairs.take_while(|(byte, other)| byte == other).count()
}

/// How much better `next` is, in about quarters of a byte.
fn gain(found: Match, next: Match) -> i32 {
    let bits = |offset: usize| offset.ilog2().cast_signed();
    4 * (next.length as i32 - found.length as i32) + bits(found.offset) - bits(next.offset)
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

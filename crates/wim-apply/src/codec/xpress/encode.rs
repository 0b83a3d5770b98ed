//! The XPRESS encoder.

use super::runs::{END, Run, Write, length_bytes, offset_bits, packed_codes};
use super::{MAX_CHUNK_BYTES, MIN_MATCH, SYMBOLS, TABLE_BYTES};
use crate::codec::cpu::{self, Hot};
use crate::codec::hash_chains::{Effort, HashChains, Match};
use crate::codec::haste;
use crate::codec::huffman::LengthBuilder;

/// Longest codeword.
const MAX_CODE_BITS: usize = 15;
/// A match of this length is taken without a look at others.
const NICE_LENGTH: usize = 40;
/// Three bytes from farther away cost more than they save.
const MAX_OFFSET_OF_3: usize = 4096;

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
        cpu::run(Write {
            runs: &self.runs,
            codes: &packed_codes(&lengths),
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

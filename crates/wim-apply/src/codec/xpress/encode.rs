//! The XPRESS encoder.

use super::{MAX_CHUNK_BYTES, MIN_MATCH, SYMBOLS, TABLE_BYTES};
use crate::codec::cpu::{self, Hot};
use crate::codec::hash_chains::{Effort, HashChains, Match};
use crate::codec::huffman::{LengthBuilder, codewords};

/// Longest codeword.
const MAX_CODE_BITS: usize = 15;
/// After the last item; decoders do not need it, but Microsoft's encoder writes it.
const END: usize = 256;
/// A length header with this value is followed by more.
const LONG_LENGTH: usize = 15;
/// A byte with this value is followed by the whole length.
const LONGER_LENGTH: usize = 255;

const EFFORT: Effort = Effort {
    depth: 9,
    nice_length: 40,
    max_length: MAX_CHUNK_BYTES as usize,
};
/// Three bytes from farther away cost more than they save.
const MAX_OFFSET_OF_3: usize = 4096;

/// A literal, or a match.
#[derive(Clone, Copy, Debug)]
struct Item {
    symbol: u16,
    /// Length less the minimum, of matches.
    length: u16,
    /// Without its highest bit.
    offset: u16,
}

/// Encoder with reusable tables. Equal input gives equal output.
#[derive(Debug, Default)]
pub struct Encoder {
    chains: HashChains,
    builder: LengthBuilder,
    items: Vec<Item>,
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
        output.clear();
        if input.len() > MAX_CHUNK_BYTES as usize || input.len() <= TABLE_BYTES {
            return None;
        }
        let mut frequencies = [0; SYMBOLS];
        cpu::run(Parse {
            encoder: self,
            input,
            frequencies: &mut frequencies,
        });
        frequencies[END] += 1;
        let mut lengths = [0; SYMBOLS];
        self.builder.build(&frequencies, MAX_CODE_BITS, &mut lengths);
        output.extend(
            lengths
                .as_chunks::<2>()
                .0
                .iter()
                .map(|[low, high]| low | high << 4),
        );

        let mut codes = [0; SYMBOLS];
        codewords(&lengths, &mut codes);
        let mut bits = UnitWriter::new(output);
        for item in &self.items {
            let symbol = usize::from(item.symbol);
            bits.put(codes[symbol], lengths[symbol].into());
            if symbol >= 256 {
                if symbol % 16 == LONG_LENGTH {
                    bits.put_length(item.length);
                }
                bits.put(item.offset.into(), u32::from(item.symbol >> 4 & 15));
                if bits.output.len() >= input.len() {
                    return None;
                }
            }
        }
        bits.put(codes[END], lengths[END].into());
        bits.finish();
        (output.len() < input.len()).then_some(())
    }

    /// Chooses literals and matches: a match waits while the next position has a better one.
    #[inline(always)]
    fn parse(&mut self, input: &[u8], frequencies: &mut [u32; SYMBOLS]) {
        self.chains.reset();
        self.items.clear();
        let mut add = |item: Item| {
            frequencies[usize::from(item.symbol)] += 1;
            self.items.push(item);
        };
        let mut at = 0;
        while at < input.len() {
            let mut found = worth(self.chains.find(input, at, MIN_MATCH - 1, EFFORT));
            let mut entered = at + 1;
            if found.length == 0 {
                add(literal(input[at]));
                at += 1;
                continue;
            }
            while found.length < EFFORT.nice_length {
                let half = Effort {
                    depth: EFFORT.depth / 2,
                    ..EFFORT
                };
                let next = self.chains.find(input, at + 1, found.length - 1, half);
                entered = at + 2;
                if next.length != 0 && gain(found, next) > 2 {
                    add(literal(input[at]));
                    at += 1;
                    found = next;
                    continue;
                }
                break;
            }
            add(matched(found));
            let end = at + found.length;
            self.chains.skip(input, entered, end);
            at = end;
        }
    }
}

struct Parse<'a> {
    encoder: &'a mut Encoder,
    input: &'a [u8],
    frequencies: &'a mut [u32; SYMBOLS],
}

impl Hot for Parse<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        self.encoder.parse(self.input, self.frequencies);
    }
}

/// No match when it is not worth its bits.
fn worth(found: Match) -> Match {
    if found.length == MIN_MATCH && found.offset > MAX_OFFSET_OF_3 {
        Match::default()
    } else {
        found
    }
}

/// How much better `next` is, in about quarters of a byte.
fn gain(found: Match, next: Match) -> i32 {
    let bits = |offset: usize| offset.ilog2().cast_signed();
    4 * (next.length as i32 - found.length as i32) + bits(found.offset) - bits(next.offset)
}

fn literal(byte: u8) -> Item {
    Item {
        symbol: byte.into(),
        length: 0,
        offset: 0,
    }
}

fn matched(found: Match) -> Item {
    let length = found.length - MIN_MATCH;
    let offset_bits = found.offset.ilog2() as usize;
    Item {
        symbol: (256 + 16 * offset_bits + length.min(LONG_LENGTH)) as u16,
        length: length as u16,
        offset: (found.offset - (1 << offset_bits)) as u16,
    }
}

/// Writes units of bits, and bytes between them where a decoder looks for them: it holds at least 16 bits.
struct UnitWriter<'a> {
    output: &'a mut Vec<u8>,
    /// Bits that are in no unit yet, at most 16 of them between calls.
    bits: u64,
    held: u32,
    /// Places of the next two units.
    places: [usize; 2],
}

impl<'a> UnitWriter<'a> {
    fn new(output: &'a mut Vec<u8>) -> Self {
        let start = output.len();
        output.extend([0; 4]);
        Self {
            output,
            bits: 0,
            held: 0,
            places: [start, start + 2],
        }
    }

    /// Writes up to 16 bits.
    #[inline(always)]
    fn put(&mut self, value: u32, count: u32) {
        self.bits = (self.bits << count) | u64::from(value);
        self.held += count;
        if self.held > 16 {
            self.held -= 16;
            self.unit((self.bits >> self.held) as u16);
            let next = self.output.len();
            self.output.extend([0; 2]);
            self.places = [self.places[1], next];
        }
    }

    fn unit(&mut self, unit: u16) {
        let place = self.places[0];
        self.output[place..place + 2].copy_from_slice(&unit.to_le_bytes());
    }

    fn put_length(&mut self, length: u16) {
        let more = usize::from(length) - LONG_LENGTH;
        if more < LONGER_LENGTH {
            self.output.push(more as u8);
        } else {
            self.output.push(LONGER_LENGTH as u8);
            self.output.extend(length.to_le_bytes());
        }
    }

    fn finish(mut self) {
        self.unit((self.bits << (16 - self.held)) as u16);
    }
}

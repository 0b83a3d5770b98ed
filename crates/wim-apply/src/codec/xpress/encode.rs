//! The XPRESS encoder.

use super::{MAX_CHUNK_BYTES, MIN_MATCH, SYMBOLS, TABLE_BYTES};
use crate::codec::cpu::{self, Hot};
use crate::codec::hash_chains::{Effort, HashChains, Match};
use crate::codec::huffman::{LengthBuilder, codewords};

/// An item, or the end, takes at most this many bytes.
const ITEM_BYTES: usize = 8;
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
/// Chunks up to this size have short chains, and their codes are a greater part of the work.
const SMALL_CHUNK_BYTES: usize = 8 << 10;
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
        // Room for an item after the last one that may begin.
        output.resize(input.len() + ITEM_BYTES, 0);
        for (byte, [low, high]) in output.iter_mut().zip(lengths.as_chunks::<2>().0) {
            *byte = low | high << 4;
        }
        let mut codes = [0; SYMBOLS];
        codewords(&lengths, &mut codes);
        for (code, length) in codes.iter_mut().zip(lengths) {
            *code = *code << LENGTH_BITS | u32::from(length);
        }
        let mut bits = UnitWriter::new(output, TABLE_BYTES);
        for item in &self.items {
            if bits.end >= input.len() {
                return None;
            }
            bits.put_item(codes[usize::from(item.symbol) % SYMBOLS], *item);
        }
        let end = bits.finish(codes[END]);
        output.truncate(end);
        (end < input.len()).then_some(())
    }

    /// Chooses literals and matches: a match waits while the next position has a better one.
    #[inline(always)]
    fn parse(&mut self, input: &[u8], frequencies: &mut [u32; SYMBOLS]) {
        self.chains.load(input);
        let small = input.len() <= SMALL_CHUNK_BYTES;
        let [effort, lazy] = if small { [3, 1] } else { [5, 2] }.map(|depth| Effort {
            depth,
            nice_length: NICE_LENGTH,
        });
        self.items.clear();
        let mut add = |item: Item| {
            frequencies[usize::from(item.symbol)] += 1;
            self.items.push(item);
        };
        let mut at = 0;
        while at < input.len() {
            let mut found = worth(self.chains.find(at, MIN_MATCH - 1, effort));
            let mut entered = at + 1;
            if found.length == 0 {
                add(literal(input[at]));
                at += 1;
                continue;
            }
            while found.length < NICE_LENGTH {
                let next = self.chains.find(at + 1, found.length - 1, lazy);
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
            self.chains.skip(entered, end);
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
    /// Zeros: the last unit that has its place may stay unused.
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

    /// Writes an item with this codeword and length of it.
    #[inline(always)]
    fn put_item(&mut self, code: u32, item: Item) {
        let (word, count) = (u64::from(code >> LENGTH_BITS), code % (1 << LENGTH_BITS));
        if item.symbol < 256 {
            self.put(word, count);
            return;
        }
        let offset_bits = u32::from(item.symbol >> 4 & 15);
        if usize::from(item.symbol) % 16 == LONG_LENGTH {
            self.put(word, count);
            self.put_length(item.length);
            self.put(item.offset.into(), offset_bits);
        } else {
            self.put(word << offset_bits | u64::from(item.offset), count + offset_bits);
        }
    }

    /// Writes up to 30 bits.
    #[inline(always)]
    fn put(&mut self, value: u64, count: u32) {
        self.bits = self.bits << count | value;
        self.held += count;
        while self.held > 16 {
            self.held -= 16;
            self.put_unit((self.bits >> self.held) as u16);
            self.places = [self.places[1], self.end];
            self.end += 2;
        }
    }

    #[inline(always)]
    fn put_unit(&mut self, unit: u16) {
        self.output[self.places[0]..][..2].copy_from_slice(&unit.to_le_bytes());
    }

    fn put_length(&mut self, length: u16) {
        let more = usize::from(length) - LONG_LENGTH;
        if more < LONGER_LENGTH {
            self.put_bytes([more as u8]);
        } else {
            let [low, high] = length.to_le_bytes();
            self.put_bytes([LONGER_LENGTH as u8, low, high]);
        }
    }

    #[inline(always)]
    fn put_bytes<const N: usize>(&mut self, bytes: [u8; N]) {
        self.output[self.end..][..N].copy_from_slice(&bytes);
        self.end += N;
    }

    /// Writes the last codeword and what is held, and returns where the chunk ends.
    fn finish(mut self, code: u32) -> usize {
        self.put(u64::from(code >> LENGTH_BITS), code % (1 << LENGTH_BITS));
        self.put_unit((self.bits << (16 - self.held)) as u16);
        self.end
    }
}

//! Writes blocks.

use super::bits::UnitWriter;
use super::items::{Frequencies, Item};
use crate::codec::huffman::{LengthBuilder, codewords};
use crate::codec::lzx::layout::{
    ALIGNED_SYMBOLS, DEFAULT_BLOCK_BYTES, FIRST_ALIGNED_SLOT, LENGTH_SYMBOLS, MAX_MAIN_SYMBOLS, PRE_SYMBOLS,
    SLOT_BASE, SLOT_EXTRA_BITS, Window, block_type,
};

/// Longest codeword of the main code and the length code.
const MAX_BITS: usize = 16;
/// Longest codeword of the code for codeword lengths.
const MAX_PRE_BITS: usize = 15;
/// Longest codeword of the aligned code.
const MAX_ALIGNED_BITS: usize = 7;

/// A code with its lengths.
#[derive(Debug)]
struct Code<const SYMBOLS: usize> {
    lengths: [u8; SYMBOLS],
    words: [u32; SYMBOLS],
}

impl<const SYMBOLS: usize> Default for Code<SYMBOLS> {
    fn default() -> Self {
        Self {
            lengths: [0; SYMBOLS],
            words: [0; SYMBOLS],
        }
    }
}

impl<const SYMBOLS: usize> Code<SYMBOLS> {
    fn build(&mut self, builder: &mut LengthBuilder, frequencies: &[u32; SYMBOLS], max_bits: usize) {
        builder.build(frequencies, max_bits, &mut self.lengths);
        codewords(&self.lengths, &mut self.words);
    }

    #[inline(always)]
    fn put(&self, bits: &mut UnitWriter, output: &mut Vec<u8>, symbol: usize) {
        bits.put(output, self.words[symbol], self.lengths[symbol].into());
    }
}

/// Writes the blocks of a chunk.
#[derive(Debug)]
pub(super) struct BlockWriter {
    window: Window,
    bits: UnitWriter,
    builder: LengthBuilder,
    frequencies: Frequencies,
    main: Code<MAX_MAIN_SYMBOLS>,
    length: Code<LENGTH_SYMBOLS>,
    aligned: Code<ALIGNED_SYMBOLS>,
    /// Lengths of the block before.
    main_before: [u8; MAX_MAIN_SYMBOLS],
    length_before: [u8; LENGTH_SYMBOLS],
}

impl BlockWriter {
    pub(super) fn new(window: Window) -> Self {
        Self {
            window,
            bits: UnitWriter::default(),
            builder: LengthBuilder::default(),
            frequencies: Frequencies::default(),
            main: Code::default(),
            length: Code::default(),
            aligned: Code::default(),
            main_before: [0; MAX_MAIN_SYMBOLS],
            length_before: [0; LENGTH_SYMBOLS],
        }
    }

    /// Begins a chunk.
    pub(super) fn reset(&mut self) {
        self.bits = UnitWriter::default();
        self.main_before.fill(0);
        self.length_before.fill(0);
    }

    /// Writes a block that stands for `size` bytes.
    pub(super) fn write(&mut self, size: usize, items: &[Item], output: &mut Vec<u8>) {
        self.frequencies.clear();
        for &item in items {
            self.frequencies.count(item);
        }
        let builder = &mut self.builder;
        self.main.build(builder, &self.frequencies.main, MAX_BITS);
        self.length.build(builder, &self.frequencies.length, MAX_BITS);
        self.aligned
            .build(builder, &self.frequencies.aligned, MAX_ALIGNED_BITS);

        let aligned = aligned_is_smaller(&self.frequencies.aligned, &self.aligned.lengths);
        let kind = if aligned {
            block_type::ALIGNED
        } else {
            block_type::VERBATIM
        };
        self.bits.put(output, kind, 3);
        if size == DEFAULT_BLOCK_BYTES {
            self.bits.put(output, 1, 1);
        } else {
            self.bits.put(output, 0, 1);
            self.bits.put(output, size as u32, self.window.size_bits);
        }
        if aligned {
            for length in self.aligned.lengths {
                self.bits.put(output, length.into(), 3);
            }
        }
        let main_symbols = self.window.main_symbols;
        let (literals, matches) = self.main.lengths[..main_symbols].split_at(256);
        let (literals_before, matches_before) = self.main_before[..main_symbols].split_at_mut(256);
        for (lengths, before) in [
            (literals, literals_before),
            (matches, matches_before),
            (&self.length.lengths[..], &mut self.length_before[..]),
        ] {
            put_lengths(&mut self.bits, builder, lengths, before, output);
            before.copy_from_slice(lengths);
        }
        for &item in items {
            self.put_item(item, aligned, output);
        }
    }

    /// Ends the chunk.
    pub(super) fn finish(&mut self, output: &mut Vec<u8>) {
        self.bits.finish(output);
    }

    #[inline(always)]
    fn put_item(&mut self, item: Item, aligned: bool, output: &mut Vec<u8>) {
        let bits = &mut self.bits;
        let (main, length) = item.symbols();
        self.main.put(bits, output, main);
        if let Some(length) = length {
            self.length.put(bits, output, length);
        }
        let Some(slot) = main
            .checked_sub(256)
            .map(|header| header / 8)
            .filter(|&slot| slot > 3)
        else {
            return;
        };
        let low = item.field - 2 - SLOT_BASE[slot];
        let count = u32::from(SLOT_EXTRA_BITS[slot]);
        if aligned && slot >= FIRST_ALIGNED_SLOT {
            bits.put(output, low >> 3, count - 3);
            self.aligned.put(bits, output, low as usize % ALIGNED_SYMBOLS);
        } else {
            bits.put(output, low, count);
        }
    }
}

fn aligned_is_smaller(frequencies: &[u32; ALIGNED_SYMBOLS], lengths: &[u8; ALIGNED_SYMBOLS]) -> bool {
    let bits = |(&frequency, &length): (&u32, &u8)| frequency * u32::from(length);
    let with: u32 = frequencies.iter().zip(lengths).map(bits).sum();
    let without = 3 * frequencies.iter().sum::<u32>();
    3 * (ALIGNED_SYMBOLS as u32) + with < without
}

/// Part of how codeword lengths are sent: a symbol of the code for them, and what follows it.
#[derive(Clone, Copy)]
struct PreItem {
    symbol: u8,
    extra: u32,
    extra_bits: u32,
    /// The second symbol, of repeats.
    repeated: Option<u8>,
}

/// Writes codeword lengths as differences from those of the block before, with a code of their own.
fn put_lengths(
    bits: &mut UnitWriter,
    builder: &mut LengthBuilder,
    lengths: &[u8],
    before: &[u8],
    output: &mut Vec<u8>,
) {
    let mut items = Vec::with_capacity(lengths.len());
    let mut frequencies = [0; PRE_SYMBOLS];
    let mut at = 0;
    while at < lengths.len() {
        let (item, count) = pre_item(&lengths[at..], before[at]);
        for symbol in [Some(item.symbol), item.repeated].into_iter().flatten() {
            frequencies[usize::from(symbol)] += 1;
        }
        items.push(item);
        at += count;
    }
    let mut code = Code::default();
    code.build(builder, &frequencies, MAX_PRE_BITS);
    for length in code.lengths {
        bits.put(output, length.into(), 4);
    }
    for item in items {
        code.put(bits, output, item.symbol.into());
        bits.put(output, item.extra, item.extra_bits);
        if let Some(symbol) = item.repeated {
            code.put(bits, output, symbol.into());
        }
    }
}

/// How the first of these lengths are sent, and how many that are; `before` is the one that the first one replaces.
fn pre_item(lengths: &[u8], before: u8) -> (PreItem, usize) {
    let value = lengths[0];
    let run = lengths.iter().take_while(|&&length| length == value).count();
    let difference = (before + 17 - value) % 17;
    let (symbol, count, least, extra_bits) = match (value, run) {
        (0, 20..) => (18, run.min(51), 20, 5),
        (0, 4..) => (17, run.min(19), 4, 4),
        (_, 4..) => (19, run.min(5), 4, 1),
        _ => (difference, 1, 1, 0),
    };
    let item = PreItem {
        symbol,
        extra: (count - least) as u32,
        extra_bits,
        repeated: (symbol == 19).then_some(difference),
    };
    (item, count)
}

//! The adaptive state of a chunk, and the writing of items by it.

use super::item::Item;
use super::output::{BackwardBits, RangeEncoder};
use super::slots::{length_slot, offset_slot};
use crate::codec::huffman::{LengthBuilder, codewords};
use crate::codec::lzms::adaptive::AdaptiveLengths;
use crate::codec::lzms::layout::{
    DELTA_POWERS, FAST_REBUILD, LENGTH_SLOTS, LENGTHS, LITERAL_SYMBOLS, OFFSETS, SLOW_REBUILD, Slot,
    context_bits, offset_slots,
};
use crate::codec::lzms::probability::Contexts;

/// An adaptive code as the encoder has it.
#[derive(Debug)]
pub(super) struct Code {
    lengths: AdaptiveLengths,
    codewords: Vec<u32>,
}

impl Code {
    fn new(symbols: usize, rebuild_after: u32, builder: &mut LengthBuilder) -> Self {
        let lengths = AdaptiveLengths::new(symbols, rebuild_after, builder);
        let mut new = Self {
            codewords: vec![0; lengths.lengths().len()],
            lengths,
        };
        codewords(new.lengths.lengths(), &mut new.codewords);
        new
    }

    /// The codeword lengths of the next symbol, once it is no more due to be made anew.
    pub(super) fn lengths(&self) -> &[u8] {
        self.lengths.lengths()
    }

    fn rebuild_if_due(&mut self, builder: &mut LengthBuilder) {
        if self.lengths.rebuild_if_due(builder) {
            codewords(self.lengths.lengths(), &mut self.codewords);
        }
    }

    #[inline(always)]
    fn put(&mut self, bits: &mut BackwardBits, builder: &mut LengthBuilder, symbol: usize) {
        self.rebuild_if_due(builder);
        bits.put(self.codewords[symbol], self.lengths.lengths()[symbol].into());
        self.lengths.count(symbol);
    }
}

/// Decisions between kinds of items.
#[derive(Debug, Default)]
pub(super) struct Decisions {
    pub(super) main: Contexts<{ 1 << context_bits::MAIN }>,
    pub(super) match_kind: Contexts<{ 1 << context_bits::MATCH }>,
    pub(super) lz: Contexts<{ 1 << context_bits::LZ }>,
    pub(super) delta: Contexts<{ 1 << context_bits::DELTA }>,
    pub(super) lz_repeat: [Contexts<{ 1 << context_bits::REPEAT }>; 2],
    pub(super) delta_repeat: [Contexts<{ 1 << context_bits::REPEAT }>; 2],
}

/// The codes of values.
#[derive(Debug)]
pub(super) struct Codes {
    pub(super) literal: Code,
    pub(super) lz_offset: Code,
    pub(super) length: Code,
    pub(super) delta_power: Code,
    pub(super) delta_offset: Code,
}

/// The state that items change as they are written, and what is written so far.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) decisions: Decisions,
    pub(super) codes: Codes,
    builder: LengthBuilder,
}

impl Model {
    /// The state at the start of a chunk of that size.
    pub(super) fn new(chunk_bytes: usize) -> Self {
        let offset_slots = offset_slots(chunk_bytes);
        let mut builder = LengthBuilder::default();
        let mut code = |symbols, rebuild_after| Code::new(symbols, rebuild_after, &mut builder);
        let codes = Codes {
            literal: code(LITERAL_SYMBOLS, SLOW_REBUILD),
            lz_offset: code(offset_slots, SLOW_REBUILD),
            length: code(LENGTH_SLOTS, FAST_REBUILD),
            delta_power: code(DELTA_POWERS, FAST_REBUILD),
            delta_offset: code(offset_slots, SLOW_REBUILD),
        };
        Self {
            decisions: Decisions::default(),
            codes,
            builder,
        }
    }

    /// Makes codes anew that are due, so that their lengths are those of the next symbol.
    pub(super) fn rebuild_if_due(&mut self) {
        let Codes {
            literal,
            lz_offset,
            length,
            delta_power,
            delta_offset,
        } = &mut self.codes;
        for code in [literal, lz_offset, length, delta_power, delta_offset] {
            code.rebuild_if_due(&mut self.builder);
        }
    }

    /// Writes an item.
    #[inline(always)]
    pub(super) fn put(&mut self, range: &mut RangeEncoder, bits: &mut BackwardBits, item: Item) {
        let Self {
            decisions,
            codes,
            builder,
        } = self;
        let length = match item {
            Item::Literal(byte) => {
                range.put(&mut decisions.main, false);
                codes.literal.put(bits, builder, byte.into());
                return;
            }
            Item::Lz { offset, length } => {
                range.put(&mut decisions.main, true);
                range.put(&mut decisions.match_kind, false);
                range.put(&mut decisions.lz, false);
                let slot = offset_slot(offset);
                codes.lz_offset.put(bits, builder, slot);
                put_extra(bits, offset, OFFSETS[slot]);
                length
            }
            Item::LzRepeat { index, length } => {
                range.put(&mut decisions.main, true);
                range.put(&mut decisions.match_kind, false);
                range.put(&mut decisions.lz, true);
                put_index(range, &mut decisions.lz_repeat, index);
                length
            }
            Item::Delta { pair, length } => {
                range.put(&mut decisions.main, true);
                range.put(&mut decisions.match_kind, true);
                range.put(&mut decisions.delta, false);
                codes.delta_power.put(bits, builder, pair.power() as usize);
                let slot = offset_slot(pair.raw_offset());
                codes.delta_offset.put(bits, builder, slot);
                put_extra(bits, pair.raw_offset(), OFFSETS[slot]);
                length
            }
            Item::DeltaRepeat { index, length } => {
                range.put(&mut decisions.main, true);
                range.put(&mut decisions.match_kind, true);
                range.put(&mut decisions.delta, true);
                put_index(range, &mut decisions.delta_repeat, index);
                length
            }
        };
        let slot = length_slot(length);
        codes.length.put(bits, builder, slot);
        put_extra(bits, length, LENGTHS[slot]);
    }
}

#[inline(always)]
fn put_extra(bits: &mut BackwardBits, value: u32, slot: Slot) {
    bits.put(value - slot.base, slot.extra_bits.into());
}

/// Which of the three that can be named: 0, 10, 11.
#[inline(always)]
fn put_index<const N: usize>(range: &mut RangeEncoder, contexts: &mut [Contexts<N>; 2], index: u32) {
    range.put(&mut contexts[0], index > 0);
    if index > 0 {
        range.put(&mut contexts[1], index > 1);
    }
}

//! The fast LZMS decoder.
#![expect(unsafe_code, reason = "the bit reader is refilled without checks")]

use super::batch::Batch;
use super::code::{Code, symbol_of};
use super::direct::Direct;
use super::layout::{
    DELTA_POWERS, FAST_REBUILD, LENGTH_SLOTS, LENGTHS, LITERAL_SYMBOLS, OFFSET_SLOTS, OFFSETS, SLOW_REBUILD,
    Slot, bases, context_bits, offset_slots,
};
use super::range::{Contexts, RangeDecoder, decide};
use super::sink::{Sink, Source};
use super::x86_fast::Filter;
use super::{MAX_CHUNK_BYTES, error};
use crate::codec::cpu::{self, Hot};
use crate::codec::huffman::LengthBuilder;
use crate::codec::mirrored_bits::{MirroredBits, Tail};
use crate::codec::{DecodeError, Reason};

/// Entries: the symbol from bit 8 on, the number of extra bits from bit 24 on and in the low bits.
const fn payloads<const N: usize>(slots: Option<&[Slot; N]>) -> [u32; N] {
    let mut payloads = [0; N];
    let mut symbol = 0;
    while symbol < N {
        let extra_bits = match slots {
            Some(slots) => slots[symbol].extra_bits as u32,
            None => 0,
        };
        payloads[symbol] = (extra_bits << 24) | ((symbol as u32) << 8) | extra_bits;
        symbol += 1;
    }
    payloads
}

static LITERAL_PAYLOADS: [u32; LITERAL_SYMBOLS] = payloads(None);
static POWER_PAYLOADS: [u32; DELTA_POWERS] = payloads(None);
static LENGTH_PAYLOADS: [u32; LENGTH_SLOTS] = payloads(Some(&LENGTHS));
static OFFSET_PAYLOADS: [u32; OFFSET_SLOTS] = payloads(Some(&OFFSETS));

static LENGTH_BASES: [u32; 64] = bases(&LENGTHS);
static OFFSET_BASES: [u32; 1024] = bases(&OFFSETS);

/// Chunks up to this size are taken to lie in a cache near the core.
const CACHED_BYTES: usize = 1 << 20;

/// Tables that are kept from chunk to chunk.
#[derive(Debug, Default)]
pub(super) struct State {
    contexts: AllContexts,
    codes: Codes,
    filter: Filter,
}

#[derive(Debug, Default)]
struct AllContexts {
    main: Contexts<{ 1 << context_bits::MAIN }>,
    match_kind: Contexts<{ 1 << context_bits::MATCH }>,
    lz: Contexts<{ 1 << context_bits::LZ }>,
    delta: Contexts<{ 1 << context_bits::DELTA }>,
    lz_repeat: [Contexts<{ 1 << context_bits::REPEAT }>; 2],
    delta_repeat: [Contexts<{ 1 << context_bits::REPEAT }>; 2],
}

#[derive(Debug, Default)]
struct Codes {
    builder: LengthBuilder,
    literal: Code<10, 1024, LITERAL_SYMBOLS, 256, SLOW_REBUILD>,
    lz_offset: Code<11, 2048, OFFSET_SLOTS, 1024, SLOW_REBUILD>,
    length: Code<9, 512, LENGTH_SLOTS, 64, FAST_REBUILD>,
    delta_power: Code<7, 128, DELTA_POWERS, 8, FAST_REBUILD>,
    delta_offset: Code<11, 2048, OFFSET_SLOTS, 1024, SLOW_REBUILD>,
}

impl State {
    pub(super) fn decompress(&mut self, input: &[u8], output: &mut [u8]) -> Result<(), DecodeError> {
        if output.len() > MAX_CHUNK_BYTES as usize {
            return Err(error(0, Reason::OutputSize));
        }
        if input.len() < 4 || !input.len().is_multiple_of(2) {
            return Err(error(0, Reason::InputSize));
        }
        self.contexts = AllContexts::default();
        let offset_slots = offset_slots(output.len());
        self.codes.literal.reset(LITERAL_SYMBOLS);
        self.codes.lz_offset.reset(offset_slots);
        self.codes.length.reset(LENGTH_SLOTS);
        self.codes.delta_power.reset(DELTA_POWERS);
        self.codes.delta_offset.reset(offset_slots);
        let stream = &mut Stream {
            range: RangeDecoder::new(input),
            bits: MirroredBits::new(input, 0),
            tail: &Tail::new(input),
            contexts: &mut self.contexts,
            codes: &mut self.codes,
        };
        let done = if output.len() <= CACHED_BYTES {
            let sink = Direct::new(output);
            cpu::run(Items { stream, sink })
        } else {
            let sink = Batch::new(output);
            cpu::run(Items { stream, sink })
        };
        done.map_err(|reason| error(stream.range.position(), reason))?;
        self.filter.undo(output);
        Ok(())
    }
}

/// The kind of the item before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Previous {
    Literal,
    Lz,
    Delta,
}

/// The latest four offsets, of 32 bits each, the latest one lowest.
#[derive(Clone, Copy)]
struct LzOffsets(u128);

impl Default for LzOffsets {
    fn default() -> Self {
        Self(4 << 96 | 3 << 64 | 2 << 32 | 1)
    }
}

impl LzOffsets {
    #[inline(always)]
    fn latest(self) -> u32 {
        self.0 as u32
    }

    #[inline(always)]
    fn push(&mut self, offset: u32) {
        self.0 = self.0 << 32 | u128::from(offset);
    }

    /// Moves an offset to the front; those before it move back.
    #[inline(always)]
    fn use_again(&mut self, index: u32) {
        let all = self.0;
        self.0 = match index {
            0 => all,
            1 => all >> 64 << 64 | u128::from((all as u64).rotate_left(32)),
            2 => all >> 96 << 96 | u128::from(all as u64) << 32 | u128::from((all >> 64) as u32),
            _ => all.rotate_left(32),
        };
    }
}

#[derive(Clone, Copy)]
struct DeltaPair {
    power: u8,
    raw_offset: u32,
}

/// What the items are read from.
struct Stream<'a, 'b> {
    range: RangeDecoder<'b>,
    bits: MirroredBits<'b>,
    tail: &'b Tail,
    contexts: &'a mut AllContexts,
    codes: &'a mut Codes,
}

struct Items<'a, 'b, 'c, S> {
    stream: &'a mut Stream<'b, 'c>,
    sink: S,
}

impl<S: Sink> Hot for Items<'_, '_, '_, S> {
    type Output = Result<(), Reason>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        // A copy, to be held in registers.
        let mut range = self.stream.range;
        let done = items(&mut range, self.stream, self.sink);
        self.stream.range = range;
        done
    }
}

#[inline(always)]
fn items<'a>(
    range: &mut RangeDecoder<'a>,
    stream: &mut Stream<'_, 'a>,
    mut sink: impl Sink,
) -> Result<(), Reason> {
    let (mut bits, tail) = (stream.bits, stream.tail);
    let contexts = &mut *stream.contexts;
    let Codes {
        builder,
        literal,
        lz_offset,
        length: length_code,
        delta_power,
        delta_offset,
    } = &mut *stream.codes;
    let mut lz_offsets = LzOffsets::default();
    let mut delta_pairs = [1, 2, 3, 4].map(|raw_offset| DeltaPair { power: 0, raw_offset });
    let mut previous = Previous::Literal;
    let mut fill = Default::default();
    // The first decision about the next item is looked at as soon as it can be: the sooner a wrong guess shows, the less is
    // done in vain.
    let mut decision = range.look(&contexts.main);
    while !sink.is_full(fill) {
        bits.ensure_room(tail);
        // SAFETY: the first of at most three refills after `ensure_room`; the codes do none.
        unsafe { bits.refill_unchecked() };
        if !range.is_one(decision) {
            range.take_zero(&mut contexts.main, decision);
            decision = range.look(&contexts.main);
            let (entry, _) = literal.decode(&mut bits, &LITERAL_PAYLOADS, builder);
            sink.literal(&mut fill, (entry >> 8) as u8);
            previous = Previous::Literal;
            continue;
        }
        range.take_one(&mut contexts.main, decision);
        decide!(range, contexts.match_kind,
            zero => {
                decide!(range, contexts.lz,
                    zero => {
                        let slot = lz_offset.decode(&mut bits, &OFFSET_PAYLOADS, builder);
                        let offset = slot_value(slot, &OFFSET_BASES);
                        lz_offsets.push(offset);
                    },
                    one => {
                        let latest = u32::from(previous == Previous::Lz);
                        lz_offsets.use_again(latest + repeat_index(range, &mut contexts.lz_repeat));
                    }
                );
                decision = range.look(&contexts.main);
                previous = Previous::Lz;
                sink.announce(fill, lz_offsets.latest());
                // SAFETY: the second refill.
                unsafe { bits.refill_unchecked() };
                let slot = length_code.decode(&mut bits, &LENGTH_PAYLOADS, builder);
                let length = slot_value(slot, &LENGTH_BASES);
                sink.matched(
                    &mut fill,
                    Source::Copy,
                    lz_offsets.latest(),
                    lz_offsets.latest().into(),
                    length,
                )?;
            },
            one => {
                decide!(range, contexts.delta,
                    zero => {
                        let (entry, _) = delta_power.decode(&mut bits, &POWER_PAYLOADS, builder);
                        let power = symbol_of(entry) as u8;
                        // SAFETY: the second refill.
                        unsafe { bits.refill_unchecked() };
                        let slot = delta_offset.decode(&mut bits, &OFFSET_PAYLOADS, builder);
                        let raw_offset = slot_value(slot, &OFFSET_BASES);
                        delta_pairs.rotate_right(1);
                        delta_pairs[0] = DeltaPair { power, raw_offset };
                    },
                    one => {
                        let latest = usize::from(previous == Previous::Delta);
                        let index = latest + repeat_index(range, &mut contexts.delta_repeat) as usize;
                        delta_pairs[..=index].rotate_right(1);
                    }
                );
                decision = range.look(&contexts.main);
                previous = Previous::Delta;
                // SAFETY: the second or third refill.
                unsafe { bits.refill_unchecked() };
                let slot = length_code.decode(&mut bits, &LENGTH_PAYLOADS, builder);
                let length = slot_value(slot, &LENGTH_BASES);
                let DeltaPair { power, raw_offset } = delta_pairs[0];
                let reach = (u64::from(raw_offset) + 1) << power;
                // An offset that does not fit is refused for its reach.
                sink.announce(fill, raw_offset << power);
                sink.matched(
                    &mut fill,
                    Source::Delta(power),
                    raw_offset << power,
                    reach,
                    length,
                )?;
            }
        );
    }
    sink.finish(fill);
    Ok(())
}

/// Which of the three remembered: 0, 10, 11.
#[inline(always)]
fn repeat_index<const N: usize>(range: &mut RangeDecoder<'_>, contexts: &mut [Contexts<N>; 2]) -> u32 {
    decide!(range, contexts[0],
        zero => 0,
        one => decide!(range, contexts[1], zero => 1, one => 2)
    )
}

/// The value of a slot's entry and extra bits.
#[inline(always)]
fn slot_value<const N: usize>((entry, extra): (u32, u32), bases: &[u32; N]) -> u32 {
    bases[symbol_of(entry) % N].wrapping_add(extra)
}

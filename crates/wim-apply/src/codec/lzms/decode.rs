//! The fast LZMS decoder.
#![expect(unsafe_code, reason = "the bit reader is refilled without checks")]

use super::batch::{Batch, Fill, Source};
use super::code::{Code, symbol_of};
use super::layout::{
    DELTA_POWERS, FAST_REBUILD, LENGTH_SLOTS, LENGTHS, LITERAL_SYMBOLS, OFFSET_SLOTS, OFFSETS, RECENT,
    SLOW_REBUILD, Slot, context_bits, offset_slots,
};
use super::range::{Contexts, RangeDecoder};
use super::x86_fast::Filter;
use super::{MAX_CHUNK_BYTES, error};
use crate::codec::cpu::{self, Hot};
use crate::codec::huffman::LengthBuilder;
use crate::codec::mirrored_bits::{MirroredBits, Tail};
use crate::codec::{DecodeError, Reason};

/// Entries: the symbol from bit 8 on, the number of extra bits from bit 24 on.
const fn payloads<const N: usize>(slots: Option<&[Slot; N]>) -> [u32; N] {
    let mut payloads = [0; N];
    let mut symbol = 0;
    while symbol < N {
        let extra_bits = match slots {
            Some(slots) => slots[symbol].extra_bits as u32,
            None => 0,
        };
        payloads[symbol] = (extra_bits << 24) | ((symbol as u32) << 8);
        symbol += 1;
    }
    payloads
}

static LITERAL_PAYLOADS: [u32; LITERAL_SYMBOLS] = payloads(None);
static POWER_PAYLOADS: [u32; DELTA_POWERS] = payloads(None);
static LENGTH_PAYLOADS: [u32; LENGTH_SLOTS] = payloads(Some(&LENGTHS));
static OFFSET_PAYLOADS: [u32; OFFSET_SLOTS] = payloads(Some(&OFFSETS));

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
    literal: Code<10, 1024, LITERAL_SYMBOLS, SLOW_REBUILD>,
    lz_offset: Code<11, 2048, OFFSET_SLOTS, SLOW_REBUILD>,
    length: Code<9, 512, LENGTH_SLOTS, FAST_REBUILD>,
    delta_power: Code<7, 128, DELTA_POWERS, FAST_REBUILD>,
    delta_offset: Code<11, 2048, OFFSET_SLOTS, SLOW_REBUILD>,
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
        let mut range = RangeDecoder::new(input);
        let items = Items {
            range: &mut range,
            bits: MirroredBits::new(input, 0),
            tail: &Tail::new(input),
            contexts: &mut self.contexts,
            codes: &mut self.codes,
            output,
        };
        cpu::run(items).map_err(|reason| error(range.position(), reason))?;
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

#[derive(Clone, Copy)]
struct DeltaPair {
    power: u8,
    raw_offset: u32,
}

struct Items<'a, 'b> {
    range: &'a mut RangeDecoder<'b>,
    bits: MirroredBits<'b>,
    tail: &'b Tail,
    contexts: &'a mut AllContexts,
    codes: &'a mut Codes,
    output: &'a mut [u8],
}

impl Hot for Items<'_, '_> {
    type Output = Result<(), Reason>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        let mut range = *self.range;
        let done = items(
            &mut range,
            self.bits,
            self.tail,
            self.contexts,
            self.codes,
            self.output,
        );
        *self.range = range;
        done
    }
}

#[inline(always)]
fn items<'a>(
    range: &mut RangeDecoder<'a>,
    mut bits: MirroredBits<'a>,
    tail: &'a Tail,
    contexts: &mut AllContexts,
    codes: &mut Codes,
    output: &mut [u8],
) -> Result<(), Reason> {
    let Codes {
        builder,
        literal,
        lz_offset,
        length: length_code,
        delta_power,
        delta_offset,
    } = codes;
    let mut lz_offsets: [u32; RECENT] = [1, 2, 3, 4];
    let mut delta_pairs = [1, 2, 3, 4].map(|raw_offset| DeltaPair { power: 0, raw_offset });
    let mut previous = Previous::Literal;
    let output_bytes = output.len();
    let mut batch = Batch::new(output);
    let mut fill = Fill::default();
    while fill.at() < output_bytes {
        bits.ensure_room(tail);
        // SAFETY: the first of at most three refills after `ensure_room`; the codes do none.
        unsafe { bits.refill_unchecked() };
        if !range.decode(&mut contexts.main) {
            let entry = literal.decode(&mut bits, &LITERAL_PAYLOADS, builder);
            batch.literal(&mut fill, (entry >> 8) as u8);
            previous = Previous::Literal;
            continue;
        }
        if !range.decode(&mut contexts.match_kind) {
            if !range.decode(&mut contexts.lz) {
                let entry = lz_offset.decode(&mut bits, &OFFSET_PAYLOADS, builder);
                let offset = slot_value(entry, &OFFSETS, &mut bits);
                lz_offsets = [offset, lz_offsets[0], lz_offsets[1], lz_offsets[2]];
            } else {
                let [o0, o1, o2, o3] = lz_offsets;
                let latest = usize::from(previous == Previous::Lz);
                lz_offsets = match latest + repeat_index(range, &mut contexts.lz_repeat) {
                    0 => [o0, o1, o2, o3],
                    1 => [o1, o0, o2, o3],
                    2 => [o2, o0, o1, o3],
                    _ => [o3, o0, o1, o2],
                };
            }
            previous = Previous::Lz;
            batch.announce(&fill, lz_offsets[0]);
            // SAFETY: the second refill.
            unsafe { bits.refill_unchecked() };
            let entry = length_code.decode(&mut bits, &LENGTH_PAYLOADS, builder);
            let length = slot_value(entry, &LENGTHS, &mut bits);
            batch.matched(
                &mut fill,
                Source::Copy,
                lz_offsets[0],
                lz_offsets[0].into(),
                length,
            )?;
        } else {
            if !range.decode(&mut contexts.delta) {
                let power = symbol_of(delta_power.decode(&mut bits, &POWER_PAYLOADS, builder)) as u8;
                // SAFETY: the second refill.
                unsafe { bits.refill_unchecked() };
                let entry = delta_offset.decode(&mut bits, &OFFSET_PAYLOADS, builder);
                let raw_offset = slot_value(entry, &OFFSETS, &mut bits);
                delta_pairs.rotate_right(1);
                delta_pairs[0] = DeltaPair { power, raw_offset };
            } else {
                let latest = usize::from(previous == Previous::Delta);
                let index = latest + repeat_index(range, &mut contexts.delta_repeat);
                delta_pairs[..=index].rotate_right(1);
            }
            previous = Previous::Delta;
            // SAFETY: the second or third refill.
            unsafe { bits.refill_unchecked() };
            let entry = length_code.decode(&mut bits, &LENGTH_PAYLOADS, builder);
            let length = slot_value(entry, &LENGTHS, &mut bits);
            let DeltaPair { power, raw_offset } = delta_pairs[0];
            let reach = (u64::from(raw_offset) + 1) << power;
            // An offset that does not fit is refused for its reach.
            batch.announce(&fill, raw_offset << power);
            batch.matched(
                &mut fill,
                Source::Delta(power),
                raw_offset << power,
                reach,
                length,
            )?;
        }
    }
    batch.flush(fill);
    Ok(())
}

/// Which of the three remembered: 0, 10, 11.
#[inline(always)]
fn repeat_index<const N: usize>(range: &mut RangeDecoder<'_>, contexts: &mut [Contexts<N>; 2]) -> usize {
    if !range.decode(&mut contexts[0]) {
        0
    } else if !range.decode(&mut contexts[1]) {
        1
    } else {
        2
    }
}

/// The value of a slot's entry, with extra bits that are held.
#[inline(always)]
fn slot_value(entry: u32, slots: &[Slot], bits: &mut MirroredBits<'_>) -> u32 {
    slots[symbol_of(entry)].base.wrapping_add(bits.take(entry >> 24))
}

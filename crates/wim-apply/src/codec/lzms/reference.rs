//! The plain LZMS decoder: the oracle for the fast one.

use super::adaptive::AdaptiveCode;
use super::layout::{
    DELTA_POWERS, FAST_REBUILD, LENGTH_SLOTS, LENGTHS, LITERAL_SYMBOLS, OFFSETS, RECENT, SLOW_REBUILD, Slot,
    context_bits, offset_slots,
};
use super::probability::{Contexts, RangeDecoder};
use super::{MAX_CHUNK_BYTES, error, x86};
use crate::codec::bits::UnitBits;
use crate::codec::{DecodeError, Reason};

/// Decodes one chunk into `output`, whose length is the chunk's uncompressed size.
///
/// # Errors
/// When the input is not valid.
pub fn decompress(input: &[u8], output: &mut [u8]) -> Result<(), DecodeError> {
    if output.len() > MAX_CHUNK_BYTES as usize {
        return Err(error(0, Reason::OutputSize));
    }
    if input.len() < 4 || !input.len().is_multiple_of(2) {
        return Err(error(0, Reason::InputSize));
    }
    // The second stream is the first one's mirror image: its units in the reverse order.
    let mirrored: Vec<u8> = input.chunks_exact(2).rev().flatten().copied().collect();
    Chunk::new(input, &mirrored, output.len()).items(input.len(), output)?;
    x86::undo(output);
    Ok(())
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
    power: u32,
    raw_offset: u32,
}

struct Chunk<'a> {
    range: RangeDecoder<'a>,
    bits: UnitBits<'a>,
    main: Contexts<{ 1 << context_bits::MAIN }>,
    match_kind: Contexts<{ 1 << context_bits::MATCH }>,
    lz: Contexts<{ 1 << context_bits::LZ }>,
    delta: Contexts<{ 1 << context_bits::DELTA }>,
    lz_repeat: [Contexts<{ 1 << context_bits::REPEAT }>; 2],
    delta_repeat: [Contexts<{ 1 << context_bits::REPEAT }>; 2],
    literal_code: AdaptiveCode,
    lz_offset_code: AdaptiveCode,
    length_code: AdaptiveCode,
    delta_power_code: AdaptiveCode,
    delta_offset_code: AdaptiveCode,
    /// Latest first.
    lz_offsets: [u32; RECENT],
    delta_pairs: [DeltaPair; RECENT],
    previous: Previous,
}

impl<'a> Chunk<'a> {
    fn new(input: &'a [u8], mirrored: &'a [u8], output_bytes: usize) -> Self {
        let offset_slots = offset_slots(output_bytes);
        Self {
            range: RangeDecoder::new(input),
            bits: UnitBits::new(mirrored, 0),
            main: Contexts::default(),
            match_kind: Contexts::default(),
            lz: Contexts::default(),
            delta: Contexts::default(),
            lz_repeat: Default::default(),
            delta_repeat: Default::default(),
            literal_code: AdaptiveCode::new(LITERAL_SYMBOLS, SLOW_REBUILD),
            lz_offset_code: AdaptiveCode::new(offset_slots, SLOW_REBUILD),
            length_code: AdaptiveCode::new(LENGTH_SLOTS, FAST_REBUILD),
            delta_power_code: AdaptiveCode::new(DELTA_POWERS, FAST_REBUILD),
            delta_offset_code: AdaptiveCode::new(offset_slots, SLOW_REBUILD),
            lz_offsets: [1, 2, 3, 4],
            delta_pairs: [1, 2, 3, 4].map(|raw_offset| DeltaPair { power: 0, raw_offset }),
            previous: Previous::Literal,
        }
    }

    fn items(&mut self, input_bytes: usize, output: &mut [u8]) -> Result<(), DecodeError> {
        let mut at = 0;
        while at < output.len() {
            if !self.range.decode(&mut self.main) {
                output[at] = self.literal_code.decode(&mut self.bits).to_le_bytes()[0];
                at += 1;
                self.previous = Previous::Literal;
                continue;
            }
            let copied = if self.range.decode(&mut self.match_kind) {
                self.delta_match(output, at)
            } else {
                self.lz_match(output, at)
            };
            let read = input_bytes - 2 * self.range.units_left();
            at += copied.map_err(|reason| error(read, reason))?;
        }
        Ok(())
    }

    fn lz_match(&mut self, output: &mut [u8], at: usize) -> Result<usize, Reason> {
        let offset = if self.range.decode(&mut self.lz) {
            let latest = usize::from(self.previous == Previous::Lz);
            let index = latest + repeat_index(&mut self.range, &mut self.lz_repeat);
            self.lz_offsets[..=index].rotate_right(1);
            self.lz_offsets[0]
        } else {
            let offset = slot_value(&mut self.lz_offset_code, &OFFSETS, &mut self.bits);
            self.lz_offsets.rotate_right(1);
            self.lz_offsets[0] = offset;
            offset
        };
        self.previous = Previous::Lz;
        let length = slot_value(&mut self.length_code, &LENGTHS, &mut self.bits) as usize;
        let offset = offset as usize;
        check(output, at, length, offset)?;
        for to in at..at + length {
            output[to] = output[to - offset];
        }
        Ok(length)
    }

    fn delta_match(&mut self, output: &mut [u8], at: usize) -> Result<usize, Reason> {
        let pair = if self.range.decode(&mut self.delta) {
            let latest = usize::from(self.previous == Previous::Delta);
            let index = latest + repeat_index(&mut self.range, &mut self.delta_repeat);
            self.delta_pairs[..=index].rotate_right(1);
            self.delta_pairs[0]
        } else {
            let power = self.delta_power_code.decode(&mut self.bits).to_le_bytes()[0].into();
            let raw_offset = slot_value(&mut self.delta_offset_code, &OFFSETS, &mut self.bits);
            self.delta_pairs.rotate_right(1);
            self.delta_pairs[0] = DeltaPair { power, raw_offset };
            self.delta_pairs[0]
        };
        self.previous = Previous::Delta;
        let length = slot_value(&mut self.length_code, &LENGTHS, &mut self.bits) as usize;
        let span = 1_usize << pair.power;
        let offset = (pair.raw_offset as usize)
            .checked_mul(span)
            .ok_or(Reason::MatchOffset)?;
        check(
            output,
            at,
            length,
            offset.checked_add(span).ok_or(Reason::MatchOffset)?,
        )?;
        for to in at..at + length {
            let predicted = output[to - span].wrapping_sub(output[to - offset - span]);
            output[to] = output[to - offset].wrapping_add(predicted);
        }
        Ok(length)
    }
}

fn check(output: &[u8], at: usize, length: usize, reach: usize) -> Result<(), Reason> {
    if reach > at {
        return Err(Reason::MatchOffset);
    }
    if length > output.len() - at {
        return Err(Reason::MatchLength);
    }
    Ok(())
}

/// Which of the three remembered: 0, 10, 11.
fn repeat_index<const N: usize>(range: &mut RangeDecoder<'_>, contexts: &mut [Contexts<N>; 2]) -> usize {
    if !range.decode(&mut contexts[0]) {
        0
    } else if !range.decode(&mut contexts[1]) {
        1
    } else {
        2
    }
}

fn slot_value(code: &mut AdaptiveCode, slots: &[Slot], bits: &mut UnitBits<'_>) -> u32 {
    let slot = slots[code.decode(bits)];
    slot.base.wrapping_add(bits.take(slot.extra_bits.into()))
}

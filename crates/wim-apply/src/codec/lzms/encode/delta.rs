//! Finds delta matches: for each span, the latest position where the next bytes differ in the same way from those a span
//! before.

use super::item::DeltaPair;
use crate::codec::chunk::Chunk;
use crate::codec::lzms::layout::DELTA_POWERS;

/// Positions of one span.
const PLACES_BITS: u32 = 12;
/// Bytes that are looked up.
const LOOKED_UP_BYTES: usize = 4;
/// No position.
const NONE: u32 = u32::MAX;

/// A delta match.
#[derive(Clone, Copy, Debug)]
pub(super) struct DeltaMatch {
    pub(super) pair: DeltaPair,
    pub(super) length: usize,
}

/// The latest positions, by span and hash.
#[derive(Debug, Default)]
pub(super) struct Deltas {
    latest: Vec<u32>,
}

impl Deltas {
    /// Forgets the chunk before.
    pub(super) fn reset(&mut self) {
        self.latest.clear();
        self.latest.resize(DELTA_POWERS << PLACES_BITS, NONE);
    }

    /// Memory that it holds.
    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        4 * self.latest.capacity()
    }

    /// Enters `at` and tells of the matches there.
    #[inline(always)]
    pub(super) fn find(&mut self, chunk: &Chunk, at: usize, max: usize, mut meet: impl FnMut(DeltaMatch)) {
        if max < LOOKED_UP_BYTES {
            return;
        }
        for power in 0..DELTA_POWERS as u32 {
            let span = 1 << power;
            if span > at {
                return;
            }
            let next = differences(chunk, at, span) as u32;
            if next == 0 {
                // The same bytes again are an LZ match.
                continue;
            }
            // Offsets are whole spans.
            let phase = (at & (span - 1)) as u32;
            let hash = (next ^ phase << 24).wrapping_mul(0x9e37_79b1) >> (32 - PLACES_BITS);
            let place = (power << PLACES_BITS | hash) as usize;
            let from = std::mem::replace(&mut self.latest[place], at as u32) as usize;
            if from == NONE as usize || (at - from) & (span - 1) != 0 {
                continue;
            }
            let pair = DeltaPair::new(power, ((at - from) >> power) as u32);
            let length = delta_length(chunk, at, pair, max);
            if length >= LOOKED_UP_BYTES - 1 {
                meet(DeltaMatch { pair, length });
            }
        }
    }
}

/// How long the delta match of a pair is, at most `max`.
#[inline(always)]
pub(super) fn delta_length(chunk: &Chunk, at: usize, pair: DeltaPair, max: usize) -> usize {
    let span = 1 << pair.power();
    let offset = (pair.raw_offset() as usize) << pair.power();
    if offset + span > at {
        return 0;
    }
    let mut length = 0;
    while length < max {
        let differ = differences(chunk, at + length, span) ^ differences(chunk, at + length - offset, span);
        if differ != 0 {
            return max.min(length + differ.trailing_zeros() as usize / 8);
        }
        length += 8;
    }
    max
}

/// The differences of the next eight bytes from those a span before, the first one lowest.
#[inline(always)]
fn differences(chunk: &Chunk, at: usize, span: usize) -> u64 {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let (here, before) = (chunk.next8(at), chunk.next8(at - span));
    ((here | HIGH).wrapping_sub(before & !HIGH)) ^ ((here ^ !before) & HIGH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_bytewise() {
        let mut chunk = Chunk::default();
        chunk.load(
            &[1, 255, 0, 128, 127, 3, 9, 7, 0, 1, 255, 129, 0, 130, 2, 7],
            |_| (),
        );
        let wanted = [255, 2, 255, 1, 129, 127, 249, 0];
        assert_eq!(differences(&chunk, 8, 8), u64::from_le_bytes(wanted));
    }

    #[test]
    fn ramps_match() {
        let ramp: Vec<u8> = (0..200_u16).flat_map(|i| (i * 3).to_le_bytes()).collect();
        let mut chunk = Chunk::default();
        chunk.load(&ramp, |_| ());
        let mut deltas = Deltas::default();
        deltas.reset();
        for at in 0..ramp.len() {
            let mut longest = 0;
            let left = ramp.len() - at;
            deltas.find(&chunk, at, left, |found| longest = longest.max(found.length));
            // High bytes rise now and then.
            assert!(at < 180 || left < 150 || longest > 40, "{at} {longest}");
        }
    }
}

//! Slots of values.

use crate::codec::lzms::layout::{LENGTH_SLOTS, LENGTHS, OFFSET_SLOTS, OFFSETS, Slot};

/// Bits after the highest one by which a slot is looked up.
const MANTISSA_BITS: u32 = 6;
/// Binary logarithms of values.
const LOGARITHMS: usize = 27;

/// For each logarithm and mantissa: the slot of the least such value.
type Starts = [u16; LOGARITHMS << MANTISSA_BITS];

static OFFSET_STARTS: Starts = starts(&OFFSETS);
static LENGTH_STARTS: Starts = starts(&LENGTHS);

const fn starts(slots: &[Slot]) -> Starts {
    let mut starts = [0; LOGARITHMS << MANTISSA_BITS];
    let (mut place, mut slot) = (0, 0);
    while place < starts.len() {
        let mantissa = (place % (1 << MANTISSA_BITS)) as u64 | 1 << MANTISSA_BITS;
        let least = (mantissa << (place >> MANTISSA_BITS)) >> MANTISSA_BITS;
        while slot + 1 < slots.len() && slots[slot + 1].base as u64 <= least {
            slot += 1;
        }
        starts[place] = slot as u16;
        place += 1;
    }
    starts
}

#[inline(always)]
fn slot_of(value: u32, starts: &Starts, slots: &[Slot]) -> usize {
    let log2 = value.ilog2();
    let mantissa = ((u64::from(value) << MANTISSA_BITS) >> log2) as usize & ((1 << MANTISSA_BITS) - 1);
    let mut slot = usize::from(starts[(log2 as usize) << MANTISSA_BITS | mantissa]);
    while slots.get(slot + 1).is_some_and(|next| next.base <= value) {
        slot += 1;
    }
    slot
}

/// The slot of an offset, from 1 to less than 2^27.
#[inline(always)]
pub(super) fn offset_slot(offset: u32) -> usize {
    static SLOTS: [Slot; OFFSET_SLOTS] = OFFSETS;
    slot_of(offset, &OFFSET_STARTS, &SLOTS)
}

/// The slot of a length, from 1 to less than 2^27.
#[inline(always)]
pub(super) fn length_slot(length: u32) -> usize {
    static SLOTS: [Slot; LENGTH_SLOTS] = LENGTHS;
    slot_of(length, &LENGTH_STARTS, &SLOTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_hold_their_values() {
        for value in (1..70_000).chain((0..1000).map(|i| (1 << 27) - 1 - i * 65_537)) {
            let exact = |slots: &[Slot]| slots.partition_point(|slot| slot.base <= value) - 1;
            assert_eq!(offset_slot(value), exact(&OFFSETS), "{value}");
            assert_eq!(length_slot(value), exact(&LENGTHS), "{value}");
        }
    }
}

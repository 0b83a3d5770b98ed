//! Steps of a way through a block.

use super::item::{DeltaPair, Item};

/// What a way has cost so far, and its last item. The lesser one of two is cheaper.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step(u64);

const LENGTH_BITS: u32 = 8;
const FIELD_BITS: u32 = 32;
const KIND_SHIFT: u32 = 29;
const LZ: u32 = 1;
const LZ_REPEAT: u32 = 2;
const DELTA_REPEAT: u32 = 3;
/// Delta matches have this bit.
const DELTA: u32 = 4;

impl Step {
    pub(super) const UNREACHED: Self = Self(u64::MAX);
    pub(super) const START: Self = Self(0);
    /// Field of a literal.
    pub(super) const LITERAL: u32 = 0;

    /// A step to where an item of that field ends.
    #[inline(always)]
    pub(super) fn new(price: u32, length: usize, field: u32) -> Self {
        debug_assert!(length < 1 << LENGTH_BITS && price < 1 << (u64::BITS - FIELD_BITS - LENGTH_BITS));
        Self(u64::from(price << LENGTH_BITS | length as u32) << FIELD_BITS | u64::from(field))
    }

    /// Field of an LZ match.
    #[inline(always)]
    pub(super) fn lz(offset: u32) -> u32 {
        LZ << KIND_SHIFT | offset
    }

    /// Field of a repeated offset.
    #[inline(always)]
    pub(super) fn lz_repeat(index: u32) -> u32 {
        LZ_REPEAT << KIND_SHIFT | index
    }

    /// Field of a delta match.
    #[inline(always)]
    pub(super) fn delta(pair: DeltaPair) -> u32 {
        DELTA << KIND_SHIFT | pair.packed()
    }

    /// Field of a repeated delta pair.
    #[inline(always)]
    pub(super) fn delta_repeat(index: u32) -> u32 {
        DELTA_REPEAT << KIND_SHIFT | index
    }

    #[inline(always)]
    pub(super) fn is_reached(self) -> bool {
        self.0 != Self::UNREACHED.0
    }

    #[inline(always)]
    pub(super) fn price(self) -> u32 {
        (self.0 >> (FIELD_BITS + LENGTH_BITS)) as u32
    }

    #[inline(always)]
    pub(super) fn length(self) -> usize {
        (self.0 >> FIELD_BITS) as usize & ((1 << LENGTH_BITS) - 1)
    }

    #[inline(always)]
    pub(super) fn improve(&mut self, other: Self) {
        self.0 = self.0.min(other.0);
    }

    /// The item; `last_byte` is the last one that it makes.
    #[inline(always)]
    pub(super) fn item(self, last_byte: u8) -> Item {
        let field = self.0 as u32;
        let length = self.length() as u32;
        let value = field & ((1 << KIND_SHIFT) - 1);
        match field >> KIND_SHIFT {
            0 => Item::Literal(last_byte),
            LZ => Item::Lz {
                offset: value,
                length,
            },
            LZ_REPEAT => Item::LzRepeat { index: value, length },
            DELTA_REPEAT => Item::DeltaRepeat { index: value, length },
            _ => Item::Delta {
                pair: DeltaPair::unpacked(value),
                length,
            },
        }
    }
}

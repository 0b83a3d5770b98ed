//! What a chunk is a sequence of.

use crate::codec::lzms::layout::RECENT;

/// Bits of a raw offset in a packed delta pair.
const RAW_OFFSET_BITS: u32 = 26;

/// What a delta match copies from: spans of two to the power `power` bytes, `raw_offset` spans back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DeltaPair(u32);

impl DeltaPair {
    #[inline(always)]
    pub(super) fn new(power: u32, raw_offset: u32) -> Self {
        debug_assert!(power < 8 && raw_offset < 1 << RAW_OFFSET_BITS);
        Self(power << RAW_OFFSET_BITS | raw_offset)
    }

    /// In 29 bits.
    #[inline(always)]
    pub(super) fn packed(self) -> u32 {
        self.0
    }

    /// What was packed.
    #[inline(always)]
    pub(super) fn unpacked(packed: u32) -> Self {
        Self(packed)
    }

    #[inline(always)]
    pub(super) fn power(self) -> u32 {
        self.0 >> RAW_OFFSET_BITS
    }

    #[inline(always)]
    pub(super) fn raw_offset(self) -> u32 {
        self.0 & ((1 << RAW_OFFSET_BITS) - 1)
    }
}

/// An item; a repeat is named by its place among the three that can be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    Literal(u8),
    Lz { offset: u32, length: u32 },
    LzRepeat { index: u32, length: u32 },
    Delta { pair: DeltaPair, length: u32 },
    DeltaRepeat { index: u32, length: u32 },
}

impl Item {
    /// Bytes that it makes.
    #[inline(always)]
    pub(super) fn length(self) -> u32 {
        match self {
            Self::Literal(_) => 1,
            Self::Lz { length, .. }
            | Self::LzRepeat { length, .. }
            | Self::Delta { length, .. }
            | Self::DeltaRepeat { length, .. } => length,
        }
    }
}

/// The kind of the item before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Previous {
    Literal,
    Lz,
    Delta,
}

/// The latest offsets and pairs, latest first. One enters what can be named only after the item that follows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recent {
    offsets: [u32; RECENT],
    pairs: [DeltaPair; RECENT],
    previous: Previous,
}

impl Default for Recent {
    fn default() -> Self {
        Self {
            offsets: [1, 2, 3, 4],
            pairs: [1, 2, 3, 4].map(|raw_offset| DeltaPair::new(0, raw_offset)),
            previous: Previous::Literal,
        }
    }
}

impl Recent {
    /// The offsets that can be named.
    #[inline(always)]
    pub(super) fn offsets(&self) -> [u32; RECENT - 1] {
        let [a, b, c, d] = self.offsets;
        if self.previous == Previous::Lz {
            [b, c, d]
        } else {
            [a, b, c]
        }
    }

    /// The delta pairs that can be named.
    #[inline(always)]
    pub(super) fn pairs(&self) -> [DeltaPair; RECENT - 1] {
        let [a, b, c, d] = self.pairs;
        if self.previous == Previous::Delta {
            [b, c, d]
        } else {
            [a, b, c]
        }
    }

    /// Goes past an item.
    #[inline(always)]
    pub(super) fn update(&mut self, item: Item) {
        match item {
            Item::Literal(_) => self.previous = Previous::Literal,
            Item::Lz { offset, .. } => {
                let [a, b, c, _] = self.offsets;
                self.offsets = [offset, a, b, c];
                self.previous = Previous::Lz;
            }
            Item::LzRepeat { index, .. } => {
                let latest = u32::from(self.previous == Previous::Lz);
                self.offsets = to_front(self.offsets, index + latest);
                self.previous = Previous::Lz;
            }
            Item::Delta { pair, .. } => {
                let [a, b, c, _] = self.pairs;
                self.pairs = [pair, a, b, c];
                self.previous = Previous::Delta;
            }
            Item::DeltaRepeat { index, .. } => {
                let latest = u32::from(self.previous == Previous::Delta);
                self.pairs = to_front(self.pairs, index + latest);
                self.previous = Previous::Delta;
            }
        }
    }
}

#[inline(always)]
fn to_front<T: Copy>([a, b, c, d]: [T; RECENT], index: u32) -> [T; RECENT] {
    match index {
        0 => [a, b, c, d],
        1 => [b, a, c, d],
        2 => [c, a, b, d],
        _ => [d, a, b, c],
    }
}

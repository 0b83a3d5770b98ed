//! What a block is made of, and how often each symbol occurs in it.

use crate::codec::lzx::layout::{
    ALIGNED_SYMBOLS, FIRST_ALIGNED_SLOT, LENGTH_SYMBOLS, LONG_LENGTH, MAX_MAIN_SYMBOLS, MIN_MATCH, slot_of,
};

/// A literal, or a match.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    /// 1 for literals.
    pub(super) length: u16,
    /// Of matches: the number of a recent offset, or the offset plus 2. Of literals: the byte.
    pub(super) field: u32,
}

impl Item {
    pub(super) fn literal(byte: u8) -> Self {
        Self {
            length: 1,
            field: byte.into(),
        }
    }

    pub(super) fn matched(length: usize, field: u32) -> Self {
        Self {
            length: length as u16,
            field,
        }
    }

    /// The main symbol, and the length symbol if there is one.
    #[inline(always)]
    pub(super) fn symbols(self) -> (usize, Option<usize>) {
        if self.length == 1 {
            return (self.field as usize, None);
        }
        let length = usize::from(self.length) - MIN_MATCH;
        let main = 256 + 8 * slot_of(self.field) + length.min(LONG_LENGTH);
        (main, length.checked_sub(LONG_LENGTH))
    }
}

/// How the recent offsets change by a match with this offset field.
#[inline(always)]
pub(super) fn update(recent: [u32; 3], field: u32) -> [u32; 3] {
    let [r0, r1, r2] = recent;
    match field {
        0 => recent,
        1 => [r1, r0, r2],
        2 => [r2, r1, r0],
        _ => [field - 2, r0, r1],
    }
}

/// Frequencies of the symbols of a block.
#[derive(Debug)]
pub(super) struct Frequencies {
    pub(super) main: [u32; MAX_MAIN_SYMBOLS],
    pub(super) length: [u32; LENGTH_SYMBOLS],
    pub(super) aligned: [u32; ALIGNED_SYMBOLS],
}

impl Default for Frequencies {
    fn default() -> Self {
        Self {
            main: [0; MAX_MAIN_SYMBOLS],
            length: [0; LENGTH_SYMBOLS],
            aligned: [0; ALIGNED_SYMBOLS],
        }
    }
}

impl Frequencies {
    pub(super) fn clear(&mut self) {
        self.main.fill(0);
        self.length.fill(0);
        self.aligned.fill(0);
    }

    #[inline(always)]
    pub(super) fn count(&mut self, item: Item) {
        let (main, length) = item.symbols();
        self.main[main] += 1;
        if let Some(length) = length {
            self.length[length] += 1;
        }
        if main >= 256 + 8 * FIRST_ALIGNED_SLOT {
            self.aligned[item.field as usize % ALIGNED_SYMBOLS] += 1;
        }
    }
}

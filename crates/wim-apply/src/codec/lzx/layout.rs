//! Alphabets and numbers of the LZX format.

/// Shortest match.
pub(super) const MIN_MATCH: usize = 2;
/// Longest match.
pub(super) const MAX_MATCH: usize = MIN_MATCH + LONG_LENGTH + LENGTH_SYMBOLS - 1;
/// Match headers with this length field continue in the length code.
pub(super) const LONG_LENGTH: usize = 7;
/// Symbols of the length code.
pub(super) const LENGTH_SYMBOLS: usize = 249;
/// Symbols of the code for the low three bits of offsets.
pub(super) const ALIGNED_SYMBOLS: usize = 8;
/// Symbols of the code in which codeword lengths are sent.
pub(super) const PRE_SYMBOLS: usize = 20;
/// Offset slots of the largest window.
pub(super) const MAX_SLOTS: usize = 50;
/// Main symbols of the largest window.
pub(super) const MAX_MAIN_SYMBOLS: usize = 256 + 8 * MAX_SLOTS;
/// Size of a block whose header says "default".
pub(super) const DEFAULT_BLOCK_BYTES: usize = 32_768;
/// From this slot on, offsets of aligned blocks end in an aligned symbol (there are three extra bits).
pub(super) const FIRST_ALIGNED_SLOT: usize = 8;

/// Extra bits of each offset slot.
pub(super) const SLOT_EXTRA_BITS: [u8; MAX_SLOTS] = slots().0;
/// Least offset of each slot; slots 0 to 2 stand for the recent offsets.
pub(super) const SLOT_BASE: [u32; MAX_SLOTS] = slots().1;

const fn slots() -> ([u8; MAX_SLOTS], [u32; MAX_SLOTS]) {
    let (mut extra, mut bases) = ([0; MAX_SLOTS], [0; MAX_SLOTS]);
    let mut base = 1;
    let mut slot = 3;
    while slot < MAX_SLOTS {
        let bits = if slot / 2 > 18 { 17 } else { slot / 2 - 1 };
        extra[slot] = bits as u8;
        bases[slot] = base;
        base += 1 << bits;
        slot += 1;
    }
    (extra, bases)
}

/// The slot of an offset field: the number of a recent offset (0 to 2), or an offset plus 2.
#[inline(always)]
pub(super) const fn slot_of(field: u32) -> usize {
    if field < 2 {
        field as usize
    } else if field < 1 << 18 {
        let high = field.ilog2();
        (2 * high + (field >> (high - 1) & 1)) as usize
    } else {
        34 + (field >> 17) as usize
    }
}

/// Block types.
pub(super) mod block_type {
    pub(crate) const VERBATIM: u32 = 1;
    pub(crate) const ALIGNED: u32 = 2;
    pub(crate) const UNCOMPRESSED: u32 = 3;
}

/// What follows from the window size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) bytes: u32,
    pub(super) main_symbols: usize,
    /// Bits of a block size.
    pub(super) size_bits: u32,
}

impl Window {
    pub(super) fn new(bytes: u32) -> Option<Self> {
        let slots = match bytes.is_power_of_two().then(|| bytes.trailing_zeros())? {
            order @ 15..=19 => 2 * order as usize,
            20 => 42,
            21 => 50,
            _ => return None,
        };
        Some(Self {
            bytes,
            main_symbols: 256 + 8 * slots,
            size_bits: if bytes >= 1 << 16 { 24 } else { 16 },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offset_fields_find_their_slot() {
        assert_eq!([0, 1, 2].map(slot_of), [0, 1, 2]);
        for (slot, base) in SLOT_BASE.iter().enumerate().skip(3) {
            assert_eq!(slot_of(base + 2), slot);
            assert_eq!(slot_of(base + 2 + (1 << SLOT_EXTRA_BITS[slot]) - 1), slot);
        }
    }

    #[test]
    fn slots_reach_to_the_end_of_their_window() {
        for order in 15..=21 {
            let window = Window::new(1 << order).unwrap();
            let last = (window.main_symbols - 256) / 8 - 1;
            let end = SLOT_BASE[last] + (1 << SLOT_EXTRA_BITS[last]);
            assert!(
                end >= (1 << order) - 2 && SLOT_BASE[last] < 1 << order,
                "{order}: {end}"
            );
        }
    }
}

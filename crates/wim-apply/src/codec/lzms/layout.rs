//! Alphabets and numbers of the LZMS format.

/// Symbols of the literal code.
pub(super) const LITERAL_SYMBOLS: usize = 256;
/// Length slots.
pub(super) const LENGTH_SLOTS: usize = 54;
/// Offset slots that reach to the end of the largest chunk.
pub(super) const OFFSET_SLOTS: usize = 799;
/// Powers of two of delta spans.
pub(super) const DELTA_POWERS: usize = 8;
/// Longest codeword.
pub(super) const MAX_CODE_BITS: usize = 15;

/// Literals and offsets: symbols after which the code is built anew.
pub(super) const SLOW_REBUILD: u32 = 1024;
/// Lengths and delta powers: symbols after which the code is built anew.
pub(super) const FAST_REBUILD: u32 = 512;

/// Bits of history that choose the probability of each decision.
pub(super) mod context_bits {
    pub(crate) const MAIN: u32 = 4;
    pub(crate) const MATCH: u32 = 5;
    pub(crate) const LZ: u32 = 6;
    pub(crate) const DELTA: u32 = 6;
    pub(crate) const REPEAT: u32 = 6;
}

/// Remembered LZ offsets and delta pairs: three that can be named, and the latest.
pub(super) const RECENT: usize = 4;

/// Offset slots: how many slots in a row have 0, 1, 2, ... extra bits.
const OFFSET_RUNS: [u8; 31] = [
    8, 0, 9, 7, 10, 15, 15, 20, 20, 30, 33, 40, 42, 45, 60, 73, 80, 85, 95, 105, 6, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 1,
];
/// Length slots, likewise.
const LENGTH_RUNS: [u8; 31] = [
    26, 4, 6, 4, 5, 2, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
];

/// A slot: the values from `base` on that its extra bits can reach.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) base: u32,
    pub(super) extra_bits: u8,
}

/// Slots of offsets.
pub(super) const OFFSETS: [Slot; OFFSET_SLOTS] = slots(&OFFSET_RUNS);
/// Slots of lengths.
pub(super) const LENGTHS: [Slot; LENGTH_SLOTS] = slots(&LENGTH_RUNS);

const fn slots<const N: usize>(runs: &[u8; 31]) -> [Slot; N] {
    let mut slots = [Slot {
        base: 0,
        extra_bits: 0,
    }; N];
    let (mut slot, mut base, mut bits) = (0, 1_u32, 0_u8);
    while bits < 31 {
        let mut run = runs[bits as usize];
        while run > 0 {
            slots[slot] = Slot {
                base,
                extra_bits: bits,
            };
            base += 1 << bits;
            slot += 1;
            run -= 1;
        }
        bits += 1;
    }
    assert!(slot == N);
    slots
}

/// The bases of slots, padded to `N`.
pub(super) const fn bases<const N: usize>(slots: &[Slot]) -> [u32; N] {
    let mut bases = [0; N];
    let mut slot = 0;
    while slot < slots.len() {
        bases[slot] = slots[slot].base;
        slot += 1;
    }
    bases
}

/// How many offset slots a chunk of this size uses: those of offsets up to its size less one.
pub(super) fn offset_slots(chunk_bytes: usize) -> usize {
    let largest = chunk_bytes.saturating_sub(1).max(1);
    OFFSETS.partition_point(|slot| slot.base as usize <= largest)
}

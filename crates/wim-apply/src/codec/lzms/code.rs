//! The fast form of the adaptive Huffman codes.

use super::layout::MAX_CODE_BITS;
use crate::codec::huffman::{LengthBuilder, Table};
use crate::codec::mirrored_bits::MirroredBits;

/// A code that is built anew from what it coded, after every `REBUILD` symbols. `CAPACITY` is a power of two, at least
/// `SYMBOLS`.
#[derive(Debug)]
pub(super) struct Code<
    const ROOT: u32,
    const SIZE: usize,
    const SYMBOLS: usize,
    const CAPACITY: usize,
    const REBUILD: u32,
> {
    until_rebuild: u32,
    table: Table<ROOT, SIZE, SYMBOLS>,
    frequencies: [u32; CAPACITY],
    symbols: usize,
    /// Whether nothing was decoded since the code was reset.
    is_new: bool,
    /// The table of equally frequent symbols, and how many.
    initial: Table<ROOT, SIZE, SYMBOLS>,
    initial_symbols: usize,
}

impl<const ROOT: u32, const SIZE: usize, const SYMBOLS: usize, const CAPACITY: usize, const REBUILD: u32>
    Default for Code<ROOT, SIZE, SYMBOLS, CAPACITY, REBUILD>
{
    fn default() -> Self {
        assert!(CAPACITY.is_power_of_two() && CAPACITY >= SYMBOLS);
        Self {
            until_rebuild: 0,
            table: Table::default(),
            frequencies: [1; CAPACITY],
            symbols: SYMBOLS,
            is_new: true,
            initial: Table::default(),
            initial_symbols: 0,
        }
    }
}

impl<const ROOT: u32, const SIZE: usize, const SYMBOLS: usize, const CAPACITY: usize, const REBUILD: u32>
    Code<ROOT, SIZE, SYMBOLS, CAPACITY, REBUILD>
{
    /// Starts again with the first `symbols` symbols equally frequent.
    pub(super) fn reset(&mut self, symbols: usize) {
        self.symbols = symbols;
        self.is_new = true;
        self.until_rebuild = 0;
    }

    /// Decodes one symbol and its extra bits from bits that are held, and gives its entry, where the symbol is from bit 8 to
    /// 17 and the number of extra bits from bit 24 on, and the extra bits.
    #[inline(always)]
    pub(super) fn decode(
        &mut self,
        bits: &mut MirroredBits<'_>,
        payloads: &[u32; SYMBOLS],
        builder: &mut LengthBuilder,
    ) -> (u32, u32) {
        let is_due;
        (self.until_rebuild, is_due) = self.until_rebuild.overflowing_sub(1);
        if is_due {
            self.rebuild(payloads, builder);
        }
        let entry = self.table.decode(bits.peek());
        let extra = bits.consume_with_extra(entry, entry >> 24);
        let symbol = symbol_of(entry);
        debug_assert!(symbol < SYMBOLS);
        self.frequencies[symbol % CAPACITY] += 1;
        (entry, extra)
    }

    #[cold]
    #[inline(never)]
    fn rebuild(&mut self, payloads: &[u32; SYMBOLS], builder: &mut LengthBuilder) {
        self.until_rebuild = REBUILD - 1;
        // A one-symbol alphabet has a two-symbol code; the other symbol stands for nothing.
        let mut lengths = [0; SYMBOLS];
        let lengths = &mut lengths[..self.symbols.max(2)];
        let used = &mut self.frequencies[..self.symbols];
        if self.is_new {
            self.is_new = false;
            used.fill(1);
            if self.initial_symbols != self.symbols {
                builder.build(used, MAX_CODE_BITS, lengths);
                self.initial
                    .build(lengths, payloads)
                    .expect("the construction gives complete codes");
                self.initial_symbols = self.symbols;
            }
            self.table.clone_from(&self.initial);
            return;
        }
        builder.build(used, MAX_CODE_BITS, lengths);
        self.table
            .build(lengths, payloads)
            .expect("the construction gives complete codes");
        for frequency in used {
            *frequency = *frequency / 2 + 1;
        }
    }
}

/// The symbol of an entry.
#[inline(always)]
pub(super) fn symbol_of(entry: u32) -> usize {
    (entry >> 8) as usize & 0x3ff
}

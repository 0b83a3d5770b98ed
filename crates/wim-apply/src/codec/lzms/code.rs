//! The fast form of the adaptive Huffman codes.

use super::layout::MAX_CODE_BITS;
use crate::codec::huffman::{LengthBuilder, Table};
use crate::codec::mirrored_bits::MirroredBits;

/// A code that is built anew from what it coded, after every `REBUILD` symbols.
#[derive(Debug)]
pub(super) struct Code<const ROOT: u32, const SIZE: usize, const SYMBOLS: usize, const REBUILD: u32> {
    table: Table<ROOT, SIZE, SYMBOLS>,
    frequencies: [u32; SYMBOLS],
    until_rebuild: u32,
    symbols: usize,
}

impl<const ROOT: u32, const SIZE: usize, const SYMBOLS: usize, const REBUILD: u32> Default
    for Code<ROOT, SIZE, SYMBOLS, REBUILD>
{
    fn default() -> Self {
        Self {
            table: Table::default(),
            frequencies: [1; SYMBOLS],
            until_rebuild: 0,
            symbols: SYMBOLS,
        }
    }
}

impl<const ROOT: u32, const SIZE: usize, const SYMBOLS: usize, const REBUILD: u32>
    Code<ROOT, SIZE, SYMBOLS, REBUILD>
{
    /// Starts again with the first `symbols` symbols equally frequent.
    pub(super) fn reset(&mut self, symbols: usize) {
        self.symbols = symbols;
        self.frequencies = [1; SYMBOLS];
        self.until_rebuild = 0;
    }

    /// Decodes one symbol from bits that are held, and gives its entry: the symbol from bit 8 to 17, and what
    /// `payloads` has in higher bits.
    #[inline(always)]
    pub(super) fn decode(
        &mut self,
        bits: &mut MirroredBits<'_>,
        payloads: &[u32; SYMBOLS],
        builder: &mut LengthBuilder,
    ) -> u32 {
        if self.until_rebuild == 0 {
            self.rebuild(payloads, builder);
        }
        self.until_rebuild -= 1;
        let entry = self.table.decode(bits.peek());
        bits.consume(entry);
        let symbol = symbol_of(entry);
        debug_assert!(symbol < SYMBOLS);
        if let Some(frequency) = self.frequencies.get_mut(symbol) {
            *frequency += 1;
        }
        entry
    }

    #[inline(never)]
    fn rebuild(&mut self, payloads: &[u32; SYMBOLS], builder: &mut LengthBuilder) {
        let used = &mut self.frequencies[..self.symbols];
        // A one-symbol alphabet has a two-symbol code; the other symbol stands for nothing.
        let mut lengths = [0; SYMBOLS];
        let lengths = &mut lengths[..self.symbols.max(2)];
        builder.build(used, MAX_CODE_BITS, lengths);
        self.table
            .build(lengths, payloads)
            .expect("the construction gives complete codes");
        for frequency in used {
            *frequency = *frequency / 2 + 1;
        }
        self.until_rebuild = REBUILD;
    }
}

/// The symbol of an entry.
#[inline(always)]
pub(super) fn symbol_of(entry: u32) -> usize {
    (entry >> 8) as usize & 0x3ff
}

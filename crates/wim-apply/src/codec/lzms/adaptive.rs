//! Adaptive Huffman codes: what the plain decoder and the encoder share, and the plain decoder's form.

use super::layout::MAX_CODE_BITS;
use crate::codec::bits::UnitBits;
use crate::codec::huffman::{CountingCode, LengthBuilder};

/// Codeword lengths that are made anew from what was coded, after every so many symbols.
#[derive(Debug)]
pub(super) struct AdaptiveLengths {
    frequencies: Vec<u32>,
    lengths: Vec<u8>,
    rebuild_after: u32,
    until_rebuild: u32,
}

impl AdaptiveLengths {
    /// Lengths for `symbols` equally frequent symbols.
    pub(super) fn new(symbols: usize, rebuild_after: u32, builder: &mut LengthBuilder) -> Self {
        let mut new = Self {
            frequencies: vec![1; symbols],
            // A one-symbol alphabet has a two-symbol code; the other symbol stands for nothing.
            lengths: vec![0; symbols.max(2)],
            rebuild_after,
            until_rebuild: rebuild_after,
        };
        new.build(builder);
        new
    }

    fn build(&mut self, builder: &mut LengthBuilder) {
        builder.build(&self.frequencies, MAX_CODE_BITS, &mut self.lengths);
    }

    /// The lengths of the next symbol, once [`rebuild_if_due`](Self::rebuild_if_due) was called.
    pub(super) fn lengths(&self) -> &[u8] {
        &self.lengths
    }

    /// To be called before each symbol. Whether the lengths were made anew.
    #[inline(always)]
    pub(super) fn rebuild_if_due(&mut self, builder: &mut LengthBuilder) -> bool {
        if self.until_rebuild > 0 {
            return false;
        }
        self.build(builder);
        for frequency in &mut self.frequencies {
            *frequency = *frequency / 2 + 1;
        }
        self.until_rebuild = self.rebuild_after;
        true
    }

    /// Counts a symbol that was coded.
    #[inline(always)]
    pub(super) fn count(&mut self, symbol: usize) {
        self.until_rebuild -= 1;
        if let Some(frequency) = self.frequencies.get_mut(symbol) {
            *frequency += 1;
        }
    }
}

/// A code that is built anew from what it coded.
#[derive(Debug)]
pub(super) struct AdaptiveCode {
    lengths: AdaptiveLengths,
    code: CountingCode,
    builder: LengthBuilder,
}

impl AdaptiveCode {
    /// A code of `symbols` equally frequent symbols.
    pub(super) fn new(symbols: usize, rebuild_after: u32) -> Self {
        let mut builder = LengthBuilder::default();
        let lengths = AdaptiveLengths::new(symbols, rebuild_after, &mut builder);
        Self {
            code: code_of(&lengths),
            lengths,
            builder,
        }
    }

    /// Decodes one symbol.
    pub(super) fn decode(&mut self, bits: &mut UnitBits<'_>) -> usize {
        if self.lengths.rebuild_if_due(&mut self.builder) {
            self.code = code_of(&self.lengths);
        }
        let symbol = self.code.decode(bits);
        self.lengths.count(symbol);
        symbol
    }
}

fn code_of(lengths: &AdaptiveLengths) -> CountingCode {
    CountingCode::new(lengths.lengths()).expect("the construction gives complete codes")
}

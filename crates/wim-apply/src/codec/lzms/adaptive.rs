//! Adaptive Huffman codes, plain form.

use super::layout::MAX_CODE_BITS;
use crate::codec::bits::UnitBits;
use crate::codec::huffman::{CountingCode, LengthBuilder};

/// A code that is built anew from what it coded, after every so many symbols.
#[derive(Debug)]
pub(super) struct AdaptiveCode {
    frequencies: Vec<u32>,
    code: CountingCode,
    rebuild_after: u32,
    until_rebuild: u32,
}

impl AdaptiveCode {
    /// A code of `symbols` equally frequent symbols.
    pub(super) fn new(symbols: usize, rebuild_after: u32) -> Self {
        let frequencies = vec![1; symbols];
        let code = build(&frequencies);
        Self {
            frequencies,
            code,
            rebuild_after,
            until_rebuild: rebuild_after,
        }
    }

    /// Decodes one symbol.
    pub(super) fn decode(&mut self, bits: &mut UnitBits<'_>) -> usize {
        if self.until_rebuild == 0 {
            self.code = build(&self.frequencies);
            for frequency in &mut self.frequencies {
                *frequency = *frequency / 2 + 1;
            }
            self.until_rebuild = self.rebuild_after;
        }
        self.until_rebuild -= 1;
        let symbol = self.code.decode(bits);
        // A one-symbol alphabet has a two-symbol code; the other symbol stands for nothing.
        if let Some(frequency) = self.frequencies.get_mut(symbol) {
            *frequency += 1;
        }
        symbol
    }
}

fn build(frequencies: &[u32]) -> CountingCode {
    let mut lengths = vec![0; frequencies.len().max(2)];
    LengthBuilder::default().build(frequencies, MAX_CODE_BITS, &mut lengths);
    CountingCode::new(&lengths).expect("the construction gives complete codes")
}

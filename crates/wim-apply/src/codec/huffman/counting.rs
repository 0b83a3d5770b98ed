//! A prefix code decoded bit by bit from the number of codewords of each length: slow and plain.

use super::{BadLengths, MAX_CODE_BITS};
use crate::codec::bits::UnitBits;

/// A canonical code, for the reference decoders.
#[derive(Debug)]
pub(crate) struct CountingCode {
    /// Number of codewords of each length; `[0]` is unused.
    counts: [u16; MAX_CODE_BITS + 1],
    /// Symbols in order of (length, symbol).
    symbols: Vec<u16>,
}

impl CountingCode {
    /// The code with the given codeword lengths; length 0 means that the symbol is not used. No used symbol
    /// at all is allowed: that code reads no bits and always gives symbol 0.
    pub(crate) fn new(lengths: &[u8]) -> Result<Self, BadLengths> {
        let mut counts = [0_u16; MAX_CODE_BITS + 1];
        let mut symbols = Vec::with_capacity(lengths.len());
        for (bits, count) in (0_u8..).zip(&mut counts).skip(1) {
            let of_length = lengths.iter().enumerate().filter(|&(_, &n)| n == bits);
            symbols.extend(of_length.map(|(symbol, _)| u16::try_from(symbol).expect("small alphabets")));
            *count = u16::try_from(lengths.iter().filter(|&&n| n == bits).count()).expect("small alphabets");
        }
        // Codewords of length n take 2^(16 - n) of 2^16 slots.
        let taken: u64 = (1..=MAX_CODE_BITS)
            .map(|bits| u64::from(counts[bits]) << (MAX_CODE_BITS - bits))
            .sum();
        if taken != 0 && taken != 1 << MAX_CODE_BITS {
            return Err(BadLengths);
        }
        Ok(Self { counts, symbols })
    }

    /// Reads one codeword.
    pub(crate) fn decode(&self, bits: &mut UnitBits<'_>) -> usize {
        if self.symbols.is_empty() {
            return 0;
        }
        let (mut code, mut first, mut index) = (0_u32, 0_u32, 0_u32);
        for &count in &self.counts[1..] {
            code = (code << 1) | bits.take(1);
            let count = u32::from(count);
            if code - first < count {
                return usize::from(self.symbols[(index + code - first) as usize]);
            }
            index += count;
            first = (first + count) << 1;
        }
        unreachable!("the code is complete")
    }
}

//! What items are expected to cost, in sixteenths of a bit.

use super::items::Frequencies;
use crate::codec::lzx::layout::{
    ALIGNED_SYMBOLS, FIRST_ALIGNED_SLOT, LENGTH_SYMBOLS, LONG_LENGTH, MAX_SLOTS, MIN_MATCH, SLOT_EXTRA_BITS,
};

/// One bit.
const BIT: u32 = 16;
/// Lengths up to this have a price per slot.
pub(super) const PRICED_LENGTH: usize = 65;

/// Price per byte of a block that is not worth the search: 1/128 is saved, which tables take most of.
const HOPELESS: usize = 8 * BIT as usize - 1;

/// Prices of a block.
#[derive(Debug)]
pub(super) struct Prices {
    pub(super) literal: [u32; 256],
    /// By slot and length, without the bits of the offset.
    pub(super) matched: [[u32; PRICED_LENGTH - MIN_MATCH + 1]; MAX_SLOTS],
    length: [u32; LENGTH_SYMBOLS],
    /// Of the bits of the offset, by slot and their last three.
    offset: [[u32; ALIGNED_SYMBOLS]; MAX_SLOTS],
}

impl Default for Prices {
    fn default() -> Self {
        Self {
            literal: [0; 256],
            matched: [[0; PRICED_LENGTH - MIN_MATCH + 1]; MAX_SLOTS],
            length: [0; LENGTH_SYMBOLS],
            offset: [[0; ALIGNED_SYMBOLS]; MAX_SLOTS],
        }
    }
}

impl Prices {
    /// Sets the prices to those of codes for these frequencies.
    pub(super) fn set(&mut self, frequencies: &Frequencies) {
        let main_price = pricing(&frequencies.main);
        for (price, &frequency) in self.literal.iter_mut().zip(&frequencies.main) {
            *price = main_price(frequency);
        }
        let length_price = pricing(&frequencies.length);
        for (price, &frequency) in self.length.iter_mut().zip(&frequencies.length) {
            *price = length_price(frequency);
        }
        let headers = frequencies.main[256..].as_chunks::<8>().0;
        for (prices, frequencies) in self.matched.iter_mut().zip(headers) {
            let headers = frequencies.map(main_price);
            let (short, long) = prices.split_at_mut(LONG_LENGTH);
            short.copy_from_slice(&headers[..LONG_LENGTH]);
            for (price, length) in long.iter_mut().zip(&self.length) {
                *price = headers[LONG_LENGTH] + length;
            }
        }
        let aligned_price = pricing(&frequencies.aligned);
        let aligned = frequencies.aligned.map(aligned_price);
        let (mut with_code, mut without) = (3 * BIT * ALIGNED_SYMBOLS as u32, 0);
        for (frequency, price) in frequencies.aligned.iter().zip(aligned) {
            with_code += frequency * price;
            without += frequency * 3 * BIT;
        }
        for (slot, prices) in self.offset.iter_mut().enumerate() {
            let bits = u32::from(SLOT_EXTRA_BITS[slot]);
            *prices = [bits * BIT; ALIGNED_SYMBOLS];
            if slot >= FIRST_ALIGNED_SLOT && with_code < without {
                *prices = aligned.map(|price| (bits - 3) * BIT + price);
            }
        }
    }

    /// Whether a block with such a choice of items hardly becomes smaller. The lengths of long matches are not counted.
    pub(super) fn is_hopeless(&self, frequencies: &Frequencies, block_bytes: usize) -> bool {
        let (literals, headers) = frequencies.main.split_at(256);
        let literals = literals.iter().zip(&self.literal);
        let mut price: u32 = literals.map(|(frequency, price)| frequency * price).sum();
        for (slot, frequencies) in headers.as_chunks::<8>().0.iter().enumerate() {
            let offset = u32::from(SLOT_EXTRA_BITS[slot]) * BIT;
            let prices = frequencies.iter().zip(&self.matched[slot]);
            price += prices
                .map(|(frequency, header)| frequency * (header + offset))
                .sum::<u32>();
        }
        price as usize >= block_bytes * HOPELESS
    }

    /// The price of an offset field's bits.
    #[inline(always)]
    pub(super) fn offset(&self, slot: usize, field: u32) -> u32 {
        self.offset[slot][field as usize % ALIGNED_SYMBOLS]
    }

    /// The price of a match of any length, without the bits of the offset.
    pub(super) fn any_length(&self, slot: usize, length: usize) -> u32 {
        match self.matched[slot].get(length - MIN_MATCH) {
            Some(&price) => price,
            None => {
                let header = self.matched[slot][LONG_LENGTH] - self.length[0];
                header + self.length[length - MIN_MATCH - LONG_LENGTH]
            }
        }
    }
}

/// The price of a symbol by its frequency. Those that do not occur get one as if they did, half a time.
fn pricing(frequencies: &[u32]) -> impl Fn(u32) -> u32 + Copy {
    let total = log2(2 * frequencies.iter().sum::<u32>() + 2);
    move |frequency| {
        let price = total.saturating_sub(log2((2 * frequency).max(1)));
        price.clamp(BIT, 16 * BIT)
    }
}

/// The binary logarithm in sixteenths, rounded down.
fn log2(number: u32) -> u32 {
    let whole = number.ilog2();
    let mut mantissa = u64::from(number) << (31 - whole);
    let mut log = whole;
    for _ in 0..4 {
        mantissa = (mantissa * mantissa) >> 31;
        let carry = mantissa >> 32;
        log = 2 * log + carry as u32;
        mantissa >>= carry;
    }
    log
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms() {
        for number in 1..5000_u32 {
            let exact = (f64::from(number).log2() * 16.0 + 1e-9).floor() as u32;
            assert_eq!(log2(number), exact, "{number}");
        }
    }
}

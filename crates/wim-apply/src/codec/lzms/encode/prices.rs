//! What items are expected to cost, in 64ths of a bit: what they cost by the state before the block.

use super::item::DeltaPair;
use super::model::{Code, Codes, Decisions, Model};
use super::slots::{length_slot, offset_slot};
use crate::codec::lzms::layout::{LENGTHS, LITERAL_SYMBOLS, OFFSET_SLOTS, OFFSETS, context_bits};
use crate::codec::lzms::probability::Contexts;

/// One bit.
pub(super) const BIT: u32 = 64;
/// Lengths with a price of their own are less than this.
pub(super) const PRICED_LENGTHS: usize = 256;

/// Prices of zero and one by context.
type Priced<const N: usize> = [[u32; 2]; N];

/// Prices of decisions.
#[derive(Debug)]
pub(super) struct DecisionPrices {
    pub(super) main: Priced<{ 1 << context_bits::MAIN }>,
    pub(super) match_kind: Priced<{ 1 << context_bits::MATCH }>,
    pub(super) lz: Priced<{ 1 << context_bits::LZ }>,
    pub(super) delta: Priced<{ 1 << context_bits::DELTA }>,
    pub(super) lz_repeat: [Priced<{ 1 << context_bits::REPEAT }>; 2],
    pub(super) delta_repeat: [Priced<{ 1 << context_bits::REPEAT }>; 2],
}

/// Prices of a block.
#[derive(Debug)]
pub(super) struct Prices {
    pub(super) decisions: DecisionPrices,
    pub(super) literal: [u32; LITERAL_SYMBOLS],
    /// By length, from 1 on.
    pub(super) length: [u32; PRICED_LENGTHS],
    lz_offset: [u32; OFFSET_SLOTS],
    delta_power: [u32; 8],
    delta_offset: [u32; OFFSET_SLOTS],
}

impl Default for Prices {
    fn default() -> Self {
        Self {
            decisions: DecisionPrices {
                main: [[0; 2]; _],
                match_kind: [[0; 2]; _],
                lz: [[0; 2]; _],
                delta: [[0; 2]; _],
                lz_repeat: [[[0; 2]; _]; 2],
                delta_repeat: [[[0; 2]; _]; 2],
            },
            literal: [0; LITERAL_SYMBOLS],
            length: [0; PRICED_LENGTHS],
            lz_offset: [0; OFFSET_SLOTS],
            delta_power: [0; 8],
            delta_offset: [0; OFFSET_SLOTS],
        }
    }
}

impl Prices {
    /// Sets the prices to those of the next item.
    pub(super) fn set(&mut self, model: &Model) {
        self.set_decisions(&model.decisions);
        let Codes {
            literal,
            lz_offset,
            length,
            delta_power,
            delta_offset,
        } = &model.codes;
        set_symbols(&mut self.literal, literal, |_| 0);
        set_symbols(&mut self.lz_offset, lz_offset, |slot| OFFSETS[slot].extra_bits);
        set_symbols(&mut self.delta_power, delta_power, |_| 0);
        set_symbols(&mut self.delta_offset, delta_offset, |slot| {
            OFFSETS[slot].extra_bits
        });
        for (value, price) in (0..).zip(&mut self.length).skip(1) {
            let slot = length_slot(value);
            *price = BIT * u32::from(length.lengths()[slot] + LENGTHS[slot].extra_bits);
        }
    }

    fn set_decisions(&mut self, decisions: &Decisions) {
        let prices = &mut self.decisions;
        set_contexts(&mut prices.main, &decisions.main);
        set_contexts(&mut prices.match_kind, &decisions.match_kind);
        set_contexts(&mut prices.lz, &decisions.lz);
        set_contexts(&mut prices.delta, &decisions.delta);
        for i in 0..2 {
            set_contexts(&mut prices.lz_repeat[i], &decisions.lz_repeat[i]);
            set_contexts(&mut prices.delta_repeat[i], &decisions.delta_repeat[i]);
        }
    }

    #[inline(always)]
    pub(super) fn offset(&self, offset: u32) -> u32 {
        self.lz_offset[offset_slot(offset)]
    }

    #[inline(always)]
    pub(super) fn pair(&self, pair: DeltaPair) -> u32 {
        self.delta_power[pair.power() as usize] + self.delta_offset[offset_slot(pair.raw_offset())]
    }
}

fn set_symbols(prices: &mut [u32], code: &Code, extra_bits: impl Fn(usize) -> u8) {
    for (symbol, (price, &length)) in prices.iter_mut().zip(code.lengths()).enumerate() {
        *price = BIT * u32::from(length + extra_bits(symbol));
    }
}

fn set_contexts<const N: usize>(prices: &mut Priced<N>, contexts: &Contexts<N>) {
    for (prices, probability) in prices.iter_mut().zip(contexts.all()) {
        let of_zero = probability.of_zero() as usize;
        *prices = [OF_64THS[of_zero], OF_64THS[64 - of_zero]];
    }
}

/// The price of an outcome by its probability in 64ths.
static OF_64THS: [u32; 65] = {
    let mut prices = [0; 65];
    let mut probability = 1;
    while probability < 64 {
        prices[probability] = 6 * BIT - log2(probability as u64);
        probability += 1;
    }
    prices
};

/// The binary logarithm in 64ths, rounded down.
const fn log2(number: u64) -> u32 {
    let mut log = number.ilog2();
    let mut mantissa = number << (31 - log);
    let mut bit = 0;
    while bit < BIT.ilog2() {
        mantissa = (mantissa * mantissa) >> 31;
        let carry = mantissa >> 32;
        log = 2 * log + carry as u32;
        mantissa >>= carry;
        bit += 1;
    }
    log
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms() {
        for number in 1..200_u32 {
            let exact = (f64::from(number).log2() * 64.0 + 1e-9).floor() as u32;
            assert_eq!(log2(number.into()), exact, "{number}");
        }
    }
}

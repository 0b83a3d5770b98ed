//! Where a way through a block has been: what the price of its next item depends on.

use super::item::{Item, Recent};
use super::prices::DecisionPrices;

/// The last outcomes of each decision, and the recent offsets.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Way {
    pub(super) recent: Recent,
    main: u8,
    match_kind: u8,
    lz: u8,
    delta: u8,
    lz_repeat: [u8; 2],
    delta_repeat: [u8; 2],
}

/// What the decisions of the next item cost, without the values in codes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choices {
    pub(super) literal: u32,
    pub(super) lz: u32,
    pub(super) lz_repeat: [u32; 3],
    pub(super) delta: u32,
    pub(super) delta_repeat: [u32; 3],
}

impl Way {
    /// Goes past an item.
    #[inline(always)]
    pub(super) fn update(&mut self, item: Item) {
        let is_match = !matches!(item, Item::Literal(_));
        shift::<15>(&mut self.main, is_match);
        if is_match {
            let is_delta = matches!(item, Item::Delta { .. } | Item::DeltaRepeat { .. });
            shift::<31>(&mut self.match_kind, is_delta);
        }
        match item {
            Item::Literal(_) => {}
            Item::Lz { .. } => shift::<63>(&mut self.lz, false),
            Item::LzRepeat { index, .. } => {
                shift::<63>(&mut self.lz, true);
                shift_index(&mut self.lz_repeat, index);
            }
            Item::Delta { .. } => shift::<63>(&mut self.delta, false),
            Item::DeltaRepeat { index, .. } => {
                shift::<63>(&mut self.delta, true);
                shift_index(&mut self.delta_repeat, index);
            }
        }
        self.recent.update(item);
    }

    #[inline(always)]
    pub(super) fn choices(&self, prices: &DecisionPrices) -> Choices {
        let [literal, matched] = prices.main[usize::from(self.main % 16)];
        let [lz, delta] = prices.match_kind[usize::from(self.match_kind % 32)].map(|price| matched + price);
        let [lz, lz_again] = prices.lz[usize::from(self.lz % 64)].map(|price| lz + price);
        let [delta, delta_again] = prices.delta[usize::from(self.delta % 64)].map(|price| delta + price);
        Choices {
            literal,
            lz,
            lz_repeat: indexes(&prices.lz_repeat, self.lz_repeat).map(|price| lz_again + price),
            delta,
            delta_repeat: indexes(&prices.delta_repeat, self.delta_repeat).map(|price| delta_again + price),
        }
    }
}

#[inline(always)]
fn indexes(prices: &[[[u32; 2]; 64]; 2], state: [u8; 2]) -> [u32; 3] {
    let [zero, more] = prices[0][usize::from(state[0] % 64)];
    let [one, two] = prices[1][usize::from(state[1] % 64)];
    [zero, more + one, more + two]
}

#[inline(always)]
fn shift<const MASK: u8>(state: &mut u8, bit: bool) {
    *state = (*state << 1 | u8::from(bit)) & MASK;
}

#[inline(always)]
fn shift_index(states: &mut [u8; 2], index: u32) {
    shift::<63>(&mut states[0], index > 0);
    if index > 0 {
        shift::<63>(&mut states[1], index > 1);
    }
}

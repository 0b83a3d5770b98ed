//! Chooses the items of a block: the cheapest way through it, by what items cost before it.

use super::delta::{DeltaMatch, delta_length};
use super::finders::Finders;
use super::item::Item;
use super::model::Model;
use super::prices::Prices;
use super::step::Step;
use super::way::Way;
use crate::codec::chunk::Chunk;
use crate::codec::haste;
use crate::codec::trees::Match;

/// Longest block, without the match that ends it.
const BLOCK_BYTES: usize = 4096;
/// Least block that is ended where no match goes on.
const SOFT_BLOCK_BYTES: usize = 512;
/// Matches of this length are taken without a look at others, and end the block.
pub(super) const NICE_LENGTH: usize = 64;
/// Shortest repeat.
const MIN_REPEAT: usize = 2;
/// Shortest delta match that is no repeat.
const MIN_DELTA: usize = 3;
/// Where there is an LZ match of this length, no other delta matches than repeats are looked for.
const LONG_ENOUGH: usize = 5;
/// Shorter matches are found in noise too.
const MATCH_IN_NOISE: usize = 4;

/// Working space, and the items of the last block.
#[derive(Debug, Default)]
pub(super) struct Parser {
    steps: Vec<Step>,
    ways: Vec<Way>,
    found: Vec<Match>,
    items: Vec<Item>,
    prices: Box<Prices>,
    /// Where the latest match in the chunk ends.
    matched: usize,
    /// Where matches are looked for again.
    resume: usize,
}

impl Parser {
    /// Memory that it holds.
    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        8 * self.steps.capacity() + size_of::<Way>() * self.ways.capacity() + size_of::<Prices>()
    }

    /// Begins a chunk.
    pub(super) fn reset(&mut self) {
        (self.matched, self.resume) = (0, 0);
    }

    /// Chooses items from `start` of the chunk on, after the way that led there. The caller goes on after them.
    #[inline(always)]
    pub(super) fn parse(
        &mut self,
        finders: &mut Finders,
        chunk: &Chunk,
        start: usize,
        way: &mut Way,
        model: &Model,
    ) -> &[Item] {
        self.prices.set(model);
        let room = BLOCK_BYTES + NICE_LENGTH + 1;
        self.steps.clear();
        self.steps.resize(room, Step::UNREACHED);
        self.ways.resize(BLOCK_BYTES + 1, *way);
        self.steps[0] = Step::START;
        let left = chunk.len() - start;
        let (mut at, mut farthest) = (0, 0);
        let mut last = None;
        while at < left {
            if at > 0 {
                let step = self.steps[at];
                *way = self.ways[at - step.length()];
                way.update(step.item(chunk.byte(start + at - 1)));
            }
            if at == BLOCK_BYTES || at == farthest && at >= SOFT_BLOCK_BYTES {
                break;
            }
            self.ways[at] = *way;
            match self.spread(finders, chunk, start, at, way) {
                Ok(reach) => farthest = farthest.max(at + reach),
                Err(item) => {
                    last = Some(item);
                    break;
                }
            }
            at += 1;
        }
        let end = if last.is_some() || at < BLOCK_BYTES {
            at
        } else {
            self.best_end(at, farthest)
        };
        self.trace(chunk, start, end);
        if end > at {
            finders.trees.skip(chunk, start + at, start + end, finders.effort);
        }
        if let Some(item) = last {
            self.items.push(item);
            let after = start + end + item.length() as usize;
            finders.trees.skip(chunk, start + end + 1, after, finders.effort);
            self.matched = after;
            self.resume = after;
        }
        *way = self.ways[0];
        for &item in &self.items {
            way.update(item);
        }
        &self.items
    }

    /// Offers every item that may begin at `at` of the block, and returns how far the longest match goes. A nice match is
    /// returned instead.
    #[inline(always)]
    fn spread(
        &mut self,
        finders: &mut Finders,
        chunk: &Chunk,
        start: usize,
        at: usize,
        way: &Way,
    ) -> Result<usize, Item> {
        let place = start + at;
        let left = chunk.len() - place;
        let max = left.min(NICE_LENGTH);
        let prices = &*self.prices;
        let price = self.steps[at].price();
        let steps = &mut self.steps[at..];
        let choices = way.choices(&prices.decisions);
        let literal = price + choices.literal + prices.literal[usize::from(chunk.byte(place))];
        steps[1].improve(Step::new(literal, 1, Step::LITERAL));
        if place < self.resume {
            return Ok(1);
        }

        self.found.clear();
        finders.trees.find(chunk, place, finders.effort, &mut self.found);
        let longest = self.found.last().map_or(0, |found| found.length as usize);
        let mut reach = longest.max(1);

        let next = chunk.next8(place);
        for (index, offset) in (0..).zip(way.recent.offsets()) {
            let Some(from) = place.checked_sub(offset as usize) else {
                continue;
            };
            // Most places differ at once.
            if chunk.next8(from) as u16 != next as u16 {
                continue;
            }
            let mut length = chunk.match_length(from, place, 0, max);
            if length >= NICE_LENGTH {
                length = chunk.match_length(from, place, length, left);
                if length >= longest {
                    let length = length as u32;
                    return Err(Item::LzRepeat { index, length });
                }
                length = NICE_LENGTH;
            }
            let price = price + choices.lz_repeat[index as usize];
            offer(
                steps,
                prices,
                price,
                MIN_REPEAT..length + 1,
                Step::lz_repeat(index),
            );
            reach = reach.max(length);
        }
        if longest >= NICE_LENGTH {
            let Match { length, offset } = self.found[self.found.len() - 1];
            return Err(Item::Lz { offset, length });
        }
        let mut shorter = 1;
        for found in &self.found {
            let length = found.length as usize;
            let price = price + choices.lz + prices.offset(found.offset);
            offer(
                steps,
                prices,
                price,
                shorter + 1..length + 1,
                Step::lz(found.offset),
            );
            shorter = length;
        }

        for (index, pair) in (0..).zip(way.recent.pairs()) {
            let length = delta_length(chunk, place, pair, max);
            if length >= NICE_LENGTH {
                let length = delta_length(chunk, place, pair, left) as u32;
                return Err(Item::DeltaRepeat { index, length });
            }
            let price = price + choices.delta_repeat[index as usize];
            offer(
                steps,
                prices,
                price,
                MIN_REPEAT..length + 1,
                Step::delta_repeat(index),
            );
            reach = reach.max(length);
        }
        if longest < LONG_ENOUGH {
            let mut nice = None;
            finders
                .deltas
                .find(chunk, place, max, |DeltaMatch { pair, length }| {
                    if length >= NICE_LENGTH {
                        nice = Some(pair);
                        return;
                    }
                    let price = price + choices.delta + prices.pair(pair);
                    offer(steps, prices, price, MIN_DELTA..length + 1, Step::delta(pair));
                    reach = reach.max(length);
                });
            if let Some(pair) = nice {
                let length = delta_length(chunk, place, pair, left) as u32;
                return Err(Item::Delta { pair, length });
            }
        }
        if reach > MATCH_IN_NOISE {
            self.matched = place + reach;
        }
        let unmatched = (place + 1).saturating_sub(self.matched);
        self.resume = place + 1 + haste::passed_over(unmatched, chunk.byte(place));
        Ok(reach)
    }

    /// Where to end a block that matches go over the end of: where the bytes so far were cheapest.
    fn best_end(&self, at: usize, farthest: usize) -> usize {
        let per_byte = self.steps[at].price() / at as u32;
        let excess = |&end: &usize| {
            self.steps[end]
                .price()
                .saturating_sub(per_byte * (end - at) as u32)
        };
        let reached = (at..=farthest).filter(|&end| self.steps[end].is_reached());
        reached.min_by_key(excess).unwrap_or(at)
    }

    /// Lists the items of the way to `end`.
    fn trace(&mut self, chunk: &Chunk, start: usize, mut end: usize) {
        self.items.clear();
        while end > 0 {
            let step = self.steps[end];
            self.items.push(step.item(chunk.byte(start + end - 1)));
            end -= step.length();
        }
        self.items.reverse();
    }
}

/// Offers matches of these lengths to the steps after them; `steps` begins where the matches do.
#[inline(always)]
fn offer(steps: &mut [Step], prices: &Prices, price: u32, lengths: std::ops::Range<usize>, field: u32) {
    if lengths.is_empty() {
        return;
    }
    let steps = &mut steps[..lengths.end];
    for (length, length_price) in lengths.clone().zip(&prices.length[lengths]) {
        steps[length].improve(Step::new(price + length_price, length, field));
    }
}

//! Chooses the items of a block.

use super::items::{Frequencies, Item, update};
use super::prices::Prices;
use super::trees::{Match, Trees};
use crate::codec::lzx::layout::{MAX_MATCH, MIN_MATCH, slot_of};
use crate::codec::match_length::match_length;

/// Matches of this length are taken without a look at others.
const NICE_LENGTH: usize = 48;
/// How often the cheapest way is looked for, each time with better prices.
const PASSES: usize = 2;

/// A step of a way: what it has cost so far, and its last item. The lesser one of two is cheaper.
#[derive(Clone, Copy, Debug)]
struct Step(u64);

impl Step {
    const UNREACHED: Self = Self(u64::MAX);
    const LENGTH_BITS: u32 = 9;

    #[inline(always)]
    fn new(price: u32, length: usize, field: u32) -> Self {
        Self(u64::from(price) << 32 | u64::from(field) << Self::LENGTH_BITS | length as u64)
    }

    #[inline(always)]
    fn price(self) -> u32 {
        (self.0 >> 32) as u32
    }

    #[inline(always)]
    fn length(self) -> usize {
        (self.0 & ((1 << Self::LENGTH_BITS) - 1)) as usize
    }

    /// Of matches only.
    #[inline(always)]
    fn field(self) -> u32 {
        self.0 as u32 >> Self::LENGTH_BITS
    }

    #[inline(always)]
    fn improve(&mut self, other: Self) {
        self.0 = self.0.min(other.0);
    }
}

/// Working space, and the items of the last block.
#[derive(Debug, Default)]
pub(super) struct Parser {
    matches: Vec<Match>,
    /// Where each position's matches begin, and where the last one's end.
    starts: Vec<u32>,
    steps: Vec<Step>,
    /// The recent offsets at each position that a way passes.
    recents: Vec<[u32; 3]>,
    items: Vec<Item>,
    frequencies: Frequencies,
    prices: Prices,
}

/// Where matches may lie.
#[derive(Clone, Copy)]
struct Block<'a> {
    /// The chunk up to the end of the block.
    data: &'a [u8],
    start: usize,
}

impl Block<'_> {
    fn len(self) -> usize {
        self.data.len() - self.start
    }

    /// The length of the match that begins at `at` of the block, `offset` back; 0 when there is none.
    #[inline(always)]
    fn match_at(self, at: usize, offset: u32) -> usize {
        let at = self.start + at;
        let Some(from) = at.checked_sub(offset as usize) else {
            return 0;
        };
        let max = MAX_MATCH.min(self.data.len() - at);
        if max < MIN_MATCH || self.data[from..from + 2] != self.data[at..at + 2] {
            return 0;
        }
        match_length(self.data, from, at, 2, max)
    }
}

impl Parser {
    /// The items that [`parse`](Self::parse) chose.
    pub(super) fn items(&self) -> &[Item] {
        &self.items
    }

    /// Finds the matches of the block from `start` to before `end` of a chunk.
    #[inline(always)]
    pub(super) fn find_matches(&mut self, trees: &mut Trees, data: &[u8], start: usize, end: usize) {
        self.matches.clear();
        self.starts.clear();
        let mut at = start;
        while at < end {
            let first = self.matches.len();
            self.starts.push(first as u32);
            trees.find(data, at, NICE_LENGTH, &mut self.matches);
            at += 1;
            for found in &mut self.matches[first..] {
                found.length = found.length.min((end - at + 1) as u32);
            }
            if self.matches.len() > first {
                let length = self.matches[self.matches.len() - 1].length as usize;
                if length >= NICE_LENGTH {
                    let next = at - 1 + length;
                    trees.skip(data, at, next, NICE_LENGTH);
                    self.starts.resize(next - start, self.matches.len() as u32);
                    at = next;
                }
            }
        }
        self.starts.push(self.matches.len() as u32);
    }

    /// Chooses the items of this block, and returns the recent offsets after it.
    #[inline(always)]
    pub(super) fn parse(&mut self, data: &[u8], start: usize, end: usize, recent: [u32; 3]) -> [u32; 3] {
        let block = Block {
            data: &data[..end],
            start,
        };
        self.guess(block, recent);
        for _ in 0..PASSES {
            self.prices.set(&self.frequencies);
            self.search(block, recent);
            self.trace(block);
        }
        let is_match = |item: &&Item| item.length > 1;
        let matches = self.items.iter().filter(is_match);
        matches.fold(recent, |recent, item| update(recent, item.field))
    }

    fn matches_at(&self, at: usize) -> &[Match] {
        &self.matches[self.starts[at] as usize..self.starts[at + 1] as usize]
    }

    /// Counts the symbols of a greedy choice.
    fn guess(&mut self, block: Block<'_>, mut recent: [u32; 3]) {
        self.frequencies.clear();
        let mut at = 0;
        while at < block.len() {
            let repeated = block.match_at(at, recent[0]);
            let longest = self.matches_at(at).last().copied();
            let longest =
                longest.filter(|found| found.length > 3 || found.offset < 1 << (5 * found.length - 3));
            let length = longest.map_or(0, |found| found.length as usize);
            let item = if repeated >= MIN_MATCH && repeated + 2 > length {
                Item::matched(repeated, 0)
            } else if let Some(found) = longest.filter(|found| found.length as usize >= MIN_MATCH) {
                recent = update(recent, found.offset + 2);
                Item::matched(length, found.offset + 2)
            } else {
                Item::literal(block.data[block.start + at])
            };
            self.frequencies.count(item);
            at += usize::from(item.length);
        }
    }

    /// Looks for the cheapest way through the block.
    #[inline(always)]
    fn search(&mut self, block: Block<'_>, recent: [u32; 3]) {
        let size = block.len();
        self.steps.clear();
        self.steps.resize(size + 1, Step::UNREACHED);
        self.recents.resize(size + 1, recent);
        self.recents[0] = recent;
        self.steps[0] = Step(0);
        let mut at = 0;
        while at < size {
            let step = self.steps[at];
            let price = step.price();
            let mut recent = recent;
            if at > 0 {
                recent = self.recents[at - step.length()];
                if step.length() > 1 {
                    recent = update(recent, step.field());
                }
                self.recents[at] = recent;
            }
            let literal = price + self.prices.literal[usize::from(block.data[block.start + at])];
            self.steps[at + 1].improve(Step::new(literal, 1, 0));

            let matches = &self.matches[self.starts[at] as usize..self.starts[at + 1] as usize];
            let longest = matches.last().map_or(0, |found| found.length as usize);
            let mut nice = None;
            for slot in 0..3_u32 {
                let offset = recent[slot as usize];
                if recent[..slot as usize].contains(&offset) {
                    continue;
                }
                let length = block.match_at(at, offset);
                if length >= NICE_LENGTH {
                    if length >= longest {
                        nice = Some((length, slot));
                        break;
                    }
                } else if length >= MIN_MATCH {
                    let prices = &self.prices.matched[slot as usize];
                    improve(&mut self.steps[at..], prices, price, MIN_MATCH..length + 1, slot);
                }
            }
            if nice.is_none() && longest >= NICE_LENGTH {
                nice = matches.last().map(|found| (longest, found.offset + 2));
            }
            if let Some((length, field)) = nice {
                let slot = slot_of(field);
                let price = price + self.prices.offset(slot, field) + self.prices.any_length(slot, length);
                at += length;
                self.steps[at] = Step::new(price, length, field);
                continue;
            }
            let mut shorter = MIN_MATCH - 1;
            for found in matches {
                let length = found.length as usize;
                let field = found.offset + 2;
                let slot = slot_of(field);
                let price = price + self.prices.offset(slot, field);
                let prices = &self.prices.matched[slot];
                improve(
                    &mut self.steps[at..],
                    prices,
                    price,
                    shorter + 1..length + 1,
                    field,
                );
                shorter = length;
            }
            at += 1;
        }
    }

    /// Lists the items of the way that was found, and counts their symbols.
    fn trace(&mut self, block: Block<'_>) {
        self.items.clear();
        self.frequencies.clear();
        let mut end = block.len();
        while end > 0 {
            let step = self.steps[end];
            end -= step.length();
            let item = match step.length() {
                1 => Item::literal(block.data[block.start + end]),
                length => Item::matched(length, step.field()),
            };
            self.frequencies.count(item);
            self.items.push(item);
        }
        self.items.reverse();
    }
}

/// Offers matches of these lengths to the steps after them; `steps` begins where the matches do.
#[inline(always)]
fn improve(steps: &mut [Step], prices: &[u32], price: u32, lengths: std::ops::Range<usize>, field: u32) {
    if lengths.is_empty() {
        return;
    }
    let prices = &prices[lengths.start - MIN_MATCH..lengths.end - MIN_MATCH];
    let first = lengths.start;
    for (i, (step, more)) in steps[lengths].iter_mut().zip(prices).enumerate() {
        step.improve(Step::new(price + more, first + i, field));
    }
}

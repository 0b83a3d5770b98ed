//! Chooses the items of a block.

use super::items::{Frequencies, Item, update};
use super::prices::Prices;
use crate::codec::chunk::Chunk;
use crate::codec::haste;
use crate::codec::lzx::layout::{MAX_MATCH, MIN_MATCH, slot_of};
use crate::codec::trees::{Effort, Match, Trees};

/// Matches of this length are taken without a look at others.
const NICE_LENGTH: usize = 32;
const EFFORT: Effort = Effort {
    depth: 8,
    nice_length: NICE_LENGTH,
    max_length: MAX_MATCH,
    fetches_ahead: false,
};

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

/// A part of a chunk.
#[derive(Clone, Copy)]
struct Block<'a> {
    chunk: &'a Chunk,
    start: usize,
    end: usize,
}

impl Block<'_> {
    fn len(self) -> usize {
        self.end - self.start
    }

    #[inline(always)]
    fn byte(self, at: usize) -> u8 {
        self.chunk.byte(self.start + at)
    }

    /// The length of the match that begins at `at` of the block, `offset` back; less than [`MIN_MATCH`] when there
    /// is none.
    #[inline(always)]
    fn match_at(self, at: usize, offset: u32) -> usize {
        let at = self.start + at;
        let Some(from) = at.checked_sub(offset as usize) else {
            return 0;
        };
        // Most places differ at once.
        if self.chunk.next8(from) as u16 != self.chunk.next8(at) as u16 {
            return 0;
        }
        self.chunk.match_length(from, at, 0, MAX_MATCH.min(self.end - at))
    }
}

impl Parser {
    /// The items that [`parse`](Self::parse) chose.
    pub(super) fn items(&self) -> &[Item] {
        &self.items
    }

    /// Finds the matches of the block from `start` to before `end` of a chunk.
    #[inline(always)]
    pub(super) fn find_matches(&mut self, trees: &mut Trees, chunk: &Chunk, start: usize, end: usize) {
        self.matches.clear();
        self.starts.clear();
        let (mut at, mut matched) = (start, start);
        while at < end {
            let first = self.matches.len();
            self.starts.push(first as u32);
            trees.find(chunk, at, EFFORT, &mut self.matches);
            at += 1;
            for found in &mut self.matches[first..] {
                found.length = found.length.min((end - at + 1) as u32);
            }
            if self.matches.len() > first {
                let last = self.matches[self.matches.len() - 1];
                let length = last.length as usize;
                if length >= NICE_LENGTH {
                    let next = at - 1 + length;
                    trees.skip(chunk, at, next, EFFORT);
                    self.pass_over(next - start);
                    at = next;
                }
                // Shorter ones are found in noise too.
                if length > MIN_MATCH && is_worth_it(&last) {
                    matched = at;
                }
            }
            let passed_over = haste::passed_over(at - matched, chunk.byte(at - 1));
            if passed_over > 0 {
                at = end.min(at + passed_over);
                self.pass_over(at - start);
            }
        }
        self.starts.push(self.matches.len() as u32);
    }

    /// No matches up to this position of the block.
    fn pass_over(&mut self, next: usize) {
        self.starts.resize(next, self.matches.len() as u32);
    }

    /// Chooses the items of this block, and returns the recent offsets after it. `None` when the block hardly becomes
    /// smaller: its items are literals then.
    #[inline(always)]
    pub(super) fn parse(
        &mut self,
        chunk: &Chunk,
        start: usize,
        end: usize,
        recent: [u32; 3],
    ) -> Option<[u32; 3]> {
        let block = Block { chunk, start, end };
        self.guess(block, recent);
        self.prices.set(&self.frequencies);
        if self.prices.is_hopeless(&self.frequencies, block.len()) {
            self.items.clear();
            self.items
                .extend((0..block.len()).map(|at| Item::literal(block.byte(at))));
            return None;
        }
        self.search(block, recent);
        self.trace(block);
        let is_match = |item: &&Item| item.length > 1;
        let matches = self.items.iter().filter(is_match);
        Some(matches.fold(recent, |recent, item| update(recent, item.field)))
    }

    fn matches_at(&self, at: usize) -> &[Match] {
        &self.matches[self.starts[at] as usize..self.starts[at + 1] as usize]
    }

    /// Counts the symbols of a hasty choice: a match waits while the next position has a longer one.
    fn guess(&mut self, block: Block<'_>, mut recent: [u32; 3]) {
        self.frequencies.clear();
        let mut at = 0;
        while at < block.len() {
            let repeated = block.match_at(at, recent[0]);
            let longest = self.matches_at(at).last().filter(|found| is_worth_it(found));
            let length = longest.map_or(0, |found| found.length as usize);
            let waits = || {
                let next = (at + 1 < block.len()).then(|| self.matches_at(at + 1));
                next.and_then(<[Match]>::last)
                    .is_some_and(|next| next.length as usize > length)
            };
            let item = if repeated >= MIN_MATCH && repeated + 2 > length {
                Item::matched(repeated, 0)
            } else if let Some(found) = longest
                && !waits()
            {
                recent = update(recent, found.offset + 2);
                Item::matched(length, found.offset + 2)
            } else {
                Item::literal(block.byte(at))
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
            let literal = price + self.prices.literal[usize::from(block.byte(at))];
            self.steps[at + 1].improve(Step::new(literal, 1, 0));

            let matches = &self.matches[self.starts[at] as usize..self.starts[at + 1] as usize];
            let longest = matches.last().map_or(0, |found| found.length as usize);
            let mut nice = None;
            for (slot, &offset) in recent.iter().enumerate() {
                let length = block.match_at(at, offset);
                if length >= NICE_LENGTH {
                    if length >= longest {
                        nice = Some((length, slot as u32));
                        break;
                    }
                } else if length >= MIN_MATCH {
                    let prices = &self.prices.matched[slot];
                    let lengths = MIN_MATCH..length + 1;
                    improve(&mut self.steps[at..], prices, price, lengths, slot as u32);
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

    /// Lists the items of the way that was found.
    fn trace(&mut self, block: Block<'_>) {
        self.items.clear();
        let mut end = block.len();
        while end > 0 {
            let step = self.steps[end];
            end -= step.length();
            let item = match step.length() {
                1 => Item::literal(block.byte(end)),
                length => Item::matched(length, step.field()),
            };
            self.items.push(item);
        }
        self.items.reverse();
    }
}

/// Whether a match is likely to be cheaper than literals.
fn is_worth_it(found: &Match) -> bool {
    match found.length {
        0 | 1 => false,
        2 => found.offset < 128,
        3 => found.offset < 4096,
        _ => true,
    }
}

/// Offers matches of these lengths to the steps after them; `steps` begins where the matches do.
#[inline(always)]
fn improve(steps: &mut [Step], prices: &[u32], price: u32, lengths: std::ops::Range<usize>, field: u32) {
    if lengths.is_empty() {
        return;
    }
    for length in lengths {
        steps[length].improve(Step::new(price + prices[length - MIN_MATCH], length, field));
    }
}

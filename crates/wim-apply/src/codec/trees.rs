//! Finds all matches worth knowing: positions whose next four bytes have the same hash are a binary tree in the order
//! of what follows, the latest position at its root. The latest positions with the same two and three bytes are
//! kept too.

use super::chunk::Chunk;
use super::cpu::prefetch;

const HASH2_BITS: u32 = 12;
const HASH3_BITS: u32 = 14;
/// No position.
const NONE: u32 = u32::MAX;
/// Positions this close to the end are not looked up.
const TAIL_BYTES: usize = 8;
/// Farther than this, two bytes cost more than they save.
const MAX_OFFSET_OF_2: usize = 2048;

/// A match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) length: u32,
    pub(super) offset: u32,
}

/// How far ahead roots are fetched, and what they hold.
const FAR: usize = 16;
const NEAR: usize = 6;

/// How hard to search.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effort {
    /// Positions of a tree that are looked at.
    pub(super) depth: u32,
    /// A match of this length ends the search.
    pub(super) nice_length: usize,
    /// Longest match.
    pub(super) max_length: usize,
    /// Whether the trees are too large for the caches: what is going to be looked at is fetched ahead.
    pub(super) fetches_ahead: bool,
}

/// The trees of one chunk.
#[derive(Debug)]
pub(super) struct Trees {
    latest2: Vec<u32>,
    latest3: Vec<u32>,
    roots: Vec<u32>,
    root_bits: u32,
    /// Two for each position: what follows the first one is less, what follows the second one is greater.
    children: Vec<u32>,
}

impl Trees {
    /// Trees with 2^`root_bits` roots.
    pub(super) fn new(root_bits: u32) -> Self {
        Self {
            latest2: vec![NONE; 1 << HASH2_BITS],
            latest3: vec![NONE; 1 << HASH3_BITS],
            roots: vec![NONE; 1 << root_bits],
            root_bits,
            children: Vec::new(),
        }
    }

    /// Forgets the chunk before, and makes room for one of that size.
    pub(super) fn reset(&mut self, chunk_bytes: usize) {
        if self.children.len() < 2 * chunk_bytes {
            // What they hold is never looked at before it is set.
            self.children.clear();
            self.children.reserve_exact(2 * chunk_bytes);
            self.children.resize(2 * chunk_bytes, NONE);
        }
        self.latest2.fill(NONE);
        self.latest3.fill(NONE);
        self.roots.fill(NONE);
    }

    /// Memory that it holds.
    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        4 * (self.latest2.capacity()
            + self.latest3.capacity()
            + self.roots.capacity()
            + self.children.capacity())
    }

    /// Enters `at` and adds the matches there, longer ones last.
    #[inline(always)]
    pub(super) fn find(&mut self, chunk: &Chunk, at: usize, effort: Effort, found: &mut Vec<Match>) {
        if at + TAIL_BYTES > chunk.len() {
            return;
        }
        if effort.fetches_ahead {
            self.fetch_ahead(chunk, at);
        }
        let next = chunk.next8(at) as u32;
        let mut longest = 1;
        let mut add = |length: usize, from: u32| {
            found.push(Match {
                length: length as u32,
                offset: at as u32 - from,
            });
        };
        let [from2, from3] = self.enter(next, at as u32);
        if from2 != NONE && at - from2 as usize <= MAX_OFFSET_OF_2 {
            let length = chunk.match_length(from2 as usize, at, 0, 3);
            if length >= 2 {
                longest = length;
                add(length, from2);
            }
        }
        if longest < 3 && from3 != NONE && chunk.match_length(from3 as usize, at, 0, 3) == 3 {
            longest = 3;
            add(3, from3);
        }
        self.descend(chunk, at, next, effort, |length, from| {
            if length > longest.max(3) {
                longest = length;
                add(length, from);
            }
        });
        // A nice match may go on.
        if longest >= effort.nice_length
            && let Some(last) = found.last_mut()
        {
            let max = effort.max_length.min(chunk.len() - at);
            last.length = chunk.match_length(at - last.offset as usize, at, longest, max) as u32;
        }
    }

    /// Enters the positions from `at` to before `end`.
    #[inline(always)]
    pub(super) fn skip(&mut self, chunk: &Chunk, at: usize, end: usize, effort: Effort) {
        for at in at..end.min((chunk.len() + 1).saturating_sub(TAIL_BYTES)) {
            if effort.fetches_ahead {
                self.fetch_ahead(chunk, at);
            }
            let next = chunk.next8(at) as u32;
            self.enter(next, at as u32);
            self.descend(chunk, at, next, effort, |_, _| ());
        }
    }

    /// Enters `at` as the latest of its two and three bytes; returns those before.
    #[inline(always)]
    fn enter(&mut self, next: u32, at: u32) -> [u32; 2] {
        let latest2 = &mut self.latest2[hash(next << 16, HASH2_BITS)];
        let latest3 = &mut self.latest3[hash(next << 8, HASH3_BITS)];
        let before = [*latest2, *latest3];
        (*latest2, *latest3) = (at, at);
        before
    }

    /// Fetches the roots of positions soon to come, and what those of nearer ones hold.
    #[inline(always)]
    fn fetch_ahead(&self, chunk: &Chunk, at: usize) {
        if at + FAR + TAIL_BYTES > chunk.len() {
            return;
        }
        let root = |ahead| hash(chunk.next8(at + ahead) as u32, self.root_bits);
        prefetch(&self.roots, root(FAR));
        let near = self.roots[root(NEAR)] as usize;
        prefetch(&self.children, near.wrapping_mul(2));
        chunk.prefetch(near);
    }

    /// Makes `at` the root of its tree, and tells of every position that is met on the way.
    #[inline(always)]
    fn descend(
        &mut self,
        chunk: &Chunk,
        at: usize,
        next: u32,
        effort: Effort,
        mut meet: impl FnMut(usize, u32),
    ) {
        let max = effort.nice_length.min(chunk.len() - at);
        let root = &mut self.roots[hash(next, self.root_bits)];
        let mut position = std::mem::replace(root, at as u32);
        // Where the next lesser and the next greater position is to be put, and how far those before agree.
        let (mut lesser_place, mut greater_place) = (2 * at, 2 * at + 1);
        let (mut lesser_agreed, mut greater_agreed) = (0, 0);
        let children = &mut self.children[..];
        for _ in 0..effort.depth {
            if position == NONE {
                break;
            }
            let from = position as usize;
            let [lesser, greater] = [children[2 * from], children[2 * from + 1]];
            if effort.fetches_ahead {
                for next in [lesser, greater] {
                    prefetch(children, 2 * next as usize);
                    chunk.prefetch(next as usize);
                }
            }
            let (length, is_greater) = chunk.compare(from, at, lesser_agreed.min(greater_agreed), max);
            meet(length, position);
            if length == max {
                // It takes the place of its equal.
                children[lesser_place] = lesser;
                children[greater_place] = greater;
                return;
            }
            if is_greater {
                children[greater_place] = position;
                greater_place = 2 * from;
                greater_agreed = length;
                position = lesser;
            } else {
                children[lesser_place] = position;
                lesser_place = 2 * from + 1;
                lesser_agreed = length;
                position = greater;
            }
        }
        children[lesser_place] = NONE;
        children[greater_place] = NONE;
    }
}

#[inline(always)]
fn hash(bytes: u32, bits: u32) -> usize {
    (bytes.wrapping_mul(0x9e37_79b1) >> (32 - bits)) as usize
}

//! Finds matches within a chunk of up to 64 KiB: chains of positions whose next four bytes have the same hash, and
//! the latest position with the same three.

const HASH4_BITS: u32 = 15;
const HASH3_BITS: u32 = 13;
/// No position: a match cannot begin at the last byte of the largest chunk.
const NONE: u16 = u16::MAX;
/// Positions this close to the end are not looked up.
const TAIL_BYTES: usize = 8;

/// Longest chunk.
pub(super) const MAX_BYTES: usize = 1 << 16;

/// A match; no match has length 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) length: usize,
    pub(super) offset: usize,
}

/// How hard to search.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effort {
    /// Positions of a chain that are looked at.
    pub(super) depth: u32,
    /// A match of this length ends the search.
    pub(super) nice_length: usize,
    pub(super) max_length: usize,
}

/// The chains of one chunk.
#[derive(Debug)]
pub(super) struct HashChains {
    latest3: Box<[u16; 1 << HASH3_BITS]>,
    latest4: Box<[u16; 1 << HASH4_BITS]>,
    /// For each position, the one before it in its chain.
    before: Box<[u16; MAX_BYTES]>,
}

impl Default for HashChains {
    fn default() -> Self {
        Self {
            latest3: Box::new([NONE; 1 << HASH3_BITS]),
            latest4: Box::new([NONE; 1 << HASH4_BITS]),
            before: Box::new([NONE; MAX_BYTES]),
        }
    }
}

impl HashChains {
    /// Forgets the chunk before.
    pub(super) fn reset(&mut self) {
        self.latest3.fill(NONE);
        self.latest4.fill(NONE);
    }

    /// Enters a position and returns the latest ones with the same three and four bytes.
    #[inline(always)]
    fn enter(&mut self, data: &[u8], at: usize) -> (u16, u16) {
        let next = load4(data, at);
        let latest3 = &mut self.latest3[hash::<HASH3_BITS>(next << 8)];
        let latest4 = &mut self.latest4[hash::<HASH4_BITS>(next)];
        let found = (*latest3, *latest4);
        (*latest3, *latest4) = (at as u16, at as u16);
        self.before[at % MAX_BYTES] = found.1;
        found
    }

    /// Enters the positions from `at` to before `end`.
    #[inline(always)]
    pub(super) fn skip(&mut self, data: &[u8], at: usize, end: usize) {
        for at in at..end.min(data.len().saturating_sub(TAIL_BYTES)) {
            self.enter(data, at);
        }
    }

    /// Enters `at` and returns the longest match there that is longer than `longer_than` (the nearest of the
    /// longest).
    #[inline(always)]
    pub(super) fn find(&mut self, data: &[u8], at: usize, longer_than: usize, effort: Effort) -> Match {
        if at + TAIL_BYTES >= data.len() {
            return Match::default();
        }
        let (latest3, mut position) = self.enter(data, at);
        let mut best = Match {
            length: longer_than,
            offset: 0,
        };
        let next = load4(data, at);
        let max_length = effort.max_length.min(data.len() - at);
        if best.length < 3 && latest3 != NONE {
            let from = usize::from(latest3);
            if (load4(data, from) ^ next) << 8 == 0 {
                best = Match {
                    length: 3,
                    offset: at - from,
                };
            }
        }
        let mut depth = effort.depth;
        while position != NONE && depth > 0 && best.length < max_length {
            depth -= 1;
            let from = usize::from(position);
            position = self.before[from];
            // The last bytes of a longer match differ most often.
            let check = best.length.max(3) - 3;
            if load4(data, from + check) != load4(data, at + check) || load4(data, from) != next {
                continue;
            }
            let length = match_length(data, from, at, max_length);
            if length > best.length {
                best = Match {
                    length,
                    offset: at - from,
                };
                if length >= effort.nice_length {
                    break;
                }
            }
        }
        if best.offset == 0 { Match::default() } else { best }
    }
}

#[inline(always)]
fn load4(data: &[u8], at: usize) -> u32 {
    data.get(at..)
        .and_then(<[u8]>::first_chunk)
        .map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

#[inline(always)]
fn hash<const BITS: u32>(bytes: u32) -> usize {
    (bytes.wrapping_mul(0x9e37_79b1) >> (32 - BITS)) as usize
}

/// How many bytes are equal, at most `max`; both places have four equal bytes.
#[inline(always)]
fn match_length(data: &[u8], from: usize, at: usize, max: usize) -> usize {
    let (a, b) = (&data[from..from + max], &data[at..at + max]);
    let mut length = 4;
    while let (Some(x), Some(y)) = (
        a.get(length..).and_then(<[u8]>::first_chunk::<8>),
        b.get(length..).and_then(<[u8]>::first_chunk::<8>),
    ) {
        let differ = u64::from_le_bytes(*x) ^ u64::from_le_bytes(*y);
        if differ != 0 {
            return length + differ.trailing_zeros() as usize / 8;
        }
        length += 8;
    }
    while length < max && a[length] == b[length] {
        length += 1;
    }
    length
}

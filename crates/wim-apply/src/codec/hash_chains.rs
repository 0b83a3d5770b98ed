//! Finds matches within a chunk of up to 64 KiB: chains of positions whose next four bytes have the same hash, and
//! the latest position with the same three.

const HASH4_BITS: u32 = 16;
const HASH3_BITS: u32 = 12;
/// No position: a match cannot begin at the last byte of the largest chunk.
const NONE: u16 = u16::MAX;
/// Eight bytes can be loaded at every position.
const PADDING_BYTES: usize = 8;
/// Positions with fewer bytes than this to the end are not looked up.
const LOOKED_UP_BYTES: usize = 4;

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
}

/// A chunk and its chains.
#[derive(Debug)]
pub(super) struct HashChains {
    /// The chunk, and padding: a load at any `u16` is within bounds.
    bytes: Box<[u8; MAX_BYTES + PADDING_BYTES]>,
    length: usize,
    latest3: Box<[u16; 1 << HASH3_BITS]>,
    latest4: Box<[u16; 1 << HASH4_BITS]>,
    /// For each position, the one before it in its chain.
    before: Box<[u16; MAX_BYTES]>,
    /// Of a hash, to use a part of `latest4`.
    shift4: u32,
}

impl Default for HashChains {
    fn default() -> Self {
        Self {
            bytes: Box::new([0; MAX_BYTES + PADDING_BYTES]),
            length: 0,
            latest3: Box::new([NONE; 1 << HASH3_BITS]),
            latest4: Box::new([NONE; 1 << HASH4_BITS]),
            before: Box::new([NONE; MAX_BYTES]),
            shift4: 0,
        }
    }
}

impl HashChains {
    /// Takes a chunk of at most [`MAX_BYTES`] in place of the one before. Small ones use a part of the tables.
    pub(super) fn load(&mut self, chunk: &[u8]) {
        self.length = chunk.len();
        self.bytes[..chunk.len()].copy_from_slice(chunk);
        self.bytes[chunk.len()..][..PADDING_BYTES].fill(0);
        let positions_log2 = (chunk.len().max(2) - 1).ilog2() + 1;
        let bits4 = (positions_log2 + 3).min(HASH4_BITS);
        self.shift4 = 32 - bits4;
        self.latest3.fill(NONE);
        self.latest4[..1 << bits4].fill(NONE);
    }

    #[inline(always)]
    fn next4(&self, at: usize) -> u32 {
        let next = self.bytes[at % MAX_BYTES..]
            .first_chunk()
            .expect("there is padding");
        u32::from_le_bytes(*next)
    }

    #[inline(always)]
    fn next8(&self, at: usize) -> u64 {
        let next = self.bytes[at % MAX_BYTES..]
            .first_chunk()
            .expect("there is padding");
        u64::from_le_bytes(*next)
    }

    /// Enters a position and returns the latest ones with the same three and four bytes.
    #[inline(always)]
    fn enter(&mut self, at: usize, next: u32) -> (u16, u16) {
        let hash3 = (next << 8).wrapping_mul(0x9e37_79b1) >> (32 - HASH3_BITS);
        let hash4 = next.wrapping_mul(0x9e37_79b1) >> self.shift4;
        let latest3 = &mut self.latest3[hash3 as usize % (1 << HASH3_BITS)];
        let latest4 = &mut self.latest4[hash4 as usize % (1 << HASH4_BITS)];
        let found = (*latest3, *latest4);
        (*latest3, *latest4) = (at as u16, at as u16);
        self.before[at % MAX_BYTES] = found.1;
        found
    }

    /// Enters the positions from `at` to before `end`.
    #[inline(always)]
    pub(super) fn skip(&mut self, at: usize, end: usize) {
        for at in at..end.min((self.length + 1).saturating_sub(LOOKED_UP_BYTES)) {
            self.enter(at, self.next4(at));
        }
    }

    /// Enters `at` and returns the longest match there that is longer than `longer_than` (the nearest of the
    /// longest).
    #[inline(always)]
    pub(super) fn find(&mut self, at: usize, longer_than: usize, effort: Effort) -> Match {
        if at + LOOKED_UP_BYTES > self.length {
            return Match::default();
        }
        let next = self.next4(at);
        let (latest3, mut position) = self.enter(at, next);
        let mut best = Match {
            length: longer_than,
            offset: 0,
        };
        let max_length = self.length - at;
        if best.length < 3 && latest3 != NONE {
            let from = usize::from(latest3);
            if (self.next4(from) ^ next) << 8 == 0 {
                best = Match {
                    length: 3,
                    offset: at - from,
                };
            }
        }
        if best.length >= max_length {
            return Match::default();
        }
        let mut depth = effort.depth;
        // The last bytes of a longer match differ most often.
        let mut check = best.length.max(3) - 3;
        let mut last = self.next4(at + check);
        while position != NONE && depth > 0 {
            depth -= 1;
            let from = usize::from(position);
            position = self.before[from];
            if self.next4(from + check) != last || self.next4(from) != next {
                continue;
            }
            let length = self.match_length(from, at, max_length);
            if length > best.length {
                best = Match {
                    length,
                    offset: at - from,
                };
                if length >= effort.nice_length || length >= max_length {
                    break;
                }
                check = length - 3;
                last = self.next4(at + check);
            }
        }
        if best.offset == 0 { Match::default() } else { best }
    }

    /// How many bytes are equal, at most `max`; both places have four equal bytes.
    #[inline(always)]
    fn match_length(&self, from: usize, at: usize, max: usize) -> usize {
        let mut length = 4;
        while length < max {
            let differ = self.next8(from + length) ^ self.next8(at + length);
            if differ != 0 {
                return max.min(length + differ.trailing_zeros() as usize / 8);
            }
            length += 8;
        }
        max
    }
}

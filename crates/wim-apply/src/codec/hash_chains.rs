//! Finds matches within a chunk of up to 64 KiB: chains of positions whose next four bytes have the same hash, and
//! the latest position with the same three.

const HASH4_BITS: u32 = 16;
const HASH3_BITS: u32 = 12;
/// 2^32 by the golden ratio.
const HASH_FACTOR: u32 = 0x9e37_79b1;
/// Places of the buffer: a power of two, of which chunks take little more than half.
const PLACES: usize = 2 * MAX_BYTES;
/// The lowest place of a chunk; entries that were never set are less.
const FIRST_PLACE: usize = 1;
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
    /// Matches of three bytes are not taken from farther away.
    pub(super) max_offset_of_3: usize,
    /// Whether positions that are skipped can be the start of a match of three bytes.
    pub(super) enters_all_of_3: bool,
}

/// A chunk and its chains.
///
/// The next chunk takes places behind this one, as long as those fit the entries: what the tables still hold then lies
/// before it, and they need no clearing.
#[derive(Debug)]
pub(super) struct HashChains {
    /// In one piece, so that each table is at a fixed distance from the others.
    tables: Box<Tables>,
    /// Where the chunk lies.
    start: usize,
    end: usize,
    /// Of a hash, to use a part of `latest4`.
    shift4: u32,
}

#[derive(Debug)]
struct Tables {
    latest3: [u16; 1 << HASH3_BITS],
    latest4: [u16; 1 << HASH4_BITS],
    /// For each place, the one before it in its chain.
    before: [u16; MAX_BYTES],
    /// Chunks, each with padding behind that the next one overwrites.
    bytes: [u8; PLACES + PADDING_BYTES],
}

impl Default for HashChains {
    fn default() -> Self {
        Self {
            tables: Box::new(Tables {
                latest3: [0; 1 << HASH3_BITS],
                latest4: [0; 1 << HASH4_BITS],
                before: [0; MAX_BYTES],
                bytes: [0; PLACES + PADDING_BYTES],
            }),
            start: FIRST_PLACE,
            end: FIRST_PLACE,
            shift4: 0,
        }
    }
}

impl HashChains {
    /// Takes a chunk of at most [`MAX_BYTES`] in place of the one before. Small ones use a part of the tables.
    pub(super) fn load(&mut self, chunk: &[u8]) {
        self.start = self.end;
        if self.start + chunk.len() > FIRST_PLACE + MAX_BYTES {
            self.start = FIRST_PLACE;
            self.tables.latest3.fill(0);
            self.tables.latest4.fill(0);
        }
        self.end = self.start + chunk.len();
        self.tables.bytes[self.start..self.end].copy_from_slice(chunk);
        self.tables.bytes[self.end..][..PADDING_BYTES].fill(0);
        let positions_log2 = (chunk.len().max(2) - 1).ilog2() + 1;
        let bits4 = (positions_log2 + 3).min(HASH4_BITS);
        self.shift4 = 32 - bits4;
    }

    #[inline(always)]
    fn next4(&self, at: usize) -> u32 {
        let next = self.tables.bytes[at % PLACES..]
            .first_chunk()
            .expect("there is padding");
        u32::from_le_bytes(*next)
    }

    #[inline(always)]
    fn next8(&self, at: usize) -> u64 {
        let next = self.tables.bytes[at % PLACES..]
            .first_chunk()
            .expect("there is padding");
        u64::from_le_bytes(*next)
    }

    /// Enters a position and returns the latest one with the same four bytes.
    #[inline(always)]
    fn enter4(&mut self, at: usize, next: u32) -> u16 {
        let hash = next.wrapping_mul(HASH_FACTOR) >> self.shift4;
        let latest = &mut self.tables.latest4[hash as usize % (1 << HASH4_BITS)];
        let before = std::mem::replace(latest, at as u16);
        self.tables.before[at % MAX_BYTES] = before;
        before
    }

    /// The same with three bytes.
    #[inline(always)]
    fn enter3(&mut self, at: usize, next: u32) -> u16 {
        let hash = (next << 8).wrapping_mul(HASH_FACTOR) >> (32 - HASH3_BITS);
        let latest = &mut self.tables.latest3[hash as usize % (1 << HASH3_BITS)];
        std::mem::replace(latest, at as u16)
    }

    /// Enters the positions from `at` to before `end`.
    #[inline(always)]
    pub(super) fn skip(&mut self, at: usize, end: usize, effort: Effort) {
        let end = (self.start + end).min((self.end + 1).saturating_sub(LOOKED_UP_BYTES));
        for at in self.start + at..end {
            let next = self.next4(at);
            self.enter4(at, next);
            if effort.enters_all_of_3 {
                self.enter3(at, next);
            }
        }
    }

    /// Enters `at` and returns the longest match there that is longer than `longer_than` (the nearest of the
    /// longest).
    #[inline(always)]
    pub(super) fn find(&mut self, at: usize, longer_than: usize, effort: Effort) -> Match {
        let at = self.start + at;
        if at + LOOKED_UP_BYTES > self.end {
            return Match::default();
        }
        let next = self.next4(at);
        let latest3 = usize::from(self.enter3(at, next));
        let mut from = usize::from(self.enter4(at, next));
        let mut best = Match {
            length: longer_than,
            offset: 0,
        };
        let max_length = self.end - at;
        // One branch for all: each alone is a guess.
        let near = self.start.max(at.saturating_sub(effort.max_offset_of_3));
        if best.length < 3 && (latest3 >= near) & ((self.next4(latest3) ^ next) << 8 == 0) {
            best = Match {
                length: 3,
                offset: at - latest3,
            };
        }
        if best.length >= max_length {
            return Match::default();
        }
        let mut depth = effort.depth;
        // The last bytes of a longer match differ most often.
        let mut check = best.length.max(3) - 3;
        let mut last = self.next4(at + check);
        while from >= self.start && depth > 0 {
            depth -= 1;
            let candidate = from;
            from = self.tables.before[from].into();
            if self.next4(candidate + check) != last || self.next4(candidate) != next {
                continue;
            }
            let length = self.match_length(candidate, at, max_length);
            if length > best.length {
                best = Match {
                    length,
                    offset: at - candidate,
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

//! The bytes of a chunk as encoders have it, and comparisons within it.

use super::cpu::prefetch;

/// Eight bytes can be loaded at every position of the chunk, and at the one past its end.
const PADDING_BYTES: usize = 8;

/// A chunk that was filtered, with padding behind.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    padded: Vec<u8>,
}

impl Chunk {
    /// Copies the input, through a filter.
    pub(super) fn load(&mut self, input: &[u8], filter: impl FnOnce(&mut [u8])) {
        self.padded.clear();
        self.padded.extend(input);
        filter(&mut self.padded);
        self.padded.extend([0; PADDING_BYTES]);
    }

    /// Memory that it holds.
    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        self.padded.capacity()
    }

    pub(super) fn len(&self) -> usize {
        self.padded.len() - PADDING_BYTES
    }

    #[inline(always)]
    pub(super) fn byte(&self, at: usize) -> u8 {
        self.padded[at]
    }

    /// The eight bytes from `at` on, the first one lowest.
    #[inline(always)]
    pub(super) fn next8(&self, at: usize) -> u64 {
        let bytes = self.padded.get(at..).and_then(<[u8]>::first_chunk);
        u64::from_le_bytes(*bytes.expect("there is padding"))
    }

    /// Fetches the bytes at `at`, wherever that is.
    #[inline(always)]
    pub(super) fn prefetch(&self, at: usize) {
        prefetch(&self.padded, at);
    }

    /// How many bytes from `from` and from `at` on are equal, at most `max`. The first `known`, not more than
    /// `max`, are known to be; `from` must be before `at`, and `at + max` not past the end.
    #[inline(always)]
    pub(super) fn match_length(&self, from: usize, at: usize, known: usize, max: usize) -> usize {
        self.compare(from, at, known, max).0
    }

    /// The same, and whether what follows is greater at `from`, if it differs.
    #[inline(always)]
    pub(super) fn compare(&self, from: usize, at: usize, known: usize, max: usize) -> (usize, bool) {
        let mut length = known;
        while length < max {
            let (there, here) = (self.next8(from + length), self.next8(at + length));
            let differ = there ^ here;
            if differ != 0 {
                let length = max.min(length + differ.trailing_zeros() as usize / 8);
                return (length, there.swap_bytes() > here.swap_bytes());
            }
            length += 8;
        }
        (max, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_end_where_they_may() {
        let mut chunk = Chunk::default();
        chunk.load(&[0; 40], |_| ());
        assert_eq!(chunk.len(), 40);
        assert_eq!(chunk.match_length(0, 1, 0, 39), 39);
        assert_eq!(chunk.match_length(0, 1, 5, 20), 20);
        assert_eq!(chunk.match_length(38, 39, 0, 1), 1);
        chunk.load(b"abcdefghij_abcdefghijk", |_| ());
        assert_eq!(chunk.match_length(0, 11, 0, 11), 10);
        assert_eq!(chunk.match_length(0, 11, 10, 11), 10);
        assert_eq!(chunk.match_length(1, 11, 0, 11), 0);
    }
}

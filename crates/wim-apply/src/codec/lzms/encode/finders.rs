//! What finds the matches of a chunk.

use super::delta::Deltas;
use super::parse::NICE_LENGTH;
use crate::codec::trees::{Effort, Trees};

/// Positions of a tree that are looked at.
const DEPTH: u32 = 24;
/// Larger chunks' trees do not lie in the caches.
const CACHED_BYTES: usize = 1 << 20;

/// The finders of LZ and of delta matches.
#[derive(Debug)]
pub(super) struct Finders {
    pub(super) trees: Trees,
    pub(super) deltas: Deltas,
    pub(super) effort: Effort,
}

impl Finders {
    /// Finders for chunks of up to that size.
    pub(super) fn new(chunk_bytes: usize) -> Self {
        Self {
            trees: Trees::new(root_bits(chunk_bytes)),
            deltas: Deltas::default(),
            effort: Effort {
                depth: DEPTH,
                nice_length: NICE_LENGTH,
                max_length: usize::MAX,
                fetches_ahead: chunk_bytes > CACHED_BYTES,
            },
        }
    }

    /// Memory that it holds.
    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        self.trees.held_bytes() + self.deltas.held_bytes()
    }

    /// Forgets the chunk before, and makes room for one of that size.
    pub(super) fn reset(&mut self, chunk_bytes: usize) {
        self.trees.reset(chunk_bytes);
        self.deltas.reset();
    }
}

/// The binary logarithm of the number of trees in chunks of up to that size.
pub(super) fn root_bits(chunk_bytes: usize) -> u32 {
    (chunk_bytes.max(2).ilog2() - 1).clamp(14, 22)
}

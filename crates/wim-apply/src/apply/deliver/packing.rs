//! Compressing blobs anew: putting together what the workers made.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::recompress::{Encoders, Outcome, PackedPart, Recompress, Trial};

/// The compressed form of the blob that is being collected. Its table comes first and needs the size of every
/// chunk, so all of it is held.
#[derive(Debug)]
pub(super) struct Packing {
    pub(super) how: Recompress,
    given_up: Arc<AtomicBool>,
    trial: Trial,
    /// The bytes so far, until it is decided whether they are needed.
    plain: Vec<u8>,
    /// The beginning of a chunk that goes on in the next part.
    carry: Vec<u8>,
    sizes: Vec<u32>,
    pieces: Vec<Vec<u8>>,
    packed_bytes: u64,
}

impl Packing {
    /// For the blob that begins with `part`.
    pub(super) fn new(part: &PackedPart) -> Self {
        Self {
            how: part.how,
            given_up: Arc::clone(&part.given_up),
            trial: Trial::new(part.how),
            plain: Vec::new(),
            carry: Vec::new(),
            sizes: Vec::new(),
            pieces: Vec::new(),
            packed_bytes: 0,
        }
    }

    /// Adds the next part. `plain` is what it was made of.
    pub(super) fn add(&mut self, encoders: &mut Encoders, part: PackedPart, plain: &[u8], last: bool) {
        let head = plain.get(..part.head_bytes).unwrap_or_default();
        self.carry.extend_from_slice(head);
        let is_whole = self.carry.len() == self.how.chunk_bytes();
        if is_whole || last && part.sizes.is_empty() && !self.carry.is_empty() {
            let chunk = std::mem::take(&mut self.carry);
            let mut packed = Vec::new();
            let size = encoders.compress(self.how.format, &chunk, &mut packed);
            self.push(&[size], chunk.len(), packed);
        }
        let tail_start = plain.len().saturating_sub(part.tail_bytes);
        let middle_bytes = tail_start.saturating_sub(part.head_bytes);
        self.push(&part.sizes, middle_bytes, part.bytes);
        self.carry
            .extend_from_slice(plain.get(tail_start..).unwrap_or_default());
    }

    /// Keeps the bytes of the part added last, while they may be needed.
    pub(super) fn keep(&mut self, plain: &[u8]) {
        if self.trial.outcome() == Outcome::Undecided {
            self.plain.extend_from_slice(plain);
        } else {
            self.plain = Vec::new();
        }
    }

    /// Whether the compressed form is worth it; asked after the last part, the answer is always clear.
    pub(super) fn outcome(&self, last: bool) -> Outcome {
        match self.trial.outcome() {
            Outcome::Undecided if last && self.how.is_saved_by(self.stored_bytes()) => Outcome::Passed,
            Outcome::Undecided if last => Outcome::Failed,
            outcome => outcome,
        }
    }

    /// The blob is handed over decoded: returns what came before the part added last.
    pub(super) fn give_up(self) -> Vec<u8> {
        self.given_up.store(true, Ordering::Relaxed);
        self.plain
    }

    /// Size of the compressed form in bytes.
    pub(super) fn stored_bytes(&self) -> u64 {
        self.how.table_bytes() + self.packed_bytes
    }

    /// The table (offsets of all chunks but the first, relative to its end), then the chunks.
    pub(super) fn into_pieces(self) -> impl Iterator<Item = Vec<u8>> {
        let ends = self.sizes.iter().scan(0_u32, |end, size| {
            *end = end.saturating_add(*size);
            Some(*end)
        });
        let count = self.sizes.len().saturating_sub(1);
        let table = ends.take(count).flat_map(u32::to_le_bytes).collect();
        std::iter::once(table).chain(self.pieces)
    }

    fn push(&mut self, sizes: &[u32], plain_bytes: usize, packed: Vec<u8>) {
        let chunk_bytes = self.how.chunk_bytes();
        let mut left = plain_bytes;
        for &size in sizes {
            let chunk = left.min(chunk_bytes);
            left -= chunk;
            self.trial.add(chunk, size);
        }
        self.sizes.extend_from_slice(sizes);
        self.packed_bytes += packed.len() as u64;
        self.pieces.push(packed);
    }
}

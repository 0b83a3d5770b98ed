//! Compressing blobs anew, as `WofCompressedData` streams: what the workers do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::CompactFormat;
use super::plan::Room;
use crate::codec::{lzx, xpress};

/// Largest blob that is compressed anew.
pub(super) const MAX_BLOB_BYTES: u64 = 1 << 30;
/// Least length of the beginning that decides about a blob.
const TRIAL_BYTES: u64 = 4 << 20;
/// Or this part of the blob, when that is more.
const TRIAL_SHARE: u64 = 32;

/// How to compress a blob anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Recompress {
    pub(super) format: CompactFormat,
    pub(super) room: Room,
    /// Of the blob, uncompressed.
    pub(super) size_bytes: u64,
}

impl Recompress {
    /// `None` when the blob is too large, or so small that no cluster can be saved.
    pub(super) fn new(format: CompactFormat, room: Room, size_bytes: u64) -> Option<Self> {
        let worth_it = room.is_saved_by(1, size_bytes) && size_bytes <= MAX_BLOB_BYTES;
        worth_it.then_some(Self {
            format,
            room,
            size_bytes,
        })
    }

    pub(super) fn chunk_bytes(self) -> usize {
        self.format.chunk_bytes() as usize
    }

    /// Size of the chunk table: four bytes for every chunk but the first, as for all blobs below 4 GiB.
    pub(super) fn table_bytes(self) -> u64 {
        let chunks = self.size_bytes.div_ceil(self.chunk_bytes() as u64);
        chunks.saturating_sub(1) * 4
    }

    /// Whether a compressed form of this size, table included, occupies fewer clusters than the plain one.
    pub(super) fn is_saved_by(self, stored_bytes: u64) -> bool {
        self.room.is_saved_by(stored_bytes, self.size_bytes)
    }
}

/// Decides from the first chunks of a blob whether it is handed over compressed.
///
/// They must save as much as the whole table and one cluster take. Then the whole form saves a cluster, since
/// no chunk takes more than its plain bytes. What decides are the blob's bytes alone.
#[derive(Debug)]
pub(super) struct Trial {
    left_bytes: u64,
    needed_bytes: u64,
    saved_bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Undecided,
    Passed,
    Failed,
}

impl Trial {
    pub(super) fn new(how: Recompress) -> Self {
        Self {
            left_bytes: TRIAL_BYTES.max(how.size_bytes / TRIAL_SHARE),
            needed_bytes: how.table_bytes() + u64::from(how.room.cluster_bytes),
            saved_bytes: 0,
        }
    }

    /// Counts the next chunk.
    pub(super) fn add(&mut self, plain_bytes: usize, packed_bytes: u32) {
        if self.outcome() == Outcome::Undecided {
            let plain_bytes = plain_bytes as u64;
            self.saved_bytes += plain_bytes.saturating_sub(packed_bytes.into());
            self.left_bytes = self.left_bytes.saturating_sub(plain_bytes);
        }
    }

    pub(super) fn outcome(&self) -> Outcome {
        if self.saved_bytes >= self.needed_bytes {
            Outcome::Passed
        } else if self.left_bytes == 0 {
            Outcome::Failed
        } else {
            Outcome::Undecided
        }
    }
}

/// The part of a blob that a job compresses.
#[derive(Clone, Debug)]
pub(super) struct PackJob {
    pub(super) how: Recompress,
    /// Where it begins in the blob.
    pub(super) start: u64,
    pub(super) last: bool,
    /// Set once the blob is known to be handed over decoded.
    pub(super) given_up: Arc<AtomicBool>,
}

/// The compressed chunks that lie whole in a part of a blob.
#[derive(Debug)]
pub(super) struct PackedPart {
    pub(super) how: Recompress,
    pub(super) given_up: Arc<AtomicBool>,
    /// Bytes before the first of these chunks: of one that began in the part before.
    pub(super) head_bytes: usize,
    /// Bytes after the last one, of a chunk that ends in the next part.
    pub(super) tail_bytes: usize,
    /// Stored sizes.
    pub(super) sizes: Vec<u32>,
    pub(super) bytes: Vec<u8>,
}

impl PackJob {
    /// Of a whole blob.
    pub(super) fn whole(how: Recompress) -> Self {
        Self {
            how,
            start: 0,
            last: true,
            given_up: Arc::default(),
        }
    }

    /// `None` when the blob is handed over decoded.
    pub(super) fn run(self, encoders: &mut Encoders, plain: &[u8]) -> Option<PackedPart> {
        if self.given_up.load(Ordering::Relaxed) {
            return None;
        }
        let chunk_bytes = self.how.chunk_bytes();
        let before = usize::try_from(self.start % chunk_bytes as u64).ok()?;
        let head_bytes = ((chunk_bytes - before) % chunk_bytes).min(plain.len());
        let rest = plain.get(head_bytes..)?;
        let tail_bytes = if self.last { 0 } else { rest.len() % chunk_bytes };
        let mut trial = (self.start == 0).then(|| Trial::new(self.how));
        let mut sizes = Vec::with_capacity(rest.len().div_ceil(chunk_bytes));
        let mut bytes = Vec::new();
        for chunk in rest.get(..rest.len() - tail_bytes)?.chunks(chunk_bytes) {
            let size = encoders.compress(self.how.format, chunk, &mut bytes);
            sizes.push(size);
            if let Some(trial) = &mut trial {
                trial.add(chunk.len(), size);
                if trial.outcome() == Outcome::Failed {
                    self.given_up.store(true, Ordering::Relaxed);
                    return None;
                }
            }
        }
        // These may be held for long.
        bytes.shrink_to_fit();
        Some(PackedPart {
            how: self.how,
            given_up: self.given_up,
            head_bytes,
            tail_bytes,
            sizes,
            bytes,
        })
    }
}

/// Encoders with their tables.
#[derive(Debug, Default)]
pub(super) struct Encoders {
    xpress: xpress::Encoder,
    /// Made when it is first needed: its tables are large.
    lzx: Option<lzx::Encoder>,
    packed: Vec<u8>,
}

impl Encoders {
    /// Appends a chunk to `out`, as it is when it does not become smaller; returns its stored size.
    pub(super) fn compress(&mut self, format: CompactFormat, chunk: &[u8], out: &mut Vec<u8>) -> u32 {
        let packed = match format {
            CompactFormat::Lzx32K => {
                if self.lzx.is_none() {
                    self.lzx = lzx::Encoder::new(format.chunk_bytes());
                }
                self.lzx
                    .as_mut()
                    .and_then(|lzx| lzx.compress(chunk, &mut self.packed))
            }
            CompactFormat::Xpress4K | CompactFormat::Xpress8K | CompactFormat::Xpress16K => {
                self.xpress.compress(chunk, &mut self.packed)
            }
        };
        let stored = match packed {
            Some(()) => &self.packed,
            None => chunk,
        };
        out.extend_from_slice(stored);
        u32::try_from(stored.len()).unwrap_or(u32::MAX)
    }
}

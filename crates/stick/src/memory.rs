//! How a run divides the memory that it may use.

use crate::RunOptions;

/// Most data of small files that is held in memory.
const MAX_HELD_BYTES: u64 = 64 << 20;
/// Most bytes of decoded chunks of a solid image that are kept for the delivery of everything.
const MAX_KEPT_BYTES: u64 = 512 << 20;
/// Most bytes of keys and names of encrypted files.
const MAX_KEYS_BYTES: u64 = 512 << 20;
/// What the deliveries need with chunks of 64 MiB, the usual size: once, and for each worker.
const DELIVERY_BYTES: (u64, u64) = (64 << 20, 150 << 20);
/// Blobs of up to this size are compressed anew however little memory there is.
const MIN_RECOMPRESSED_BYTES: u64 = 512 << 10;

/// The parts of a run's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Division {
    /// For the data of small files.
    pub(crate) held_bytes: u64,
    /// For decoded chunks, which no worker needs.
    pub(crate) kept_bytes: u64,
    /// For keys and names of encrypted files; most images have none.
    pub(crate) keys_bytes: u64,
    /// Largest blob that is compressed anew. It follows from the limit alone: what is stored in which form must depend
    /// neither on the number of threads nor on the chunks that happened to be kept.
    pub(crate) recompressed_bytes: u64,
}

impl Division {
    pub(crate) fn new(options: &RunOptions<'_>) -> Self {
        let Some(limit) = options.memory_limit_bytes else {
            return Self {
                held_bytes: MAX_HELD_BYTES,
                kept_bytes: MAX_KEPT_BYTES,
                keys_bytes: MAX_KEYS_BYTES,
                recompressed_bytes: u64::MAX,
            };
        };
        let (once, each) = DELIVERY_BYTES;
        let needed = each.saturating_mul(options.threads as u64).saturating_add(once);
        let held_bytes = MAX_HELD_BYTES.min(limit / 8);
        let max_kept_bytes = MAX_KEPT_BYTES.min(limit / 4);
        let keys_bytes = MAX_KEYS_BYTES.min(limit / 8);
        // A delivery compresses no blob anew that is larger than half of what is left for it.
        let left = limit - held_bytes - max_kept_bytes - keys_bytes;
        Self {
            held_bytes,
            kept_bytes: limit.saturating_sub(needed).min(max_kept_bytes),
            keys_bytes,
            recompressed_bytes: (left / 2).max(MIN_RECOMPRESSED_BYTES),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    #[test]
    fn what_is_compressed_anew_has_room_whatever_else_is_held() {
        let interrupt = AtomicBool::new(false);
        let division = |threads, limit_bytes| {
            Division::new(&RunOptions {
                threads,
                memory_limit_bytes: Some(limit_bytes),
                spool_dir: None,
                interrupt: &interrupt,
            })
        };
        for limit_bytes in [0, 1 << 20, 216 << 20, 1 << 30, 1 << 40, u64::MAX] {
            let one = division(1, limit_bytes);
            for threads in [1, 2, 8, 1000] {
                let division = division(threads, limit_bytes);
                assert_eq!(division.recompressed_bytes, one.recompressed_bytes);
                let left = limit_bytes - division.held_bytes - division.kept_bytes - division.keys_bytes;
                assert!(division.recompressed_bytes <= (left / 2).max(MIN_RECOMPRESSED_BYTES));
            }
        }
    }
}

//! How much memory a delivery needs, and how many workers a limit allows.

use super::ApplyOptions;
use super::plan::Order;
use super::reader::GROUP_BYTES;

const MIB: u64 = 1 << 20;
/// Tables, trees and stacks, next to the buffers.
const TABLE_BYTES: u64 = 12 * MIB;

/// What decides about the size of the buffers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Needs {
    max_chunk_bytes: u64,
    max_stored_chunk_bytes: u64,
    max_recompress_bytes: u64,
    /// Whether decoded bytes wait for their turn.
    in_order: bool,
}

impl Needs {
    pub(super) fn new(order: &Order, in_order: bool) -> Self {
        Self {
            max_chunk_bytes: order.max_chunk_bytes,
            max_stored_chunk_bytes: order.max_stored_chunk_bytes,
            max_recompress_bytes: order.max_recompress_bytes,
            in_order,
        }
    }

    /// Whether jobs have one chunk each.
    fn has_large_chunks(&self) -> bool {
        self.max_chunk_bytes > GROUP_BYTES as u64
    }

    /// What one chunk becomes: of what is decoded, up to its size is compressed anew.
    fn chunk_output_bytes(&self) -> u64 {
        let packed_bytes = self.max_chunk_bytes.min(self.max_recompress_bytes);
        self.max_chunk_bytes.saturating_add(packed_bytes)
    }

    /// Size of a buffer for what is read.
    pub(super) fn input_buffer_bytes(&self) -> usize {
        usize::try_from(self.max_stored_chunk_bytes).map_or(GROUP_BYTES, |bytes| bytes.max(GROUP_BYTES))
    }

    /// How many workers run, and what they have room for.
    pub(super) fn room(&self, options: &ApplyOptions) -> Room {
        if self.has_large_chunks() {
            self.room_for_large_chunks(options)
        } else {
            self.room_for_small_chunks(options)
        }
    }

    fn room_for_small_chunks(&self, options: &ApplyOptions) -> Room {
        let held = (4 * MIB + TABLE_BYTES).saturating_add(self.max_recompress_bytes);
        let workers = worker_count(options, held, 3 * MIB);
        // Bytes that wait for their turn take more.
        let each = if self.in_order { MIB } else { GROUP_BYTES as u64 };
        let bytes = (workers as u64 + 2).saturating_mul(each);
        Room {
            workers,
            input_bytes: bytes,
            output_bytes: bytes,
        }
    }

    /// A stored and a decoded chunk for each worker. To spare, if it may be: the stored chunk that comes next, and a
    /// decoded one where they wait for their turn, so that workers can go on.
    fn room_for_large_chunks(&self, options: &ApplyOptions) -> Room {
        let (input, output) = (self.max_stored_chunk_bytes, self.chunk_output_bytes());
        let each = input.saturating_add(output);
        let held = TABLE_BYTES.saturating_add(self.max_recompress_bytes);
        let workers = worker_count(options, held, each);
        let spare_output = if self.in_order { output } else { 0 };
        let with_spare = each
            .saturating_mul(workers as u64)
            .saturating_add(held)
            .saturating_add(input)
            .saturating_add(spare_output);
        let may_spare = options.memory_limit_bytes.is_none_or(|limit| with_spare <= limit);
        let (spare_input, spare_output) = if may_spare { (input, spare_output) } else { (0, 0) };
        Room {
            workers,
            input_bytes: input.saturating_mul(workers as u64).saturating_add(spare_input),
            output_bytes: output.saturating_mul(workers as u64).saturating_add(spare_output),
        }
    }
}

/// What a delivery gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) workers: usize,
    /// Bound for what was read and is not decoded.
    pub(super) input_bytes: u64,
    /// Bound for what was decoded and is not handed over.
    pub(super) output_bytes: u64,
}

/// How many workers the memory limit allows.
fn worker_count(options: &ApplyOptions, held_bytes: u64, each_bytes: u64) -> usize {
    let threads = options.threads.get();
    let Some(limit) = options.memory_limit_bytes else {
        return threads;
    };
    let allowed = limit.saturating_sub(held_bytes) / each_bytes.max(1);
    threads.min(usize::try_from(allowed).unwrap_or(usize::MAX)).max(1)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;

    #[test]
    fn memory_limit_means_fewer_workers() {
        let room = |needs: Needs, limit| {
            needs.room(&ApplyOptions {
                threads: NonZeroUsize::new(8).unwrap(),
                memory_limit_bytes: limit,
                ..ApplyOptions::default()
            })
        };
        let workers = |needs, limit| room(needs, limit).workers;
        let solid = Needs {
            max_chunk_bytes: 64 << 20,
            max_stored_chunk_bytes: 20 << 20,
            max_recompress_bytes: 0,
            in_order: false,
        };
        assert_eq!(workers(solid, None), 8);
        assert_eq!(workers(solid, Some(1 << 20)), 1);
        assert_eq!(workers(solid, Some((64 + 85 * 3) << 20)), 3);
        let in_order = Needs {
            in_order: true,
            ..solid
        };
        let spare_output = |limit| {
            let room = room(in_order, limit);
            room.output_bytes - ((room.workers as u64) << 26)
        };
        assert_eq!(spare_output(None), 64 << 20);
        assert_eq!(spare_output(Some((12 + 84 * 9) << 20)), 64 << 20);
        assert_eq!(spare_output(Some((11 + 84 * 9) << 20)), 0);
        let small = Needs {
            max_chunk_bytes: 32 << 10,
            max_stored_chunk_bytes: 32 << 10,
            ..solid
        };
        assert_eq!(workers(small, Some(64 << 20)), 8);
        let packed = Needs {
            max_recompress_bytes: 40 << 20,
            ..small
        };
        assert_eq!(workers(packed, Some(64 << 20)), 2);
    }
}

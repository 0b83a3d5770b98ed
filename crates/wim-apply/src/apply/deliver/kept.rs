//! Decoded chunks of solid resources, kept from one delivery for a later one of other blobs in them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Decoded chunks of solid resources. A small blob costs the whole chunk that it lies in, up to 64 MiB: a caller that
/// needs some blobs before all the others has these chunks decoded once with [`deliver_keeping`](super::deliver_keeping).
#[derive(Debug)]
pub struct KeptChunks {
    limit_bytes: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    bytes: u64,
    /// By resource, and number of the chunk in it.
    chunks: HashMap<(u32, u64), Vec<u8>>,
}

/// What a delivery does with kept chunks.
#[derive(Clone, Copy, Debug)]
pub enum Keep<'a> {
    /// Keeps what it decodes, as far as there is room.
    Fill(&'a KeptChunks),
    /// Takes what was kept instead of decoding it. What was taken is not kept any more.
    Use(&'a KeptChunks),
}

impl KeptChunks {
    /// Room for chunks of so many bytes in all.
    #[must_use]
    pub fn new(limit_bytes: u64) -> Self {
        Self {
            limit_bytes,
            state: Mutex::default(),
        }
    }

    /// Bytes that are kept now.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.with_state(|state| state.bytes)
    }

    fn put(&self, key: (u32, u64), chunk: &[u8]) {
        self.with_state(|state| {
            let bytes = state.bytes.saturating_add(chunk.len() as u64);
            if bytes <= self.limit_bytes && !state.chunks.contains_key(&key) {
                state.bytes = bytes;
                state.chunks.insert(key, chunk.to_vec());
            }
        });
    }

    /// Copies a chunk, which is not kept any more, to `output`; false when it is not there.
    fn take(&self, key: (u32, u64), output: &mut [u8]) -> bool {
        let chunk = self.with_state(|state| {
            let chunk = state.chunks.remove(&key)?;
            state.bytes -= chunk.len() as u64;
            Some(chunk)
        });
        match chunk {
            Some(chunk) if chunk.len() == output.len() => {
                output.copy_from_slice(&chunk);
                true
            }
            _ => false,
        }
    }

    fn with_state<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Keep<'_> {
    /// A chunk that was decoded.
    pub(super) fn decoded(self, key: (u32, u64), chunk: &[u8]) {
        if let Self::Fill(kept) = self {
            kept.put(key, chunk);
        }
    }

    /// Whether a chunk was kept, and is now in `output`.
    pub(super) fn has(self, key: (u32, u64), output: &mut [u8]) -> bool {
        match self {
            Self::Fill(_) => false,
            Self::Use(kept) => kept.take(key, output),
        }
    }
}

//! Bounds on what is in flight: permits by weight, and buffers that are used again.

use std::ops::Deref;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets work through up to a weight in bytes; a single piece of work of any weight always passes.
#[derive(Debug)]
pub(super) struct Gate {
    limit_bytes: u64,
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct GateState {
    used: u64,
    closed: bool,
}

/// Given back when dropped.
#[derive(Debug)]
pub(super) struct Permit {
    gate: Arc<Gate>,
    weight: u64,
}

impl Gate {
    pub(super) fn new(limit_bytes: u64) -> Self {
        Self {
            limit_bytes,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Waits until `weight` more stays within the limit; `None` once the gate is closed.
    pub(super) fn acquire(self: &Arc<Self>, weight: u64) -> Option<Arc<Permit>> {
        let mut state = lock(&self.state);
        while !state.closed && state.used > 0 && state.used.saturating_add(weight) > self.limit_bytes {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.closed {
            return None;
        }
        state.used = state.used.saturating_add(weight);
        Some(Arc::new(Permit {
            gate: Arc::clone(self),
            weight,
        }))
    }

    /// Ends every wait, now and later.
    pub(super) fn close(&self) {
        lock(&self.state).closed = true;
        self.changed.notify_all();
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = lock(&self.gate.state);
        state.used = state.used.saturating_sub(self.weight);
        self.gate.changed.notify_all();
    }
}

/// Buffers that were dropped, to be used again.
#[derive(Debug)]
pub(super) struct Pool {
    least_bytes: usize,
    free: Mutex<Vec<Vec<u8>>>,
}

/// Bytes from a [`Pool`], which they go back to.
#[derive(Debug)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    len: usize,
    pool: Option<Arc<Pool>>,
    permit: Option<Arc<Permit>>,
}

impl Pool {
    /// A pool whose buffers have at least this size: when most have one size, they all serve again.
    pub(super) fn new(least_bytes: usize) -> Self {
        Self {
            least_bytes,
            free: Mutex::default(),
        }
    }

    /// What a buffer of `len` bytes takes.
    pub(super) fn weight(&self, len: usize) -> u64 {
        if len == 0 {
            0
        } else {
            len.max(self.least_bytes) as u64
        }
    }

    /// A buffer of `len` bytes of any content.
    pub(super) fn take(self: &Arc<Self>, len: usize, permit: Option<Arc<Permit>>) -> Buffer {
        let size = len.max(self.least_bytes);
        let fits = |bytes: &Vec<u8>| bytes.len() >= len && bytes.len() / 2 <= size;
        let mut free = lock(&self.free);
        let found = free.iter().rposition(fits).map(|index| free.swap_remove(index));
        let bytes = found.unwrap_or_else(|| {
            // What is too small or too large for this is given back: it must not add to what is new.
            let unfit = std::mem::take(&mut *free);
            drop(free);
            drop(unfit);
            // Zeroed pages cost nothing until used.
            vec![0; size]
        });
        Buffer {
            bytes,
            len,
            pool: Some(Arc::clone(self)),
            permit,
        }
    }
}

impl Buffer {
    /// A copy that belongs to no pool.
    pub(super) fn copy_of(bytes: &[u8], permit: Option<Arc<Permit>>) -> Self {
        Self {
            bytes: bytes.to_vec(),
            len: bytes.len(),
            pool: None,
            permit,
        }
    }

    pub(super) fn as_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.len]
    }

    /// What holds the place in the gate.
    pub(super) fn permit(&self) -> Option<Arc<Permit>> {
        self.permit.clone()
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(pool) = &self.pool {
            lock(&pool.free).push(std::mem::take(&mut self.bytes));
        }
    }
}

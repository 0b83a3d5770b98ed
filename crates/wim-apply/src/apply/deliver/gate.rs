//! Bounds on what is in flight: permits by weight, and buffers that are used again.

use std::ops::Deref;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets work through up to a weight in bytes; a single piece of work of any weight always passes.
#[derive(Debug, Default)]
pub(super) struct Gate {
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
    /// Waits until `weights` more stay within `limit`, and gives a permit for each of them; `None` once the
    /// gate is closed.
    pub(super) fn acquire<const N: usize>(
        self: &Arc<Self>,
        weights: [u64; N],
        limit: u64,
    ) -> Option<[Arc<Permit>; N]> {
        let weight = weights.into_iter().fold(0, u64::saturating_add);
        let mut state = lock(&self.state);
        while !state.closed && state.used > 0 && state.used.saturating_add(weight) > limit {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.closed {
            return None;
        }
        state.used = state.used.saturating_add(weight);
        Some(weights.map(|weight| {
            Arc::new(Permit {
                gate: Arc::clone(self),
                weight,
            })
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
#[derive(Debug, Default)]
pub(super) struct Pool {
    free: Mutex<Vec<Vec<u8>>>,
}

/// Bytes from a [`Pool`], which they go back to.
#[derive(Debug)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    len: usize,
    pool: Arc<Pool>,
    permit: Option<Arc<Permit>>,
}

impl Pool {
    /// A buffer of `len` bytes of any content.
    pub(super) fn take(self: &Arc<Self>, len: usize, permit: Option<Arc<Permit>>) -> Buffer {
        let mut bytes = lock(&self.free).pop().unwrap_or_default();
        if bytes.capacity() < len {
            // Not grown: that would copy, and hold both meanwhile. Zeroed pages cost nothing until used.
            drop(bytes);
            bytes = vec![0; len];
        } else if bytes.len() < len {
            bytes.resize(len, 0);
        }
        Buffer {
            bytes,
            len,
            pool: Arc::clone(self),
            permit,
        }
    }
}

impl Buffer {
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
        lock(&self.pool.free).push(std::mem::take(&mut self.bytes));
    }
}

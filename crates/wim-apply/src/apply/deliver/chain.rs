//! The hash of a blob whose parts are decoded by several workers in any order.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};

use sha1::{Digest, Sha1};

use super::gate::Buffer;
use super::job::{Failure, Verdict};
use crate::{BlobHash, Error};

/// Whoever brings the part that is next hashes it, and those that wait behind it; nobody waits.
#[derive(Debug)]
pub(super) struct HashChain {
    position: usize,
    hash: BlobHash,
    verdict: Sender<(usize, Verdict)>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    next: u64,
    hasher: Option<Sha1>,
    waiting: BTreeMap<u64, Part>,
    failure: Option<Error>,
}

/// Decoded bytes of a part.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) bytes: Arc<Buffer>,
    pub(super) range: Range<usize>,
    pub(super) last: bool,
    pub(super) failure: Option<Error>,
}

impl HashChain {
    /// The verdict goes to `verdict` after the last part.
    pub(super) fn new(position: usize, hash: BlobHash, verdict: Sender<(usize, Verdict)>) -> Self {
        let state = State {
            next: 0,
            hasher: Some(Sha1::new()),
            waiting: BTreeMap::new(),
            failure: None,
        };
        Self {
            position,
            hash,
            verdict,
            state: Mutex::new(state),
        }
    }

    /// Whether a part would be hashed at once.
    pub(super) fn is_next(&self, number: u64) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.next == number && state.hasher.is_some()
    }

    pub(super) fn push(&self, number: u64, part: Part) {
        let lock = || self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = lock();
        state.waiting.insert(number, part);
        // Without the hasher, another worker is at it and will see the part.
        let Some(mut hasher) = state.hasher.take() else {
            return;
        };
        loop {
            let next = state.next;
            let Some(part) = state.waiting.remove(&next) else {
                state.hasher = Some(hasher);
                return;
            };
            state.next += 1;
            if state.failure.is_none() {
                state.failure = part.failure;
            }
            drop(state);
            hasher.update(part.bytes.get(part.range).unwrap_or_default());
            drop(part.bytes);
            state = lock();
            if part.last {
                let found = BlobHash(hasher.finalize().into());
                let verdict = match state.failure.take() {
                    Some(error) => Err(Failure::Chunk(error)),
                    None if found != self.hash => Err(Failure::Hash(found)),
                    None => Ok(()),
                };
                // The hand-over may have ended with an error.
                let _ = self.verdict.send((self.position, verdict));
                return;
            }
        }
    }
}

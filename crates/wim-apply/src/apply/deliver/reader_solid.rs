//! The sequential reader's way through a solid resource: its chunks are the jobs.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{self, Receiver};

use super::chain::HashChain;
use super::job::{BlobPart, Deliver, Step, Verdict, copy_of};
use super::reader::{FileReader, GROUP_BYTES, Stop};
use super::recompress::PackJob;
use crate::read::{Blob, BlobStorage};
use crate::{Error, ErrorKind, Result};

impl FileReader<'_> {
    /// All wanted blobs of a solid resource; returns the position after them.
    pub(super) fn solid(&self, first: usize, resource: u32) -> Result<usize, Stop> {
        let in_resource = |at: usize| -> Result<Option<(u64, u64)>> {
            if at >= self.order.len() {
                return Ok(None);
            }
            let blob = self.order.blob(self.wim, at)?;
            Ok(match blob.storage {
                BlobStorage::Solid { resource: r, offset } if r == resource => {
                    Some((offset, offset.saturating_add(blob.size_bytes)))
                }
                _ => None,
            })
        };
        let mut end = first;
        while in_resource(end)?.is_some() {
            end += 1;
        }
        let unreadable = |at: usize, error: &Error| {
            self.step(Step::Unreadable {
                position: at,
                from: 0,
                error: copy_of(error),
            })
        };
        let map = match self.wim.solid_map(resource) {
            Ok(map) => map,
            Err(error) if error.kind() == ErrorKind::Io => return Err(error.into()),
            Err(error) => {
                for at in first..end {
                    unreadable(at, &error)?;
                }
                return Ok(end);
            }
        };
        let source = self.source(self.order.blob(self.wim, first)?)?;
        let chunk_bytes = u64::from(map.chunk_bytes);
        let per_group = (GROUP_BYTES as u64 / chunk_bytes).max(1);
        let mut open: Option<OpenBlob> = None;
        let mut at = first;
        let mut chunk = 0;
        while at < end {
            // Skip chunks that no wanted blob touches.
            if open.is_none()
                && let Some((start, _)) = in_resource(at)?
            {
                chunk = chunk.max(start / chunk_bytes);
            }
            let count = per_group.min(map.chunk_count().saturating_sub(chunk)).max(1);
            let group_start = chunk.saturating_mul(chunk_bytes);
            let group_end = (chunk + count).saturating_mul(chunk_bytes).min(map.size_bytes);
            let extents = map.extents(&*source, chunk, usize::try_from(count).unwrap_or(usize::MAX));
            let extents = match extents {
                Ok(extents) => extents,
                Err(error) => {
                    if let Some(open) = open.take() {
                        self.step(Step::Unreadable {
                            position: at,
                            from: open.done,
                            error: copy_of(&error),
                        })?;
                        at += 1;
                    }
                    while let Some((start, _)) = in_resource(at)?
                        && start < group_end
                    {
                        unreadable(at, &error)?;
                        at += 1;
                    }
                    chunk += count;
                    continue;
                }
            };
            let mut parts = Vec::new();
            while let Some((start, blob_end)) = in_resource(at)?
                && start < group_end
            {
                let blob = self.order.blob(self.wim, at)?;
                let here = start.max(group_start)..blob_end.min(group_end);
                let within = |offset: u64| usize::try_from(offset - group_start).unwrap_or(usize::MAX);
                let last = blob_end <= group_end;
                let mut part = BlobPart {
                    position: at,
                    hash: blob.hash,
                    start: here.start - start,
                    output: within(here.start)..within(here.end),
                    first: open.is_none(),
                    last,
                    chain: None,
                    pack: self.order.mode(at).recompress().map(PackJob::whole),
                    end: None,
                };
                if open.is_some() || !last {
                    let state = open.get_or_insert_with(|| OpenBlob::new(at, blob));
                    part.chain = Some((Arc::clone(&state.chain), state.number));
                    state.number += 1;
                    part.pack = part.pack.map(|pack| PackJob {
                        start: here.start - start,
                        last,
                        given_up: Arc::clone(&state.given_up),
                        ..pack
                    });
                    state.done = here.end - start;
                    if last {
                        part.end = Some(state.take_receiver());
                    }
                }
                parts.push(part);
                if !last {
                    break;
                }
                open = None;
                at += 1;
            }
            let is_packed = parts.iter().any(|part| part.pack.is_some());
            let mut read = self.read_group(&map, &source, chunk, &extents, is_packed)?;
            read.solid = Some((resource, chunk));
            let (sender, output) = mpsc::channel();
            self.step(Step::Decoded(output))?;
            self.job(read.into_job(parts, Deliver::Output(sender)))?;
            chunk += count;
        }
        Ok(end)
    }
}

/// A blob of a solid resource that continues in the next group.
struct OpenBlob {
    chain: Arc<HashChain>,
    receiver: Option<Receiver<(usize, Verdict)>>,
    number: u64,
    done: u64,
    /// No part needs to be compressed any more.
    given_up: Arc<AtomicBool>,
}

impl OpenBlob {
    fn new(position: usize, blob: &Blob) -> Self {
        let (sender, receiver) = mpsc::channel();
        let chain = Arc::new(HashChain::new(position, blob.hash, sender));
        Self {
            chain,
            receiver: Some(receiver),
            number: 0,
            done: 0,
            given_up: Arc::default(),
        }
    }

    fn take_receiver(&mut self) -> Receiver<(usize, Verdict)> {
        self.receiver.take().unwrap_or_else(|| mpsc::channel().1)
    }
}

//! Blobs and metadata that are held in memory until all of their chunks are compressed.

use std::collections::VecDeque;

use super::container::{Container, IN_MEMORY_BYTES};
use super::pack::Packed;
use crate::layout::{ResourceHeader, resource_flag};
use crate::{BlobHash, Result};

/// Which entry a resource belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Slot {
    Blob(usize),
    Metadata(usize),
}

/// A resource that is being compressed.
#[derive(Debug)]
struct Queued {
    slot: Slot,
    size_bytes: u64,
    first_job: u64,
    packed: Vec<Option<Packed>>,
    missing: usize,
}

/// The resources under way, in the order of their places.
#[derive(Debug)]
pub(super) struct Queue {
    queued: VecDeque<Queued>,
    queued_bytes: u64,
    max_queued_bytes: u64,
}

impl Queue {
    pub(super) fn new(threads: usize) -> Self {
        Self {
            queued: VecDeque::new(),
            queued_bytes: 0,
            max_queued_bytes: IN_MEMORY_BYTES + (threads as u64) * (1 << 20),
        }
    }
}

impl Container<'_> {
    /// A resource whose bytes are all there.
    pub(super) fn enqueue(&mut self, slot: Slot, bytes: Vec<u8>) -> Result<()> {
        let size_bytes = bytes.len() as u64;
        let Some(packer) = &mut self.packer else {
            let resource = self.store(slot, &[&bytes], 0, size_bytes)?;
            self.place(slot, resource);
            return Ok(());
        };
        let first_job = packer.next_sequence();
        if bytes.len() <= packer.job_bytes() {
            packer.send(bytes, true)?;
        } else {
            for group in bytes.chunks(packer.job_bytes()) {
                packer.send(group.to_vec(), true)?;
            }
        }
        let jobs = (packer.next_sequence() - first_job) as usize;
        let packed = (0..jobs).map(|_| None).collect();
        self.queue.queued.push_back(Queued {
            slot,
            size_bytes,
            first_job,
            packed,
            missing: jobs,
        });
        self.queue.queued_bytes += size_bytes;
        while self.queue.queued_bytes > self.queue.max_queued_bytes {
            self.receive()?;
        }
        Ok(())
    }

    /// Waits until everything that was begun is written.
    pub(super) fn drain(&mut self) -> Result<()> {
        while !self.queue.queued.is_empty() {
            self.receive()?;
        }
        Ok(())
    }

    fn receive(&mut self) -> Result<()> {
        let Some(packer) = &self.packer else { return Ok(()) };
        let result = packer.receive()?;
        let owner = self
            .queue
            .queued
            .partition_point(|queued| queued.first_job <= result.sequence);
        if let Some(queued) = owner
            .checked_sub(1)
            .and_then(|owner| self.queue.queued.get_mut(owner))
        {
            let number = (result.sequence - queued.first_job) as usize;
            if let Some(slot) = queued.packed.get_mut(number) {
                *slot = Some(result);
                queued.missing -= 1;
            }
        }
        while self
            .queue
            .queued
            .front()
            .is_some_and(|queued| queued.missing == 0)
        {
            let Some(done) = self.queue.queued.pop_front() else {
                break;
            };
            self.queue.queued_bytes -= done.size_bytes;
            self.write_queued(&done)?;
        }
        Ok(())
    }

    fn write_queued(&mut self, queued: &Queued) -> Result<()> {
        let packed: Vec<&Packed> = queued.packed.iter().flatten().collect();
        let sizes: Vec<u32> = packed
            .iter()
            .flat_map(|packed| packed.sizes.iter().copied())
            .collect();
        let table = chunk_table(&sizes, queued.size_bytes);
        let prefixes: Vec<[u8; 4]> = sizes.iter().map(|size| size.to_le_bytes()).collect();
        let mut pieces: Vec<&[u8]> = Vec::new();
        if self.pipable {
            let mut prefix = prefixes.iter();
            for packed in &packed {
                let mut output = packed.output.as_slice();
                for &size in &packed.sizes {
                    let (chunk, rest) = output.split_at(size as usize);
                    pieces.extend(prefix.next().map(<[u8; 4]>::as_slice));
                    pieces.push(chunk);
                    output = rest;
                }
            }
            pieces.push(&table);
        } else {
            pieces.push(&table);
            pieces.extend(packed.iter().map(|packed| packed.output.as_slice()));
        }
        let mut flags = resource_flag::COMPRESSED;
        if pieces.iter().map(|piece| piece.len() as u64).sum::<u64>() >= queued.size_bytes {
            pieces = packed.iter().map(|packed| packed.input.as_slice()).collect();
            flags = 0;
        }
        let resource = self.store(queued.slot, &pieces, flags, queued.size_bytes)?;
        self.place(queued.slot, resource);
        Ok(())
    }

    fn store(&mut self, slot: Slot, pieces: &[&[u8]], flags: u8, size_bytes: u64) -> Result<ResourceHeader> {
        let (entry, kind) = match slot {
            Slot::Blob(number) => (self.blobs.get(number), 0),
            Slot::Metadata(number) => (self.metadata.get(number), resource_flag::METADATA),
        };
        let hash = entry.map_or(BlobHash::ZERO, |entry| entry.hash);
        let flags = flags | kind;
        self.announce(hash, size_bytes, flags)?;
        let offset = self.tail.position();
        for piece in pieces {
            self.tail.write(piece)?;
        }
        Ok(ResourceHeader {
            stored_bytes: self.tail.position() - offset,
            flags,
            offset,
            size_bytes,
        })
    }

    fn place(&mut self, slot: Slot, resource: ResourceHeader) {
        let entry = match slot {
            Slot::Blob(number) => self.blobs.get_mut(number),
            Slot::Metadata(number) => self.metadata.get_mut(number),
        };
        if let Some(entry) = entry {
            entry.resource = resource;
        }
    }
}

/// Offsets of all chunks but the first, relative to the end of the table.
fn chunk_table(sizes: &[u32], size_bytes: u64) -> Vec<u8> {
    let mut table = Vec::new();
    let mut end = 0_u64;
    for (number, &size) in sizes.iter().enumerate() {
        if number > 0 {
            push_table_entry(&mut table, end, size_bytes);
        }
        end += u64::from(size);
    }
    table
}

/// Bytes of an entry of the chunk table of a resource.
pub(super) fn table_entry_bytes(size_bytes: u64) -> u64 {
    if size_bytes > u64::from(u32::MAX) { 8 } else { 4 }
}

/// Appends one entry.
pub(super) fn push_table_entry(table: &mut Vec<u8>, offset: u64, size_bytes: u64) {
    let bytes = offset.to_le_bytes();
    table.extend_from_slice(&bytes[..table_entry_bytes(size_bytes) as usize]);
}

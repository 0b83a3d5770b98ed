//! The file that is being written: resources one after the other, then the tables that find them.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io::Read;

use sha1::{Digest, Sha1};

use super::large::Large;
use super::pack::{Packed, Packer};
use super::tail::Tail;
use super::{Output, WriteOptions};
use crate::layout::{BlobEntry, HEADER_BYTES, ResourceHeader, resource_flag};
use crate::{BlobHash, Error, Result};

/// Blobs up to this size are held in memory: a duplicate is never compressed, and one that does not shrink
/// is stored from memory.
pub(super) const IN_MEMORY_BYTES: u64 = 4 << 20;

/// Feeds all bytes of a blob again, from its start.
pub(super) type Again<'a> = &'a mut dyn FnMut(&mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()>;

/// Resources and tables of a file.
#[allow(missing_debug_implementations, reason = "holds a trait object")]
pub(super) struct Container<'o> {
    pub(super) tail: Tail<'o>,
    pub(super) packer: Option<Packer>,
    pub(super) chunk_bytes: u32,
    /// Part of a split file that is written.
    pub(super) part_number: u16,
    /// Blobs in the order of their places.
    pub(super) blobs: Vec<BlobEntry>,
    by_hash: HashMap<BlobHash, usize>,
    /// Blobs of another file that are not written here, and their sizes.
    elsewhere: HashSet<BlobHash>,
    elsewhere_sizes: HashSet<u64>,
    /// Metadata resources in the order of the images.
    pub(super) metadata: Vec<BlobEntry>,
    queue: VecDeque<Queued>,
    queued_bytes: u64,
    max_queued_bytes: u64,
    current: Current,
}

enum Current {
    None,
    InMemory { size_bytes: u64, bytes: Vec<u8> },
    Large(Large),
}

#[derive(Clone, Copy, Debug)]
enum Slot {
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

impl<'o> Container<'o> {
    /// A file whose resources begin at `at`.
    pub(super) fn new(out: &'o mut dyn Output, at: u64, options: &WriteOptions) -> Self {
        let threads = options.threads.get();
        Self {
            tail: Tail::new(out, at),
            packer: options
                .compression
                .codec()
                .map(|codec| Packer::new(codec, options.chunk_bytes, threads)),
            chunk_bytes: options.chunk_bytes,
            part_number: 1,
            blobs: Vec::new(),
            by_hash: HashMap::new(),
            elsewhere: HashSet::new(),
            elsewhere_sizes: HashSet::new(),
            metadata: Vec::new(),
            queue: VecDeque::new(),
            queued_bytes: 0,
            max_queued_bytes: IN_MEMORY_BYTES + (threads as u64) * (1 << 20),
            current: Current::None,
        }
    }

    /// An entry that is in the file already.
    pub(super) fn add_existing(&mut self, entry: BlobEntry) {
        self.by_hash.insert(entry.hash, self.blobs.len());
        self.blobs.push(entry);
    }

    /// A blob that another file holds: it is not written.
    pub(super) fn leave_out(&mut self, hash: BlobHash, size_bytes: u64) {
        self.elsewhere.insert(hash);
        self.elsewhere_sizes.insert(size_bytes);
    }

    /// Whether the blob is there, or elsewhere.
    pub(super) fn contains(&self, hash: &BlobHash) -> bool {
        self.by_hash.contains_key(hash) || self.elsewhere.contains(hash)
    }

    /// Whether a blob of that size is there, or elsewhere.
    pub(super) fn has_size(&self, size_bytes: u64) -> bool {
        let is_there = |entry: &BlobEntry| entry.resource.size_bytes == size_bytes;
        self.elsewhere_sizes.contains(&size_bytes) || self.blobs.iter().any(is_there)
    }

    /// Counts uses of a blob.
    pub(super) fn reference(&mut self, hash: &BlobHash, count: u32) {
        if let Some(entry) = self
            .by_hash
            .get(hash)
            .and_then(|&number| self.blobs.get_mut(number))
        {
            entry.reference_count = entry.reference_count.saturating_add(count);
        }
    }

    /// Takes uses of a blob away; without any it leaves the table when the file is finished.
    pub(super) fn release(&mut self, hash: &BlobHash, count: u32) {
        if let Some(entry) = self
            .by_hash
            .get(hash)
            .and_then(|&number| self.blobs.get_mut(number))
        {
            entry.reference_count = entry.reference_count.saturating_sub(count);
        }
    }

    /// A blob of that size begins; its bytes follow through [`Container::data`].
    pub(super) fn begin(&mut self, size_bytes: u64) -> Result<()> {
        if size_bytes <= IN_MEMORY_BYTES {
            let bytes = Vec::with_capacity(size_bytes as usize);
            self.current = Current::InMemory { size_bytes, bytes };
        } else {
            self.drain()?;
            self.current = Current::Large(Large::new(self, size_bytes)?);
        }
        Ok(())
    }

    /// The next bytes of the blob.
    pub(super) fn data(&mut self, bytes: &[u8]) -> Result<()> {
        match std::mem::replace(&mut self.current, Current::None) {
            Current::None => Ok(()),
            Current::InMemory {
                size_bytes,
                bytes: mut held,
            } => {
                if held.len() as u64 + bytes.len() as u64 > size_bytes {
                    return Err(changed(size_bytes));
                }
                held.extend_from_slice(bytes);
                self.current = Current::InMemory {
                    size_bytes,
                    bytes: held,
                };
                Ok(())
            }
            Current::Large(mut large) => {
                large.data(self, bytes)?;
                self.current = Current::Large(large);
                Ok(())
            }
        }
    }

    /// The blob ends. Its hash is zero when it is empty: then it is no blob.
    pub(super) fn end(&mut self, again: Again<'_>) -> Result<BlobHash> {
        match std::mem::replace(&mut self.current, Current::None) {
            Current::None => Ok(BlobHash::ZERO),
            Current::InMemory { size_bytes, bytes } => {
                if bytes.len() as u64 != size_bytes {
                    return Err(changed(size_bytes));
                }
                if bytes.is_empty() {
                    return Ok(BlobHash::ZERO);
                }
                let hash = BlobHash(Sha1::digest(&bytes).into());
                if !self.contains(&hash) {
                    let slot = Slot::Blob(self.blobs.len());
                    self.add_existing(self.entry(hash, ResourceHeader::default()));
                    self.enqueue(slot, bytes)?;
                }
                Ok(hash)
            }
            Current::Large(large) => {
                let (hash, resource) = large.end(self, again)?;
                if self.contains(&hash) {
                    self.tail.seek(resource.offset)?;
                } else {
                    self.add_existing(self.entry(hash, resource));
                }
                Ok(hash)
            }
        }
    }

    /// Adds the metadata resource of the next image.
    pub(super) fn add_metadata(&mut self, bytes: Vec<u8>) -> Result<()> {
        let mut entry = self.entry(BlobHash(Sha1::digest(&bytes).into()), ResourceHeader::default());
        entry.reference_count = 1;
        self.metadata.push(entry);
        self.enqueue(Slot::Metadata(self.metadata.len() - 1), bytes)
    }

    /// Copies a resource as it is.
    pub(super) fn copy(
        &mut self,
        hash: BlobHash,
        resource: ResourceHeader,
        reader: &mut dyn Read,
    ) -> Result<ResourceHeader> {
        self.drain()?;
        let resource = ResourceHeader {
            offset: self.tail.position(),
            ..resource
        };
        self.tail.copy_from(reader, resource.stored_bytes)?;
        let entry = self.entry(hash, resource);
        if resource.is_metadata() {
            self.metadata.push(BlobEntry {
                reference_count: 1,
                ..entry
            });
        } else {
            self.add_existing(entry);
        }
        Ok(resource)
    }

    fn entry(&self, hash: BlobHash, resource: ResourceHeader) -> BlobEntry {
        BlobEntry {
            resource,
            part_number: self.part_number,
            reference_count: 0,
            hash,
        }
    }

    fn enqueue(&mut self, slot: Slot, bytes: Vec<u8>) -> Result<()> {
        let size_bytes = bytes.len() as u64;
        let Some(packer) = &mut self.packer else {
            let resource = self.store(slot, &[&bytes], 0)?;
            self.place(slot, resource);
            return Ok(());
        };
        let first_job = packer.next_sequence();
        if bytes.len() <= packer.job_bytes() {
            packer.send(bytes)?;
        } else {
            for group in bytes.chunks(packer.job_bytes()) {
                packer.send(group.to_vec())?;
            }
        }
        let jobs = (packer.next_sequence() - first_job) as usize;
        let packed = (0..jobs).map(|_| None).collect();
        self.queue.push_back(Queued {
            slot,
            size_bytes,
            first_job,
            packed,
            missing: jobs,
        });
        self.queued_bytes += size_bytes;
        while self.queued_bytes > self.max_queued_bytes {
            self.receive()?;
        }
        Ok(())
    }

    /// Waits until everything that was begun is written.
    pub(super) fn drain(&mut self) -> Result<()> {
        while !self.queue.is_empty() {
            self.receive()?;
        }
        Ok(())
    }

    fn receive(&mut self) -> Result<()> {
        let Some(packer) = &self.packer else { return Ok(()) };
        let result = packer.receive()?;
        let owner = self
            .queue
            .partition_point(|queued| queued.first_job <= result.sequence);
        if let Some(queued) = owner.checked_sub(1).and_then(|owner| self.queue.get_mut(owner)) {
            let number = (result.sequence - queued.first_job) as usize;
            if let Some(slot) = queued.packed.get_mut(number) {
                *slot = Some(result);
                queued.missing -= 1;
            }
        }
        while self.queue.front().is_some_and(|queued| queued.missing == 0) {
            let Some(done) = self.queue.pop_front() else { break };
            self.queued_bytes -= done.size_bytes;
            self.write_queued(&done)?;
        }
        Ok(())
    }

    fn write_queued(&mut self, queued: &Queued) -> Result<()> {
        let packed: Vec<&Packed> = queued.packed.iter().flatten().collect();
        let table = chunk_table(packed.iter().flat_map(|packed| &packed.sizes), queued.size_bytes);
        let stored = table.len() + packed.iter().map(|packed| packed.output.len()).sum::<usize>();
        let resource = if (stored as u64) < queued.size_bytes {
            let mut pieces: Vec<&[u8]> = vec![&table];
            pieces.extend(packed.iter().map(|packed| packed.output.as_slice()));
            let resource = self.store(queued.slot, &pieces, resource_flag::COMPRESSED)?;
            ResourceHeader {
                size_bytes: queued.size_bytes,
                ..resource
            }
        } else {
            let pieces: Vec<&[u8]> = packed.iter().map(|packed| packed.input.as_slice()).collect();
            self.store(queued.slot, &pieces, 0)?
        };
        self.place(queued.slot, resource);
        Ok(())
    }

    fn store(&mut self, slot: Slot, pieces: &[&[u8]], flags: u8) -> Result<ResourceHeader> {
        let offset = self.tail.position();
        for piece in pieces {
            self.tail.write(piece)?;
        }
        let stored_bytes = self.tail.position() - offset;
        let kind = if matches!(slot, Slot::Metadata(_)) {
            resource_flag::METADATA
        } else {
            0
        };
        Ok(ResourceHeader {
            stored_bytes,
            flags: flags | kind,
            offset,
            size_bytes: stored_bytes,
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

    /// Place of the first resource of a new file.
    pub(super) const FIRST: u64 = HEADER_BYTES as u64;
}

/// Offsets of all chunks but the first, relative to the end of the table.
fn chunk_table<'a>(sizes: impl Iterator<Item = &'a u32>, size_bytes: u64) -> Vec<u8> {
    let mut table = Vec::new();
    let mut end = 0_u64;
    for (number, &size) in sizes.enumerate() {
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

/// The source did not give as many bytes as it said.
pub(super) fn changed(size_bytes: u64) -> Error {
    let reason =
        format!("it does not have the {size_bytes} bytes any more that it had: it changed while it was read");
    Error::Invalid {
        what: "content",
        reason,
    }
}

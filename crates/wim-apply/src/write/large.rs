//! A blob that is not held in memory: compressed as it comes, its chunk table written last.

use std::collections::BTreeMap;

use sha1::{Digest, Sha1};

use super::container::{Again, Container, changed};
use super::pack::Packed;
use super::queue::{push_table_entry, table_entry_bytes};
use crate::layout::{ResourceHeader, resource_flag};
use crate::{BlobHash, Result};

/// The blob that is being written.
pub(super) struct Large {
    size_bytes: u64,
    done_bytes: u64,
    hasher: Sha1,
    /// Place of the resource.
    start: u64,
    /// Stored bytes of the chunks written so far.
    stored_bytes: u64,
    table: Vec<u8>,
    chunks: u64,
    buffer: Vec<u8>,
    /// Number of the job that is written next.
    next: u64,
    ready: BTreeMap<u64, Packed>,
}

impl Large {
    /// Nothing else may be under way. In a pipable file the hash, which comes first, has to be known.
    pub(super) fn new(
        container: &mut Container<'_>,
        size_bytes: u64,
        hash: Option<BlobHash>,
    ) -> Result<Self> {
        let flags = container.packer.as_ref().map_or(0, |_| resource_flag::COMPRESSED);
        container.announce(hash.unwrap_or_default(), size_bytes, flags)?;
        let start = container.tail.position();
        let mut next = 0;
        if let Some(packer) = &container.packer {
            next = packer.next_sequence();
            if !container.pipable {
                let chunks = size_bytes.div_ceil(container.chunk_bytes.into());
                let table_bytes = chunks.saturating_sub(1) * table_entry_bytes(size_bytes);
                container.tail.seek(start + table_bytes)?;
            }
        }
        Ok(Self {
            size_bytes,
            done_bytes: 0,
            hasher: Sha1::new(),
            start,
            stored_bytes: 0,
            table: Vec::new(),
            chunks: 0,
            buffer: Vec::new(),
            next,
            ready: BTreeMap::new(),
        })
    }

    pub(super) fn data(&mut self, container: &mut Container<'_>, mut bytes: &[u8]) -> Result<()> {
        self.done_bytes += bytes.len() as u64;
        if self.done_bytes > self.size_bytes {
            return Err(changed(self.size_bytes));
        }
        self.hasher.update(bytes);
        let Some(job_bytes) = container.packer.as_ref().map(super::pack::Packer::job_bytes) else {
            return container.tail.write(bytes);
        };
        while self.buffer.len() + bytes.len() >= job_bytes {
            let (now, later) = bytes.split_at(job_bytes - self.buffer.len());
            self.buffer.extend_from_slice(now);
            bytes = later;
            self.send(container)?;
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    fn send(&mut self, container: &mut Container<'_>) -> Result<()> {
        let full = std::mem::take(&mut self.buffer);
        let mut max_jobs = 0;
        if let Some(packer) = &mut container.packer {
            packer.send(full, false)?;
            max_jobs = packer.max_jobs();
        }
        while self.under_way(container) > max_jobs {
            self.receive(container)?;
        }
        Ok(())
    }

    fn under_way(&self, container: &Container<'_>) -> u64 {
        container
            .packer
            .as_ref()
            .map_or(0, |packer| packer.next_sequence() - self.next)
    }

    fn receive(&mut self, container: &mut Container<'_>) -> Result<()> {
        let Some(packer) = &container.packer else {
            return Ok(());
        };
        let packed = packer.receive()?;
        self.ready.insert(packed.sequence, packed);
        while let Some(packed) = self.ready.remove(&self.next) {
            self.next += 1;
            let mut output = packed.output.as_slice();
            for &size in &packed.sizes {
                if self.chunks > 0 {
                    push_table_entry(&mut self.table, self.stored_bytes, self.size_bytes);
                }
                self.chunks += 1;
                self.stored_bytes += u64::from(size);
                if container.pipable {
                    let (chunk, rest) = output.split_at(size as usize);
                    container.tail.write(&size.to_le_bytes())?;
                    container.tail.write(chunk)?;
                    output = rest;
                }
            }
            container
                .tail
                .write(if container.pipable { &[] } else { output })?;
        }
        Ok(())
    }

    /// The hash, and where the resource lies.
    pub(super) fn end(
        mut self,
        container: &mut Container<'_>,
        again: Again<'_>,
    ) -> Result<(BlobHash, ResourceHeader)> {
        if self.done_bytes != self.size_bytes {
            return Err(changed(self.size_bytes));
        }
        if !self.buffer.is_empty() {
            self.send(container)?;
        }
        while self.under_way(container) > 0 {
            self.receive(container)?;
        }
        let hash = BlobHash(self.hasher.finalize().into());
        let stored_bytes = self.table.len() as u64 + self.stored_bytes;
        let mut resource = ResourceHeader {
            stored_bytes,
            flags: resource_flag::COMPRESSED,
            offset: self.start,
            size_bytes: self.size_bytes,
        };
        if container.pipable && container.packer.is_some() {
            // What was written stays, even if it did not shrink.
            container.tail.write(&self.table)?;
            resource.stored_bytes = container.tail.position() - self.start;
            return Ok((hash, resource));
        }
        if container.packer.is_some() && stored_bytes < self.size_bytes {
            container.tail.write_at(self.start, &self.table)?;
            return Ok((hash, resource));
        }
        resource.stored_bytes = self.size_bytes;
        resource.flags = 0;
        if container.packer.is_some() {
            container.tail.seek(self.start)?;
            let mut hasher = Sha1::new();
            let tail = &mut container.tail;
            again(&mut |bytes| {
                hasher.update(bytes);
                tail.write(bytes)
            })?;
            let same = container.tail.position() - self.start == self.size_bytes;
            if !same || hasher.finalize().as_slice() != hash.0 {
                return Err(changed(self.size_bytes));
            }
        }
        Ok((hash, resource))
    }
}

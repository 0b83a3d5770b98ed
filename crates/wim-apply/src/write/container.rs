//! The file that is being written: resources one after the other, then the tables that find them.

use std::collections::{HashMap, HashSet};
use std::io::Read;

use sha1::{Digest, Sha1};

use super::large::Large;
use super::pack::Packer;
use super::queue::{Queue, Slot};
use super::solid::Solid;
use super::tail::Tail;
use super::{FileForm, Output, WriteOptions};
use crate::layout::{BlobEntry, HEADER_BYTES, PipableBlobHeader, ResourceHeader};
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
    /// Whether the file is for a pipe: nothing in it is written twice.
    pub(super) pipable: bool,
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
    pub(super) queue: Queue,
    /// The solid resources.
    pub(super) solid: Solid,
    current: Current,
}

enum Current {
    None,
    InMemory {
        size_bytes: u64,
        bytes: Vec<u8>,
    },
    Large(Large),
    /// In the solid resource.
    Solid {
        size_bytes: u64,
        done_bytes: u64,
        /// Where it begins, as blobs of solid resources state it.
        offset: u64,
        hasher: Sha1,
    },
}

impl<'o> Container<'o> {
    /// A file whose resources begin at `at`.
    pub(super) fn new(out: &'o mut dyn Output, at: u64, options: &WriteOptions) -> Result<Self> {
        let threads = options.threads.get();
        let packer = match options.compression.codec() {
            Some(codec) => Some(Packer::new(codec, options.chunk_bytes, u64::MAX, 0, options)?),
            None => None,
        };
        Ok(Self {
            tail: Tail::new(out, at),
            packer,
            chunk_bytes: options.chunk_bytes,
            pipable: options.form == FileForm::Pipable,
            part_number: 1,
            blobs: Vec::new(),
            by_hash: HashMap::new(),
            elsewhere: HashSet::new(),
            elsewhere_sizes: HashSet::new(),
            metadata: Vec::new(),
            queue: Queue::new(threads),
            solid: Solid::default(),
            current: Current::None,
        })
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
        let is_there = |entry: &BlobEntry| blob_size(entry) == size_bytes;
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

    /// A blob of that size begins; its bytes follow through [`Container::data`]. Its hash has to be known in
    /// pipable files, where it comes first.
    pub(super) fn begin(&mut self, size_bytes: u64, hash: Option<BlobHash>) -> Result<()> {
        if let Some(offset) = self.solid.position() {
            self.current = Current::Solid {
                size_bytes,
                done_bytes: 0,
                offset,
                hasher: Sha1::new(),
            };
        } else if size_bytes <= IN_MEMORY_BYTES {
            let bytes = Vec::with_capacity(size_bytes as usize);
            self.current = Current::InMemory { size_bytes, bytes };
        } else {
            self.drain()?;
            self.current = Current::Large(Large::new(self, size_bytes, hash)?);
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
            Current::Solid {
                size_bytes,
                done_bytes,
                offset,
                mut hasher,
            } => {
                let done_bytes = done_bytes + bytes.len() as u64;
                if done_bytes > size_bytes {
                    return Err(changed(size_bytes));
                }
                hasher.update(bytes);
                self.solid.data(&mut self.tail, bytes)?;
                self.current = Current::Solid {
                    size_bytes,
                    done_bytes,
                    offset,
                    hasher,
                };
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
                if self.contains(&hash) && !self.pipable {
                    self.tail.seek(resource.offset)?;
                } else {
                    self.add_existing(self.entry(hash, resource));
                }
                Ok(hash)
            }
            Current::Solid {
                size_bytes,
                done_bytes,
                offset,
                hasher,
            } => {
                if done_bytes != size_bytes {
                    return Err(changed(size_bytes));
                }
                let hash = BlobHash(hasher.finalize().into());
                self.add_existing(self.entry(hash, Solid::place_of(offset, size_bytes)));
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
        self.announce(hash, resource.size_bytes, resource.flags)?;
        let resource = ResourceHeader {
            offset: self.tail.position(),
            ..resource
        };
        self.tail.copy_from(reader, resource.stored_bytes)?;
        self.add_resource(hash, resource);
        Ok(resource)
    }

    /// Enters a resource that was written.
    pub(super) fn add_resource(&mut self, hash: BlobHash, resource: ResourceHeader) {
        let entry = self.entry(hash, resource);
        if resource.is_metadata() {
            self.metadata.push(BlobEntry {
                reference_count: 1,
                ..entry
            });
        } else {
            self.add_existing(entry);
        }
    }

    /// In a pipable file: the header that precedes a resource.
    pub(super) fn announce(&mut self, hash: BlobHash, size_bytes: u64, flags: u8) -> Result<()> {
        if !self.pipable {
            return Ok(());
        }
        let flags = flags.into();
        let header = PipableBlobHeader {
            size_bytes,
            hash,
            flags,
        };
        self.tail.write(&header.encode())
    }

    fn entry(&self, hash: BlobHash, resource: ResourceHeader) -> BlobEntry {
        BlobEntry {
            resource,
            part_number: self.part_number,
            reference_count: 0,
            hash,
        }
    }

    /// Place of the first resource of a new file.
    pub(super) const FIRST: u64 = HEADER_BYTES as u64;
}

/// Uncompressed size of a blob.
pub(super) fn blob_size(entry: &BlobEntry) -> u64 {
    if entry.resource.is_solid() {
        entry.resource.stored_bytes
    } else {
        entry.resource.size_bytes
    }
}

/// The source did not give the bytes that it gave before, or not as many as it said.
pub(super) fn changed(size_bytes: u64) -> Error {
    Error::Changed {
        what: "content".to_owned(),
        size_bytes,
    }
}

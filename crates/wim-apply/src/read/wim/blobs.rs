//! The blobs of an opened WIM: where they lie, and their bytes.

use std::sync::Arc;

use super::{Part, Wim};
use crate::layout::{Header, ResourceHeader, resource_flag};
use crate::read::BlobReader;
use crate::read::blob_table::{Blob, BlobStorage, SolidResource};
use crate::read::chunk_map::ChunkMap;
use crate::read::header::{codec_of, map_of};
use crate::read::resource::RawResource;
use crate::source::Source;
use crate::{BlobHash, BlobId, Error, Limits, Result};

impl Wim {
    /// All blobs of the opened files; [`BlobId`] is the index.
    #[must_use]
    pub fn blobs(&self) -> &[Blob] {
        &self.blobs
    }

    /// The solid resources of the opened files.
    #[must_use]
    pub fn solid_resources(&self) -> &[SolidResource] {
        &self.solid
    }

    /// One blob.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn blob(&self, id: BlobId) -> Result<&Blob> {
        self.blobs.get(id.0 as usize).ok_or_else(|| Error::NotFound {
            what: "blob",
            name: format!("number {}", id.0),
        })
    }

    /// The blob of that hash.
    #[must_use]
    pub fn blob_by_hash(&self, hash: &BlobHash) -> Option<BlobId> {
        self.by_hash.get(hash).copied()
    }

    /// Random access to a blob's bytes.
    ///
    /// # Errors
    /// `NotFound`, and when the resource is not valid.
    pub fn open_blob(&self, id: BlobId) -> Result<BlobReader> {
        let blob = self.blob(id)?;
        let start = match blob.storage {
            BlobStorage::Solid { offset, .. } => offset,
            _ => 0,
        };
        BlobReader::new(self.source_of(blob)?, self.chunk_map(id)?, start, blob.size_bytes)
    }

    /// The compressed resource of a blob as it lies in the file, for those who store it as it is. `None` when
    /// the blob is stored, in a solid resource, or in a pipable file (whose resources are laid out otherwise).
    ///
    /// # Errors
    /// `NotFound`, and when the resource is not valid.
    pub fn raw_resource(&self, id: BlobId) -> Result<Option<RawResource>> {
        let blob = self.blob(id)?;
        let BlobStorage::Compressed { offset, stored_bytes } = blob.storage else {
            return Ok(None);
        };
        let map = self.chunk_map(id)?;
        let Some(codec) = map.codec.filter(|_| !self.is_pipable(blob)) else {
            return Ok(None);
        };
        Ok(Some(RawResource {
            source: self.source_of(blob)?,
            offset,
            position: 0,
            codec,
            chunk_bytes: map.chunk_bytes,
            size_bytes: blob.size_bytes,
            stored_bytes,
            map: Arc::unwrap_or_clone(map),
        }))
    }

    /// Where the chunks of the resource lie that holds the blob.
    pub(crate) fn chunk_map(&self, id: BlobId) -> Result<Arc<ChunkMap>> {
        let blob = self.blob(id)?;
        let part = self.part_of(blob)?;
        let resource = match blob.storage {
            BlobStorage::Solid { resource, .. } => return self.solid_map(resource),
            BlobStorage::Stored { offset } => {
                return Ok(Arc::new(ChunkMap::stored(offset, blob.size_bytes)));
            }
            BlobStorage::Compressed { offset, stored_bytes } => ResourceHeader {
                stored_bytes,
                flags: resource_flag::COMPRESSED,
                offset,
                size_bytes: blob.size_bytes,
            },
        };
        Ok(Arc::new(map_of(
            &part.source,
            &part.header,
            &resource,
            "blob",
            &self.limits,
        )?))
    }

    /// Where the chunks of a solid resource lie; read once.
    pub(crate) fn solid_map(&self, number: u32) -> Result<Arc<ChunkMap>> {
        let missing = || Error::NotFound {
            what: "solid resource",
            name: format!("number {number}"),
        };
        let resource = self.solid.get(number as usize).ok_or_else(missing)?;
        let slot = self.solid_maps.get(number as usize).ok_or_else(missing)?;
        if let Some(map) = slot.get() {
            return Ok(Arc::clone(map));
        }
        let part = self.parts.get(usize::from(resource.part)).ok_or_else(missing)?;
        let place = ResourceHeader {
            stored_bytes: resource.stored_bytes,
            flags: resource_flag::SOLID,
            offset: resource.offset,
            size_bytes: resource.header.size_bytes,
        };
        let map = Arc::new(ChunkMap::solid(
            &part.source,
            &place,
            &resource.header,
            &self.limits,
        )?);
        Ok(Arc::clone(slot.get_or_init(|| map)))
    }

    fn part_of(&self, blob: &Blob) -> Result<&Part> {
        self.parts
            .get(usize::from(blob.part))
            .ok_or_else(|| Error::NotFound {
                what: "file",
                name: format!("number {}", blob.part),
            })
    }

    pub(crate) fn source_of(&self, blob: &Blob) -> Result<Arc<Source>> {
        self.source_of_part(blob.part)
    }

    /// An opened file.
    pub(crate) fn source_of_part(&self, number: u16) -> Result<Arc<Source>> {
        let part = self.parts.get(usize::from(number));
        part.map(|part| Arc::clone(&part.source))
            .ok_or_else(|| Error::NotFound {
                what: "file",
                name: format!("number {number}"),
            })
    }

    /// Header of the file that holds a blob.
    pub(crate) fn header_of(&self, blob: &Blob) -> Result<&Header> {
        Ok(&self.part_of(blob)?.header)
    }

    /// Compression of the non-solid resources of the file that holds a blob.
    pub(crate) fn codec_of_part(&self, blob: &Blob) -> Result<Option<crate::codec::Codec>> {
        Ok(codec_of(&self.part_of(blob)?.header))
    }

    pub(crate) fn is_pipable(&self, blob: &Blob) -> bool {
        self.part_of(blob).is_ok_and(|part| part.header.pipable)
    }
}

/// Where the chunks of a blob with a compressed resource of its own lie.
pub(crate) fn compressed_map(
    header: &Header,
    offset: u64,
    stored_bytes: u64,
    size_bytes: u64,
    limits: &Limits,
) -> Result<ChunkMap> {
    let codec = codec_of(header).ok_or_else(|| Error::Corrupt {
        what: "blob",
        at: offset,
        found: format!("a compressed resource in a file with flags {:#x}", header.flags),
        expected: "flags that name a compression",
    })?;
    let resource = ResourceHeader {
        stored_bytes,
        flags: resource_flag::COMPRESSED,
        offset,
        size_bytes,
    };
    ChunkMap::compressed(&resource, codec, header.chunk_bytes, header.pipable, limits)
}

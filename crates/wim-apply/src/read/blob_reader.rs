//! Random access to the bytes of one blob.

use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

use super::chunk_map::ChunkMap;
use super::resource::decode_chunk;
use crate::Result;
use crate::codec::Decoder;
use crate::source::Source;

/// A blob as `Read + Seek`. The chunk read last is kept, decoded. Nothing is hashed: whoever must be sure
/// compares the SHA-1 of all bytes with the blob's name, as [`apply::deliver`](crate::apply::deliver) does.
#[derive(Debug)]
pub struct BlobReader {
    source: Arc<Source>,
    map: Arc<ChunkMap>,
    decoder: Option<Decoder>,
    /// Start of the blob in the uncompressed resource.
    start: u64,
    size_bytes: u64,
    position: u64,
    cached: Option<u64>,
    input: Vec<u8>,
    chunk: Vec<u8>,
}

impl BlobReader {
    pub(super) fn new(source: Arc<Source>, map: Arc<ChunkMap>, start: u64, size_bytes: u64) -> Result<Self> {
        Ok(Self {
            decoder: map.decoder()?,
            source,
            map,
            start,
            size_bytes,
            position: 0,
            cached: None,
            input: Vec::new(),
            chunk: Vec::new(),
        })
    }

    /// Size of the blob in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn load(&mut self, index: u64) -> Result<()> {
        if self.cached == Some(index) {
            return Ok(());
        }
        self.cached = None;
        for extent in self.map.extents(&*self.source, index, 1)? {
            self.input.resize(extent.stored_bytes, 0);
            self.source
                .read_exact_at("chunk", extent.offset, &mut self.input)?;
            self.chunk.resize(self.map.chunk_size(index), 0);
            decode_chunk(self.decoder.as_mut(), extent.offset, &self.input, &mut self.chunk)?;
        }
        self.cached = Some(index);
        Ok(())
    }
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let left = self.size_bytes.saturating_sub(self.position);
        if left == 0 || buffer.is_empty() {
            return Ok(0);
        }
        let at = self.start + self.position;
        let chunk_bytes = u64::from(self.map.chunk_bytes);
        self.load(at / chunk_bytes).map_err(std::io::Error::other)?;
        let within = (at % chunk_bytes) as usize;
        let available = self.chunk.get(within..).unwrap_or_default();
        let count = (available.len().min(buffer.len()) as u64).min(left) as usize;
        buffer[..count].copy_from_slice(&available[..count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for BlobReader {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.size_bytes.checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = target.ok_or_else(|| {
            std::io::Error::new(
                std::io::ErrorKind::InvalidInput,
                "seek before the start of the blob",
            )
        })?;
        Ok(self.position)
    }
}

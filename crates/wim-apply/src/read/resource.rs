//! Reading a whole resource into memory, and the compressed form of a blob as it lies in the file.

use std::io::Read;
use std::sync::Arc;

use super::chunk_map::ChunkMap;
use crate::codec::{Codec, Decoder};
use crate::source::Source;
use crate::{Error, Result};

/// Decodes one chunk; a chunk whose stored size is its uncompressed size is a copy.
pub(crate) fn decode_chunk(
    decoder: Option<&mut Decoder>,
    at: u64,
    input: &[u8],
    output: &mut [u8],
) -> Result<()> {
    if input.len() == output.len() {
        output.copy_from_slice(input);
        return Ok(());
    }
    let Some(decoder) = decoder else {
        return Err(Error::Corrupt {
            what: "stored chunk",
            at,
            found: format!("{} bytes", input.len()),
            expected: "as many bytes as its uncompressed size",
        });
    };
    decoder.decompress(input, output).map_err(|error| Error::Corrupt {
        what: "compressed chunk",
        at,
        found: error.to_string(),
        expected: "a chunk that decodes",
    })
}

/// How many times the size of the whole file a metadata resource or XML document may have. Both compress well; a
/// small file must not ask for much memory.
pub(super) const MAX_GROWTH: u64 = 512;

/// All bytes of a resource, of which the limit for its kind allows `limit`, and `growth` times the size of the file.
pub(super) fn read_whole(
    source: &Source,
    map: &ChunkMap,
    what: &'static str,
    limit: u64,
    growth: u64,
) -> Result<Vec<u8>> {
    let limit = limit.min(source.len().saturating_mul(growth));
    if map.size_bytes > limit {
        return Err(Error::Limit {
            what,
            asked: map.size_bytes,
            limit,
        });
    }
    let mut decoder = map.decoder()?;
    let mut out = Vec::new();
    let mut input = Vec::new();
    let mut index = 0;
    // A window of chunks at a time, so that memory grows with what was decoded, not with what is stated.
    while index < map.chunk_count() {
        let count = (map.chunk_count() - index).min(1024) as usize;
        for (extent, index) in map.extents(source, index, count)?.into_iter().zip(index..) {
            input.resize(extent.stored_bytes, 0);
            source.read_exact_at(what, extent.offset, &mut input)?;
            let start = out.len();
            out.resize(start + map.chunk_size(index), 0);
            decode_chunk(decoder.as_mut(), extent.offset, &input, &mut out[start..])?;
        }
        index += count as u64;
    }
    Ok(out)
}

/// The compressed form of a blob that has a resource of its own, byte for byte as in the file: the chunk
/// table (offsets of all chunks but the first, relative to the table's end, four bytes each up to 4 GiB of
/// uncompressed size, eight beyond), then the chunks. It is also the content of a `WofCompressedData`
/// stream. Reads from start to end.
#[derive(Debug)]
pub struct RawResource {
    pub(super) source: Arc<Source>,
    pub(super) offset: u64,
    pub(super) position: u64,
    /// Compression.
    pub codec: Codec,
    /// Uncompressed size of every chunk but the last.
    pub chunk_bytes: u32,
    /// Uncompressed size in bytes.
    pub size_bytes: u64,
    /// Size of the compressed form, table included, in bytes.
    pub stored_bytes: u64,
    pub(super) map: ChunkMap,
}

impl RawResource {
    /// Offset within this resource, and stored size, of each chunk of a range.
    ///
    /// # Errors
    /// When the chunk table cannot be read or is corrupt, or the range exceeds the number of chunks.
    pub fn chunk_extents(&self, first: u64, count: usize) -> Result<Vec<(u64, usize)>> {
        let extents = self.map.extents(&*self.source, first, count)?;
        Ok(extents
            .iter()
            .map(|e| (e.offset - self.offset, e.stored_bytes))
            .collect())
    }

    /// Number of chunks.
    #[must_use]
    pub fn chunk_count(&self) -> u64 {
        self.map.chunk_count()
    }
}

impl Read for RawResource {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let left = self.stored_bytes.saturating_sub(self.position);
        let count = left.min(buffer.len() as u64) as usize;
        let at = self.offset.saturating_add(self.position);
        if let Some(buffer) = buffer.get_mut(..count) {
            self.source
                .read_exact_at("resource", at, buffer)
                .map_err(std::io::Error::other)?;
        }
        self.position += count as u64;
        Ok(count)
    }
}

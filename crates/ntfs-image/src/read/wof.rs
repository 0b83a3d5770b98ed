//! Compact files: the real bytes are in the stream `WofCompressedData`, in chunks that the caller decodes.

use std::io::{self, Read, Seek, SeekFrom};

use super::bytes::{u32_at, u64_at};
use super::file::{Attribute, File};
use super::stream::Stream;
use super::volume::Volume;
use crate::layout::{REPARSE_TAG_WOF, WOF_STREAM_NAME, attribute};
use crate::{CompactFormat, Error, ReparsePoint, Result};

/// Decodes one chunk: compressed bytes, their format, and the plain bytes to fill.
pub trait ChunkDecoder {
    /// Fills `plain` from `packed`.
    ///
    /// # Errors
    /// `InvalidData` when `packed` does not decode to exactly `plain.len()` bytes.
    fn decode(&mut self, format: CompactFormat, packed: &[u8], plain: &mut [u8]) -> io::Result<()>;
}

impl<F: FnMut(CompactFormat, &[u8], &mut [u8]) -> io::Result<()>> ChunkDecoder for F {
    fn decode(&mut self, format: CompactFormat, packed: &[u8], plain: &mut [u8]) -> io::Result<()> {
        self(format, packed, plain)
    }
}

impl CompactFormat {
    /// The algorithm number of WOF's file provider.
    ///
    /// # Source
    /// `FILE_PROVIDER_COMPRESSION_*` of the Windows SDK, `wofapi.h` documentation.
    #[must_use]
    pub fn algorithm(self) -> u32 {
        match self {
            Self::Xpress4K => 0,
            Self::Lzx32K => 1,
            Self::Xpress8K => 2,
            Self::Xpress16K => 3,
        }
    }

    /// The format of an algorithm number.
    #[must_use]
    pub fn from_algorithm(number: u32) -> Option<Self> {
        [Self::Xpress4K, Self::Lzx32K, Self::Xpress8K, Self::Xpress16K]
            .into_iter()
            .find(|format| format.algorithm() == number)
    }

    /// Plain bytes of a chunk.
    #[must_use]
    pub fn chunk_bytes(self) -> u32 {
        match self {
            Self::Xpress4K => 4096,
            Self::Lzx32K => 32768,
            Self::Xpress8K => 8192,
            Self::Xpress16K => 16384,
        }
    }

    /// The format that a WOF reparse point states; `None` for other tags and other providers.
    #[must_use]
    pub fn of_reparse_point(point: &ReparsePoint) -> Option<Self> {
        let words: Vec<u32> = (0..4).filter_map(|i| u32_at(&point.data, i * 4)).collect();
        match words[..] {
            [1, 2, 1, algorithm] if point.tag == REPARSE_TAG_WOF => Self::from_algorithm(algorithm),
            _ => None,
        }
    }
}

/// A compact file: its format, plain size and compressed stream.
#[derive(Clone, Copy, Debug)]
pub struct CompactFile<'f> {
    /// Compression.
    pub format: CompactFormat,
    /// Plain bytes.
    pub size_bytes: u64,
    /// The compressed stream: chunk table, then chunks.
    pub stream: &'f Attribute,
}

/// Place of one chunk in a compressed stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompactExtent {
    /// Byte offset in the stream.
    pub at: u64,
    /// Bytes in the stream; equal to `plain_bytes` for a chunk that is stored as it is.
    pub packed_bytes: u64,
    /// Bytes that it stands for.
    pub plain_bytes: u64,
}

impl CompactExtent {
    /// Whether the length can be one of a chunk.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        (1..=self.plain_bytes).contains(&self.packed_bytes)
    }
}

impl<R: Read + Seek> Volume<R> {
    /// The chunks of a compact file, from its chunk table.
    ///
    /// # Errors
    /// `Limit` for a table above [`Limits::max_value_bytes`](crate::Limits::max_value_bytes), `Corrupt`
    /// for a table that does not fit the stream, `Io`.
    pub fn compact_extents(&mut self, file: &CompactFile<'_>) -> Result<Vec<CompactExtent>> {
        let chunk = u64::from(file.format.chunk_bytes());
        let chunks = file.size_bytes.div_ceil(chunk);
        let entry_bytes = table_entry_bytes(file.size_bytes);
        let table_bytes = chunks.saturating_sub(1).saturating_mul(entry_bytes);
        let limit = self.limits.max_value_bytes.min(file.stream.size_bytes());
        let Some(len) = usize::try_from(table_bytes).ok().filter(|_| table_bytes <= limit) else {
            return Err(Error::Limit {
                what: "chunk table",
                asked: table_bytes,
                limit,
            });
        };
        let mut table = vec![0; len];
        self.read_attribute(file.stream, 0, &mut table)?;
        let data_bytes = file.stream.size_bytes() - table_bytes;
        let mut starts = vec![0];
        starts.extend(
            table
                .chunks_exact(entry_bytes as usize)
                .filter_map(|entry| match entry_bytes {
                    8 => u64_at(entry, 0),
                    _ => u32_at(entry, 0).map(u64::from),
                }),
        );
        starts.push(data_bytes);
        let extents = (0..chunks).filter_map(|index| {
            let at = usize::try_from(index).ok()?;
            let (start, end) = (*starts.get(at)?, *starts.get(at + 1)?);
            Some(CompactExtent {
                at: table_bytes.saturating_add(start),
                packed_bytes: end.saturating_sub(start),
                plain_bytes: chunk.min(file.size_bytes - index * chunk),
            })
        });
        Ok(extents.collect())
    }

    /// What is compact about a file; `None` for any other file.
    ///
    /// # Errors
    /// `Corrupt` for a bad reparse point or a compact file without its stream, `Io`.
    pub fn compact<'f>(&mut self, file: &'f File) -> Result<Option<CompactFile<'f>>> {
        let point = self.reparse_point(file)?;
        let Some(format) = point.as_ref().and_then(CompactFormat::of_reparse_point) else {
            return Ok(None);
        };
        let name: Vec<u16> = WOF_STREAM_NAME.encode_utf16().collect();
        let stream = file
            .attribute(attribute::DATA, &name)
            .ok_or_else(|| Error::Corrupt {
                what: "compact file",
                at: file.at,
                found: "no WofCompressedData stream".to_owned(),
                expected: "one",
            })?;
        let size_bytes = file.data().map_or(0, Attribute::size_bytes);
        Ok(Some(CompactFile {
            format,
            size_bytes,
            stream,
        }))
    }

    /// The plain bytes of a compact file as `Read + Seek`, decoded chunk by chunk.
    ///
    /// # Errors
    /// As [`Volume::open_attribute`].
    pub fn open_compact<'v, D: ChunkDecoder>(
        &'v mut self,
        file: &CompactFile<'v>,
        decoder: D,
    ) -> Result<CompactStream<'v, R, D>> {
        let stream = self.open_attribute(file.stream)?;
        let &CompactFile {
            format, size_bytes, ..
        } = file;
        let (packed, plain) = (Vec::new(), Vec::new());
        Ok(CompactStream {
            stream,
            decoder,
            format,
            size_bytes,
            position: 0,
            loaded: None,
            packed,
            plain,
        })
    }
}

/// Bytes of an entry of the chunk table.
fn table_entry_bytes(size_bytes: u64) -> u64 {
    if size_bytes > u64::from(u32::MAX) { 8 } else { 4 }
}

/// Plain bytes of a compact file.
#[derive(Debug)]
pub struct CompactStream<'v, R, D> {
    stream: Stream<'v, R>,
    decoder: D,
    format: CompactFormat,
    size_bytes: u64,
    position: u64,
    loaded: Option<u64>,
    packed: Vec<u8>,
    plain: Vec<u8>,
}

impl<R: Read + Seek, D: ChunkDecoder> CompactStream<'_, R, D> {
    fn load(&mut self, chunk: u64) -> io::Result<()> {
        let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidData, format!("chunk {chunk}: {what}"));
        let chunk_bytes = u64::from(self.format.chunk_bytes());
        let chunks = self.size_bytes.div_ceil(chunk_bytes);
        let entry_bytes: u64 = if self.size_bytes > u64::from(u32::MAX) {
            8
        } else {
            4
        };
        let data_at = (chunks - 1) * entry_bytes;
        let start = if chunk == 0 {
            0
        } else {
            self.table_entry(chunk - 1, entry_bytes)?
        };
        let end = if chunk + 1 == chunks {
            self.stream.size_bytes().saturating_sub(data_at)
        } else {
            self.table_entry(chunk, entry_bytes)?
        };
        let plain_bytes = chunk_bytes.min(self.size_bytes - chunk * chunk_bytes);
        let packed_bytes = end.checked_sub(start).filter(|&n| n > 0 && n <= plain_bytes);
        let packed_bytes = packed_bytes.ok_or_else(|| bad("its place in the chunk table is wrong"))?;
        self.packed.resize(packed_bytes as usize, 0);
        self.plain.resize(plain_bytes as usize, 0);
        let at = data_at
            .checked_add(start)
            .ok_or_else(|| bad("it starts past the end"))?;
        self.stream.seek(SeekFrom::Start(at))?;
        self.stream.read_exact(&mut self.packed)?;
        self.loaded = None;
        if packed_bytes == plain_bytes {
            self.plain.copy_from_slice(&self.packed);
        } else {
            self.decoder.decode(self.format, &self.packed, &mut self.plain)?;
        }
        self.loaded = Some(chunk);
        Ok(())
    }

    fn table_entry(&mut self, index: u64, entry_bytes: u64) -> io::Result<u64> {
        let mut bytes = [0; 8];
        let entry = bytes.get_mut(..entry_bytes as usize).unwrap_or_default();
        self.stream.seek(SeekFrom::Start(index * entry_bytes))?;
        self.stream.read_exact(entry)?;
        Ok(u64_at(&bytes, 0).unwrap_or(0))
    }
}

impl<R: Read + Seek, D: ChunkDecoder> Read for CompactStream<'_, R, D> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let left = self.size_bytes.saturating_sub(self.position);
        if left == 0 || out.is_empty() {
            return Ok(0);
        }
        let chunk_bytes = u64::from(self.format.chunk_bytes());
        let chunk = self.position / chunk_bytes;
        if self.loaded != Some(chunk) {
            self.load(chunk)?;
        }
        let from = (self.position % chunk_bytes) as usize;
        let available = self.plain.get(from..).unwrap_or_default();
        let count = available.len().min(out.len());
        out[..count].copy_from_slice(&available[..count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl<R: Read + Seek, D: ChunkDecoder> Seek for CompactStream<'_, R, D> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.size_bytes.checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

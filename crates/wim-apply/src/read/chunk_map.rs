//! Where the chunks of a resource lie.

use std::borrow::Cow;

use crate::codec::{Codec, Decoder};
use crate::layout::{ResourceHeader, SolidFormat, SolidHeader};
use crate::source::Source;
use crate::{Error, Limits, Result};

/// Pieces in which a stored (uncompressed) resource is read.
const STORED_CHUNK_BYTES: u32 = 65_536;
/// Smallest chunk size taken from a file.
const MIN_CHUNK_BYTES: u32 = 512;

/// The stored bytes of one chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Byte offset in the file.
    pub(crate) offset: u64,
    /// Stored size in bytes; equal to the uncompressed size when the chunk is stored.
    pub(crate) stored_bytes: usize,
}

/// Where a chunk table can be read: the file, or a resource that is in memory.
pub(crate) trait TableSource {
    /// `size` bytes at `at` of the file.
    fn table(&self, what: &'static str, at: u64, size: u64) -> Result<Cow<'_, [u8]>>;
    /// Fails unless those bytes exist.
    fn check(&self, what: &'static str, at: u64, size: u64) -> Result<()>;
}

impl TableSource for Source {
    fn table(&self, what: &'static str, at: u64, size: u64) -> Result<Cow<'_, [u8]>> {
        self.read_vec(what, at, size).map(Cow::Owned)
    }

    fn check(&self, what: &'static str, at: u64, size: u64) -> Result<()> {
        self.check_range(what, at, size)
    }
}

/// Bytes of the file that begin at `offset`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InMemory<'a> {
    pub(crate) offset: u64,
    pub(crate) bytes: &'a [u8],
}

impl<'a> InMemory<'a> {
    /// `size` bytes at `at` of the file.
    pub(crate) fn get(&self, what: &'static str, at: u64, size: u64) -> Result<&'a [u8]> {
        let start = at
            .checked_sub(self.offset)
            .and_then(|start| usize::try_from(start).ok());
        let range = start
            .zip(usize::try_from(size).ok())
            .and_then(|(start, size)| self.bytes.get(start..start.checked_add(size)?));
        range.ok_or(Error::Truncated {
            what,
            at,
            need: size,
            have: self.bytes.len() as u64,
        })
    }
}

impl TableSource for InMemory<'_> {
    fn table(&self, what: &'static str, at: u64, size: u64) -> Result<Cow<'_, [u8]>> {
        self.get(what, at, size).map(Cow::Borrowed)
    }

    fn check(&self, what: &'static str, at: u64, size: u64) -> Result<()> {
        self.get(what, at, size).map(|_| ())
    }
}

/// How to find and decode the chunks of one resource.
#[derive(Clone, Debug)]
pub(crate) struct ChunkMap {
    /// `None` when all chunks are stored.
    pub(crate) codec: Option<Codec>,
    /// Uncompressed size of every chunk but the last.
    pub(crate) chunk_bytes: u32,
    /// Uncompressed size of the resource.
    pub(crate) size_bytes: u64,
    places: Places,
}

#[derive(Clone, Debug)]
enum Places {
    /// No table: the bytes as they are.
    Stored { offset: u64 },
    /// A table of the offsets of all chunks but the first.
    Offsets {
        table_offset: u64,
        entry_bytes: u64,
        data_offset: u64,
        data_bytes: u64,
        chunk_prefix_bytes: u64,
    },
    /// Offsets of all chunks in the file, and of the end.
    Listed { offsets: Vec<u64> },
}

impl ChunkMap {
    /// Of a resource that is not compressed.
    pub(crate) fn stored(offset: u64, size_bytes: u64) -> Self {
        Self {
            codec: None,
            chunk_bytes: STORED_CHUNK_BYTES,
            size_bytes,
            places: Places::Stored { offset },
        }
    }

    /// Of a compressed, non-solid resource. In a pipable file the table follows the chunks, and four bytes
    /// precede each chunk.
    pub(crate) fn compressed(
        header: &ResourceHeader,
        codec: Codec,
        chunk_bytes: u32,
        pipable: bool,
        limits: &Limits,
    ) -> Result<Self> {
        check_chunk_bytes(codec, chunk_bytes, header.offset, limits)?;
        let chunk_count = header.size_bytes.div_ceil(u64::from(chunk_bytes));
        let entry_bytes = if header.size_bytes > u64::from(u32::MAX) {
            8
        } else {
            4
        };
        let chunk_prefix_bytes = if pipable { 4 } else { 0 };
        let table_bytes = chunk_count.saturating_sub(1).saturating_mul(entry_bytes);
        let least = table_bytes.saturating_add(chunk_count.saturating_mul(1 + chunk_prefix_bytes));
        if header.stored_bytes < least {
            return Err(Error::Truncated {
                what: "compressed resource (chunk table and chunks)",
                at: header.offset,
                need: least,
                have: header.stored_bytes,
            });
        }
        let data_bytes = header.stored_bytes - table_bytes;
        let (table_offset, data_offset) = if pipable {
            (header.offset.saturating_add(data_bytes), header.offset)
        } else {
            (header.offset, header.offset.saturating_add(table_bytes))
        };
        Ok(Self {
            codec: Some(codec),
            chunk_bytes,
            size_bytes: header.size_bytes,
            places: Places::Offsets {
                table_offset,
                entry_bytes,
                data_offset,
                data_bytes,
                chunk_prefix_bytes,
            },
        })
    }

    /// Of a solid resource: reads its header's list of sizes.
    pub(crate) fn solid(
        source: &Source,
        resource: &ResourceHeader,
        header: &SolidHeader,
        limits: &Limits,
    ) -> Result<Self> {
        let codec = match header.format {
            SolidFormat::None => None,
            SolidFormat::Xpress => Some(Codec::Xpress),
            SolidFormat::Lzx => Some(Codec::Lzx),
            SolidFormat::Lzms => Some(Codec::Lzms),
            SolidFormat::Other(raw) => {
                return Err(Error::Unsupported {
                    what: "solid resource",
                    at: resource.offset,
                    feature: format!("compression format {raw}"),
                });
            }
        };
        check_chunk_size(header.chunk_bytes, resource.offset, limits)?;
        if let Some(codec) = codec {
            check_chunk_bytes(codec, header.chunk_bytes, resource.offset, limits)?;
        }
        let chunk_count = header.size_bytes.div_ceil(u64::from(header.chunk_bytes));
        let table_bytes = chunk_count.saturating_mul(4);
        let prefix_bytes = table_bytes.saturating_add(SolidHeader::SIZE as u64);
        if prefix_bytes > resource.stored_bytes {
            return Err(Error::Truncated {
                what: "solid resource's chunk sizes",
                at: resource.offset,
                need: prefix_bytes,
                have: resource.stored_bytes,
            });
        }
        let table_at = resource.offset.saturating_add(SolidHeader::SIZE as u64);
        let table = source.read_vec("solid resource's chunk sizes", table_at, table_bytes)?;
        let end = resource.offset.saturating_add(resource.stored_bytes);
        let mut offset = resource.offset.saturating_add(prefix_bytes);
        let mut offsets = Vec::with_capacity(table.len() / 4 + 1);
        offsets.push(offset);
        for entry in table.chunks_exact(4) {
            let size = u32::from_le_bytes([entry[0], entry[1], entry[2], entry[3]]);
            offset = offset.saturating_add(u64::from(size));
            offsets.push(offset);
        }
        if offset > end {
            return Err(Error::Corrupt {
                what: "solid resource's chunk sizes",
                at: table_at,
                found: format!("chunks that end at {offset:#x}"),
                expected: "chunks that end within the resource",
            });
        }
        Ok(Self {
            codec,
            chunk_bytes: header.chunk_bytes,
            size_bytes: header.size_bytes,
            places: Places::Listed { offsets },
        })
    }

    /// Where the chunks begin, when a table that precedes them says where each lies.
    pub(crate) fn data_offset(&self) -> Option<u64> {
        match self.places {
            Places::Offsets { data_offset, .. } => Some(data_offset),
            _ => None,
        }
    }

    /// Number of chunks.
    pub(crate) fn chunk_count(&self) -> u64 {
        self.size_bytes.div_ceil(u64::from(self.chunk_bytes))
    }

    /// Largest stored size of a chunk, as far as it is known without reading a table; a bound otherwise.
    pub(crate) fn max_stored_bytes(&self) -> u64 {
        let bound = u64::from(self.chunk_bytes).min(self.size_bytes);
        match &self.places {
            Places::Listed { offsets } => offsets
                .windows(2)
                .map(|pair| pair[1].saturating_sub(pair[0]))
                .max()
                .map_or(0, |most| most.min(bound)),
            Places::Stored { .. } | Places::Offsets { .. } => bound,
        }
    }

    /// Uncompressed size of a chunk.
    pub(crate) fn chunk_size(&self, index: u64) -> usize {
        let start = index.saturating_mul(u64::from(self.chunk_bytes));
        let left = self.size_bytes.saturating_sub(start);
        left.min(u64::from(self.chunk_bytes)) as usize
    }

    /// A new decoder for these chunks.
    pub(crate) fn decoder(&self) -> Result<Option<Decoder>> {
        self.codec
            .map(|codec| new_decoder(codec, self.chunk_bytes, 0))
            .transpose()
    }

    /// Places of `count` chunks from `first` on; the stored sizes are checked against what a chunk can hold.
    pub(crate) fn extents(&self, source: &dyn TableSource, first: u64, count: usize) -> Result<Vec<Extent>> {
        let bounds = match &self.places {
            Places::Stored { offset } => {
                return (first..first.saturating_add(count as u64))
                    .map(|index| {
                        let start = index.saturating_mul(u64::from(self.chunk_bytes));
                        let stored_bytes = self.chunk_size(index);
                        let offset = offset.saturating_add(start);
                        source.check("stored resource", offset, stored_bytes as u64)?;
                        Ok(Extent { offset, stored_bytes })
                    })
                    .collect();
            }
            Places::Listed { offsets } => usize::try_from(first)
                .ok()
                .and_then(|first| offsets.get(first..first.checked_add(count)?.checked_add(1)?))
                .unwrap_or_default()
                .to_vec(),
            Places::Offsets {
                table_offset,
                entry_bytes,
                data_offset,
                data_bytes,
                chunk_prefix_bytes,
            } => {
                let bounds =
                    self.table_bounds(source, *table_offset, *entry_bytes, *data_bytes, first, count)?;
                // Table entries do not count the four bytes before each chunk of a pipable file.
                let prefixes = |index: u64| index.saturating_mul(*chunk_prefix_bytes);
                let all_prefixes = prefixes(self.chunk_count());
                let last = data_bytes.saturating_sub(all_prefixes);
                bounds
                    .iter()
                    .zip(first..)
                    .map(|(&bound, index)| {
                        let bound = if index == self.chunk_count() { last } else { bound };
                        data_offset.saturating_add(bound).saturating_add(prefixes(index))
                    })
                    .collect()
            }
        };
        let prefix = match &self.places {
            Places::Offsets {
                chunk_prefix_bytes, ..
            } => *chunk_prefix_bytes,
            _ => 0,
        };
        let mut extents = Vec::with_capacity(count);
        for (pair, index) in bounds.windows(2).zip(first..) {
            let start = pair[0].saturating_add(prefix);
            let size = self.chunk_size(index);
            let stored = pair[1].saturating_sub(start);
            let is_right = match self.codec {
                Some(_) => stored > 0 && stored <= size as u64,
                None => stored == size as u64,
            };
            if !is_right {
                return Err(Error::Corrupt {
                    what: "stored size of a chunk",
                    at: pair[0],
                    found: format!("{} bytes", i128::from(pair[1]) - i128::from(start)),
                    expected: "from 1 up to the chunk's uncompressed size, which it is without compression",
                });
            }
            source.check("chunk", start, stored)?;
            extents.push(Extent {
                offset: start,
                stored_bytes: stored as usize,
            });
        }
        if extents.len() != count {
            return Err(Error::Invalid {
                what: "chunk number",
                reason: format!("{first}+{count} is past the end"),
            });
        }
        Ok(extents)
    }

    /// Table values of the chunks `first ..= first + count`; the end has no entry and is given as
    /// `data_bytes`.
    fn table_bounds(
        &self,
        source: &dyn TableSource,
        table_offset: u64,
        entry_bytes: u64,
        data_bytes: u64,
        first: u64,
        count: usize,
    ) -> Result<Vec<u64>> {
        let end = first.saturating_add(count as u64).min(self.chunk_count());
        let last_entry = end.min(self.chunk_count().saturating_sub(1));
        let mut bounds = Vec::with_capacity(count + 1);
        if first == 0 {
            bounds.push(0);
        }
        let first_entry = first.max(1);
        if last_entry >= first_entry {
            let at = table_offset.saturating_add((first_entry - 1).saturating_mul(entry_bytes));
            let bytes = (last_entry - first_entry + 1).saturating_mul(entry_bytes);
            let table = source.table("chunk table", at, bytes)?;
            if entry_bytes == 4 {
                bounds.extend(
                    table
                        .chunks_exact(4)
                        .map(|e| u64::from(u32::from_le_bytes([e[0], e[1], e[2], e[3]]))),
                );
            } else {
                bounds.extend(
                    table
                        .chunks_exact(8)
                        .map(|e| u64::from_le_bytes([e[0], e[1], e[2], e[3], e[4], e[5], e[6], e[7]])),
                );
            }
        }
        if end == self.chunk_count() {
            bounds.push(data_bytes);
        }
        Ok(bounds)
    }
}

/// A decoder, or why there is none.
pub(crate) fn new_decoder(codec: Codec, chunk_bytes: u32, at: u64) -> Result<Decoder> {
    Decoder::new(codec, chunk_bytes).ok_or_else(|| Error::Unsupported {
        what: "chunk size",
        at,
        feature: format!("{codec:?} with chunks of {chunk_bytes} bytes"),
    })
}

fn check_chunk_size(chunk_bytes: u32, at: u64, limits: &Limits) -> Result<()> {
    if !chunk_bytes.is_power_of_two() || chunk_bytes < MIN_CHUNK_BYTES {
        return Err(Error::Corrupt {
            what: "chunk size",
            at,
            found: format!("{chunk_bytes} bytes"),
            expected: "a power of two from 512 on",
        });
    }
    if chunk_bytes > limits.max_chunk_bytes {
        return Err(Error::Limit {
            what: "chunk size in bytes",
            asked: u64::from(chunk_bytes),
            limit: u64::from(limits.max_chunk_bytes),
        });
    }
    Ok(())
}

/// Whether `codec` and the limits allow chunks of this size.
pub(crate) fn check_chunk_bytes(codec: Codec, chunk_bytes: u32, at: u64, limits: &Limits) -> Result<()> {
    check_chunk_size(chunk_bytes, at, limits)?;
    let most = match codec {
        Codec::Xpress => 1 << 16,
        Codec::Lzx => 1 << 21,
        Codec::Lzms => 1 << 30,
    };
    if chunk_bytes > most {
        return Err(Error::Unsupported {
            what: "chunk size",
            at,
            feature: format!("{codec:?} with chunks of {chunk_bytes} bytes"),
        });
    }
    Ok(())
}

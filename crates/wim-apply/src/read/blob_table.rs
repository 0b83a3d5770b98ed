//! The blob table: which blobs a file holds, and where.

use super::header::map_of;
use super::resource::read_whole;
use crate::layout::{BlobEntry, Header, ResourceHeader, SOLID_RESOURCE_MAGIC, SolidHeader, VERSION_SOLID};
use crate::source::Source;
use crate::{BlobHash, Error, Limits, Result};

/// A blob of the opened files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blob {
    /// SHA-1 of its bytes.
    pub hash: BlobHash,
    /// Uncompressed size in bytes.
    pub size_bytes: u64,
    /// Which opened file holds it: an index into [`Wim::parts`](crate::Wim::parts).
    pub part: u16,
    /// Number of uses, as the blob table states it.
    pub reference_count: u32,
    /// How and where it is stored.
    pub storage: BlobStorage,
}

/// How a blob is stored. Offsets are bytes in the file that holds it, except in a solid resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobStorage {
    /// As it is.
    Stored {
        /// Byte offset in the file.
        offset: u64,
    },
    /// In a compressed resource of its own.
    Compressed {
        /// Byte offset in the file.
        offset: u64,
        /// Size in the file, chunk table included.
        stored_bytes: u64,
    },
    /// In a solid resource.
    Solid {
        /// Index into [`Wim::solid_resources`](crate::Wim::solid_resources).
        resource: u32,
        /// Byte offset in the uncompressed resource.
        offset: u64,
    },
}

impl Blob {
    /// Size in the file in bytes; `None` in a solid resource, where it cannot be told.
    #[must_use]
    pub fn stored_bytes(&self) -> Option<u64> {
        match self.storage {
            BlobStorage::Stored { .. } => Some(self.size_bytes),
            BlobStorage::Compressed { stored_bytes, .. } => Some(stored_bytes),
            BlobStorage::Solid { .. } => None,
        }
    }

    /// Byte offset in the file, or in the uncompressed solid resource.
    #[must_use]
    pub fn offset(&self) -> u64 {
        match self.storage {
            BlobStorage::Stored { offset }
            | BlobStorage::Compressed { offset, .. }
            | BlobStorage::Solid { offset, .. } => offset,
        }
    }

    /// Whether it lies in a solid resource.
    #[must_use]
    pub fn is_solid(&self) -> bool {
        matches!(self.storage, BlobStorage::Solid { .. })
    }
}

/// A solid resource: many blobs compressed as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SolidResource {
    /// Which opened file holds it.
    pub part: u16,
    /// Byte offset in the file.
    pub offset: u64,
    /// Size in the file in bytes.
    pub stored_bytes: u64,
    /// Its header: uncompressed size, chunk size, compression.
    pub header: SolidHeader,
}

/// What the blob table of one file says.
#[derive(Debug, Default)]
pub(super) struct BlobTable {
    pub(super) blobs: Vec<Blob>,
    pub(super) solid: Vec<SolidResource>,
    /// Metadata resources in image order.
    pub(super) metadata: Vec<(BlobHash, ResourceHeader)>,
    pub(super) warnings: Vec<String>,
}

/// How many times the size of the whole file its blob table may have: 20 of the 50 bytes of an entry are a hash,
/// which does not compress.
const MAX_TABLE_GROWTH: u64 = 4;

/// Reads the blob table. `part` and `first_solid` are what the indices of this file begin with.
pub(super) fn read_blob_table(
    source: &Source,
    header: &Header,
    part: u16,
    first_solid: u32,
    limits: &Limits,
) -> Result<BlobTable> {
    let mut table = BlobTable::default();
    if header.blob_table.is_absent() {
        return Ok(table);
    }
    let what = "blob table";
    let limit = u64::from(limits.max_blobs) * BlobEntry::SIZE as u64;
    let map = map_of(source, header, &header.blob_table, what, limits)?;
    let bytes = read_whole(source, &map, what, limit, MAX_TABLE_GROWTH)?;
    let mut run = Run::default();
    for (index, raw) in bytes.chunks_exact(BlobEntry::SIZE).enumerate() {
        let Ok(raw) = <&[u8; BlobEntry::SIZE]>::try_from(raw) else {
            continue;
        };
        let mut entry = BlobEntry::decode(raw);
        if header.version != VERSION_SOLID {
            entry.resource.flags &= !crate::layout::resource_flag::SOLID;
        }
        if entry.part_number != header.part_number {
            table.warn(index, "belongs to another part; ignored");
            continue;
        }
        if entry.resource.is_solid() {
            if entry.resource.size_bytes == SOLID_RESOURCE_MAGIC {
                run.resources
                    .push(read_solid_header(source, part, &entry.resource)?);
            } else {
                run.blobs.push((index, entry));
            }
            continue;
        }
        run.flush(&mut table, part, first_solid)?;
        if entry.resource.is_metadata() {
            table.add_metadata(index, &entry, header);
        } else {
            table.add_blob(source, header, index, &entry, part)?;
        }
    }
    run.flush(&mut table, part, first_solid)?;
    Ok(table)
}

impl BlobTable {
    fn warn(&mut self, index: usize, what: &str) {
        if self.warnings.len() < crate::image::MAX_WARNINGS {
            self.warnings.push(format!("blob table entry {index} {what}"));
        }
    }

    fn add_metadata(&mut self, index: usize, entry: &BlobEntry, header: &Header) {
        if entry.reference_count == 0 {
            self.warn(index, "is metadata that no image uses; ignored");
        } else if header.part_number != 1 {
            self.warn(index, "is metadata, which only the first part has; ignored");
        } else if self.metadata.len() >= header.image_count as usize {
            self.warn(index, "is metadata beyond the number of images; ignored");
        } else {
            self.metadata.push((entry.hash, entry.resource));
        }
    }

    fn add_blob(
        &mut self,
        source: &Source,
        header: &Header,
        index: usize,
        entry: &BlobEntry,
        part: u16,
    ) -> Result<()> {
        if entry.hash.is_zero() {
            self.warn(index, "has a zero hash; ignored");
            return Ok(());
        }
        let resource = &entry.resource;
        if resource.size_bytes == 0 {
            self.warn(index, "is an empty blob; ignored");
            return Ok(());
        }
        let chunk_bytes = u64::from(header.chunk_bytes.max(1));
        if resource.is_compressed() && resource.size_bytes.div_ceil(chunk_bytes) > resource.stored_bytes {
            // Each chunk has at least one byte.
            self.warn(index, "states a size that its resource cannot hold; ignored");
            return Ok(());
        }
        let storage = if resource.is_compressed() {
            BlobStorage::Compressed {
                offset: resource.offset,
                stored_bytes: resource.stored_bytes,
            }
        } else if resource.stored_bytes == resource.size_bytes {
            BlobStorage::Stored {
                offset: resource.offset,
            }
        } else {
            return Err(Error::Corrupt {
                what: "blob table entry",
                at: index as u64 * BlobEntry::SIZE as u64,
                found: format!(
                    "{} stored, {} uncompressed bytes",
                    resource.stored_bytes, resource.size_bytes
                ),
                expected: "equal sizes of a blob that is not compressed",
            });
        };
        source.check_range("blob", resource.offset, resource.stored_bytes)?;
        self.blobs.push(Blob {
            hash: entry.hash,
            size_bytes: resource.size_bytes,
            part,
            reference_count: entry.reference_count,
            storage,
        });
        Ok(())
    }
}

fn read_solid_header(source: &Source, part: u16, resource: &ResourceHeader) -> Result<SolidResource> {
    source.check_range("solid resource", resource.offset, resource.stored_bytes)?;
    let header = SolidHeader::decode(&source.read_array("solid resource header", resource.offset)?);
    Ok(SolidResource {
        part,
        offset: resource.offset,
        stored_bytes: resource.stored_bytes,
        header,
    })
}

/// Consecutive solid entries: resources, and blobs within their concatenation.
#[derive(Default)]
struct Run {
    resources: Vec<SolidResource>,
    blobs: Vec<(usize, BlobEntry)>,
}

impl Run {
    fn flush(&mut self, table: &mut BlobTable, part: u16, first_solid: u32) -> Result<()> {
        let base = first_solid as usize + table.solid.len();
        let mut starts = Vec::with_capacity(self.resources.len());
        let mut end = 0_u64;
        for resource in &self.resources {
            starts.push(end);
            end = end.saturating_add(resource.header.size_bytes);
        }
        let mut placed = Vec::with_capacity(self.blobs.len());
        for (index, entry) in self.blobs.drain(..) {
            let (start, size) = (entry.resource.offset, entry.resource.stored_bytes);
            if entry.resource.is_metadata() {
                return Err(Error::Unsupported {
                    what: "blob table entry",
                    at: index as u64 * BlobEntry::SIZE as u64,
                    feature: "metadata in a solid resource".to_owned(),
                });
            }
            if entry.hash.is_zero() || size == 0 {
                table.warn(index, "is an empty or unnamed blob of a solid resource; ignored");
                continue;
            }
            let number = starts.partition_point(|&s| s <= start).wrapping_sub(1);
            let within = starts
                .get(number)
                .zip(self.resources.get(number))
                .and_then(|(&first, resource)| {
                    let offset = start - first;
                    (offset.checked_add(size)? <= resource.header.size_bytes).then_some(offset)
                });
            let Some(offset) = within else {
                return Err(Error::Corrupt {
                    what: "solid blob",
                    at: index as u64 * BlobEntry::SIZE as u64,
                    found: format!("bytes {start:#x}+{size:#x} of resources of {end:#x} bytes"),
                    expected: "a place within one solid resource of its run",
                });
            };
            placed.push((number, offset, size, index));
            table.blobs.push(Blob {
                hash: entry.hash,
                size_bytes: size,
                part,
                reference_count: entry.reference_count,
                storage: BlobStorage::Solid {
                    resource: u32::try_from(base + number).unwrap_or(u32::MAX),
                    offset,
                },
            });
        }
        placed.sort_unstable();
        for pair in placed.windows(2) {
            let ((a, a_offset, a_size, _), (b, b_offset, _, index)) = (pair[0], pair[1]);
            if a == b && a_offset + a_size > b_offset {
                return Err(Error::Corrupt {
                    what: "solid blob",
                    at: index as u64 * BlobEntry::SIZE as u64,
                    found: format!("a start at {b_offset:#x}, before the end of another blob"),
                    expected: "blobs that do not overlap",
                });
            }
        }
        table.solid.append(&mut self.resources);
        Ok(())
    }
}

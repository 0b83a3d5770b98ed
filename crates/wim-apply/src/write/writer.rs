//! The writer of a file: images go in, `finish` makes it a WIM.

use std::collections::HashMap;

use super::container::Container;
use super::finish::{self, Part};
use super::xml::ImageXml;
use super::{Compression, Output, WriteOptions, statistics};
use crate::codec::Codec;
use crate::layout::{BlobEntry, Header, ResourceHeader, VERSION_SOLID, header_flag, resource_flag};
use crate::read::BlobStorage;
use crate::{BlobHash, Error, Result, Wim};

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteReport {
    /// Length of the file in bytes.
    pub file_bytes: u64,
    /// Images in the file.
    pub images: u32,
    /// Blobs in the file.
    pub blobs: usize,
    /// Their uncompressed bytes.
    pub blob_bytes: u64,
}

/// Writes one WIM. Dropping it without [`finish`](Self::finish) leaves a new file without a header, and an
/// appended one as it was.
///
/// Blobs are kept once, whatever the number of files and images that hold them. What is written depends on
/// the input and the options, not on the number of threads.
#[allow(missing_debug_implementations, reason = "holds a trait object")]
pub struct WimWriter<'o> {
    pub(super) container: Container<'o>,
    pub(super) options: WriteOptions,
    pub(super) images: Vec<ImageXml>,
    pub(super) flags: u32,
    boot_index: u32,
    /// Solid resources of the file that is appended to, as entries of its table.
    solid: Vec<BlobEntry>,
    /// Whether the counts of the table were compared with the images.
    uses_are_counted: bool,
    guid: [u8; 16],
    /// Length of the file that is appended to.
    old_bytes: Option<u64>,
}

impl<'o> WimWriter<'o> {
    /// A new file. Whatever `out` holds is overwritten, from its start.
    ///
    /// # Errors
    /// `Invalid` for a chunk size that the compression does not have; `Target`.
    pub fn create(out: &'o mut dyn Output, options: &WriteOptions) -> Result<Self> {
        options.check()?;
        let mut container = Container::new(out, 0, options);
        // A file that is not finished has no header.
        container.tail.write(&[0; Container::FIRST as usize])?;
        Ok(Self {
            container,
            options: *options,
            images: Vec::new(),
            flags: options.compression.header_flags(),
            boot_index: 0,
            solid: Vec::new(),
            uses_are_counted: false,
            guid: options.guid,
            old_bytes: None,
        })
    }

    /// Appends to a file: `out` is the file that `wim` was opened from. New resources and tables go behind
    /// what is there; the header is written last, so an interruption leaves the file as it was, with unused
    /// bytes at its end. Compression, chunk size and GUID of the file stay, as does its integrity table if it has one.
    ///
    /// # Errors
    /// `Unsupported` for pipable files, for parts of split files, and for files that are compressed with LZMS
    /// only; `Invalid` when the file is marked read-only; `Target`.
    pub fn append(out: &'o mut dyn Output, wim: &Wim, options: &WriteOptions) -> Result<Self> {
        let header = wim.header();
        let unsupported = |feature: &str| {
            Err(Error::Unsupported {
                what: "appending",
                at: 0,
                feature: feature.to_owned(),
            })
        };
        if header.pipable {
            return unsupported("a pipable file");
        }
        if header.part_count > 1 || header.has(header_flag::SPANNED) {
            return unsupported("a part of a split file");
        }
        if header.has(header_flag::READ_ONLY) {
            return Err(Error::Invalid {
                what: "appending",
                reason: "the file is marked read-only".to_owned(),
            });
        }
        let compression = match wim.compression() {
            None => Compression::None,
            Some((Codec::Xpress, _)) => Compression::Xpress,
            Some((Codec::Lzx, _)) => Compression::Lzx,
            Some((Codec::Lzms, _)) => {
                return unsupported("a file compressed with LZMS (export to a new one)");
            }
        };
        let options = WriteOptions {
            compression,
            chunk_bytes: header.chunk_bytes,
            integrity_table: options.integrity_table || !header.integrity.is_absent(),
            ..*options
        };
        let file_bytes = wim.parts().first().map_or(0, |part| part.file_bytes);
        let mut container = Container::new(out, file_bytes, &options);
        let solid = existing_blobs(wim, &mut container)?;
        for index in 1..=header.image_count {
            let Some((hash, resource)) = wim.metadata_entry(index) else {
                let name = format!("of image {index}");
                return Err(Error::NotFound {
                    what: "metadata resource",
                    name,
                });
            };
            container.metadata.push(BlobEntry {
                resource,
                part_number: 1,
                reference_count: 1,
                hash,
            });
        }
        Ok(Self {
            container,
            options,
            images: wim
                .images()
                .iter()
                .map(|info| ImageXml::of_image(wim, info))
                .collect(),
            flags: header.flags & !header_flag::WRITE_IN_PROGRESS,
            boot_index: header.boot_index,
            solid,
            uses_are_counted: false,
            guid: header.guid,
            old_bytes: Some(file_bytes),
        })
    }

    /// Number of images so far.
    #[must_use]
    pub fn image_count(&self) -> u32 {
        u32::try_from(self.images.len()).unwrap_or(u32::MAX)
    }

    /// Which image Windows' boot loader starts; 0 for none.
    ///
    /// # Errors
    /// `NotFound` when there is no such image (yet).
    pub fn set_boot_image(&mut self, index: u32) -> Result<()> {
        if index > self.image_count() {
            return Err(Error::NotFound {
                what: "image",
                name: index.to_string(),
            });
        }
        self.boot_index = index;
        Ok(())
    }

    /// Takes an image of the file that is appended to away. Its blobs stay where they are, unused, until the
    /// file is [rewritten](super::rewrite).
    ///
    /// # Errors
    /// `NotFound`; errors of [`Wim::image`] for any image, since the uses of their blobs have to be known.
    pub fn remove_image(&mut self, wim: &Wim, index: u32) -> Result<()> {
        let slot = index
            .checked_sub(1)
            .map(|slot| slot as usize)
            .filter(|&slot| slot < self.images.len());
        let Some(slot) = slot else {
            return Err(Error::NotFound {
                what: "image",
                name: index.to_string(),
            });
        };
        if !self.uses_are_counted {
            self.count_uses(wim)?;
            self.uses_are_counted = true;
        }
        for (hash, count) in statistics::references(&wim.image(index)?) {
            self.container.release(&hash, count);
        }
        self.images.remove(slot);
        self.container.metadata.remove(slot);
        self.boot_index = match self.boot_index {
            boot if boot == index => 0,
            boot if boot > index => boot - 1,
            boot => boot,
        };
        Ok(())
    }

    /// Raises counts that the blob table states too low: what images that stay have must not go with another.
    fn count_uses(&mut self, wim: &Wim) -> Result<()> {
        let mut uses: HashMap<BlobHash, u32> = HashMap::new();
        for info in wim.images() {
            for (hash, count) in statistics::references(&wim.image(info.index)?) {
                let sum = uses.entry(hash).or_default();
                *sum = sum.saturating_add(count);
            }
        }
        for (hash, count) in uses {
            let Some(id) = wim.blob_by_hash(&hash) else {
                continue;
            };
            let stated = wim.blob(id)?.reference_count.max(1);
            self.container.reference(&hash, count.saturating_sub(stated));
        }
        Ok(())
    }

    /// Writes blob table, XML, integrity table, and, when all of that is durable, the header.
    ///
    /// # Errors
    /// `Target`.
    pub fn finish(mut self) -> Result<WriteReport> {
        self.container.drain()?;
        let used: Vec<BlobEntry> = self
            .container
            .blobs
            .iter()
            .filter(|entry| entry.reference_count > 0)
            .copied()
            .collect();
        let mut blob_table = self.solid.clone();
        blob_table.extend(used.iter().filter(|entry| entry.resource.is_solid()));
        blob_table.extend(used.iter().filter(|entry| !entry.resource.is_solid()));
        blob_table.extend(&self.container.metadata);
        let boot_metadata = self
            .boot_index
            .checked_sub(1)
            .and_then(|slot| self.container.metadata.get(slot as usize))
            .map_or_else(ResourceHeader::default, |entry| entry.resource);
        let mut header = Header {
            flags: self.flags,
            chunk_bytes: if self.options.compression == Compression::None {
                0
            } else {
                self.options.chunk_bytes
            },
            guid: self.guid,
            image_count: self.image_count(),
            boot_index: self.boot_index,
            boot_metadata,
            ..Header::default()
        };
        if !self.solid.is_empty() {
            header.version = VERSION_SOLID;
        }
        let part = Part {
            header,
            blob_table,
            images: &self.images,
            integrity_table: self.options.integrity_table,
            total_bytes: None,
        };
        let file_bytes = finish::write_tables(&mut self.container.tail, part)?;
        self.old_bytes = None;
        Ok(WriteReport {
            file_bytes,
            images: self.image_count(),
            blobs: used.len(),
            blob_bytes: statistics::sum(used.iter().map(blob_size)),
        })
    }
}

impl Drop for WimWriter<'_> {
    fn drop(&mut self) {
        if let Some(old_bytes) = self.old_bytes {
            self.container.tail.abandon(old_bytes);
        }
    }
}

fn blob_size(entry: &BlobEntry) -> u64 {
    if entry.resource.is_solid() {
        entry.resource.stored_bytes
    } else {
        entry.resource.size_bytes
    }
}

/// Enters the blobs that are there, and returns the entries of the solid resources. All of them are made one
/// run, in which offsets of blobs count from the first resource on.
fn existing_blobs(wim: &Wim, container: &mut Container<'_>) -> Result<Vec<BlobEntry>> {
    let mut solid = Vec::new();
    let mut bases = Vec::new();
    let mut base = 0_u64;
    // Those of other files come after the ones of the first.
    for resource in wim.solid_resources().iter().filter(|resource| resource.part == 0) {
        bases.push(base);
        let size_bytes = resource.header.size_bytes;
        base = base.checked_add(size_bytes).ok_or_else(|| Error::Corrupt {
            what: "solid resource",
            at: resource.offset,
            found: format!("a size of {size_bytes:#x} bytes, after others of {base:#x}"),
            expected: "sizes whose sum has 64 bits",
        })?;
        solid.push(BlobEntry {
            resource: ResourceHeader {
                stored_bytes: resource.stored_bytes,
                flags: resource_flag::SOLID,
                offset: resource.offset,
                size_bytes: crate::layout::SOLID_RESOURCE_MAGIC,
            },
            part_number: 1,
            reference_count: 1,
            ..BlobEntry::default()
        });
    }
    for blob in wim.blobs().iter().filter(|blob| blob.part == 0) {
        let size_bytes = blob.size_bytes;
        let resource = match blob.storage {
            BlobStorage::Stored { offset } => ResourceHeader {
                stored_bytes: size_bytes,
                flags: 0,
                offset,
                size_bytes,
            },
            BlobStorage::Compressed { offset, stored_bytes } => ResourceHeader {
                stored_bytes,
                flags: resource_flag::COMPRESSED,
                offset,
                size_bytes,
            },
            BlobStorage::Solid { resource, offset } => ResourceHeader {
                stored_bytes: size_bytes,
                flags: resource_flag::SOLID,
                offset: bases
                    .get(resource as usize)
                    .copied()
                    .unwrap_or(0)
                    .saturating_add(offset),
                size_bytes: 0,
            },
        };
        container.add_existing(BlobEntry {
            resource,
            part_number: 1,
            reference_count: blob.reference_count.max(1),
            hash: blob.hash,
        });
    }
    Ok(solid)
}

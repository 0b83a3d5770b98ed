//! The writer of a file: images go in, `finish` makes it a WIM.

use super::container::{Container, blob_size};
use super::finish::{self, Part};
use super::xml::ImageXml;
use super::{FileForm, Output, WriteOptions, pipable, statistics};
use crate::layout::{BlobEntry, Header, ResourceHeader, VERSION_DEFAULT, VERSION_SOLID, header_flag};
use crate::{Error, Result, Wim};

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
/// A [pipable](FileForm::Pipable) file takes its images in one [`capture`](Self::capture) or one
/// [`export`](Self::export): what says how many there are comes first in it.
///
/// Blobs are kept once, whatever the number of files and images that hold them. What is written depends on
/// the input and the options, not on the number of threads.
#[allow(missing_debug_implementations, reason = "holds a trait object")]
pub struct WimWriter<'o> {
    pub(super) container: Container<'o>,
    pub(super) options: WriteOptions,
    pub(super) images: Vec<ImageXml>,
    pub(super) flags: u32,
    pub(super) boot_index: u32,
    pub(super) version: u32,
    /// Whether a pipable file was begun, with all of its images.
    pub(super) is_begun: bool,
    /// Whether the counts of the table were compared with the images.
    pub(super) uses_are_counted: bool,
    pub(super) guid: [u8; 16],
    /// Length of the file that is appended to.
    pub(super) old_bytes: Option<u64>,
}

impl<'o> WimWriter<'o> {
    /// A new file. Whatever `out` holds is overwritten, from its start.
    ///
    /// # Errors
    /// `Invalid` for a chunk size that the compression does not have; `Target`.
    pub fn create(out: &'o mut dyn Output, options: &WriteOptions) -> Result<Self> {
        options.check()?;
        let mut container = Container::new(out, 0, options)?;
        if !container.pipable {
            // A file that is not finished has no header.
            container.tail.write(&[0; Container::FIRST as usize])?;
        }
        Ok(Self {
            container,
            options: *options,
            images: Vec::new(),
            flags: options.compression.header_flags(),
            boot_index: 0,
            version: VERSION_DEFAULT,
            is_begun: false,
            uses_are_counted: false,
            guid: options.guid,
            old_bytes: None,
        })
    }

    /// Leaves out the blobs that another file holds: what is written becomes a delta, which is read with that file
    /// as a reference ([`Wim::add_part`]).
    pub fn leave_out_blobs_of(&mut self, base: &Wim) {
        for blob in base.blobs() {
            self.container.leave_out(blob.hash, blob.size_bytes);
        }
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

    /// What the header says but for places.
    fn header(&self) -> Header {
        Header {
            pipable: self.container.pipable,
            version: if self.container.solid.resources.is_empty() {
                self.version
            } else {
                VERSION_SOLID
            },
            flags: self.flags,
            chunk_bytes: if self.flags & header_flag::COMPRESSED == 0 {
                0
            } else {
                self.options.chunk_bytes
            },
            guid: self.guid,
            image_count: self.image_count(),
            ..Header::default()
        }
    }

    /// Fails when no more images can be added.
    pub(super) fn takes_images(&self) -> Result<()> {
        if !self.is_begun {
            return Ok(());
        }
        Err(Error::Invalid {
            what: "pipable file",
            reason: "all of its images have to be added at once".to_owned(),
        })
    }

    /// Begins a pipable file, whose images are all known. The metadata of the images come next.
    pub(super) fn begin_pipable(&mut self) -> Result<()> {
        if !self.container.pipable || std::mem::replace(&mut self.is_begun, true) {
            return Ok(());
        }
        let header = self.header();
        let integrity = self.options.integrity_table;
        pipable::begin(&mut self.container, &header, &self.images, integrity)
    }

    /// When the file is to be solid: what follows goes into a resource of so many bytes, until
    /// [`end_solid`](Self::end_solid). Beside it, reading takes `reading_bytes` of the memory limit.
    pub(super) fn begin_solid(&mut self, size_bytes: u64, reading_bytes: u64) -> Result<()> {
        let FileForm::Solid {
            compression,
            chunk_bytes,
        } = self.options.form
        else {
            return Ok(());
        };
        if size_bytes == 0 {
            return Ok(());
        }
        self.container.drain()?;
        let Container { solid, tail, .. } = &mut self.container;
        let form = (compression, chunk_bytes);
        solid.begin(tail, size_bytes, form, reading_bytes, &self.options)
    }

    /// What follows goes into resources of its own again.
    pub(super) fn end_solid(&mut self) -> Result<()> {
        let Container { solid, tail, .. } = &mut self.container;
        solid.end(tail)
    }

    /// Writes blob table, XML, integrity table, and, when all of that is durable, the header.
    ///
    /// # Errors
    /// `Target`.
    pub fn finish(mut self) -> Result<WriteReport> {
        self.begin_pipable()?;
        self.container.drain()?;
        let used: Vec<BlobEntry> = self
            .container
            .blobs
            .iter()
            .filter(|entry| entry.reference_count > 0)
            .copied()
            .collect();
        let mut blob_table = self.container.solid.resources.clone();
        blob_table.extend(used.iter().filter(|entry| entry.resource.is_solid()));
        blob_table.extend(used.iter().filter(|entry| !entry.resource.is_solid()));
        blob_table.extend(&self.container.metadata);
        let boot_metadata = self
            .boot_index
            .checked_sub(1)
            .and_then(|slot| self.container.metadata.get(slot as usize))
            .map_or_else(ResourceHeader::default, |entry| entry.resource);
        let header = Header {
            boot_index: self.boot_index,
            boot_metadata,
            ..self.header()
        };
        let part = Part {
            header,
            blob_table,
            images: &self.images,
            integrity_table: self.options.integrity_table,
            total_bytes: None,
        };
        let file_bytes = if self.container.pipable {
            pipable::finish(&mut self.container, part)?
        } else {
            let tables = finish::write_tables(&mut self.container.tail, part)?;
            // From here on the new header may be there, whatever fails: nothing that it counts on is cut off.
            self.old_bytes = None;
            finish::write_header(&mut self.container.tail, &tables)?
        };
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

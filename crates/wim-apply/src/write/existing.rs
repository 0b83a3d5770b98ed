//! Changing a file that is there: what is new goes behind it, and the header last.

use std::collections::HashMap;

use super::container::Container;
use super::solid::Solid;
use super::xml::ImageXml;
use super::{Compression, FileForm, Output, WimWriter, WriteOptions, statistics};
use crate::layout::{BlobEntry, ResourceHeader, header_flag, resource_flag};
use crate::read::BlobStorage;
use crate::{BlobHash, Error, Result, Wim};

/// Texts of an image that are changed: what is `None` stays, and an empty one is taken away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageTexts {
    /// `NAME`.
    pub name: Option<String>,
    /// `DESCRIPTION`.
    pub description: Option<String>,
    /// `DISPLAYNAME`.
    pub display_name: Option<String>,
    /// `DISPLAYDESCRIPTION`.
    pub display_description: Option<String>,
    /// `FLAGS`, usually the edition.
    pub flags: Option<String>,
}

impl<'o> WimWriter<'o> {
    /// Appends to a file: `out` is the file that `wim` was opened from. New resources and tables go behind
    /// what is there; the header is written last, so an interruption leaves the file as it was, with unused
    /// bytes at its end. Compression, chunk size and GUID of the file stay, as does its integrity
    /// table if it has one. Where new blobs go, the form of `options` says.
    ///
    /// # Errors
    /// `Unsupported` for pipable files, for parts of split files, and for the pipable form; `Invalid` when the file
    /// is marked read-only; `Target`.
    pub fn append(out: &'o mut dyn Output, wim: &Wim, options: &WriteOptions) -> Result<Self> {
        let header = wim.header();
        let unsupported = |feature: &str| {
            Err(Error::Unsupported {
                what: "changing in place",
                at: 0,
                feature: feature.to_owned(),
            })
        };
        if header.pipable || options.form == FileForm::Pipable {
            return unsupported("a pipable file");
        }
        if header.part_count > 1 || header.has(header_flag::SPANNED) {
            return unsupported("a part of a split file");
        }
        if header.has(header_flag::READ_ONLY) {
            return Err(Error::Invalid {
                what: "changing in place",
                reason: "the file is marked read-only".to_owned(),
            });
        }
        let options = WriteOptions {
            compression: own_compression(wim),
            chunk_bytes: header.chunk_bytes,
            integrity_table: options.integrity_table || !header.integrity.is_absent(),
            ..*options
        };
        options.check()?;
        let file_bytes = wim.parts().first().map_or(0, |part| part.file_bytes);
        let mut container = Container::new(out, file_bytes, &options)?;
        existing_blobs(wim, &mut container)?;
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
            images: ImageXml::of_images(wim),
            flags: header.flags & !header_flag::WRITE_IN_PROGRESS,
            boot_index: header.boot_index,
            version: header.version,
            is_begun: false,
            uses_are_counted: false,
            guid: header.guid,
            old_bytes: Some(file_bytes),
        })
    }

    /// As [`append`](Self::append), for changes that bring little data: what is new gets resources of its own.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn edit(out: &'o mut dyn Output, wim: &Wim, options: &WriteOptions) -> Result<Self> {
        let plain = WriteOptions {
            form: FileForm::Plain,
            ..*options
        };
        Self::append(out, wim, &plain)
    }

    /// Changes what the XML document says of an image.
    ///
    /// # Errors
    /// `NotFound` when there is no such image.
    pub fn set_texts(&mut self, index: u32, texts: &ImageTexts) -> Result<()> {
        let slot = self.slot_of(index)?;
        let Some(xml) = self.images.get_mut(slot) else {
            return Ok(());
        };
        for (name, text) in [
            ("NAME", &texts.name),
            ("DESCRIPTION", &texts.description),
            ("DISPLAYNAME", &texts.display_name),
            ("DISPLAYDESCRIPTION", &texts.display_description),
            ("FLAGS", &texts.flags),
        ] {
            match text.as_deref() {
                None => {}
                Some("") => xml.remove(name),
                Some(text) => xml.set_text(name, text),
            }
        }
        Ok(())
    }

    /// Place of an image among the images.
    pub(super) fn slot_of(&self, index: u32) -> Result<usize> {
        let slot = index.checked_sub(1).map(|slot| slot as usize);
        slot.filter(|&slot| slot < self.images.len())
            .ok_or_else(|| Error::NotFound {
                what: "image",
                name: index.to_string(),
            })
    }

    /// Takes an image of the file that is appended to away. Its blobs stay where they are, unused, until the
    /// file is [rewritten](super::rewrite).
    ///
    /// # Errors
    /// `NotFound`; errors of [`Wim::image`] for any image, since the uses of its blobs have to be known.
    pub fn remove_image(&mut self, wim: &Wim, index: u32) -> Result<()> {
        let slot = self.slot_of(index)?;
        self.count_uses(wim)?;
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
    pub(super) fn count_uses(&mut self, wim: &Wim) -> Result<()> {
        if std::mem::replace(&mut self.uses_are_counted, true) {
            return Ok(());
        }
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
}

/// Compression of what is new in a file; none when its chunks are of a size that is not written.
fn own_compression(wim: &Wim) -> Compression {
    let compression = Compression::of_codec(wim.compression().map(|(codec, _)| codec));
    if compression.check_chunk_bytes(wim.header().chunk_bytes).is_err() {
        return Compression::None;
    }
    compression
}

/// Enters the blobs and solid resources that are there. All of these are made one run, in which offsets of blobs count from the first resource on.
fn existing_blobs(wim: &Wim, container: &mut Container<'_>) -> Result<()> {
    let mut bases = Vec::new();
    // Those of other files come after the ones of the first.
    for resource in wim.solid_resources().iter().filter(|resource| resource.part == 0) {
        bases.push(container.solid.size_bytes());
        let (offset, stored_bytes) = (resource.offset, resource.stored_bytes);
        container
            .solid
            .add(offset, stored_bytes, resource.header.size_bytes)?;
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
            BlobStorage::Solid { resource, offset } => {
                let base = bases.get(resource as usize).copied().unwrap_or(0_u64);
                Solid::place_of(base.saturating_add(offset), size_bytes)
            }
        };
        container.add_existing(BlobEntry {
            resource,
            part_number: 1,
            reference_count: blob.reference_count.max(1),
            hash: blob.hash,
        });
    }
    Ok(())
}

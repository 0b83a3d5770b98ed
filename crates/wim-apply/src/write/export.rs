//! Exporting images of another WIM.

use std::collections::{BTreeMap, BTreeSet};

use super::recompress::NamesOfBlobs;
use super::recompress::decoding_bytes;
use super::relay::relay;
use super::xml::ImageXml;
use super::{FileForm, WimWriter, WriteControl, statistics};
use crate::apply::{Progress, first_paths_without_blobs};
use crate::codec::Codec;
use crate::image::Image;
use crate::layout::{ResourceHeader, header_flag, resource_flag};
use crate::read::BlobStorage;
use crate::{BlobHash, BlobId, Error, Result, Wim};

/// An image that is exported, and what it is called then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportImage {
    /// Number in the source.
    pub index: u32,
    /// New name.
    pub name: Option<String>,
    /// New description.
    pub description: Option<String>,
}

impl ExportImage {
    /// With the name it has.
    #[must_use]
    pub fn new(index: u32) -> Self {
        Self {
            index,
            ..Self::default()
        }
    }
}

impl WimWriter<'_> {
    /// Adds images of another WIM. Metadata, and all that the XML document says of them, stay as they are.
    /// Resources whose compression and chunk size are those of this file are copied as they are (a damaged
    /// one stays damaged, and is found by [`verify`](crate::apply::verify)); others are decoded, compared
    /// with their hash, and compressed anew.
    ///
    /// # Errors
    /// `NotFound` for an image, or when its blobs are in files that are not open; as [`deliver`](crate::apply::deliver). The file then
    /// must not be finished.
    pub fn export(
        &mut self,
        wim: &Wim,
        images: &[ExportImage],
        control: &mut WriteControl<'_>,
    ) -> Result<()> {
        self.takes_images()?;
        let mut wanted = BTreeSet::new();
        let mut names = NamesOfBlobs::default();
        let mut references: BTreeMap<BlobHash, u32> = BTreeMap::new();
        let texts = ImageXml::of_images(wim);
        for exported in images {
            let image = wim.image(exported.index)?;
            check_complete(&image)?;
            let new = image.blobs().into_iter();
            wanted.extend(new.filter(|id| {
                wim.blob(*id)
                    .is_ok_and(|blob| !self.container.contains(&blob.hash))
            }));
            // Of all trees together only this is held.
            if let FileForm::Solid { .. } = self.options.form {
                names.add(&image);
            }
            for (hash, count) in statistics::references(&image) {
                let total = references.entry(hash).or_default();
                *total = total.saturating_add(count);
            }
            let slot = (exported.index as usize).checked_sub(1);
            let xml = slot.and_then(|slot| texts.get(slot).cloned()).unwrap_or_default();
            self.images.push(renamed(xml, exported));
        }
        self.flags |= wim.header().flags & header_flag::REPARSE_FIX_UP;
        if self.container.pipable {
            self.begin_pipable()?;
            self.export_metadata(wim, images)?;
        }
        self.export_blobs(wim, wanted.into_iter().collect(), &names, control)?;
        if !self.container.pipable {
            self.export_metadata(wim, images)?;
        }
        for (hash, count) in references {
            self.container.reference(&hash, count);
        }
        Ok(())
    }

    /// The same bytes, so the same hash: compressed as they were when this file is compressed likewise.
    fn export_metadata(&mut self, wim: &Wim, images: &[ExportImage]) -> Result<()> {
        for ExportImage { index, .. } in images {
            if wim.compression() == self.compression()
                && !self.container.pipable
                && let Some((hash, resource, bytes)) = wim.raw_metadata(*index)?
            {
                self.container.copy(hash, resource, &mut bytes.as_slice())?;
            } else {
                self.container.add_metadata(wim.metadata_resource(*index)?)?;
            }
        }
        Ok(())
    }

    fn compression(&self) -> Option<(Codec, u32)> {
        self.options
            .compression
            .codec()
            .map(|codec| (codec, self.options.chunk_bytes))
    }

    fn export_blobs(
        &mut self,
        wim: &Wim,
        mut wanted: Vec<BlobId>,
        names: &NamesOfBlobs,
        control: &mut WriteControl<'_>,
    ) -> Result<()> {
        let size = |id: &BlobId| wim.blob(*id).map_or(0, |blob| blob.size_bytes);
        let mut progress = Progress {
            blobs_total: wanted.len(),
            bytes_total: statistics::sum(wanted.iter().map(size)),
            ..Progress::default()
        };
        let place = |id: &BlobId| {
            wim.blob(*id)
                .map(|blob| (blob.part, blob.offset()))
                .unwrap_or_default()
        };
        wanted.sort_by_key(place);
        let mut changed = Vec::new();
        let whole = self.copy_solid_resources(wim, &wanted, control)?;
        for id in wanted {
            control.check()?;
            if whole.contains(&id) || self.copy_blob(wim, id)? {
                progress.blobs_done += 1;
                progress.bytes_done = progress.bytes_done.saturating_add(size(&id));
                (control.progress)(progress);
            } else {
                changed.push(id);
            }
        }
        let size_bytes = statistics::sum(changed.iter().map(size));
        self.begin_solid(size_bytes, decoding_bytes(wim, &changed)?)?;
        self.recompress(wim, changed, names, progress, control)?;
        self.end_solid()?;
        // To compress the last chunks takes long.
        control.check()
    }

    /// Copies the resource of a blob when this file can hold it as it is.
    fn copy_blob(&mut self, wim: &Wim, id: BlobId) -> Result<bool> {
        if let FileForm::Solid { .. } = self.options.form {
            return Ok(false);
        }
        let blob = *wim.blob(id)?;
        let own = self.compression();
        let mut resource = ResourceHeader {
            stored_bytes: blob.size_bytes,
            flags: 0,
            offset: 0,
            size_bytes: blob.size_bytes,
        };
        match blob.storage {
            BlobStorage::Compressed { stored_bytes, .. } => {
                let map = wim.chunk_map(id)?;
                if own != map.codec.map(|codec| (codec, map.chunk_bytes)) {
                    return Ok(false);
                }
                match wim.raw_resource(id)?.filter(|_| !self.container.pipable) {
                    Some(mut raw) => {
                        resource.stored_bytes = stored_bytes;
                        resource.flags = resource_flag::COMPRESSED;
                        self.container.copy(blob.hash, resource, &mut raw)?;
                    }
                    None => relay(&mut self.container, blob.hash, &*wim.source_of(&blob)?, &map)?,
                }
                Ok(true)
            }
            // It is stored because it does not shrink, if the source has this file's compression.
            BlobStorage::Stored { .. }
                if own.is_none() || wim.codec_of_part(&blob)? == own.map(|(codec, _)| codec) =>
            {
                self.container
                    .copy(blob.hash, resource, &mut wim.open_blob(id)?)?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}

fn renamed(mut xml: ImageXml, exported: &ExportImage) -> ImageXml {
    if let Some(name) = &exported.name {
        xml.set_text("NAME", name);
    }
    if let Some(description) = &exported.description {
        xml.set_text("DESCRIPTION", description);
    }
    xml
}

fn check_complete(image: &Image) -> Result<()> {
    first_paths_without_blobs(image).map_or(Ok(()), |names| {
        Err(Error::NotFound {
            what: "data of files",
            name: format!("{names}; open the other parts"),
        })
    })
}

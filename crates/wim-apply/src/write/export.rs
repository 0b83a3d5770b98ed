//! Exporting images of another WIM.

use std::collections::BTreeSet;

use super::container::Container;
use super::xml::ImageXml;
use super::{WimWriter, WriteControl, statistics};
use crate::apply::{
    ApplyOptions, BlobInfo, BlobSink, Control, Form, Progress, TargetError, deliver,
    first_paths_without_blobs,
};
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
    /// `NotFound` for an image, or when its blobs are in files that are not open; as [`deliver`]. The file then
    /// must not be finished.
    pub fn export(
        &mut self,
        wim: &Wim,
        images: &[ExportImage],
        control: &mut WriteControl<'_>,
    ) -> Result<()> {
        let mut trees = Vec::with_capacity(images.len());
        let mut wanted = BTreeSet::new();
        for exported in images {
            let image = wim.image(exported.index)?;
            check_complete(&image)?;
            let new = image.blobs().into_iter();
            wanted.extend(new.filter(|id| {
                wim.blob(*id)
                    .is_ok_and(|blob| !self.container.contains(&blob.hash))
            }));
            trees.push(image);
        }
        self.export_blobs(wim, wanted.into_iter().collect(), &trees, control)?;
        let texts = ImageXml::of_images(wim);
        for (exported, image) in images.iter().zip(&trees) {
            self.export_metadata(wim, exported.index)?;
            for (hash, count) in statistics::references(image) {
                self.container.reference(&hash, count);
            }
            let slot = (exported.index as usize).checked_sub(1);
            let mut xml = slot.and_then(|slot| texts.get(slot).cloned()).unwrap_or_default();
            if let Some(name) = &exported.name {
                xml.set_text("NAME", name);
            }
            if let Some(description) = &exported.description {
                xml.set_text("DESCRIPTION", description);
            }
            self.images.push(xml);
        }
        self.flags |= wim.header().flags & header_flag::REPARSE_FIX_UP;
        Ok(())
    }

    /// The same bytes, so the same hash: compressed as they were when this file is compressed likewise.
    fn export_metadata(&mut self, wim: &Wim, index: u32) -> Result<()> {
        if wim.compression() == self.compression()
            && let Some((hash, resource, bytes)) = wim.raw_metadata(index)?
        {
            self.container.copy(hash, resource, &mut bytes.as_slice())?;
            return Ok(());
        }
        self.container.add_metadata(wim.metadata_resource(index)?)
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
        images: &[Image],
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
        for id in wanted {
            control.check()?;
            if self.copy_blob(wim, id)? {
                progress.blobs_done += 1;
                progress.bytes_done = progress.bytes_done.saturating_add(size(&id));
                (control.progress)(progress);
            } else {
                changed.push(id);
            }
        }
        let options = ApplyOptions {
            threads: self.options.threads,
            ..ApplyOptions::default()
        };
        let mut sink = Recompress {
            container: &mut self.container,
            wim,
            failed: None,
        };
        let base = progress;
        let mut show = |part: Progress| {
            (control.progress)(Progress {
                blobs_done: base.blobs_done + part.blobs_done,
                bytes_done: base.bytes_done.saturating_add(part.bytes_done),
                ..base
            });
        };
        let paths = |id| images.iter().flat_map(|image| image.paths_of_blob(id)).collect();
        let mut control = Control {
            interrupt: control.interrupt,
            progress: &mut show,
            paths: &paths,
        };
        let result = deliver(wim, &changed, &mut sink, &options, &mut control);
        match sink.failed.take() {
            Some(error) => Err(error),
            None => result.map(|_| ()),
        }
    }

    /// Copies the resource of a blob when this file can hold it as it is.
    fn copy_blob(&mut self, wim: &Wim, id: BlobId) -> Result<bool> {
        let blob = *wim.blob(id)?;
        let own = self.compression();
        match blob.storage {
            BlobStorage::Compressed { stored_bytes, .. } => {
                let Some(mut raw) = wim.raw_resource(id)? else {
                    return Ok(false);
                };
                if own != Some((raw.codec, raw.chunk_bytes)) {
                    return Ok(false);
                }
                let resource = ResourceHeader {
                    stored_bytes,
                    flags: resource_flag::COMPRESSED,
                    offset: 0,
                    size_bytes: blob.size_bytes,
                };
                self.container.copy(blob.hash, resource, &mut raw)?;
                Ok(true)
            }
            // It is stored because it does not shrink, if the source has this file's compression.
            BlobStorage::Stored { .. }
                if own.is_none() || wim.codec_of_part(&blob)? == own.map(|(codec, _)| codec) =>
            {
                let resource = ResourceHeader {
                    stored_bytes: blob.size_bytes,
                    flags: 0,
                    offset: 0,
                    size_bytes: blob.size_bytes,
                };
                self.container
                    .copy(blob.hash, resource, &mut wim.open_blob(id)?)?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}

fn check_complete(image: &Image) -> Result<()> {
    first_paths_without_blobs(image).map_or(Ok(()), |names| {
        Err(Error::NotFound {
            what: "data of files",
            name: format!("{names}; open the other parts"),
        })
    })
}

/// Compresses what is delivered.
struct Recompress<'a, 'o> {
    container: &'a mut Container<'o>,
    wim: &'a Wim,
    /// The first error of this crate's own.
    failed: Option<Error>,
}

impl Recompress<'_, '_> {
    fn keep<T>(&mut self, result: Result<T>) -> std::result::Result<T, TargetError> {
        result.map_err(|error| {
            let text = error.to_string();
            self.failed.get_or_insert(error);
            text.into()
        })
    }
}

impl BlobSink for Recompress<'_, '_> {
    fn begin_blob(&mut self, blob: &BlobInfo, _: Form, _: u64) -> std::result::Result<(), TargetError> {
        let result = self.container.begin(blob.size_bytes);
        self.keep(result)
    }

    fn data(&mut self, bytes: &[u8]) -> std::result::Result<(), TargetError> {
        let result = self.container.data(bytes);
        self.keep(result)
    }

    fn end_blob(&mut self, blob: &BlobInfo) -> std::result::Result<(), TargetError> {
        let wim = self.wim;
        let result = self
            .container
            .end(&mut |take| read_again(wim, blob.id, take))
            .and_then(|hash| {
                if hash == blob.hash {
                    return Ok(());
                }
                // Large blobs are handed over before their hash is known; the delivery would end with the same.
                Err(mismatch(wim, blob, hash))
            });
        self.keep(result)
    }
}

fn mismatch(wim: &Wim, blob: &BlobInfo, found: BlobHash) -> Error {
    let at = wim.blob(blob.id).map_or(0, crate::read::Blob::offset);
    Error::HashMismatch {
        expected: blob.hash,
        found,
        at,
        paths: wim.paths_of_blob(blob.id),
    }
}

fn read_again(wim: &Wim, id: BlobId, take: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
    use std::io::Read;
    let mut reader = wim.open_blob(id)?;
    let mut buffer = vec![0; 1 << 18];
    let mut at = 0;
    loop {
        let count = reader.read(&mut buffer).map_err(|source| Error::Io {
            op: "reading a blob",
            at,
            source,
        })?;
        if count == 0 {
            return Ok(());
        }
        take(&buffer[..count])?;
        at += count as u64;
    }
}

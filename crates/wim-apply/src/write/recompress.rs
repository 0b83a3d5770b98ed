//! Blobs of another file that are decoded, compared with their hash, and compressed anew.

use std::collections::{BTreeSet, HashMap};
use std::io::Read;
use std::num::NonZeroUsize;

use super::container::Container;
use super::likeness::{Likeness, likeness};
use super::relay::copy_solid;
use super::solid::Solid;
use super::{FileForm, WimWriter, WriteControl};
use crate::apply::{ApplyOptions, BlobInfo, BlobSink, Control, Form, Progress, TargetError, deliver};
use crate::image::Image;
use crate::read::BlobStorage;
use crate::{BlobHash, BlobId, Error, Result, Wim};

impl WimWriter<'_> {
    /// Compresses blobs anew. `base` is the progress so far.
    pub(super) fn recompress(
        &mut self,
        wim: &Wim,
        mut blobs: Vec<BlobId>,
        names: &NamesOfBlobs,
        base: Progress,
        control: &mut WriteControl<'_>,
    ) -> Result<()> {
        let is_solid = |id: &BlobId| wim.blob(*id).is_ok_and(crate::Blob::is_solid);
        let is_sorted_by_source = blobs.iter().any(is_solid);
        if let FileForm::Solid { .. } = self.options.form
            && !is_sorted_by_source
        {
            // From a solid source, where another order would decode chunks many times, they come sorted already.
            blobs.sort_by_key(|id| names.0.get(id));
            return self.recompress_in_order(wim, &blobs, base, control);
        }
        // Beside solid chunks that are compressed, few are decoded at a time: that is the faster part.
        let options = match self.options.form {
            FileForm::Solid { .. } => ApplyOptions {
                threads: NonZeroUsize::MIN,
                memory_limit_bytes: Some(decoding_bytes(wim, &blobs)?),
                ..ApplyOptions::default()
            },
            FileForm::Plain | FileForm::Pipable => ApplyOptions {
                threads: self.options.threads,
                memory_limit_bytes: self.options.memory_limit_bytes,
                ..ApplyOptions::default()
            },
        };
        let mut sink = Recompress {
            container: &mut self.container,
            wim,
            failed: None,
        };
        let mut show = |part: Progress| {
            (control.progress)(Progress {
                blobs_done: base.blobs_done + part.blobs_done,
                bytes_done: base.bytes_done.saturating_add(part.bytes_done),
                ..base
            });
        };
        let mut control = Control {
            interrupt: control.interrupt,
            progress: &mut show,
            paths: &|id| wim.paths_of_blob(id),
        };
        let result = deliver(wim, &blobs, &mut sink, &options, &mut control);
        match sink.failed.take() {
            Some(error) => Err(error),
            None => result.map(|_| ()),
        }
    }

    fn recompress_in_order(
        &mut self,
        wim: &Wim,
        blobs: &[BlobId],
        mut progress: Progress,
        control: &mut WriteControl<'_>,
    ) -> Result<()> {
        for &id in blobs {
            let blob = *wim.blob(id)?;
            let container = &mut self.container;
            container.begin(blob.size_bytes, Some(blob.hash))?;
            read_again(wim, id, &mut |bytes| {
                control.check()?;
                container.data(bytes)?;
                progress.bytes_done = progress.bytes_done.saturating_add(bytes.len() as u64);
                (control.progress)(progress);
                Ok(())
            })?;
            let found = container.end(&mut |take| read_again(wim, id, take))?;
            if found != blob.hash {
                return Err(mismatch(wim, id, blob.hash, found));
            }
            progress.blobs_done += 1;
        }
        Ok(())
    }

    /// Copies solid resources whose form is this file's and whose blobs are all wanted; gives these blobs.
    pub(super) fn copy_solid_resources(
        &mut self,
        wim: &Wim,
        wanted: &[BlobId],
        control: &mut WriteControl<'_>,
    ) -> Result<BTreeSet<BlobId>> {
        let FileForm::Solid {
            compression,
            chunk_bytes,
        } = self.options.form
        else {
            return Ok(BTreeSet::new());
        };
        let mut blobs: HashMap<u32, Vec<(BlobId, u64)>> = HashMap::new();
        for &id in wanted {
            if let BlobStorage::Solid { resource, offset } = wim.blob(id)?.storage {
                blobs.entry(resource).or_default().push((id, offset));
            }
        }
        let mut copied = BTreeSet::new();
        for (number, resource) in (0..).zip(wim.solid_resources()) {
            let Some(blobs) = blobs.get(&number) else { continue };
            let map = wim.solid_map(number)?;
            let is_alike = map.codec == compression.codec() && map.chunk_bytes == chunk_bytes;
            if !is_alike || !are_all(wim, blobs, map.size_bytes)? {
                continue;
            }
            let base = copy_solid(&mut self.container, wim, resource, control)?;
            for &(id, offset) in blobs {
                let blob = wim.blob(id)?;
                let place = Solid::place_of(base.saturating_add(offset), blob.size_bytes);
                self.container.add_resource(blob.hash, place);
            }
            copied.extend(blobs.iter().map(|(id, _)| *id));
        }
        Ok(copied)
    }
}

/// Memory that decoding blobs of solid resources takes on one thread; 0 for others, which have small chunks.
pub(super) fn decoding_bytes(wim: &Wim, blobs: &[BlobId]) -> Result<u64> {
    let mut largest = 0;
    for &id in blobs {
        if let BlobStorage::Solid { resource, .. } = wim.blob(id)?.storage {
            largest = largest.max(wim.solid_map(resource)?.chunk_bytes);
        }
    }
    Ok(4 * u64::from(largest))
}

/// Whether the blobs fill a solid resource.
fn are_all(wim: &Wim, blobs: &[(BlobId, u64)], size_bytes: u64) -> Result<bool> {
    let mut end = 0;
    for &(id, offset) in blobs {
        if offset != end {
            return Ok(false);
        }
        end += wim.blob(id)?.size_bytes;
    }
    Ok(end == size_bytes)
}

/// What blobs are sorted by in a solid resource: the likeness of their first names.
#[derive(Debug, Default)]
pub(super) struct NamesOfBlobs(HashMap<BlobId, Likeness>);

impl NamesOfBlobs {
    /// Notes the names in one more image.
    pub(super) fn add(&mut self, image: &Image) {
        for (blob, entry, _) in image.uses() {
            if let Some(dentry) = image.dentries.get(entry.0 as usize) {
                self.0.entry(blob).or_insert_with(|| likeness(&dentry.name));
            }
        }
    }
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
        let result = self.container.begin(blob.size_bytes, Some(blob.hash));
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
                Err(mismatch(wim, blob.id, blob.hash, hash))
            });
        self.keep(result)
    }
}

fn mismatch(wim: &Wim, id: BlobId, expected: BlobHash, found: BlobHash) -> Error {
    Error::HashMismatch {
        expected,
        found,
        at: wim.blob(id).map_or(0, crate::read::Blob::offset),
        paths: wim.paths_of_blob(id),
    }
}

fn read_again(wim: &Wim, id: BlobId, take: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let failed = |source| undecodable(wim, id, source);
    let mut reader = wim.open_blob(id).map_err(failed)?;
    let mut buffer = vec![0; 1 << 18];
    let mut at = 0;
    loop {
        let read = reader.read(&mut buffer);
        let count = read.map_err(|error| failed(Error::of_reader("reading a blob", at, error)))?;
        if count == 0 {
            return Ok(());
        }
        take(&buffer[..count])?;
        at += count as u64;
    }
}

fn undecodable(wim: &Wim, id: BlobId, source: Error) -> Error {
    match wim.blob(id) {
        Ok(blob) => Error::Blob {
            hash: blob.hash,
            at: blob.offset(),
            paths: wim.paths_of_blob(id),
            source: Box::new(source),
        },
        Err(error) => error,
    }
}

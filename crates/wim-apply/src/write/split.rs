//! Splitting a file into parts (SWM).

use super::container::Container;
use super::finish::{self, INTEGRITY_CHUNK_BYTES, Part};
use super::relay::relay;
use super::xml::ImageXml;
use super::{Compression, FileForm, Output, WriteControl, WriteOptions, WriteReport, pipable, statistics};
use crate::apply::Progress;
use crate::layout::{
    BlobEntry, HEADER_BYTES, Header, IntegrityHeader, PipableBlobHeader, ResourceHeader, header_flag,
    resource_flag,
};
use crate::read::BlobStorage;
use crate::{BlobId, Error, Result, Wim};

/// What becomes of a file that is split. Nothing was written yet.
#[derive(Clone, Debug)]
pub struct SplitPlan {
    /// Blobs of each part, in the order of their places.
    parts: Vec<Vec<BlobId>>,
    /// Bytes of resources in each part.
    part_bytes: Vec<u64>,
}

impl SplitPlan {
    /// Fills parts of at most `part_bytes`, in the order of the file; metadata goes to the first. A part is
    /// larger when a single resource is (or all metadata together are).
    ///
    /// # Errors
    /// `Unsupported` for solid files (export them first); `NotFound` when parts of `wim` are missing.
    pub fn new(wim: &Wim, part_bytes: u64) -> Result<Self> {
        let header = wim.header();
        let unsupported = |at, feature: &str| Error::Unsupported {
            what: "splitting",
            at,
            feature: feature.to_owned(),
        };
        if let Some(solid) = wim.solid_resources().first() {
            return Err(unsupported(
                solid.offset,
                "a file with solid resources (export it first)",
            ));
        }
        if let Some(missing) = wim.missing_parts().first() {
            return Err(Error::NotFound {
                what: "part of the split file",
                name: missing.to_string(),
            });
        }
        let integrity =
            IntegrityHeader::SIZE as u64 + 20 * (1 + part_bytes / u64::from(INTEGRITY_CHUNK_BYTES));
        let mut fixed = HEADER_BYTES as u64 + wim.xml().len() as u64 + integrity;
        let mut entry_bytes = BlobEntry::SIZE as u64;
        if header.pipable {
            let before_each = PipableBlobHeader::SIZE as u64;
            fixed += HEADER_BYTES as u64 + wim.xml().len() as u64 + 3 * before_each;
            entry_bytes += before_each;
        }
        let metadata = statistics::sum(
            (1..=header.image_count)
                .filter_map(|index| wim.metadata_entry(index))
                .map(|(_, resource)| resource.stored_bytes + entry_bytes),
        );
        let mut blobs: Vec<BlobId> = (0..wim.blobs().len())
            .filter_map(|id| u32::try_from(id).ok())
            .map(BlobId)
            .collect();
        blobs.sort_by_key(|id| {
            wim.blob(*id)
                .map(|blob| (blob.part, blob.offset()))
                .unwrap_or_default()
        });
        let mut plan = Self {
            parts: vec![Vec::new()],
            part_bytes: vec![0],
        };
        let mut used = fixed.saturating_add(metadata);
        for id in blobs {
            let stored = wim.blob(id)?.stored_bytes().unwrap_or(0);
            let next = used.saturating_add(stored).saturating_add(entry_bytes);
            let empty = plan.parts.last().is_none_or(Vec::is_empty);
            if next > part_bytes && !(empty && plan.parts.len() > 1) {
                plan.parts.push(Vec::new());
                plan.part_bytes.push(0);
                used = fixed;
            }
            used = used.saturating_add(stored).saturating_add(entry_bytes);
            if let (Some(part), Some(bytes)) = (plan.parts.last_mut(), plan.part_bytes.last_mut()) {
                part.push(id);
                *bytes = bytes.saturating_add(stored);
            }
        }
        Ok(plan)
    }

    /// Number of parts.
    #[must_use]
    pub fn part_count(&self) -> usize {
        self.parts.len()
    }

    /// Writes part `number`, from 1. Resources are copied as they are.
    ///
    /// # Errors
    /// `Limit` for more than 65,535 parts; `NotFound` for a part that is not planned; `Io`; `Target`;
    /// `Interrupted`.
    pub fn write_part(
        &self,
        wim: &Wim,
        number: u16,
        out: &mut dyn Output,
        options: &WriteOptions,
        control: &mut WriteControl<'_>,
    ) -> Result<WriteReport> {
        let (asked, limit) = (self.parts.len() as u64, u64::from(u16::MAX));
        let part_count = u16::try_from(asked).map_err(|_| Error::Limit {
            what: "number of parts",
            asked,
            limit,
        })?;
        let slot = usize::from(number).checked_sub(1);
        let blobs = slot
            .and_then(|slot| self.parts.get(slot))
            .ok_or_else(|| Error::NotFound {
                what: "planned part",
                name: number.to_string(),
            })?;
        let mut like = WriteOptions {
            threads: options.threads,
            ..WriteOptions::like(wim)
        };
        if like.form != FileForm::Pipable {
            // All resources are copied as they are.
            like.compression = Compression::None;
        }
        let mut container = Container::new(out, 0, &like)?;
        container.part_number = number;
        let source = wim.header();
        let header = Header {
            pipable: container.pipable,
            flags: source.flags & !header_flag::WRITE_IN_PROGRESS | header_flag::SPANNED,
            chunk_bytes: source.chunk_bytes,
            guid: options.guid,
            part_number: number,
            part_count,
            image_count: source.image_count,
            ..Header::default()
        };
        let images = ImageXml::of_images(wim);
        if container.pipable {
            pipable::begin(&mut container, &header, &images, options.integrity_table)?;
            copy_metadata(&mut container, wim, number)?;
        } else {
            container.tail.write(&[0; Container::FIRST as usize])?;
        }
        let mut progress = Progress {
            blobs_total: blobs.len(),
            ..Progress::default()
        };
        let size = |id: &BlobId| wim.blob(*id).map_or(0, |blob| blob.size_bytes);
        progress.bytes_total = statistics::sum(blobs.iter().map(size));
        for &id in blobs {
            control.check()?;
            copy(&mut container, wim, id)?;
            progress.blobs_done += 1;
            progress.bytes_done = progress.bytes_done.saturating_add(size(&id));
            (control.progress)(progress);
        }
        if !container.pipable {
            copy_metadata(&mut container, wim, number)?;
        }
        container.drain()?;
        let boot = source
            .boot_index
            .checked_sub(1)
            .and_then(|slot| container.metadata.get(slot as usize));
        let header = Header {
            boot_index: source.boot_index,
            boot_metadata: boot.map_or_else(ResourceHeader::default, |entry| entry.resource),
            ..header
        };
        let mut blob_table = container.blobs.clone();
        blob_table.extend(&container.metadata);
        let part = Part {
            header,
            blob_table,
            images: &images,
            integrity_table: options.integrity_table,
            total_bytes: Some(statistics::sum(self.part_bytes.iter().copied())),
        };
        let file_bytes = if container.pipable {
            pipable::finish(&mut container, part)?
        } else {
            let tables = finish::write_tables(&mut container.tail, part)?;
            finish::write_header(&mut container.tail, &tables)?
        };
        Ok(WriteReport {
            file_bytes,
            images: source.image_count,
            blobs: blobs.len(),
            blob_bytes: progress.bytes_total,
        })
    }
}

/// The metadata of all images, which the first part has.
fn copy_metadata(container: &mut Container<'_>, wim: &Wim, number: u16) -> Result<()> {
    if number != 1 {
        return Ok(());
    }
    for index in 1..=wim.header().image_count {
        match wim.raw_metadata(index)? {
            Some((hash, resource, bytes)) => {
                container.copy(hash, resource, &mut bytes.as_slice())?;
            }
            None => container.add_metadata(wim.metadata_resource(index)?)?,
        }
    }
    Ok(())
}

fn copy(container: &mut Container<'_>, wim: &Wim, id: BlobId) -> Result<()> {
    let blob = *wim.blob(id)?;
    let mut resource = ResourceHeader {
        stored_bytes: blob.size_bytes,
        flags: 0,
        offset: 0,
        size_bytes: blob.size_bytes,
    };
    match (blob.storage, wim.raw_resource(id)?) {
        (BlobStorage::Compressed { stored_bytes, .. }, Some(mut raw)) => {
            resource.stored_bytes = stored_bytes;
            resource.flags = resource_flag::COMPRESSED;
            container.copy(blob.hash, resource, &mut raw)?;
        }
        (BlobStorage::Compressed { .. }, None) if wim.is_pipable(&blob) && container.pipable => {
            relay(
                container,
                blob.hash,
                &*wim.source_of(&blob)?,
                &*wim.chunk_map(id)?,
            )?;
        }
        (BlobStorage::Stored { .. }, _) => {
            container.copy(blob.hash, resource, &mut wim.open_blob(id)?)?;
        }
        _ => {
            let feature = "a blob that cannot be copied as it is (export the file first)".to_owned();
            return Err(Error::Unsupported {
                what: "splitting",
                at: blob.offset(),
                feature,
            });
        }
    }
    container.reference(&blob.hash, blob.reference_count);
    Ok(())
}

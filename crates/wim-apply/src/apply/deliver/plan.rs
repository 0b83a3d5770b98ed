//! Which blobs, in which order and form.

use super::super::{BlobInfo, BlobSink, CompactFormat, Want};
use super::recompress::Recompress;
use crate::codec::Codec;
use crate::read::{Blob, BlobStorage, Wim};
use crate::{BlobId, Error, ErrorKind, Result};

/// The form that a blob is planned to be handed over in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Decoded,
    /// The resource as it lies in the file.
    Verbatim(CompactFormat),
    /// Compressed anew, if that is worth it; otherwise decoded.
    Recompress(Recompress),
}

impl Mode {
    pub(super) fn is_verbatim(self) -> bool {
        matches!(self, Self::Verbatim(_))
    }

    pub(super) fn recompress(self) -> Option<Recompress> {
        match self {
            Self::Recompress(how) => Some(how),
            Self::Decoded | Self::Verbatim(_) => None,
        }
    }
}

/// The wanted blobs in file order.
#[derive(Debug)]
pub(super) struct Order {
    blobs: Vec<(BlobId, Mode)>,
    /// Whether blobs that are handed over as they lie in the file are decoded and hashed beside.
    pub(super) verify_verbatim: bool,
    /// Sum of the uncompressed sizes.
    pub(super) total_bytes: u64,
    /// Largest chunk of any of them.
    pub(super) max_chunk_bytes: u64,
    /// Largest chunk as it is stored; of chunks in resources of their own, a bound.
    pub(super) max_stored_chunk_bytes: u64,
    /// Largest blob that may be compressed anew.
    pub(super) max_recompress_bytes: u64,
    last_solid: Option<u32>,
}

impl Order {
    pub(super) fn new(
        wim: &Wim,
        ids: &[BlobId],
        sink: &mut dyn BlobSink,
        verify_verbatim: bool,
        recompress_limit_bytes: u64,
    ) -> Result<Self> {
        let mut sorted = ids.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        for &id in &sorted {
            wim.blob(id)?;
        }
        // A solid resource counts as a whole at its place; within it, blobs by their offset.
        let place = |id: &BlobId| {
            let blob = wim.blobs()[id.0 as usize];
            match blob.storage {
                BlobStorage::Solid { resource, offset } => {
                    let at = wim
                        .solid_resources()
                        .get(resource as usize)
                        .map_or(0, |r| r.offset);
                    (blob.part, at, resource, offset)
                }
                _ => (blob.part, blob.offset(), 0, 0),
            }
        };
        sorted.sort_by_key(place);
        let mut order = Self {
            blobs: Vec::with_capacity(sorted.len()),
            verify_verbatim,
            total_bytes: 0,
            max_chunk_bytes: 0,
            max_stored_chunk_bytes: 0,
            max_recompress_bytes: 0,
            last_solid: None,
        };
        for id in sorted {
            let blob = wim.blob(id)?;
            let info = BlobInfo {
                id,
                hash: blob.hash,
                size_bytes: blob.size_bytes,
            };
            let want = sink.want(&info);
            let mode = mode_of(wim, blob, want, recompress_limit_bytes)?;
            if mode.recompress().is_some() {
                order.max_recompress_bytes = order.max_recompress_bytes.max(blob.size_bytes);
            }
            order.blobs.push((id, mode));
            order.total_bytes = order.total_bytes.saturating_add(blob.size_bytes);
            order.add_chunks(wim, blob)?;
        }
        Ok(order)
    }

    /// Notes the size of a blob's chunks.
    fn add_chunks(&mut self, wim: &Wim, blob: &Blob) -> Result<()> {
        let (chunk_bytes, stored_bytes) = match blob.storage {
            BlobStorage::Stored { .. } => (0, 0),
            BlobStorage::Compressed { stored_bytes, .. } => {
                // Larger chunks than the limit are refused when they are read.
                let chunk_bytes = wim.header_of(blob)?.chunk_bytes.min(wim.limits().max_chunk_bytes);
                let chunk_bytes = u64::from(chunk_bytes);
                (chunk_bytes, chunk_bytes.min(stored_bytes))
            }
            BlobStorage::Solid { resource, .. } => {
                // All blobs of a resource follow each other.
                if self.last_solid == Some(resource) {
                    return Ok(());
                }
                self.last_solid = Some(resource);
                let header = wim.solid_resources().get(resource as usize).map(|r| r.header);
                let chunk_bytes = header.map_or(0, |h| {
                    let chunk_bytes = h.chunk_bytes.min(wim.limits().max_chunk_bytes);
                    u64::from(chunk_bytes).min(h.size_bytes)
                });
                let stored_bytes = match wim.solid_map(resource) {
                    Ok(map) => map.max_stored_bytes(),
                    Err(error) if error.kind() == ErrorKind::Io => return Err(error),
                    // What is wrong with the table is told when the resource is read.
                    Err(_) => 0,
                };
                (chunk_bytes, stored_bytes)
            }
        };
        self.max_chunk_bytes = self.max_chunk_bytes.max(chunk_bytes);
        self.max_stored_chunk_bytes = self.max_stored_chunk_bytes.max(stored_bytes);
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.blobs.len()
    }

    /// Whether every blob is handed over as plain bytes.
    pub(super) fn is_all_decoded(&self) -> bool {
        self.blobs.iter().all(|(_, mode)| *mode == Mode::Decoded)
    }

    /// The others.
    pub(super) fn not_decoded(&self) -> Vec<BlobId> {
        let others = self.blobs.iter().filter(|(_, mode)| *mode != Mode::Decoded);
        others.map(|(id, _)| *id).collect()
    }

    /// Has some blobs, which are sorted, handed over as plain bytes.
    pub(super) fn only_decode(&mut self, sorted: &[BlobId]) {
        for (id, mode) in &mut self.blobs {
            if sorted.binary_search(id).is_ok() {
                *mode = Mode::Decoded;
            }
        }
    }

    pub(super) fn id(&self, position: usize) -> Result<BlobId> {
        let missing = || Error::NotFound {
            what: "blob",
            name: format!("at position {position}"),
        };
        self.blobs.get(position).map(|(id, _)| *id).ok_or_else(missing)
    }

    pub(super) fn mode(&self, position: usize) -> Mode {
        self.blobs.get(position).map_or(Mode::Decoded, |(_, mode)| *mode)
    }

    pub(super) fn blob<'a>(&self, wim: &'a Wim, position: usize) -> Result<&'a Blob> {
        wim.blob(self.id(position)?)
    }

    pub(super) fn info(&self, wim: &Wim, position: usize) -> Result<BlobInfo> {
        let id = self.id(position)?;
        let blob = wim.blob(id)?;
        Ok(BlobInfo {
            id,
            hash: blob.hash,
            size_bytes: blob.size_bytes,
        })
    }
}

fn mode_of(wim: &Wim, blob: &Blob, want: Want, recompress_limit_bytes: u64) -> Result<Mode> {
    let Want::Compact {
        verbatim,
        recompress,
        cluster_bytes,
        record_bytes,
    } = want
    else {
        return Ok(Mode::Decoded);
    };
    let room = Room {
        cluster_bytes,
        record_bytes,
    };
    if let Some(format) = verbatim_format(wim, blob, room)?
        && verbatim & (1 << format.wof_algorithm()) != 0
    {
        return Ok(Mode::Verbatim(format));
    }
    if is_lzx_in_vain(wim, blob, room)? {
        return Ok(Mode::Decoded);
    }
    let recompress = recompress
        .filter(|_| blob.size_bytes <= recompress_limit_bytes)
        .and_then(|format| Recompress::new(format, room, blob.size_bytes));
    Ok(recompress.map_or(Mode::Decoded, Mode::Recompress))
}

/// The compact format that a blob's resource has as it lies in the file.
fn verbatim_format(wim: &Wim, blob: &Blob, room: Room) -> Result<Option<CompactFormat>> {
    let BlobStorage::Compressed { stored_bytes, .. } = blob.storage else {
        return Ok(None);
    };
    let header = wim.header_of(blob)?;
    if header.pipable || !room.is_saved_by(stored_bytes, blob.size_bytes) {
        return Ok(None);
    }
    Ok(match (wim.codec_of_part(blob)?, header.chunk_bytes) {
        (Some(Codec::Xpress), 4096) => Some(CompactFormat::Xpress4K),
        (Some(Codec::Lzx), 32_768) => Some(CompactFormat::Lzx32K),
        (Some(Codec::Xpress), 8192) => Some(CompactFormat::Xpress8K),
        (Some(Codec::Xpress), 16_384) => Some(CompactFormat::Xpress16K),
        _ => None,
    })
}

/// Whether the file holds the blob in LZX and that saves nothing: other formats would not either.
fn is_lzx_in_vain(wim: &Wim, blob: &Blob, room: Room) -> Result<bool> {
    let BlobStorage::Compressed { stored_bytes, .. } = blob.storage else {
        return Ok(false);
    };
    let header = wim.header_of(blob)?;
    Ok(wim.codec_of_part(blob)? == Some(Codec::Lzx)
        && header.chunk_bytes >= 32_768
        && !header.pipable
        && !room.is_saved_by(stored_bytes, blob.size_bytes))
}

/// How a target stores what it is given: what "saves a cluster" means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) cluster_bytes: u32,
    pub(super) record_bytes: u32,
}

impl Room {
    /// Whether a stored form occupies fewer clusters than the plain one.
    pub(super) fn is_saved_by(self, stored_bytes: u64, size_bytes: u64) -> bool {
        let cluster = u64::from(self.cluster_bytes.max(1));
        let stored_clusters = if stored_bytes <= self.record_bytes.into() {
            0
        } else {
            stored_bytes.div_ceil(cluster)
        };
        stored_clusters < size_bytes.div_ceil(cluster)
    }
}

//! The data of raw forms of encrypted files, as streams without gaps.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use sha1::{Digest, Sha1};
use wim_apply::apply::{BlobFailure, BlobInfo, BlobSink, Control, Form, TargetError, deliver};
use wim_apply::efs_raw::{Parser, Part, RawFile, SECTOR_BYTES};
use wim_apply::{BlobHash, BlobId, Wim};

use crate::collect::apply_options;
use crate::memory::Division;
use crate::tree::{BlobPaths, EncryptedFile, Tree, too_many_keys};
use crate::{Error, Result, RunOptions};

const ZEROS: [u8; 4096] = [0; 4096];

/// Unit of holes on a volume: 16 clusters, or one where clusters are large.
pub(crate) fn hole_unit_bytes(cluster_bytes: u32) -> u64 {
    let clusters = if cluster_bytes <= 4096 { 16 } else { 1 };
    u64::from(cluster_bytes) * clusters
}

/// Writes zeros in the place of what a raw form leaves out.
#[derive(Debug, Default)]
pub(crate) struct Filler {
    position: u64,
}

impl Filler {
    /// Bytes of a stream at `offset`, after zeros up to there.
    pub(crate) fn data<E>(
        &mut self,
        offset: u64,
        bytes: &[u8],
        write: &mut dyn FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.fill(offset, write)?;
        self.position += bytes.len() as u64;
        write(bytes)
    }

    /// Zeros up to `end`.
    pub(crate) fn fill<E>(
        &mut self,
        end: u64,
        write: &mut dyn FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        while self.position < end {
            let left = usize::try_from(end - self.position).unwrap_or(usize::MAX);
            let zeros = &ZEROS[..left.min(ZEROS.len())];
            write(zeros)?;
            self.position += zeros.len() as u64;
        }
        Ok(())
    }
}

/// What the raw forms of encrypted files say; what is none is an error of its own.
pub(crate) type RawFiles = HashMap<BlobId, Result<Arc<EncryptedFile>, wim_apply::Error>>;

/// Reads the raw forms of all encrypted files of a tree, each verified. With `recover`, also damaged ones as far as they
/// can be had; which these are comes with them.
pub(crate) fn read_raw_files(
    wim: &Wim,
    path: &Path,
    tree: &Tree,
    recover: bool,
    options: &RunOptions<'_>,
) -> Result<(RawFiles, Vec<BlobFailure>)> {
    let mut blobs: Vec<BlobId> = tree.encrypted_blobs().collect();
    blobs.sort_unstable();
    blobs.dedup();
    let mut sink = RawReader {
        max_kept_bytes: Division::new(options).keys_bytes,
        ..RawReader::default()
    };
    if blobs.is_empty() {
        return Ok((sink.files, Vec::new()));
    }
    let mut apply = apply_options(options);
    apply.recover = recover;
    apply.memory_limit_bytes = apply
        .memory_limit_bytes
        .map(|limit| limit.saturating_sub(sink.max_kept_bytes));
    let paths = BlobPaths::new(tree);
    let mut control = Control {
        interrupt: options.interrupt,
        progress: &mut |_| {},
        paths: &|blob| paths.of(blob),
    };
    let report = deliver(wim, &blobs, &mut sink, &apply, &mut control)
        .map_err(|error| Error::from_wim(path, error))?;
    Ok((sink.files, report.failures))
}

#[derive(Default)]
struct RawReader {
    files: RawFiles,
    kept_bytes: u64,
    max_kept_bytes: u64,
    parser: Parser,
    current: Current,
    error: Option<wim_apply::Error>,
}

#[derive(Default)]
struct Current {
    raw: RawFile,
    hashes: Vec<BlobHash>,
    hasher: SectorHasher,
}

impl Current {
    fn take(&mut self, part: Part<'_>) -> Result<(), wim_apply::Error> {
        match part {
            Part::Metadata(metadata) => self.raw.metadata = metadata.to_vec(),
            Part::Begin { .. } => self.hasher = SectorHasher::default(),
            Part::Data { offset, bytes } => self.hasher.update(offset, bytes),
            Part::End(stream) => {
                self.hashes.push(std::mem::take(&mut self.hasher).finish());
                self.raw.streams.push(stream.clone());
            }
        }
        Ok(())
    }
}

/// SHA-1 of the sectors of 512 bytes that are not zero, each with its offset: no time is spent on holes.
#[derive(Default)]
pub(crate) struct SectorHasher {
    hasher: Sha1,
    sector: Vec<u8>,
    /// Offset of `sector`.
    start: u64,
}

impl SectorHasher {
    /// Bytes at `offset`, which is not before the end of those that came.
    pub(crate) fn update(&mut self, offset: u64, mut bytes: &[u8]) {
        let sector_bytes = SECTOR_BYTES as usize;
        if offset != self.start + self.sector.len() as u64 {
            self.flush();
            self.start = offset - offset % SECTOR_BYTES;
            self.sector.resize((offset % SECTOR_BYTES) as usize, 0);
        }
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at((sector_bytes - self.sector.len()).min(bytes.len()));
            self.sector.extend_from_slice(now);
            bytes = later;
            if self.sector.len() == sector_bytes {
                self.flush();
            }
        }
    }

    fn flush(&mut self) {
        self.sector.resize(SECTOR_BYTES as usize, 0);
        if self.sector.iter().any(|&byte| byte != 0) {
            self.hasher.update(self.start.to_le_bytes());
            self.hasher.update(&self.sector);
        }
        self.sector.clear();
        self.start += SECTOR_BYTES;
    }

    pub(crate) fn finish(mut self) -> BlobHash {
        self.flush();
        BlobHash(self.hasher.finalize().into())
    }
}

impl BlobSink for RawReader {
    fn begin_blob(&mut self, _blob: &BlobInfo, _form: Form, _stored_bytes: u64) -> Result<(), TargetError> {
        self.parser = Parser::default();
        self.current = Current::default();
        self.error = None;
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), TargetError> {
        if self.error.is_none() {
            let current = &mut self.current;
            self.error = self.parser.push(bytes, &mut |part| current.take(part)).err();
        }
        Ok(())
    }

    fn end_blob(&mut self, blob: &BlobInfo) -> Result<(), TargetError> {
        let mut current = std::mem::take(&mut self.current);
        let parser = std::mem::take(&mut self.parser);
        let ended = match self.error.take() {
            Some(error) => Err(error),
            None => parser.finish(&mut |part| current.take(part)),
        };
        let file = EncryptedFile {
            raw: current.raw,
            hashes: current.hashes,
        };
        self.kept_bytes += file.kept_bytes();
        if self.kept_bytes > self.max_kept_bytes {
            return Err(too_many_keys(self.max_kept_bytes).into());
        }
        self.files.insert(blob.id, ended.map(|()| Arc::new(file)));
        Ok(())
    }
}

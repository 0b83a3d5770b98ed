//! Blobs on their way from the image to the volume.

use std::collections::HashMap;
use std::io::{Seek, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use ntfs_image::{NtfsBuilder, Report, StreamForm, StreamKey, VolumeWriter};
use wim_apply::apply::{
    BlobFailure, BlobInfo, BlobSink, CompactFormat, Control, Form, Keep, KeptChunks, TargetError,
    VerifyVerbatim, Want, deliver_keeping,
};
use wim_apply::{BlobId, Wim};

use super::durable::{Counts, Underway};
use super::encrypted::{RawDelivery, encrypted_files};
use crate::collect::apply_options;
use crate::compact::CompactPolicy;
use crate::memory::Division;
use crate::spec::Verify;
use crate::tree::{BlobPaths, EncryptedFile, Tree};
use crate::{Error, Progress, Result, RunOptions};

/// Blobs from this size on are counted in parts.
const LARGE_BLOB_BYTES: u64 = 1 << 20;

/// What a volume is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contents<'a> {
    pub(crate) wim: &'a Wim,
    /// Of the image, for errors.
    pub(crate) path: &'a Path,
    pub(crate) tree: &'a Tree,
    pub(crate) policy: &'a CompactPolicy,
    pub(crate) verify: Verify,
    /// Go on after damaged blobs.
    pub(crate) recover: bool,
    /// What was decoded before.
    pub(crate) chunks: &'a KeptChunks,
}

/// Writes the volume: every data blob of the tree, and the rest. `counts` is what `out` counts. What is damaged comes
/// with the report, when the contents say to go on after it.
pub(crate) fn write_volume<W: Write + Seek>(
    builder: NtfsBuilder,
    out: W,
    counts: &Counts,
    contents: Contents<'_>,
    options: &RunOptions<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Result<(Report, Vec<BlobFailure>)> {
    let Contents {
        wim,
        path,
        tree,
        policy,
        verify,
        recover,
        chunks,
    } = contents;
    let division = Division::new(options);
    let mut apply = apply_options(options);
    apply.memory_limit_bytes = options
        .memory_limit_bytes
        .map(|limit| limit.saturating_sub(division.held_bytes + chunks.bytes() + tree.keys_bytes()));
    apply.recover = recover;
    apply.verify_verbatim = match verify {
        Verify::Inline => VerifyVerbatim::Inline,
        Verify::Deferred => VerifyVerbatim::Deferred,
    };
    let blobs = tree.data_blobs();
    let sizes = blobs.iter().filter_map(|id| wim.blob(*id).ok());
    let total_bytes = sizes.map(|blob| blob.size_bytes).sum();
    let done = |done_bytes| Progress {
        phase: "windows",
        done_bytes,
        total_bytes,
    };
    progress(done(0));
    let output_before = counts.written_bytes();
    let mut writer = builder.writer(out).map_err(Error::Build)?;
    let paths = BlobPaths::new(tree);
    let mut control = Control {
        interrupt: options.interrupt,
        progress: &mut |_| {},
        paths: &|blob| paths.of(blob),
    };
    let mut sink = VolumeSink {
        output_before,
        writer: &mut writer,
        policy,
        division,
        encrypted: encrypted_files(tree),
        raw: None,
        interrupt: options.interrupt,
        spool_dir: options.spool_dir,
        counts,
        progress: &mut |done_bytes| progress(done(done_bytes)),
        underway: Underway::new(total_bytes),
        handed_bytes: 0,
        told_bytes: 0,
        current: Current::default(),
    };
    let delivered = deliver_keeping(wim, &blobs, &mut sink, &apply, &mut control, Keep::Use(chunks))
        .map_err(|error| Error::from_wim(path, error))?;
    let (_, report) = writer.finish().map_err(Error::Build)?;
    // The end flushes: all of it is on the medium.
    progress(done(total_bytes));
    Ok((report, delivered.failures))
}

/// The blob that is being handed over.
#[derive(Debug, Default)]
struct Current {
    size_bytes: u64,
    /// Of the form in which it comes.
    stored_bytes: u64,
    received_bytes: u64,
    /// What lay in MFT records before it.
    record_bytes: u64,
}

impl Current {
    /// The share of its size that went to the output, when `waiting_bytes` of what was received did not.
    fn placed_bytes(&self, waiting_bytes: u64) -> u64 {
        let placed = u128::from(self.received_bytes.saturating_sub(waiting_bytes));
        let bytes = placed * u128::from(self.size_bytes) / u128::from(self.stored_bytes.max(1));
        u64::try_from(bytes).map_or(self.size_bytes, |bytes| bytes.min(self.size_bytes))
    }
}

/// Hands blobs to the volume, and tells what is on the medium.
struct VolumeSink<'a, W: Write + Seek> {
    writer: &'a mut VolumeWriter<W>,
    policy: &'a CompactPolicy,
    division: Division,
    /// Encrypted files by the blob of their raw form.
    encrypted: HashMap<BlobId, Arc<EncryptedFile>>,
    /// The raw form that is being delivered.
    raw: Option<RawDelivery>,
    interrupt: &'a AtomicBool,
    /// Where a file for what is held for MFT records is made, when it becomes too much.
    spool_dir: Option<&'a Path>,
    counts: &'a Counts,
    /// What went to the output before the volume.
    output_before: u64,
    progress: &'a mut dyn FnMut(u64),
    underway: Underway,
    /// Uncompressed bytes of the blobs handed over; without those in MFT records, which come last.
    handed_bytes: u64,
    told_bytes: u64,
    current: Current,
}

impl<W: Write + Seek> VolumeSink<'_, W> {
    fn spool(&mut self) -> Result<(), TargetError> {
        if self.writer.placed().held_bytes > self.division.held_bytes
            && let Some(dir) = self.spool_dir.take()
        {
            let file = tempfile::tempfile_in(dir)
                .map_err(|e| format!("making a temporary file in {}: {e}", dir.display()))?;
            self.writer.spool_held(file)?;
        }
        Ok(())
    }

    /// Notes that so much was handed over, and tells what is durable.
    fn tell(&mut self, handed_bytes: u64) {
        let output_bytes = self.output_before + self.writer.placed().output_bytes;
        self.underway.mark(output_bytes, handed_bytes);
        let done_bytes = self.underway.done_bytes(self.counts.durable_bytes());
        if done_bytes > self.told_bytes {
            self.told_bytes = done_bytes;
            (self.progress)(done_bytes);
        }
    }
}

impl<W: Write + Seek> BlobSink for VolumeSink<'_, W> {
    fn want(&mut self, blob: &BlobInfo) -> Want {
        // Sparse files, and streams that are not files' own data, are never compact.
        let Some(record_bytes) = self.writer.compact_record_bytes(StreamKey(u64::from(blob.id.0))) else {
            return Want::Decoded;
        };
        let mut want = self.policy.want(blob.id, record_bytes);
        if let Want::Compact { recompress, .. } = &mut want
            && blob.size_bytes > self.division.recompressed_bytes
        {
            *recompress = None;
        }
        want
    }

    fn begin_blob(&mut self, blob: &BlobInfo, form: Form, stored_bytes: u64) -> Result<(), TargetError> {
        self.current = Current {
            size_bytes: blob.size_bytes,
            stored_bytes,
            received_bytes: 0,
            record_bytes: self.writer.placed().record_bytes,
        };
        if let Some(file) = self.encrypted.get(&blob.id) {
            self.raw = Some(RawDelivery::new(blob.id, Arc::clone(file)));
            return Ok(());
        }
        let form = match form {
            Form::Decoded => StreamForm::Plain,
            Form::Compact(format) if self.policy.is_only_in_clusters(blob.id) => {
                StreamForm::CompactInClusters(compact_format(format))
            }
            Form::Compact(format) => StreamForm::Compact(compact_format(format)),
        };
        Ok(self
            .writer
            .begin_stream(StreamKey(u64::from(blob.id.0)), form, stored_bytes)?)
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), TargetError> {
        match &mut self.raw {
            Some(raw) => raw.push(bytes, self.writer, self.interrupt)?,
            None => self.writer.write(bytes)?,
        }
        self.current.received_bytes += bytes.len() as u64;
        if self.current.stored_bytes >= LARGE_BLOB_BYTES {
            self.tell(self.handed_bytes + self.current.placed_bytes(self.writer.placed().waiting_bytes));
        }
        Ok(())
    }

    fn end_blob(&mut self, blob: &BlobInfo) -> Result<(), TargetError> {
        let raw = self.raw.take();
        let is_raw = raw.is_some();
        match raw {
            Some(raw) => raw.finish(self.writer, self.interrupt)?,
            None => self.writer.end_stream()?,
        }
        let record_bytes = self.writer.placed().record_bytes - self.current.record_bytes;
        if is_raw {
            // Streams of it that are not encrypted may lie in MFT records, which come last.
            self.handed_bytes += blob.size_bytes.saturating_sub(record_bytes);
        } else if record_bytes == 0 {
            self.handed_bytes += blob.size_bytes;
        }
        self.tell(self.handed_bytes);
        self.spool()
    }
}

fn compact_format(format: CompactFormat) -> ntfs_image::CompactFormat {
    match format {
        CompactFormat::Xpress4K => ntfs_image::CompactFormat::Xpress4K,
        CompactFormat::Lzx32K => ntfs_image::CompactFormat::Lzx32K,
        CompactFormat::Xpress8K => ntfs_image::CompactFormat::Xpress8K,
        CompactFormat::Xpress16K => ntfs_image::CompactFormat::Xpress16K,
    }
}

//! Verifying a whole WIM: integrity tables, metadata of all images, every blob.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::deliver::{Damage, deliver_with};
use super::{
    ApplyOptions, BlobFailure, BlobInfo, BlobSink, Control, DeliverReport, Form, ParallelSink, Progress,
    TargetError,
};
use crate::path_list::{MAX_ERROR_BYTES, MAX_REPORT_BYTES, PathList};
use crate::{BlobId, Error, ErrorKind, IntegrityReport, Result, Wim};

/// What a verification found.
#[derive(Debug, Default)]
pub struct VerifyReport {
    /// For each opened file: what its integrity table says; `None` without a table.
    pub integrity: Vec<Option<IntegrityReport>>,
    /// Integrity tables that are damaged themselves, and images whose metadata is.
    pub metadata_failures: Vec<Error>,
    /// Paths in images whose blob is in no opened file.
    pub missing: Vec<String>,
    /// All blobs; the damaged ones are in its `failures`.
    pub blobs: DeliverReport,
}

impl VerifyReport {
    /// Whether everything is right.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.metadata_failures.is_empty()
            && self.missing.is_empty()
            && self.blobs.failures.is_empty()
            && self
                .integrity
                .iter()
                .flatten()
                .all(|report| report.damaged.is_empty())
    }
}

/// Reads everything and compares every hash. What is damaged is in the report. `control.paths` is not used: the
/// paths of all damaged blobs are looked up together, in all images.
///
/// # Errors
/// `Io` and `Interrupted`; what is wrong with the file is no error of this function.
pub fn verify(wim: &Wim, options: &ApplyOptions, control: &mut Control<'_>) -> Result<VerifyReport> {
    let interrupt = control.interrupt;
    let ids: Vec<BlobId> = (0..wim.blobs().len())
        .filter_map(|index| u32::try_from(index).ok().map(BlobId))
        .collect();
    let mut control = Control {
        interrupt,
        progress: &mut *control.progress,
        paths: &|_| Vec::new(),
    };
    let mut blobs = || {
        let mut report = deliver_with(wim, &ids, &mut Nowhere, options, &mut control, Damage::Skip, None)?;
        name_paths(wim, &mut report.failures, interrupt)?;
        Ok(report)
    };
    if options.threads.get() == 1 {
        let mut report = verify_metadata(wim, interrupt)?;
        report.blobs = blobs()?;
        return Ok(report);
    }
    std::thread::scope(|scope| {
        let metadata = scope.spawn(|| verify_metadata(wim, interrupt));
        let blobs = blobs();
        let metadata = metadata
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let mut report = metadata?;
        report.blobs = blobs?;
        Ok(report)
    })
}

/// Adds the paths of all damaged blobs, each image read once.
fn name_paths(wim: &Wim, failures: &mut [BlobFailure], interrupt: &AtomicBool) -> Result<()> {
    if failures.is_empty() {
        return Ok(());
    }
    let mut lists: HashMap<BlobId, PathList> = failures
        .iter()
        .map(|failure| (failure.id, PathList::new(MAX_ERROR_BYTES)))
        .collect();
    let mut left_bytes = MAX_REPORT_BYTES;
    for info in wim.images() {
        if interrupt.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        let Ok(image) = wim.image(info.index) else {
            continue;
        };
        for (blob, id, stream) in image.uses() {
            let Some(list) = lists.get_mut(&blob) else {
                continue;
            };
            if left_bytes == 0 {
                list.close();
            }
            let bytes = list.push(|| wim.path_in_image(info.index, image.path_of_stream(id, stream)));
            left_bytes = left_bytes.saturating_sub(bytes);
        }
    }
    for failure in failures {
        if let Error::HashMismatch { paths, .. } | Error::Blob { paths, .. } = &mut failure.error
            && let Some(list) = lists.remove(&failure.id)
        {
            *paths = list.into_paths();
        }
    }
    Ok(())
}

/// All but the blobs.
fn verify_metadata(wim: &Wim, interrupt: &AtomicBool) -> Result<VerifyReport> {
    let mut report = VerifyReport::default();
    match wim.check_integrity(&mut |_| !interrupt.load(Ordering::Relaxed)) {
        Ok(integrity) => report.integrity = integrity,
        Err(error) if matches!(error.kind(), ErrorKind::Io | ErrorKind::Interrupted) => return Err(error),
        Err(error) => report.metadata_failures.push(error),
    }
    if wim.header().part_number == 1 {
        for info in wim.images() {
            if interrupt.load(Ordering::Relaxed) {
                return Err(Error::Interrupted);
            }
            match wim.check_image(info.index) {
                Ok(missing) => report.missing.extend(missing),
                Err(error) if error.kind() == ErrorKind::Io => return Err(error),
                Err(error) => report.metadata_failures.push(error),
            }
        }
    }
    Ok(report)
}

/// Takes everything and keeps nothing.
pub(super) struct Nowhere;

impl ParallelSink for Nowhere {
    fn put(&self, _: &BlobInfo, _: u64, _: &[u8]) -> Result<(), TargetError> {
        Ok(())
    }
}

impl BlobSink for Nowhere {
    fn parallel(&self) -> Option<Arc<dyn ParallelSink>> {
        Some(Arc::new(Self))
    }

    fn begin_blob(&mut self, _: &BlobInfo, _: Form, _: u64) -> Result<(), TargetError> {
        Ok(())
    }

    fn data(&mut self, _: &[u8]) -> Result<(), TargetError> {
        Ok(())
    }

    fn end_blob(&mut self, _: &BlobInfo) -> Result<(), TargetError> {
        Ok(())
    }
}

impl Control<'_> {
    /// Runs `body` with a control that reports nothing and cannot be interrupted.
    pub fn silent<T>(wim: &Wim, body: impl FnOnce(&mut Control<'_>) -> T) -> T {
        body(&mut Control {
            interrupt: &std::sync::atomic::AtomicBool::new(false),
            progress: &mut |_: Progress| {},
            paths: &|id| wim.paths_of_blob(id),
        })
    }
}

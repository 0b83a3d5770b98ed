//! Verifying a whole WIM: integrity tables, metadata of all images, every blob.

use std::sync::atomic::Ordering;

use super::deliver::{Damage, deliver_with};
use super::{ApplyOptions, BlobInfo, BlobSink, Control, DeliverReport, Form, Progress, TargetError};
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

/// Reads everything and compares every hash. What is damaged is in the report.
///
/// # Errors
/// `Io` and `Interrupted`; what is wrong with the file is no error of this function.
pub fn verify(wim: &Wim, options: &ApplyOptions, control: &mut Control<'_>) -> Result<VerifyReport> {
    let mut report = VerifyReport::default();
    let interrupt = control.interrupt;
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
            match wim.image(info.index) {
                Ok(image) => report.missing.extend(image.paths_of_missing_blobs()),
                Err(error) if error.kind() == ErrorKind::Io => return Err(error),
                Err(error) => report.metadata_failures.push(error),
            }
        }
    }
    let ids: Vec<BlobId> = (0..wim.blobs().len())
        .filter_map(|index| u32::try_from(index).ok().map(BlobId))
        .collect();
    report.blobs = deliver_with(wim, &ids, &mut Nowhere, options, control, Damage::Skip)?;
    Ok(report)
}

/// Takes everything and keeps nothing.
struct Nowhere;

impl BlobSink for Nowhere {
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

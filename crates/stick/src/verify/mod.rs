//! Checking a finished stick: tables, volumes, boot files, and every file against the image.

mod content;
mod disk;
mod esp;
mod interruptible;
mod table;
mod volume;

use std::fmt;
use std::path::Path;
use std::sync::atomic::Ordering;

use serde::Serialize;

use crate::{Error, Prepared, Progress, Result, RunOptions, Seed};

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable name of the kind of finding, such as `gpt` or `data-differs`.
    pub code: &'static str,
    /// Where: a path on the stick, or a part of it.
    pub place: String,
    /// What was found and what was expected.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} [{}]", self.place, self.message, self.code)
    }
}

/// What a verification saw.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// Nothing here: the stick holds.
    pub findings: Vec<Finding>,
    /// Findings beyond the ones kept.
    pub more_findings: u64,
    /// Files compared with the image.
    pub files_compared: u64,
    /// Bytes read and hashed.
    pub bytes_compared: u64,
    /// Whether the content was hashed and compared with an image at all. Without, only tables, volumes and boot
    /// files were checked: nothing on a stick says what its files should hold.
    pub compared_with_source: bool,
}

/// What a stick is compared with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Expected<'a> {
    /// What a fresh stick from the source holds.
    pub content: Option<&'a Prepared>,
    /// The seed it was made with: then every identifier is compared, too.
    pub seed: Option<Seed>,
}

/// What findings call the partitions.
const WINDOWS_PARTITION: &str = "Windows partition";
const ESP: &str = "EFI system partition";

/// Findings kept in a report; more are counted.
const MAX_FINDINGS: usize = 1000;

impl VerifyReport {
    /// Whether nothing was found.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.findings.is_empty() && self.more_findings == 0
    }

    fn add(&mut self, code: &'static str, place: impl Into<String>, message: impl fmt::Display) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(Finding {
                code,
                place: place.into(),
                message: message.to_string(),
            });
        } else {
            self.more_findings += 1;
        }
    }
}

/// Checks the stick at `target` (an image file or a device): the partition table, both volumes, the boot files,
/// and that the boot store names this disk's partitions. With [`Expected::content`], every file's metadata and bytes
/// are compared with what a fresh stick from that source would hold.
///
/// # Errors
/// When the target cannot be opened or read at all, and when interrupted. Whatever is wrong with what is there is a
/// finding, not an error.
pub fn verify(
    target: &Path,
    expected: Expected<'_>,
    options: &RunOptions<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Result<VerifyReport> {
    let mut report = VerifyReport::default();
    let Some(stick) = disk::read(target, options.interrupt, &mut report)? else {
        return Ok(report);
    };
    let compared = compare(&stick, expected, options, &mut report, progress);
    // What could not be read since somebody wants to stop is no finding.
    if options.interrupt.load(Ordering::Relaxed) {
        return Err(Error::Interrupted);
    }
    compared?;
    Ok(report)
}

fn compare(
    stick: &disk::Stick<'_>,
    expected: Expected<'_>,
    options: &RunOptions<'_>,
    report: &mut VerifyReport,
    progress: &mut dyn FnMut(Progress),
) -> Result<()> {
    table::check(&stick.table, expected.seed, report)?;
    volume::check(stick.windows_window()?, report);
    let windows = ntfs_image::read::Volume::open(stick.windows_window()?, &ntfs_image::Limits::default());
    let mut windows = match windows {
        Ok(windows) => Some(windows),
        Err(error) => {
            report.add("ntfs", WINDOWS_PARTITION, error);
            None
        }
    };
    if let Some(windows) = &windows {
        volume::identity(windows, stick, expected.seed, report)?;
    }
    esp::check(stick, expected, windows.as_mut(), report)?;
    if let (Some(prepared), Some(windows)) = (expected.content, &mut windows) {
        content::compare(prepared, windows, options, report, progress)?;
        report.compared_with_source = true;
    }
    Ok(())
}

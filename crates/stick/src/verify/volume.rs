//! The Windows partition's volume, by the checker.

use std::io::{Read, Seek};

use ntfs_image::check::{self, Severity};

use super::VerifyReport;

/// Runs the checker; each of its findings becomes one of ours.
pub(super) fn check<R: Read + Seek>(volume: R, report: &mut VerifyReport) {
    let checked = check::check(volume, &ntfs_image::Limits::default());
    for finding in checked
        .findings
        .iter()
        .filter(|finding| finding.severity != Severity::Note)
    {
        report.add("ntfs", super::WINDOWS_PARTITION, finding);
    }
    report.more_findings += checked.suppressed;
}

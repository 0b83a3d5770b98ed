//! The Windows partition's volume, by the checker.

use std::io::{Read, Seek};

use ntfs_image::check::{self, Severity};
use ntfs_image::read::Volume;

use super::VerifyReport;
use super::disk::Stick;
use crate::{Result, Seed};

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

/// What the boot sector says of the volume's place and, with a seed, of its identity.
pub(super) fn identity<R: Read + Seek>(
    volume: &Volume<R>,
    stick: &Stick<'_>,
    seed: Option<Seed>,
    report: &mut VerifyReport,
) -> Result<()> {
    let (boot, first_lba) = (volume.boot(), stick.windows()?.first_lba);
    if u64::from(boot.hidden_sectors) != first_lba {
        report.add(
            "ntfs",
            super::WINDOWS_PARTITION,
            format_args!(
                "its boot sector places it at LBA {}, expected {first_lba}",
                boot.hidden_sectors
            ),
        );
    }
    let expected = seed.map(|seed| seed.serial("windows volume"));
    if expected.is_some_and(|expected| boot.serial != expected) {
        report.add(
            "ntfs",
            super::WINDOWS_PARTITION,
            format_args!(
                "serial number {:016x}, expected {:016x}",
                boot.serial,
                expected.unwrap_or_default()
            ),
        );
    }
    Ok(())
}

//! `wtgctl ntfs check`.

use ntfs_image::Limits;
use ntfs_image::check::Severity;
use serde::Serialize;

use super::VolumeArgs;
use super::open::{open, window};
use crate::cmd::{Context, Outcome};
use crate::failure::Failure;
use crate::i18n::Message;
use crate::output::shown;

#[derive(Serialize)]
struct Checked {
    clean: bool,
    errors: usize,
    warnings: usize,
    notes: usize,
    suppressed: u64,
    stats: ntfs_image::check::CheckStats,
}

/// Everything that is wrong.
pub(super) fn run(args: &VolumeArgs, context: &Context) -> Result<Outcome, Failure> {
    let report = ntfs_image::check::check(window(args)?, &Limits::default());
    // What is no NTFS volume at all is a bad input, not a bad volume.
    if report.stats.records == 0
        && let Err(failure) = open(args)
    {
        return Err(failure);
    }
    for finding in &report.findings {
        context.output.entry(finding, || {
            let severity = match finding.severity {
                Severity::Error => Message::Error,
                Severity::Warning => Message::Warning,
                Severity::Note => Message::Note,
            };
            let severity = severity.text(context.output.lang());
            format!("{severity}: {}", shown(&finding.to_string()))
        })?;
    }
    let count = |severity| report.findings.iter().filter(|f| f.severity == severity).count();
    let checked = Checked {
        clean: report.is_clean(),
        errors: count(Severity::Error),
        warnings: count(Severity::Warning),
        notes: count(Severity::Note),
        suppressed: report.suppressed,
        stats: report.stats,
    };
    context.output.result(&checked, || {
        let stats = &checked.stats;
        let (files, directories) = (stats.files, stats.directories);
        let (used, clusters) = (stats.clusters_in_use, stats.clusters);
        let message = if checked.clean {
            Message::NtfsClean {
                files,
                directories,
                used,
                clusters,
            }
        } else {
            Message::NtfsUnclean {
                errors: checked.errors as u64,
                warnings: checked.warnings as u64,
                suppressed: checked.suppressed,
                files,
                directories,
                used,
                clusters,
            }
        };
        message.text(context.output.lang())
    })?;
    Ok(if checked.clean {
        Outcome::Holds
    } else {
        Outcome::DoesNotHold
    })
}

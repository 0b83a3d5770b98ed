//! What a check says: findings with their place, and counts.

use std::fmt;

use serde::Serialize;

use super::code::Code;
use crate::Error;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing, nothing is wrong.
    Note,
    /// Legal for NTFS, yet not as it should be.
    Warning,
    /// An invariant of the format does not hold.
    Error,
}

/// One thing found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable code.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// What the code means, in words.
    pub what: &'static str,
    /// MFT record concerned.
    pub record: Option<u64>,
    /// Path of that record, where it has one.
    pub path: Option<String>,
    /// Byte offset on the volume.
    pub offset: Option<u64>,
    /// What is there.
    pub found: String,
    /// The rule.
    pub expected: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.what)?;
        if let Some(record) = self.record {
            write!(f, ", record {record}")?;
        }
        if let Some(path) = &self.path {
            write!(f, " ({path})")?;
        }
        if let Some(offset) = self.offset {
            write!(f, " at offset {offset:#x}")?;
        }
        write!(f, ": found {}, expected {}", self.found, self.expected)
    }
}

/// Counts of what was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CheckStats {
    /// Records of the MFT.
    pub records: u64,
    /// Records in use.
    pub records_in_use: u64,
    /// Files that are not directories.
    pub files: u64,
    /// Directories.
    pub directories: u64,
    /// Entries of directory indexes.
    pub directory_entries: u64,
    /// Index blocks.
    pub index_blocks: u64,
    /// Security descriptors in `$Secure`.
    pub security_descriptors: u64,
    /// Clusters of the volume.
    pub clusters: u64,
    /// Clusters that attributes own.
    pub clusters_in_use: u64,
}

/// Result of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// Findings in the order of the checks.
    pub findings: Vec<Finding>,
    /// Findings beyond [`Limits::max_findings`](crate::Limits::max_findings), counted only.
    pub suppressed: u64,
    /// Counts.
    pub stats: CheckStats,
}

impl CheckReport {
    /// Whether every invariant holds: no errors and no warnings.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.suppressed == 0 && self.findings.iter().all(|f| f.severity == Severity::Note)
    }

    /// Whether a code was reported.
    #[must_use]
    pub fn has(&self, code: Code) -> bool {
        self.findings.iter().any(|f| f.code == code)
    }
}

/// Where a finding is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    pub(crate) record: Option<u64>,
    pub(crate) offset: Option<u64>,
}

impl Place {
    pub(crate) fn volume(offset: u64) -> Self {
        Self {
            record: None,
            offset: Some(offset),
        }
    }

    pub(crate) fn record(record: u64, offset: u64) -> Self {
        Self {
            record: Some(record),
            offset: Some(offset),
        }
    }
}

/// Collects findings up to a limit.
#[derive(Debug)]
pub(crate) struct Findings {
    pub(crate) report: CheckReport,
    pub(crate) limit: usize,
}

impl Findings {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            report: CheckReport::default(),
            limit,
        }
    }

    pub(crate) fn add(
        &mut self,
        code: Code,
        place: Place,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) {
        if self.report.findings.len() >= self.limit {
            self.report.suppressed += 1;
            return;
        }
        self.report.findings.push(Finding {
            code,
            severity: code.severity(),
            what: code.what(),
            record: place.record,
            path: None,
            offset: place.offset,
            found: found.into(),
            expected: expected.into(),
        });
    }

    /// A failed read as a finding: a bad structure is what the reader says it is.
    pub(crate) fn add_error(&mut self, code: Code, place: Place, error: &Error) {
        let place = Place {
            offset: error.offset().or(place.offset),
            ..place
        };
        match error {
            Error::Corrupt {
                what,
                found,
                expected,
                ..
            } => {
                self.add(code, place, format!("{what} {found}"), *expected);
            }
            Error::Limit { .. } => self.add(Code::LimitReached, place, error.to_string(), "less"),
            _ => self.add(code, place, error.to_string(), "a structure that can be read"),
        }
    }
}

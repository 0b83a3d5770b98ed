//! Checking any NTFS volume, read-only: every invariant of the format, with the place of each finding.
//!
//! The passes: both boot sectors; the structure of every record in the order of the MFT; each file as a
//! whole; directories against names; the shared descriptors and registers; clusters against `$Bitmap`.
//! [`Code`] lists what can be found.

mod attributes;
mod boot;
mod clusters;
mod code;
mod collation;
mod directories;
mod encryption;
mod files;
mod index;
mod lists;
mod names;
mod records;
mod registers;
mod report;
mod security;
mod system;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek};

pub use code::Code;
pub use report::{CheckReport, CheckStats, Finding, Severity};

use crate::Limits;
use crate::read::Volume;
use crate::read::device::Device;
use clusters::Extent;
use files::FileFact;
use names::NameFact;
use records::RecordFact;
use report::{Findings, Place};

/// Checks a volume. What cannot be read is a finding, so there is always a report.
pub fn check<R: Read + Seek>(source: R, limits: &Limits) -> CheckReport {
    let mut out = Findings::new(limits.max_findings);
    let opened = Device::new(source).and_then(|mut device| {
        let Some(boot) = boot::check_boot(&mut device, &mut out) else {
            return Ok(None);
        };
        Volume::with_boot(device, boot, limits).map(Some)
    });
    match opened {
        Ok(Some(mut volume)) => Checker::new(&mut volume, out).run(),
        Ok(None) => out.report,
        Err(error) => {
            out.add_error(Code::VolumeOpen, Place::default(), &error);
            out.report
        }
    }
}

/// The passes and what they hand on.
struct Checker<'v, R> {
    volume: &'v mut Volume<R>,
    out: Findings,
    records: Vec<RecordFact>,
    files: Vec<FileFact>,
    extents: Vec<Extent>,
    names: Vec<NameFact>,
    /// Code units of all names.
    name_units: Vec<u16>,
    /// Index in `names` of the first name of each record.
    first_name: Vec<Option<u32>>,
    /// Records that some attribute list names.
    listed_extensions: BTreeSet<u64>,
    /// Tag and file of every reparse point.
    reparse_points: Vec<(u32, u64)>,
    /// Object id and file.
    object_ids: Vec<([u8; 16], u64)>,
    /// How many files use a security id, and the first that does.
    security_ids: BTreeMap<u32, (u64, u64)>,
}

impl<'v, R: Read + Seek> Checker<'v, R> {
    fn new(volume: &'v mut Volume<R>, out: Findings) -> Self {
        Self {
            volume,
            out,
            records: Vec::new(),
            files: Vec::new(),
            extents: Vec::new(),
            names: Vec::new(),
            name_units: Vec::new(),
            first_name: Vec::new(),
            listed_extensions: BTreeSet::new(),
            reparse_points: Vec::new(),
            object_ids: Vec::new(),
            security_ids: BTreeMap::new(),
        }
    }

    fn run(mut self) -> CheckReport {
        self.volume.load_upcase();
        self.check_places();
        self.check_records();
        self.check_files();
        self.check_directories();
        self.check_tree();
        self.check_secure();
        self.check_registers();
        self.check_system();
        self.check_clusters();
        for index in 0..self.out.report.findings.len() {
            let record = self.out.report.findings[index].record;
            self.out.report.findings[index].path = record.and_then(|record| self.path_of(record));
        }
        self.out.report
    }

    fn record_fact(&self, number: u64) -> Option<RecordFact> {
        usize::try_from(number)
            .ok()
            .and_then(|number| self.records.get(number))
            .copied()
    }
}

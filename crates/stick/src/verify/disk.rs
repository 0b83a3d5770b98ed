//! The partition table of a stick, and windows onto its partitions.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use partitioner::Window;
use partitioner::gpt::{self, GptTable, Partition};
use uuid::Uuid;

use super::VerifyReport;
use super::interruptible::Interruptible;
use crate::source::open;
use crate::{Error, Result};

/// A disk with the partitions of a stick.
pub(super) struct Stick<'a> {
    path: PathBuf,
    interrupt: &'a AtomicBool,
    pub(super) table: GptTable,
}

pub(super) type PartitionWindow<'a> = Window<BufReader<Interruptible<'a, File>>>;

/// Reads the table; `None`, and a finding, when there are no partitions of a stick to look at.
pub(super) fn read<'a>(
    path: &Path,
    interrupt: &'a AtomicBool,
    report: &mut VerifyReport,
) -> Result<Option<Stick<'a>>> {
    let mut file = open(path)?;
    let found = match gpt::read(&mut file, None, &partitioner::Limits::default()) {
        Ok(found) => found,
        Err(error) if error.kind() == partitioner::ErrorKind::Io => return Err(Error::Partitioner(error)),
        Err(error) => {
            report.add(
                "gpt",
                "partition table",
                format_args!("{error}: the stick was not completed"),
            );
            return Ok(None);
        }
    };
    for finding in &found.findings {
        report.add("gpt", "partition table", &finding.message);
    }
    let stick = Stick {
        path: path.to_owned(),
        interrupt,
        table: found.table,
    };
    let types: Vec<Uuid> = stick
        .table
        .partitions
        .iter()
        .map(|partition| partition.type_guid)
        .collect();
    if types == [gpt::EFI_SYSTEM, gpt::MICROSOFT_RESERVED, gpt::BASIC_DATA] {
        return Ok(Some(stick));
    }
    report.add(
        "gpt",
        "partition table",
        "other partitions than a stick has: EFI system, Microsoft reserved, Windows",
    );
    let has_volumes = stick.esp().is_ok() && stick.windows().is_ok();
    Ok(has_volumes.then_some(stick))
}

impl<'a> Stick<'a> {
    fn partition(&self, type_guid: Uuid, what: &str) -> Result<&Partition> {
        self.table
            .partitions
            .iter()
            .find(|p| p.type_guid == type_guid)
            .ok_or_else(|| Error::Unusable {
                path: self.path.clone(),
                reason: format!("a GPT disk without a {what}: not a stick of this tool"),
            })
    }

    fn window(&self, partition: &Partition) -> Result<PartitionWindow<'a>> {
        let sector = self.table.sector_bytes;
        let inner = Interruptible {
            inner: open(&self.path)?,
            interrupt: self.interrupt,
        };
        let file = BufReader::with_capacity(1 << 18, inner);
        Ok(Window::new(
            file,
            partition.first_byte(sector),
            partition.size_bytes(sector),
        ))
    }

    /// The EFI system partition.
    pub(super) fn esp(&self) -> Result<&Partition> {
        self.partition(gpt::EFI_SYSTEM, "EFI system partition")
    }

    /// The Windows partition.
    pub(super) fn windows(&self) -> Result<&Partition> {
        self.partition(gpt::BASIC_DATA, "Windows partition")
    }

    /// A reader of the EFI system partition.
    pub(super) fn esp_window(&self) -> Result<PartitionWindow<'a>> {
        self.window(self.esp()?)
    }

    /// A reader of the Windows partition.
    pub(super) fn windows_window(&self) -> Result<PartitionWindow<'a>> {
        self.window(self.windows()?)
    }
}

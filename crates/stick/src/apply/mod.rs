//! Carrying a plan out: wipe, boot files, Windows volume, backup table, and the primary table last.

pub(crate) mod deliver;
pub(crate) mod durable;
mod encrypted;
pub(crate) mod volume;

use std::io::{Seek, Write};
use std::path::PathBuf;

use partitioner::Window;
use partitioner::device::{DeviceRequest, FileRequest, Host, Target as OpenTarget};
use partitioner::gpt;
use serde::Serialize;

use self::deliver::{Contents, write_volume};
use self::durable::{Counted, Counts};
use crate::layout::Role;
use crate::spec::{Target, Verify};
use crate::{Error, Prepared, Result, RunOptions, TargetState};

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Stable name of the phase: `boot`, `windows`, `sync`, `verify`.
    pub phase: &'static str,
    /// Bytes that are on the medium, or were checked.
    pub done_bytes: u64,
    /// Bytes of the phase.
    pub total_bytes: u64,
}

/// The end of the phase `sync`.
const SYNCED: Progress = Progress {
    phase: "sync",
    done_bytes: 1,
    total_bytes: 1,
};

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ApplyReport {
    /// The seed that makes the same stick again.
    pub seed: u64,
    /// The target.
    pub target: PathBuf,
    /// Files and directories on the Windows partition.
    pub files: u64,
    /// Of them, files stored compact.
    pub compact_files: u64,
    /// Bytes written to the target.
    pub written_bytes: u64,
    /// Write calls to the target.
    pub write_calls: u64,
    /// Whether the hash of every file was compared before the partition table was written. False with
    /// [`Verify::Deferred`] for files stored compact: [`verify`](crate::verify::verify) against the source does that.
    pub contents_verified: bool,
    /// What could not be kept as the image has it, beyond what the plan said.
    pub warnings: Vec<String>,
}

impl Prepared {
    /// Opens the target and makes the stick.
    ///
    /// # Errors
    /// Refusals before anything is written; afterwards [`Error::Incomplete`]: then the target holds no valid
    /// partition table.
    pub fn apply(self, options: &RunOptions<'_>, progress: &mut dyn FnMut(Progress)) -> Result<ApplyReport> {
        let host = Host::default();
        let mut sources = self.source.files.clone();
        sources.extend(self.plan.spec.unattend.clone());
        let opened = match &self.plan.spec.target {
            Target::File {
                path,
                size_bytes,
                force,
            } => OpenTarget::open_file(
                &host,
                &FileRequest {
                    path,
                    size_bytes: *size_bytes,
                    force: *force,
                    sources: &sources,
                },
            ),
            Target::Device { path, erase } => OpenTarget::open_device(
                &host,
                &DeviceRequest {
                    path,
                    erase: Some(erase),
                    need_bytes: self.plan.disk.size_bytes,
                    sources: &sources,
                },
            ),
        };
        let mut target = opened.map_err(Error::Partitioner)?;
        if target.size_bytes() != self.plan.disk.size_bytes {
            return Err(Error::PlanChanged("the device has another size".to_owned()));
        }
        if target.device().is_some() {
            // The kernel, and with it any automounter, forgets the old partitions before they are overwritten.
            gpt::wipe(&mut target, self.plan.disk.size_bytes, self.table.sector_bytes)
                .map_err(|error| Error::Partitioner(error).incomplete(TargetState::Wiping))?;
            target.reread_table();
        }
        let counts = Counts::default();
        let mut state = TargetState::Wiping;
        let report = Counted::target(&mut target, &counts)
            .map_err(|source| self.flush_error(source))
            .and_then(|disk| self.write_all(disk, &counts, &mut state, options, progress))
            .map_err(|error| error.incomplete(state))?;
        target
            .finish()
            .map_err(|error| Error::Partitioner(error).incomplete(TargetState::Committing))?;
        progress(SYNCED);
        Ok(report)
    }

    /// Makes the stick on any disk-like writer of the planned size, whose `flush` makes bytes durable.
    ///
    /// # Errors
    /// [`Error::Incomplete`]: the disk holds no valid primary partition table.
    pub fn write_to<D: Write + Seek>(
        self,
        disk: &mut D,
        options: &RunOptions<'_>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<ApplyReport> {
        let counts = Counts::default();
        let mut state = TargetState::Wiping;
        let disk = Counted::new(disk, &counts);
        let report = self
            .write_all(disk, &counts, &mut state, options, progress)
            .map_err(|error| error.incomplete(state))?;
        progress(SYNCED);
        Ok(report)
    }

    fn flush_error(&self, source: std::io::Error) -> Error {
        Error::Io {
            op: "flushing",
            path: self.plan.spec.target.path().to_owned(),
            source,
        }
    }

    fn write_all<D: Write + Seek>(
        self,
        mut disk: Counted<'_, D>,
        counts: &Counts,
        state: &mut TargetState,
        options: &RunOptions<'_>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<ApplyReport> {
        let sector_bytes = self.table.sector_bytes;
        gpt::wipe(&mut disk, self.plan.disk.size_bytes, sector_bytes).map_err(Error::Partitioner)?;
        *state = TargetState::NoTable;
        // Nothing is written into the reserved partition, and what was there must not be taken for a volume.
        let reserved = &self.table.partitions[Role::Msr.index()];
        let reserved = (
            reserved.first_byte(sector_bytes),
            reserved.size_bytes(sector_bytes),
        );
        gpt::wipe_signatures(&mut disk, reserved.0, reserved.1).map_err(Error::Partitioner)?;

        let esp = &self.table.partitions[Role::Esp.index()];
        progress(Progress {
            phase: "boot",
            done_bytes: 0,
            total_bytes: self.boot.bytes,
        });
        let mut window = Window::new(
            &mut disk,
            esp.first_byte(sector_bytes),
            esp.size_bytes(sector_bytes),
        );
        let contents = &self.boot.contents;
        self.esp
            .write(&mut window, |key| {
                let content = usize::try_from(key).ok().and_then(|key| contents.get(key));
                content
                    .map(|(_, bytes)| bytes.as_slice())
                    .ok_or_else(|| std::io::ErrorKind::NotFound.into())
            })
            .map_err(Error::Partitioner)?;
        disk.flush().map_err(|source| self.flush_error(source))?;
        progress(Progress {
            phase: "boot",
            done_bytes: self.boot.bytes,
            total_bytes: self.boot.bytes,
        });

        let windows = &self.table.partitions[Role::Windows.index()];
        let window = Window::new(
            &mut disk,
            windows.first_byte(sector_bytes),
            windows.size_bytes(sector_bytes),
        );
        let target = self.plan.spec.target.path().to_owned();
        let verify = self.plan.spec.verify;
        let contents = Contents {
            wim: &self.source.wim,
            path: &self.source.path,
            tree: &self.tree,
            policy: &self.policy,
            verify,
            recover: false,
            chunks: &self.chunks,
        };
        let (report, _) = write_volume(self.builder, window, counts, contents, options, progress)?;

        progress(Progress {
            done_bytes: 0,
            ..SYNCED
        });
        disk.flush().map_err(|source| Error::Io {
            op: "flushing",
            path: target.clone(),
            source,
        })?;
        self.table.write_backup(&mut disk).map_err(Error::Partitioner)?;
        *state = TargetState::Committing;
        self.table.write_primary(&mut disk).map_err(Error::Partitioner)?;
        Ok(ApplyReport {
            seed: self.plan.spec.seed,
            target,
            files: self.plan.windows.files + self.plan.windows.directories,
            compact_files: report.compact_file_count,
            written_bytes: counts.written_bytes(),
            write_calls: counts.write_calls(),
            contents_verified: verify == Verify::Inline || report.compact_file_count == 0,
            warnings: report
                .warnings
                .iter()
                .map(volume::describe_warning)
                .filter(|warning| !self.plan.warnings.contains(warning))
                .collect(),
        })
    }
}

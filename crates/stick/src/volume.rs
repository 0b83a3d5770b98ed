//! One image onto one NTFS volume: what a stick does with its Windows partition, without the stick and without
//! any edit.

use std::io::{Seek, Write};

use ntfs_image::{DosNames, NtfsBuilder, VolumeSpec};
use partitioner::Window;
use partitioner::device::Target;
use serde::Serialize;
use wim_apply::Wim;
use wim_apply::apply::{BlobFailure, KeptChunks};

use crate::apply::deliver::{Contents, write_volume};
use crate::apply::durable::{Counted, Counts};
use crate::apply::volume::{describe, describe_warning};
use crate::compact::{BOOT_COMPRESS_INI, CompactPolicy, PathPatterns};
use crate::memory::Division;
use crate::raw_streams::{hole_unit_bytes, read_raw_files};
use crate::spec::{Compact, Verify};
use crate::tree::{Content, Tree, from_image};
use crate::{Error, Progress, Result, RunOptions, Seed, collect};

/// Size of the volume that is tried to find out how much is needed.
const LARGEST_BYTES: u64 = 2 << 40;

/// A volume to be made.
#[derive(Clone, Copy, Debug)]
pub struct VolumeOptions {
    /// Size; `None` for what the image needs and an eighth more.
    pub size_bytes: Option<u64>,
    /// Where it begins on its disk, for its boot sector.
    pub first_byte: u64,
    /// Bytes per logical sector.
    pub sector_bytes: u32,
    /// Bytes per cluster.
    pub cluster_bytes: u32,
    /// Compact storage.
    pub compact: Compact,
    /// When compact files are verified.
    pub verify: Verify,
    /// Go on after damaged data: what cannot be had becomes zeros, and the report names the files. What the image
    /// claims to hold bounds the volume, so the caller compares that with what else is known of it. An encrypted
    /// file of whose keys nothing can be had becomes an empty one.
    pub recover: bool,
    /// Seed of the serial number.
    pub seed: u64,
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VolumeReport {
    /// Files and directories.
    pub files: u64,
    /// Of them, files stored compact.
    pub compact_files: u64,
    /// Size of the volume.
    pub size_bytes: u64,
    /// Bytes written.
    pub written_bytes: u64,
    /// Write calls.
    pub write_calls: u64,
    /// With [`VolumeOptions::recover`]: what is damaged, one sentence for each blob, with every path that holds it.
    pub damaged: Vec<String>,
}

/// A volume that is ready to be written.
#[derive(Debug)]
pub struct PreparedVolume {
    /// Its size.
    pub size_bytes: u64,
    /// What cannot be kept as the image has it.
    pub warnings: Vec<String>,
    tree: Tree,
    policy: CompactPolicy,
    builder: NtfsBuilder,
    verify: Verify,
    recover: bool,
    /// Damaged blobs that were read before the layout.
    failures: Vec<BlobFailure>,
    first_byte: u64,
    chunks: KeptChunks,
}

impl PreparedVolume {
    /// Reads the image and lays the volume out. Writes nothing.
    ///
    /// # Errors
    /// What the image holds and no volume can, a bad image, a size that is too small.
    pub fn new(wim: &Wim, index: u32, options: VolumeOptions, run: &RunOptions<'_>) -> Result<Self> {
        let wrap = |source| Error::Wim {
            path: format!("image {index}").into(),
            source,
        };
        let image = wim.image(index).map_err(wrap)?;
        let mut warnings = Vec::new();
        let mut tree = from_image(image, &mut warnings)?;
        let mut wanted: Vec<_> = tree.reparse_blobs().collect();
        let ini = tree
            .lookup(BOOT_COMPRESS_INI)
            .and_then(|entry| tree.unnamed_data(tree.entry(entry).node));
        let ini = match ini {
            Some(Content::Blob { id, .. }) if options.compact != Compact::Off => Some(*id),
            _ => None,
        };
        wanted.extend(ini);
        wanted.sort_unstable();
        wanted.dedup();
        let early = collect::read_blobs(wim, "image".as_ref(), &tree, &wanted, options.recover, run)?;
        let (raw_files, raw_failures) = read_raw_files(wim, "image".as_ref(), &tree, options.recover, run)?;
        tree.resolve_reparse_points(|id| early.blobs.get(&id).cloned());
        let damaged = raw_failures.iter().map(|failure| failure.id).collect();
        let hole_unit_bytes = hole_unit_bytes(options.cluster_bytes);
        tree.empty_unreadable(&raw_files, &damaged, hole_unit_bytes);
        let keys_bytes = Division::new(run).keys_bytes;
        tree.resolve_encrypted(&raw_files, hole_unit_bytes, keys_bytes)?;
        let mut failures = early.failures;
        failures.extend(raw_failures);
        let prepopulate = ini
            .and_then(|id| early.blobs.get(&id))
            .map_or_else(PathPatterns::default, |ini| {
                PathPatterns::from_ini(ini, "PrepopulateList")
            });
        let info = wim.images().iter().find(|info| info.index == index);
        let build = info
            .and_then(|info| info.version.as_ref())
            .map(|version| version.build);
        let policy = CompactPolicy::new(options.compact, build, &tree, &prepopulate, options.cluster_bytes)?;
        let time = info
            .and_then(|info| info.last_modification_time.or(info.creation_time))
            .unwrap_or(0);
        let spec = |size_bytes| VolumeSpec {
            size_bytes,
            sector_bytes: options.sector_bytes,
            cluster_bytes: options.cluster_bytes,
            mft_record_bytes: if options.sector_bytes == 4096 { 4096 } else { 1024 },
            serial: Seed(options.seed).serial("windows volume"),
            hidden_sectors: u32::try_from(options.first_byte / u64::from(options.sector_bytes)).unwrap_or(0),
            label: Vec::new(),
            time,
            dos_names: DosNames::Given,
            keep_free: Vec::new(),
        };
        let size_bytes = match options.size_bytes {
            Some(size_bytes) => size_bytes,
            None => {
                let plan = describe(&tree, spec(LARGEST_BYTES))?
                    .plan()
                    .map_err(Error::Build)?;
                // Of the smallest volume: the plan of the largest one counts a large bitmap.
                let least = plan.min_size_bytes;
                least
                    .saturating_add(least / 8)
                    .checked_next_multiple_of(1 << 20)
                    .unwrap_or(least)
                    .max(32 << 20)
            }
        };
        let mut builder = describe(&tree, spec(size_bytes))?;
        let plan = builder.plan().map_err(|error| match error {
            ntfs_image::BuildError::NoSpace {
                needed_bytes,
                have_bytes,
            } => Error::TooSmall {
                needed_bytes,
                have_bytes,
            },
            other => Error::Build(other),
        })?;
        warnings.extend(plan.warnings.iter().map(describe_warning));
        Ok(Self {
            size_bytes,
            warnings,
            tree,
            policy,
            builder,
            verify: options.verify,
            recover: options.recover,
            failures,
            first_byte: options.first_byte,
            chunks: early.chunks,
        })
    }

    /// Writes the volume into a target, at [`VolumeOptions::first_byte`]. Its boot sector comes last.
    ///
    /// # Errors
    /// A bad blob, a failed write, an interruption: the volume then has no boot sector.
    pub fn write_to_target(
        self,
        wim: &Wim,
        target: &mut Target,
        run: &RunOptions<'_>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<VolumeReport> {
        let counts = Counts::default();
        let path = target.path().to_owned();
        let counted = Counted::target(target, &counts).map_err(|source| Error::Io {
            op: "flushing",
            path,
            source,
        })?;
        let window = Window::new(counted, self.first_byte, self.size_bytes);
        self.write(wim, window, &counts, run, progress)
    }

    /// Writes the volume; offset 0 of `out` is its start, and its `flush` makes bytes durable. Its boot sector comes
    /// last.
    ///
    /// # Errors
    /// As [`write_to_target`](Self::write_to_target).
    pub fn write_to<D: Write + Seek>(
        self,
        wim: &Wim,
        out: &mut D,
        run: &RunOptions<'_>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<VolumeReport> {
        let counts = Counts::default();
        let counted = Counted::new(out, &counts);
        self.write(wim, counted, &counts, run, progress)
    }

    fn write<D: Write + Seek>(
        self,
        wim: &Wim,
        out: D,
        counts: &Counts,
        run: &RunOptions<'_>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<VolumeReport> {
        let files = self.tree.nodes.len() as u64;
        let contents = Contents {
            wim,
            path: "image".as_ref(),
            tree: &self.tree,
            policy: &self.policy,
            verify: self.verify,
            recover: self.recover,
            chunks: &self.chunks,
        };
        let (report, later) = write_volume(self.builder, out, counts, contents, run, progress)?;
        let mut failures = self.failures;
        failures.extend(later);
        // Stable: what was read twice keeps the paths that it had before the layout.
        failures.sort_by_key(|failure| failure.id);
        failures.dedup_by_key(|failure| failure.id);
        Ok(VolumeReport {
            files,
            compact_files: report.compact_file_count,
            size_bytes: self.size_bytes,
            written_bytes: report.bytes_written,
            write_calls: report.write_calls,
            damaged: failures.iter().map(|failure| failure.error.to_string()).collect(),
        })
    }
}

//! From a spec to everything that is known before the first byte is written.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

use ntfs_image::{DosNames, NtfsBuilder, VolumeSpec};
use partitioner::device::{DeviceRequest, FileRequest, Host, check_target_device, check_target_file};
use partitioner::fat32::FatPlan;
use partitioner::gpt::GptTable;
use wim_apply::apply::KeptChunks;
use wim_apply::{BlobId, ImageInfo, Wim};

use crate::boot::{self, BootContent};
use crate::collect::{self, Early};
use crate::compact::{BOOT_COMPRESS_INI, CompactPolicy, PathPatterns};
use crate::layout::{Role, plan_disk};
use crate::memory::Division;
use crate::plan::{
    BootFacts, DiskFacts, ImageFacts, PLAN_FORMAT, PartitionFacts, Plan, SourceFacts, TargetFacts,
    VolumeFacts,
};
use crate::raw_streams::{hole_unit_bytes, read_raw_files};
use crate::source::{Source, SourceKind, io_error};
use crate::spec::{Spec, Target};
use crate::tree::{ATTRIBUTE_DIRECTORY, Content, Tree, from_image};
use crate::{Error, Result, RunOptions, Seed, apply, transform};

/// Least size of the Windows partition that is laid out; the real need comes from the tree.
const WINDOWS_MIN_BYTES: u64 = 64 << 20;
/// Size of the disk that is laid out for a comparison: enough for any image.
const COMPARISON_BYTES: u64 = 2 << 40;
/// Bytes per cluster of the Windows partition: Windows' own default up to 16 TiB.
const CLUSTER_BYTES: u32 = 4096;
/// 1 January 2024, for images that carry no time.
const FALLBACK_TIME: u64 = 133_485_408_000_000_000;

/// A stick that is ready to be written: the plan, and what carries it out.
#[derive(Debug)]
pub struct Prepared {
    /// What will be done.
    pub plan: Plan,
    pub(crate) source: Source,
    pub(crate) tree: Tree,
    pub(crate) table: GptTable,
    pub(crate) boot: BootContent,
    pub(crate) esp: FatPlan,
    pub(crate) policy: CompactPolicy,
    pub(crate) builder: NtfsBuilder,
    /// Decoded chunks of a solid image, for the delivery.
    pub(crate) chunks: KeptChunks,
}

impl Prepared {
    /// Reads the source, edits the tree, lays the disk out. Touches nothing.
    ///
    /// # Errors
    /// Whatever would make the stick impossible: a bad source, an image that is not Windows, a target that is too
    /// small, refused, or absent.
    pub fn new(spec: Spec, options: &RunOptions<'_>) -> Result<Self> {
        for path in [
            Some(&spec.source),
            Some(&spec.target.path().to_owned()),
            spec.unattend.as_ref(),
        ]
        .into_iter()
        .flatten()
        {
            if path.to_str().is_none() {
                return Err(Error::Unsupported(format!(
                    "{}: a path that is not UTF-8 cannot be saved in a plan",
                    path.display()
                )));
            }
        }
        let target = target_facts(&spec)?;
        Self::with_target(spec, target, options)
    }

    /// As [`new`](Self::new) from a saved plan's spec, and only if the result is that very plan.
    ///
    /// # Errors
    /// As [`new`](Self::new), and [`Error::PlanChanged`].
    pub fn from_plan(saved: Plan, options: &RunOptions<'_>) -> Result<Self> {
        if saved.format != PLAN_FORMAT {
            return Err(Error::PlanChanged(format!(
                "it has format {}, expected {PLAN_FORMAT}",
                saved.format
            )));
        }
        let prepared = Self::new(saved.spec.clone(), options)?;
        saved.check_unchanged(&prepared.plan)?;
        Ok(prepared)
    }

    /// As [`new`](Self::new) for comparing with a stick that exists: the target is not looked at.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn for_comparison(mut spec: Spec, options: &RunOptions<'_>) -> Result<Self> {
        let path = spec.target.path().to_owned();
        // What is compared, tree and boot files, does not depend on the size.
        let size_bytes = COMPARISON_BYTES;
        spec.target = Target::File {
            path,
            size_bytes,
            force: true,
        };
        let mut prepared = Self::with_target(spec, TargetFacts::NewFile, options)?;
        // Nothing is delivered.
        prepared.chunks = KeptChunks::new(0);
        Ok(prepared)
    }

    fn with_target(spec: Spec, target: TargetFacts, options: &RunOptions<'_>) -> Result<Self> {
        let seed = Seed(spec.seed);
        let source = Source::open(&spec.source)?;
        let info = choose_image(&source, spec.image.as_deref())?;
        let wim_error = |path: &PathBuf| {
            let path = path.clone();
            move |source| Error::Wim { path, source }
        };
        let image = source.wim.image(info.index).map_err(wim_error(&spec.source))?;
        let build = info.version.as_ref().map(|version| version.build);
        let mut warnings = Vec::new();
        let mut tree = from_image(image, &mut warnings)?;
        let staged = boot::stage(&tree, &source.wim, info.index, spec.boot_ca)?;
        let Early {
            blobs: early, chunks, ..
        } = read_early(&source, &tree, &staged.files, options)?;
        tree.resolve_reparse_points(|id| early.get(&id).cloned());
        let (raw_files, _) = read_raw_files(&source.wim, &source.path, &tree, false, options)?;
        let keys_bytes = Division::new(options).keys_bytes;
        tree.resolve_encrypted(&raw_files, hole_unit_bytes(CLUSTER_BYTES), keys_bytes)?;

        let time = info
            .last_modification_time
            .or(info.creation_time)
            .filter(|&t| t != 0)
            .unwrap_or(FALLBACK_TIME);
        let mut changes = Vec::new();
        let hive = content_bytes(&tree, transform::SYSTEM_HIVE, &early)?;
        transform::system_hive(&mut tree, &hive, &mut changes)?;
        if let Some(path) = &spec.unattend {
            let bytes = std::fs::read(path).map_err(|source| io_error("reading", path, source))?;
            transform::answer_file(&mut tree, path, bytes, time, &mut changes, &mut warnings)?;
        }

        let (size_bytes, sector_bytes) = match (&spec.target, &target) {
            (Target::File { size_bytes, .. }, _) => (*size_bytes, spec.sector_bytes),
            (
                Target::Device { .. },
                TargetFacts::Device {
                    size_bytes,
                    sector_bytes,
                    ..
                },
            ) => (*size_bytes, *sector_bytes),
            (Target::Device { .. }, _) => (0, spec.sector_bytes),
        };
        let table = plan_disk(seed, size_bytes, sector_bytes, WINDOWS_MIN_BYTES)?;
        let windows = &table.partitions[Role::Windows.index()];
        let windows_bytes = windows.size_bytes(sector_bytes);
        let prepopulate = optional_bytes(&tree, BOOT_COMPRESS_INI, &early)
            .map_or_else(PathPatterns::default, |ini| {
                PathPatterns::from_ini(&ini, "PrepopulateList")
            });
        let policy = CompactPolicy::new(spec.compact, build, &tree, &prepopulate, CLUSTER_BYTES)?;
        let volume = VolumeSpec {
            size_bytes: windows_bytes,
            sector_bytes,
            cluster_bytes: CLUSTER_BYTES,
            mft_record_bytes: if sector_bytes == 4096 { 4096 } else { 1024 },
            serial: seed.serial("windows volume"),
            hidden_sectors: u32::try_from(windows.first_lba).unwrap_or(0),
            label: Vec::new(),
            time,
            dos_names: DosNames::Given,
            keep_free: Vec::new(),
        };
        let mut builder = apply::volume::describe(&tree, volume)?;
        if table.last_usable_lba > windows.last_lba + (4 << 20) / u64::from(sector_bytes) {
            warnings.push(
                "the disk is larger than can be used: the Windows partition has 2 TiB, the rest stays free"
                    .to_owned(),
            );
        }
        let volume_plan = builder.plan().map_err(|error| match error {
            ntfs_image::BuildError::NoSpace {
                needed_bytes,
                have_bytes,
            } => Error::TooSmall {
                needed_bytes: whole_disk_bytes(needed_bytes, size_bytes, have_bytes),
                have_bytes: size_bytes,
            },
            other => Error::Build(other),
        })?;
        warnings.extend(volume_plan.warnings.iter().map(apply::volume::describe_warning));

        let (boot, esp) = boot::lay_out(seed, &table, &info, &staged, &early, time)?;
        let directories = tree
            .nodes
            .iter()
            .filter(|n| n.attributes & ATTRIBUTE_DIRECTORY != 0)
            .count() as u64;
        let used_bytes = volume_plan
            .needed_clusters
            .saturating_mul(u64::from(CLUSTER_BYTES));
        let plan = Plan {
            format: PLAN_FORMAT,
            source: source_facts(&source, &info)?,
            image: ImageFacts {
                index: info.index,
                description: describe_image(&info),
                build,
                architecture: staged.architecture.name().to_owned(),
            },
            target,
            disk: disk_facts(&table, size_bytes),
            windows: VolumeFacts {
                files: tree.nodes.len() as u64 - directories,
                directories,
                data_bytes: tree.data_bytes(),
                used_bytes,
                free_bytes: windows_bytes.saturating_sub(used_bytes),
                is_upper_bound: true,
            },
            boot: BootFacts {
                files: boot.files,
                bytes: boot.bytes,
                description: boot.description.clone(),
            },
            changes,
            warnings,
            spec,
        };
        Ok(Self {
            plan,
            source,
            tree,
            table,
            boot,
            esp,
            policy,
            builder,
            chunks,
        })
    }

    /// The tree as it will be on the Windows partition.
    #[must_use]
    pub fn tree(&self) -> &Tree {
        &self.tree
    }
}

/// Size of a disk whose volume has `needed_bytes`, from one of `disk_bytes` whose volume has `volume_bytes`.
fn whole_disk_bytes(needed_bytes: u64, disk_bytes: u64, volume_bytes: u64) -> u64 {
    let needed = needed_bytes.saturating_add(disk_bytes.saturating_sub(volume_bytes));
    needed.checked_next_multiple_of(1 << 20).unwrap_or(u64::MAX)
}

/// Reads what has to be known before the layout: reparse data, the SYSTEM hive, boot files, the list of files that
/// must not be compact.
fn read_early(
    source: &Source,
    tree: &Tree,
    staged: &[boot::Staged],
    options: &RunOptions<'_>,
) -> Result<Early> {
    let mut wanted: Vec<BlobId> = tree.reparse_blobs().collect();
    wanted.extend(staged.iter().filter_map(|file| file.blob));
    for path in [transform::SYSTEM_HIVE, BOOT_COMPRESS_INI] {
        let content = tree
            .lookup(path)
            .and_then(|entry| tree.unnamed_data(tree.entry(entry).node));
        if let Some(Content::Blob { id, .. }) = content {
            wanted.push(*id);
        }
    }
    wanted.sort_unstable();
    wanted.dedup();
    collect::read_blobs(&source.wim, &source.path, tree, &wanted, false, options)
}

fn content_bytes(tree: &Tree, path: &str, early: &HashMap<BlobId, Arc<Vec<u8>>>) -> Result<Arc<Vec<u8>>> {
    optional_bytes(tree, path, early)
        .ok_or_else(|| Error::Unsupported(format!("{path} is missing in the image: not a Windows system")))
}

fn optional_bytes(tree: &Tree, path: &str, early: &HashMap<BlobId, Arc<Vec<u8>>>) -> Option<Arc<Vec<u8>>> {
    match tree.unnamed_data(tree.entry(tree.lookup(path)?).node)? {
        Content::Blob { id, .. } => early.get(id).cloned(),
        Content::Bytes(bytes) => Some(Arc::clone(bytes)),
    }
}

fn choose_image(source: &Source, wanted: Option<&str>) -> Result<ImageInfo> {
    let images = source.wim.images();
    match (wanted, images) {
        (Some(name), _) => {
            let wrap = |error| Error::Wim {
                path: source.path.clone(),
                source: error,
            };
            let index = source.wim.find_image(name).map_err(wrap)?;
            images
                .iter()
                .find(|image| image.index == index)
                .cloned()
                .ok_or_else(|| Error::Unsupported(String::new()))
        }
        (None, [only]) => Ok(only.clone()),
        (None, []) => Err(Error::Source {
            path: source.path.clone(),
            reason: "holds no image".to_owned(),
        }),
        (None, several) => Err(Error::ImageNotChosen {
            path: source.path.clone(),
            images: several
                .iter()
                .map(|info| format!("  {}: {}", info.index, describe_image(info)))
                .collect(),
        }),
    }
}

/// Name, edition, architecture, build and size of an image, in one line.
pub(crate) fn describe_image(info: &ImageInfo) -> String {
    let mut parts = vec![info.name.clone().unwrap_or_else(|| "(no name)".to_owned())];
    parts.extend(info.edition_id.clone());
    parts.extend(info.architecture.map(architecture_name));
    parts.extend(
        info.version
            .as_ref()
            .map(|version| format!("build {}", version.build)),
    );
    parts.extend(info.total_bytes.map(|bytes| format!("{bytes} bytes")));
    parts.join(", ")
}

/// The name that Windows uses.
fn architecture_name(architecture: wim_apply::Architecture) -> String {
    serde_json::to_value(architecture)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_else(|| format!("{architecture:?}"))
}

fn source_facts(source: &Source, info: &ImageInfo) -> Result<SourceFacts> {
    let metadata =
        std::fs::metadata(&source.path).map_err(|error| io_error("looking at", &source.path, error))?;
    let header = source.wim.header();
    let inner = source
        .inner_path
        .as_deref()
        .map_or(String::new(), |inner| format!(", {inner} in it"));
    let kind = match source.kind {
        SourceKind::Iso => "disc image",
        SourceKind::Wim => "Windows image file",
    };
    Ok(SourceFacts {
        kind: source.kind,
        description: format!("{kind}{inner}"),
        size_bytes: metadata.len(),
        wim_guid: uuid::Uuid::from_bytes_le(header.guid),
        parts: u32::from(header.part_count),
        metadata_sha1: metadata_hash(&source.wim, info.index),
    })
}

fn metadata_hash(wim: &Wim, index: u32) -> String {
    wim.metadata_hash(index)
        .map(|hash| hash.to_string())
        .unwrap_or_default()
}

fn disk_facts(table: &GptTable, size_bytes: u64) -> DiskFacts {
    DiskFacts {
        disk_guid: table.disk_guid,
        size_bytes,
        sector_bytes: table.sector_bytes,
        partitions: table
            .partitions
            .iter()
            .map(|p| PartitionFacts {
                number: p.number,
                name: p.name.clone(),
                type_guid: p.type_guid,
                guid: p.guid,
                first_lba: p.first_lba,
                last_lba: p.last_lba,
                size_bytes: p.size_bytes(table.sector_bytes),
            })
            .collect(),
    }
}

/// Looks at the target without opening it for writing; what would be refused then is refused now.
fn target_facts(spec: &Spec) -> Result<TargetFacts> {
    let host = Host::default();
    let sources = spec.sources();
    match &spec.target {
        Target::File {
            path,
            size_bytes,
            force,
        } => {
            let request = FileRequest {
                path,
                size_bytes: *size_bytes,
                force: *force,
                sources: &sources,
            };
            check_target_file(&host, &request).map_err(Error::Partitioner)?;
            match std::fs::symlink_metadata(path) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(TargetFacts::NewFile),
                Err(error) => Err(io_error("looking at", path, error)),
                Ok(metadata) => Ok(TargetFacts::ExistingFile {
                    size_bytes: metadata.len(),
                    modified_unix_seconds: metadata.mtime(),
                    inode: metadata.ino(),
                }),
            }
        }
        Target::Device { path, erase } => {
            let request = DeviceRequest {
                path,
                erase: Some(erase),
                need_bytes: 0,
                sources: &sources,
            };
            let device = check_target_device(&host, &request).map_err(Error::Partitioner)?;
            Ok(TargetFacts::Device {
                size_bytes: device.size_bytes,
                sector_bytes: device.logical_sector_bytes,
                model: device.model.unwrap_or_default(),
                serial: device.serial.unwrap_or_default(),
            })
        }
    }
}

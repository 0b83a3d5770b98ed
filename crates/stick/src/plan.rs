//! A plan: what `apply` will do, as plain data that can be printed, saved, compared.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::source::SourceKind;
use crate::spec::Spec;
use crate::{Error, Result};

/// Version of the plan's format.
pub const PLAN_FORMAT: u32 = 1;

/// What will be done. Two plans are equal exactly when they make the same stick in the same way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// [`PLAN_FORMAT`].
    pub format: u32,
    /// What was asked for, the seed filled in.
    pub spec: Spec,
    /// The source as found.
    pub source: SourceFacts,
    /// The chosen image.
    pub image: ImageFacts,
    /// The target as found.
    pub target: TargetFacts,
    /// The partition table.
    pub disk: DiskFacts,
    /// The Windows partition's volume.
    pub windows: VolumeFacts,
    /// The boot files.
    pub boot: BootFacts,
    /// What the transforms change in the tree, one sentence each.
    pub changes: Vec<String>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// A source, identified by its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceFacts {
    /// What it is.
    pub kind: SourceKind,
    /// For people.
    pub description: String,
    /// Size of the named file in bytes.
    pub size_bytes: u64,
    /// GUID in the WIM's header.
    pub wim_guid: Uuid,
    /// Parts of a split set.
    pub parts: u32,
    /// SHA-1 of the image's metadata: it names every file's hash in turn.
    pub metadata_sha1: String,
}

/// The chosen image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageFacts {
    /// Number, from 1.
    pub index: u32,
    /// Name, edition, architecture, build.
    pub description: String,
    /// Build number of Windows.
    pub build: Option<u32>,
    /// Architecture of the boot manager: `amd64`, `arm64`, `x86`, `arm`.
    pub architecture: String,
}

/// The target as it was when the plan was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum TargetFacts {
    /// No such file yet.
    NewFile,
    /// A file that will be replaced.
    ExistingFile {
        /// Its size.
        size_bytes: u64,
        /// When it was last written.
        modified_unix_seconds: i64,
        /// Its inode.
        inode: u64,
    },
    /// A block device.
    Device {
        /// Size of the device.
        size_bytes: u64,
        /// Bytes per logical sector.
        sector_bytes: u32,
        /// Model, as the device says.
        model: String,
        /// Serial number, as the device says.
        serial: String,
    },
}

/// The partition table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiskFacts {
    /// Disk GUID.
    pub disk_guid: Uuid,
    /// Size of the disk.
    pub size_bytes: u64,
    /// Bytes per logical sector.
    pub sector_bytes: u32,
    /// Partitions in disk order.
    pub partitions: Vec<PartitionFacts>,
}

/// One partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartitionFacts {
    /// From 1.
    pub number: u32,
    /// Name in the table.
    pub name: String,
    /// Type GUID.
    pub type_guid: Uuid,
    /// Unique GUID.
    pub guid: Uuid,
    /// First sector.
    pub first_lba: u64,
    /// Last sector.
    pub last_lba: u64,
    /// Size in bytes.
    pub size_bytes: u64,
}

/// The Windows partition's volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeFacts {
    /// Files, hard links counted once.
    pub files: u64,
    /// Directories.
    pub directories: u64,
    /// Bytes of all streams, uncompressed.
    pub data_bytes: u64,
    /// Bytes of clusters in use after the apply.
    pub used_bytes: u64,
    /// Bytes left free.
    pub free_bytes: u64,
    /// Whether `used_bytes` is an upper bound (compact storage) and not exact.
    pub is_upper_bound: bool,
}

/// The boot files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BootFacts {
    /// Number of files on the EFI system partition.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// For people.
    pub description: String,
}

impl Plan {
    /// Whether this plan, saved earlier, is what would be done now.
    ///
    /// # Errors
    /// [`Error::PlanChanged`] that names what differs.
    pub fn check_unchanged(&self, now: &Self) -> Result<()> {
        let what = if self.format != now.format {
            "it was saved by another version"
        } else if self.spec != now.spec {
            "the specification differs"
        } else if self.source != now.source || self.image != now.image {
            "the source changed"
        } else if self.target != now.target {
            "the target changed"
        } else if self != now {
            "the layout differs"
        } else {
            return Ok(());
        };
        Err(Error::PlanChanged(what.to_owned()))
    }
}

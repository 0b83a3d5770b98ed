//! The partitions of a stick, as pure data.

use partitioner::gpt::{self, DiskSpec, GptTable, PartitionSize, PartitionSpec};

use crate::seed::Seed;
use crate::{Error, Result};

/// Size of the EFI system partition. FAT32 with 4096-byte sectors needs more than 256 MiB.
pub const ESP_BYTES: u64 = 300 << 20;
/// Size of the Microsoft reserved partition. Without one, the `specialize` pass of Windows Setup fails.
pub const MSR_BYTES: u64 = 16 << 20;

/// Largest Windows partition that is made; what is beyond stays free.
pub const WINDOWS_MAX_BYTES: u64 = 2 << 40;

/// The three partitions, in disk order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// EFI system partition, FAT32.
    Esp,
    /// Microsoft reserved partition, empty.
    Msr,
    /// The Windows partition, NTFS.
    Windows,
}

impl Role {
    /// Index in [`GptTable::partitions`].
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }
}

/// Lays a stick out.
///
/// # Errors
/// [`Error::TooSmall`] with the size that would do.
pub fn plan_disk(seed: Seed, size_bytes: u64, sector_bytes: u32, windows_min_bytes: u64) -> Result<GptTable> {
    let rest = PartitionSize::Rest {
        min_bytes: windows_min_bytes,
    };
    let table = plan_with(seed, size_bytes, sector_bytes, rest)?;
    if table.partitions[Role::Windows.index()].size_bytes(sector_bytes) <= WINDOWS_MAX_BYTES {
        return Ok(table);
    }
    plan_with(
        seed,
        size_bytes,
        sector_bytes,
        PartitionSize::Bytes(WINDOWS_MAX_BYTES),
    )
}

fn plan_with(seed: Seed, size_bytes: u64, sector_bytes: u32, windows: PartitionSize) -> Result<GptTable> {
    let partition = |type_guid, role: &str, size, attributes| PartitionSpec {
        type_guid,
        guid: seed.guid(&format!("partition {role}")),
        size,
        attributes,
        name: role.to_owned(),
    };
    let spec = DiskSpec {
        disk_guid: seed.guid("disk"),
        size_bytes,
        sector_bytes,
        alignment_bytes: gpt::DEFAULT_ALIGNMENT_BYTES,
        partitions: vec![
            partition(
                gpt::EFI_SYSTEM,
                "EFI system partition",
                PartitionSize::Bytes(ESP_BYTES),
                0,
            ),
            partition(
                gpt::MICROSOFT_RESERVED,
                "Microsoft reserved partition",
                PartitionSize::Bytes(MSR_BYTES),
                0,
            ),
            partition(gpt::BASIC_DATA, "Windows", windows, 0),
        ],
    };
    gpt::plan(&spec).map_err(|error| match error {
        partitioner::Error::NoSpace {
            need_bytes,
            have_bytes,
            ..
        } => Error::TooSmall {
            needed_bytes: need_bytes,
            have_bytes,
        },
        other => Error::Partitioner(other),
    })
}

//! From wished sizes to a table: placing partitions one after the other.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::table::{GptTable, Partition};
use crate::error::{Error, Result};

/// Alignment of partitions that every current tool uses.
pub const DEFAULT_ALIGNMENT_BYTES: u64 = 1 << 20;

/// How large a partition is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartitionSize {
    /// Exactly so many bytes, rounded up to whole sectors.
    Bytes(u64),
    /// Whatever the others leave, but no less than `min_bytes`. At most one partition may have it.
    Rest {
        /// Less than this is `NoSpace`.
        min_bytes: u64,
    },
}

/// One partition as wished.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionSpec {
    /// What it holds.
    pub type_guid: Uuid,
    /// Its identity.
    pub guid: Uuid,
    /// How large.
    pub size: PartitionSize,
    /// Attribute bits.
    pub attributes: u64,
    /// Up to 36 UTF-16 units.
    pub name: String,
}

/// A disk as wished: partitions in the order in which they lie on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskSpec {
    /// Identity of the disk.
    pub disk_guid: Uuid,
    /// Size of the disk.
    pub size_bytes: u64,
    /// Logical sector size: 512 or 4096.
    pub sector_bytes: u32,
    /// Every partition starts at a multiple of this; usually [`DEFAULT_ALIGNMENT_BYTES`].
    pub alignment_bytes: u64,
    /// Partitions in disk order.
    pub partitions: Vec<PartitionSpec>,
}

/// Places the partitions; pure, and the same answer each time. The rest partition takes whole alignment
/// units, so that what follows it stays aligned too.
///
/// ```
/// use partitioner::gpt::{self, DiskSpec, PartitionSize, PartitionSpec};
/// use uuid::Uuid;
///
/// let table = gpt::plan(&DiskSpec {
///     disk_guid: Uuid::from_u128(1),
///     size_bytes: 64 << 20,
///     sector_bytes: 512,
///     alignment_bytes: gpt::DEFAULT_ALIGNMENT_BYTES,
///     partitions: vec![PartitionSpec {
///         type_guid: gpt::EFI_SYSTEM,
///         guid: Uuid::from_u128(2),
///         size: PartitionSize::Rest { min_bytes: 0 },
///         attributes: 0,
///         name: "EFI".into(),
///     }],
/// })?;
/// assert_eq!(table.partitions[0].first_lba, 2048);
/// # Ok::<(), partitioner::Error>(())
/// ```
///
/// # Errors
/// `NoSpace` with the disk size that would do; `Invalid` for a zero size, two rest partitions, an alignment
/// that is no multiple of the sector, or anything that [`GptTable::check`] refuses.
pub fn plan(spec: &DiskSpec) -> Result<GptTable> {
    let mut table = GptTable::empty(spec.disk_guid, spec.size_bytes, spec.sector_bytes)?;
    let sector = u64::from(spec.sector_bytes);
    if spec.alignment_bytes == 0 || !spec.alignment_bytes.is_multiple_of(sector) {
        return Err(Error::invalid(
            "alignment",
            format!("{} bytes is no multiple of the sector", spec.alignment_bytes),
        ));
    }
    let unit = spec.alignment_bytes / sector;
    let too_large = || Error::invalid("partition size", "the sum does not fit 64 bits");

    // With the rest at its minimum, where does everything end?
    let minimum = place(spec, &table, unit, None).ok_or_else(too_large)?;
    let rests = spec
        .partitions
        .iter()
        .filter(|p| matches!(p.size, PartitionSize::Rest { .. }))
        .count();
    if rests > 1 {
        return Err(Error::invalid("partition table", "two partitions want the rest"));
    }
    if minimum.iter().any(|&(_, count)| count == 0) {
        return Err(Error::invalid("partition size", "a partition of 0 bytes"));
    }
    let end = minimum
        .last()
        .map_or(table.first_usable_lba, |(first, count)| first + count);
    let usable_end = table.last_usable_lba + 1;
    if end > usable_end {
        let tail = table.sector_count() - usable_end;
        return Err(Error::NoSpace {
            what: "partitions",
            need_bytes: end.saturating_add(tail).saturating_mul(sector),
            have_bytes: spec.size_bytes,
        });
    }
    let spare = if spec
        .partitions
        .last()
        .is_some_and(|p| matches!(p.size, PartitionSize::Rest { .. }))
    {
        // The last partition ends on an alignment boundary where that leaves it its minimum.
        let aligned_end = usable_end / unit * unit;
        aligned_end.checked_sub(end).unwrap_or(usable_end - end)
    } else {
        (usable_end - end) / unit * unit
    };
    let placed = place(spec, &table, unit, Some(spare)).ok_or_else(too_large)?;
    for (number, (wish, (first_lba, count))) in (1..).zip(spec.partitions.iter().zip(placed)) {
        table.partitions.push(Partition {
            number,
            type_guid: wish.type_guid,
            guid: wish.guid,
            first_lba,
            last_lba: first_lba + count - 1,
            attributes: wish.attributes,
            name: wish.name.clone(),
        });
    }
    table.check()?;
    table.check_alignment(spec.alignment_bytes)?;
    Ok(table)
}

/// First sector and sector count of each partition; the rest partition gets its minimum plus `spare`.
fn place(spec: &DiskSpec, table: &GptTable, unit: u64, spare: Option<u64>) -> Option<Vec<(u64, u64)>> {
    let sector = u64::from(spec.sector_bytes);
    let mut next = table.first_usable_lba;
    let mut placed = Vec::with_capacity(spec.partitions.len());
    for wish in &spec.partitions {
        let first = next.checked_next_multiple_of(unit)?;
        let count = match wish.size {
            PartitionSize::Bytes(bytes) => bytes.div_ceil(sector),
            PartitionSize::Rest { min_bytes } => min_bytes
                .div_ceil(sector)
                .max(1)
                .checked_next_multiple_of(unit)?
                .checked_add(spare.unwrap_or(0))?,
        };
        next = first.checked_add(count)?;
        placed.push((first, count));
    }
    Some(placed)
}

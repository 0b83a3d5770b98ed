//! The table as plain data, and the rules it must keep.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::layout::{ENTRY_COUNT, NAME_UNITS, entry_array_sectors};
use crate::error::{Error, Result};

/// One partition. Sector numbers count the disk's logical sectors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    /// Number from 1: the place in the entry array.
    pub number: u32,
    /// What it holds; see the constants of [`gpt`](crate::gpt).
    pub type_guid: Uuid,
    /// Its own identity.
    pub guid: Uuid,
    /// First sector.
    pub first_lba: u64,
    /// Last sector, which belongs to it.
    pub last_lba: u64,
    /// Bits of [`attribute`](crate::gpt::attribute).
    pub attributes: u64,
    /// Up to 36 UTF-16 units.
    pub name: String,
}

impl Partition {
    /// Sectors in it; 0 when `last_lba` lies before `first_lba`.
    #[must_use]
    pub fn sector_count(&self) -> u64 {
        match self.last_lba.checked_sub(self.first_lba) {
            Some(distance) => distance.saturating_add(1),
            None => 0,
        }
    }

    /// Offset of its first byte on the disk.
    #[must_use]
    pub fn first_byte(&self, sector_bytes: u32) -> u64 {
        self.first_lba.saturating_mul(u64::from(sector_bytes))
    }

    /// Its size in bytes.
    #[must_use]
    pub fn size_bytes(&self, sector_bytes: u32) -> u64 {
        self.sector_count().saturating_mul(u64::from(sector_bytes))
    }
}

/// A disk's GUID partition table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GptTable {
    /// Identity of the disk.
    pub disk_guid: Uuid,
    /// Logical sector size: 512 or 4096.
    pub sector_bytes: u32,
    /// Size of the disk, a multiple of `sector_bytes`.
    pub size_bytes: u64,
    /// First sector that a partition may use.
    pub first_usable_lba: u64,
    /// Last sector that a partition may use.
    pub last_usable_lba: u64,
    /// Partitions by rising number; numbers may have gaps.
    pub partitions: Vec<Partition>,
}

impl GptTable {
    /// An empty table for a disk; a size that is no multiple of the sector is rounded down.
    ///
    /// # Errors
    /// `Invalid` for a sector size other than 512 or 4096; `NoSpace` for a disk too small to hold both copies.
    pub fn empty(disk_guid: Uuid, size_bytes: u64, sector_bytes: u32) -> Result<Self> {
        check_sector_bytes(sector_bytes)?;
        let sectors = size_bytes / u64::from(sector_bytes);
        let array = entry_array_sectors(sector_bytes);
        // The MBR, two headers, two arrays, and at least one sector to use.
        let need = 2 * array + 4;
        if sectors < need {
            return Err(Error::NoSpace {
                what: "GUID partition table",
                need_bytes: need * u64::from(sector_bytes),
                have_bytes: size_bytes,
            });
        }
        Ok(Self {
            disk_guid,
            sector_bytes,
            size_bytes: sectors * u64::from(sector_bytes),
            first_usable_lba: 2 + array,
            last_usable_lba: sectors - array - 2,
            partitions: Vec::new(),
        })
    }

    /// Sectors on the disk.
    #[must_use]
    pub fn sector_count(&self) -> u64 {
        self.size_bytes / u64::from(self.sector_bytes.max(1))
    }

    /// The partition of that number, from 1.
    #[must_use]
    pub fn partition(&self, number: u32) -> Option<&Partition> {
        self.partitions.iter().find(|p| p.number == number)
    }

    /// Checks numbers, names, bounds, overlaps and identities.
    ///
    /// # Errors
    /// `Invalid`, naming the partition and the rule.
    pub fn check(&self) -> Result<()> {
        check_sector_bytes(self.sector_bytes)?;
        let bad = |number: u32, reason: String| {
            Error::invalid("partition table", format!("partition {number} {reason}"))
        };
        let mut by_start: Vec<&Partition> = Vec::with_capacity(self.partitions.len());
        for p in &self.partitions {
            if p.number == 0 || p.number > ENTRY_COUNT {
                return Err(bad(p.number, format!("has a number outside 1 to {ENTRY_COUNT}")));
            }
            if p.type_guid.is_nil() || p.guid.is_nil() {
                return Err(bad(p.number, "has a type or an identity of zeros".into()));
            }
            if p.name.encode_utf16().count() > NAME_UNITS || p.name.contains('\0') {
                return Err(bad(
                    p.number,
                    format!("has a name with a NUL or of more than {NAME_UNITS} UTF-16 units"),
                ));
            }
            if p.first_lba > p.last_lba
                || p.first_lba < self.first_usable_lba
                || p.last_lba > self.last_usable_lba
            {
                return Err(bad(
                    p.number,
                    format!(
                        "spans sectors {} to {}, outside the usable {} to {}",
                        p.first_lba, p.last_lba, self.first_usable_lba, self.last_usable_lba
                    ),
                ));
            }
            by_start.push(p);
        }
        by_start.sort_by_key(|p| p.first_lba);
        for pair in by_start.windows(2) {
            if let [a, b] = pair
                && b.first_lba <= a.last_lba
            {
                return Err(bad(b.number, format!("overlaps partition {}", a.number)));
            }
        }
        for (i, p) in self.partitions.iter().enumerate() {
            for q in self.partitions.iter().skip(i + 1) {
                if p.number == q.number {
                    return Err(bad(p.number, "is there twice".into()));
                }
                if p.guid == q.guid {
                    return Err(bad(
                        q.number,
                        format!("has the identity of partition {}", p.number),
                    ));
                }
            }
        }
        Ok(())
    }

    /// Checks that every partition starts at a multiple of `alignment_bytes`.
    ///
    /// # Errors
    /// `Invalid`, naming the first partition that does not.
    pub fn check_alignment(&self, alignment_bytes: u64) -> Result<()> {
        for p in &self.partitions {
            let start = p.first_byte(self.sector_bytes);
            if alignment_bytes == 0 || start % alignment_bytes != 0 {
                return Err(Error::invalid(
                    "partition table",
                    format!(
                        "partition {} starts at byte {start}, which is no multiple of {alignment_bytes}",
                        p.number
                    ),
                ));
            }
        }
        Ok(())
    }
}

pub(crate) fn check_sector_bytes(sector_bytes: u32) -> Result<()> {
    if matches!(sector_bytes, 512 | 4096) {
        Ok(())
    } else {
        Err(Error::invalid(
            "sector size",
            format!("{sector_bytes} bytes; only 512 and 4096 are supported"),
        ))
    }
}

//! Sizes of a volume's areas.

use super::layout::{FAT32_MAX_CLUSTERS, FAT32_MIN_CLUSTERS};
use crate::error::{Error, Result};

/// Reserved sectors before alignment, as every formatter makes them.
const RESERVED_SECTORS: u64 = 32;
/// The specification asks to stay this far from the limits between FAT types.
const CLUSTER_MARGIN: u64 = 16;
/// Clusters start at a multiple of at least this, for flash and 4096-byte physical sectors.
const DATA_ALIGNMENT_BYTES: u64 = 4096;

/// Sizes of the areas of a FAT32 volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Geometry {
    pub(super) sector_bytes: u32,
    pub(super) sectors_per_cluster: u8,
    pub(super) reserved_sectors: u16,
    pub(super) fat_sectors: u32,
    pub(super) total_sectors: u32,
    pub(super) cluster_count: u32,
}

impl Geometry {
    /// The geometry for a size: the cluster size that Windows takes by default, halved until there are enough
    /// clusters for firmware to see FAT32.
    ///
    /// # Source
    /// Microsoft, "Default cluster size for NTFS, FAT, and exFAT"; fatgen103, section 3.5.
    pub(super) fn for_size(size_bytes: u64, sector_bytes: u32) -> Result<Self> {
        crate::gpt::check_sector_bytes(sector_bytes)?;
        let sector = u64::from(sector_bytes);
        let total_sectors = u32::try_from(size_bytes / sector).map_err(|_| Error::Limit {
            what: "FAT32 volume size in bytes",
            asked: size_bytes,
            limit: u64::from(u32::MAX) * sector,
        })?;
        let mut cluster_bytes = default_cluster_bytes(size_bytes).max(sector);
        loop {
            if let Some(geometry) = Self::with_cluster(total_sectors, sector_bytes, cluster_bytes) {
                return Ok(geometry);
            }
            if cluster_bytes == sector {
                return Err(Error::NoSpace {
                    what: "FAT32 volume",
                    need_bytes: minimum_size_bytes(sector_bytes),
                    have_bytes: size_bytes,
                });
            }
            cluster_bytes /= 2;
        }
    }

    fn with_cluster(total_sectors: u32, sector_bytes: u32, cluster_bytes: u64) -> Option<Self> {
        let (sector, total) = (u64::from(sector_bytes), u64::from(total_sectors));
        let per_cluster = cluster_bytes / sector;
        let fat_for = |clusters: u64| ((clusters + 2) * 4).div_ceil(sector);
        // A FAT that is surely large enough leaves the least clusters; start from theirs and grow to what fits.
        let upper = total.checked_sub(RESERVED_SECTORS)? / per_cluster;
        let least = total.checked_sub(RESERVED_SECTORS + 2 * fat_for(upper))? / per_cluster;
        let unit = cluster_bytes.max(DATA_ALIGNMENT_BYTES) / sector;
        let mut fat = fat_for(least);
        let (data_start, clusters) = loop {
            let data_start = (RESERVED_SECTORS + 2 * fat).next_multiple_of(unit);
            let clusters = total.checked_sub(data_start)? / per_cluster;
            if fat_for(clusters) <= fat {
                break (data_start, clusters);
            }
            fat += 1;
        };
        if clusters < u64::from(FAT32_MIN_CLUSTERS) + CLUSTER_MARGIN
            || clusters > u64::from(FAT32_MAX_CLUSTERS) - CLUSTER_MARGIN
        {
            return None;
        }
        Some(Self {
            sector_bytes,
            sectors_per_cluster: u8::try_from(per_cluster).ok()?,
            reserved_sectors: u16::try_from(data_start - 2 * fat).ok()?,
            fat_sectors: u32::try_from(fat).ok()?,
            total_sectors,
            cluster_count: u32::try_from(clusters).ok()?,
        })
    }

    pub(super) fn cluster_bytes(&self) -> u64 {
        u64::from(self.sector_bytes) * u64::from(self.sectors_per_cluster)
    }

    pub(super) fn data_start_bytes(&self) -> u64 {
        (u64::from(self.reserved_sectors) + 2 * u64::from(self.fat_sectors)) * u64::from(self.sector_bytes)
    }
}

fn default_cluster_bytes(size_bytes: u64) -> u64 {
    const GIB: u64 = 1 << 30;
    match size_bytes {
        0..=0x1040_0000 => 512,
        0x1040_0001..=0x2_0000_0000 => 4096,
        0x2_0000_0001..=0x4_0000_0000 => 8192,
        s if s <= 32 * GIB => 16_384,
        _ => 32_768,
    }
}

/// The smallest FAT32 volume: enough clusters of one sector.
pub(super) fn minimum_size_bytes(sector_bytes: u32) -> u64 {
    let sector = u64::from(sector_bytes);
    let clusters = u64::from(FAT32_MIN_CLUSTERS) + CLUSTER_MARGIN;
    // Two sectors of FAT and one alignment unit to spare cover the rounding in `with_cluster`.
    let fat = ((clusters + 2) * 4).div_ceil(sector) + 1;
    (RESERVED_SECTORS + 2 * fat + clusters) * sector + DATA_ALIGNMENT_BYTES
}

//! The boot sector of a volume, on any input.
//!
//! # Source
//! fatgen103, sections 3.1 to 3.5: the number of clusters alone decides the FAT type.

use serde::Serialize;

use super::super::layout::{FAT16_MIN_CLUSTERS, FAT32_MAX_CLUSTERS, FAT32_MIN_CLUSTERS};
use super::bytes::{u16_at, u32_at};
use crate::error::{Error, Result};

/// Width of the entries of the file allocation table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FatType {
    /// 12 bits.
    Fat12,
    /// 16 bits.
    Fat16,
    /// 32 bits, of which 28 count.
    Fat32,
}

/// What the boot sector says, found consistent.
#[derive(Clone, Debug)]
pub(super) struct Boot {
    pub(super) fat_type: FatType,
    pub(super) sector_bytes: u32,
    pub(super) cluster_bytes: u32,
    pub(super) total_bytes: u64,
    pub(super) fat_at: u64,
    pub(super) fat_bytes: u64,
    pub(super) fat_count: u8,
    /// The root directory of FAT12 and FAT16: offset and length.
    pub(super) fixed_root: (u64, u32),
    /// The root directory of FAT32.
    pub(super) root_cluster: u32,
    pub(super) data_at: u64,
    pub(super) cluster_count: u32,
    pub(super) media: u8,
    pub(super) volume_id: Option<u32>,
    pub(super) label: [u8; 11],
    pub(super) fsinfo_sector: u16,
    pub(super) backup_sector: u16,
}

/// Decodes the first 512 bytes of a volume that has `length_bytes`.
pub(super) fn decode(b: &[u8; 512], length_bytes: u64) -> Result<Boot> {
    let bad = |what, at, found: u64, expected: &str| Error::corrupt(what, at, found, expected);
    if b[510..] != [0x55, 0xAA] {
        let found = format!("{:02x} {:02x}", b[510], b[511]);
        return Err(Error::corrupt("FAT boot sector signature", 510, found, "55 aa"));
    }
    let sector = u16_at(b, 11);
    if !matches!(sector, 512 | 1024 | 2048 | 4096) {
        return Err(bad(
            "FAT sector size",
            11,
            sector.into(),
            "512, 1024, 2048 or 4096",
        ));
    }
    let per_cluster = b[13];
    let cluster_bytes = u32::from(sector) * u32::from(per_cluster);
    if !per_cluster.is_power_of_two() || cluster_bytes > 1 << 18 {
        return Err(bad(
            "FAT sectors per cluster",
            13,
            per_cluster.into(),
            "a power of two, with clusters of at most 256 KiB",
        ));
    }
    let reserved = u16_at(b, 14);
    if reserved == 0 {
        return Err(bad("FAT reserved sectors", 14, 0, "at least 1"));
    }
    let fat_count = b[16];
    if !(1..=4).contains(&fat_count) {
        return Err(bad("number of FATs", 16, fat_count.into(), "1 to 4"));
    }
    let root_entries = u16_at(b, 17);
    let total_sectors = match u16_at(b, 19) {
        0 => u32_at(b, 32),
        small => small.into(),
    };
    let fat_sectors = match u16_at(b, 22) {
        0 => u32_at(b, 36),
        small => small.into(),
    };
    let size = u64::from(sector);
    let total_bytes = u64::from(total_sectors) * size;
    if total_bytes > length_bytes {
        return Err(Error::corrupt(
            "FAT volume size",
            32,
            format!("{total_bytes} bytes"),
            format!("at most the {length_bytes} that are there"),
        ));
    }
    let root_bytes = u32::from(root_entries) * 32;
    let root_sectors = root_bytes.div_ceil(sector.into());
    // Each factor has at most 32 bits, and there are at most 4 FATs: no overflow in 64.
    let fat_at = u64::from(reserved) * size;
    let fat_bytes = u64::from(fat_sectors) * size;
    let root_at = fat_at + u64::from(fat_count) * fat_bytes;
    let data_at = root_at + u64::from(root_sectors) * size;
    let Some(data_bytes) = total_bytes.checked_sub(data_at) else {
        return Err(bad(
            "FAT volume size",
            32,
            total_bytes,
            "room for reserved sectors, FATs and root",
        ));
    };
    let clusters = data_bytes / u64::from(cluster_bytes);
    if clusters == 0 || clusters >= u64::from(FAT32_MAX_CLUSTERS) {
        return Err(bad("number of FAT clusters", 32, clusters, "1 to 268435444"));
    }
    // Checked just above.
    let cluster_count = clusters as u32;
    let fat_type = if fat_sectors != 0 && u16_at(b, 22) == 0 {
        // FAT32 has no 16-bit FAT size; some formatters make it with too few clusters.
        FatType::Fat32
    } else if cluster_count < FAT16_MIN_CLUSTERS {
        FatType::Fat12
    } else if cluster_count < FAT32_MIN_CLUSTERS {
        FatType::Fat16
    } else {
        return Err(bad(
            "FAT size in sectors",
            22,
            u16_at(b, 22).into(),
            "0 for so many clusters",
        ));
    };
    let need_bytes = match fat_type {
        FatType::Fat12 => ((clusters + 2) * 3).div_ceil(2),
        FatType::Fat16 => (clusters + 2) * 2,
        FatType::Fat32 => (clusters + 2) * 4,
    };
    if fat_bytes < need_bytes {
        return Err(bad(
            "FAT size in bytes",
            22,
            fat_bytes,
            "an entry for each cluster",
        ));
    }
    let is_32 = fat_type == FatType::Fat32;
    if is_32 && root_entries != 0 {
        return Err(bad("FAT root entries", 17, root_entries.into(), "0 on FAT32"));
    }
    let tail = if is_32 { 64 } else { 36 };
    let extended = matches!(b[tail + 2], 0x28 | 0x29);
    let mut label = *b"           ";
    if b[tail + 2] == 0x29 {
        label.copy_from_slice(&b[tail + 7..tail + 18]);
    }
    Ok(Boot {
        fat_type,
        sector_bytes: sector.into(),
        cluster_bytes,
        total_bytes,
        fat_at,
        fat_bytes,
        fat_count,
        fixed_root: (root_at, root_bytes),
        root_cluster: if is_32 { u32_at(b, 44) } else { 0 },
        data_at,
        cluster_count,
        media: b[21],
        volume_id: extended.then(|| u32_at(b, tail + 3)),
        label,
        fsinfo_sector: if is_32 { u16_at(b, 48) } else { 0 },
        backup_sector: if is_32 { u16_at(b, 50) } else { 0 },
    })
}

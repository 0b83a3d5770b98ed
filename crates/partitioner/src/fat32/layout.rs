//! Where the fields of a FAT volume lie, and the encoding of its fixed structures.
//!
//! # Source
//! Microsoft FAT Specification (fatgen103), sections 3 (boot sector), 5 (FSInfo), 6 and 7 (directories).

use super::spec::{Attributes, FatTime};

/// Clusters below which a volume is FAT16.
pub(super) const FAT32_MIN_CLUSTERS: u32 = 65_525;
/// Clusters below which a volume is FAT12.
pub(super) const FAT16_MIN_CLUSTERS: u32 = 4_085;
/// Highest number of clusters of FAT32.
pub(super) const FAT32_MAX_CLUSTERS: u32 = 0x0FFF_FFF5;
/// Bytes of a directory entry.
pub(super) const ENTRY_BYTES: usize = 32;
/// UTF-16 units in one long-name entry.
pub(super) const LFN_UNITS: usize = 13;
/// Attribute byte of a long-name entry.
pub(super) const LFN_ATTRIBUTES: u8 = 0x0F;
/// Sector of the FSInfo structure.
pub(super) const FSINFO_SECTOR: u16 = 1;
/// Sector of the backup of the boot sector.
pub(super) const BACKUP_SECTOR: u16 = 6;
/// Last cluster of a chain.
pub(super) const END_OF_CHAIN: u32 = 0x0FFF_FFFF;
/// First cluster of the root directory that this crate writes.
pub(super) const ROOT_CLUSTER: u32 = 2;
/// Medium byte of a fixed disk.
pub(super) const MEDIA: u8 = 0xF8;
/// Largest directory, in bytes.
pub(super) const MAX_DIRECTORY_BYTES: u64 = 65_536 * ENTRY_BYTES as u64;

/// Where the units of a name lie in a long-name entry.
pub(super) const LFN_OFFSETS: [usize; LFN_UNITS] = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];

/// What the boot sector says.
pub(super) struct BootSector {
    pub(super) sector_bytes: u16,
    pub(super) sectors_per_cluster: u8,
    pub(super) reserved_sectors: u16,
    pub(super) hidden_sectors: u32,
    pub(super) total_sectors: u32,
    pub(super) fat_sectors: u32,
    pub(super) volume_id: u32,
    pub(super) label: [u8; 11],
}

impl BootSector {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut b = vec![0; usize::from(self.sector_bytes)];
        // Jump over the BPB to code that hands back to the firmware: INT 18h, then halt.
        put(&mut b, 0, &[0xEB, 0x58, 0x90]);
        put(&mut b, 3, b"MSDOS5.0");
        put(&mut b, 11, &self.sector_bytes.to_le_bytes());
        put(&mut b, 13, &[self.sectors_per_cluster]);
        put(&mut b, 14, &self.reserved_sectors.to_le_bytes());
        put(&mut b, 16, &[2]);
        put(&mut b, 21, &[MEDIA]);
        put(&mut b, 24, &63u16.to_le_bytes());
        put(&mut b, 26, &255u16.to_le_bytes());
        put(&mut b, 28, &self.hidden_sectors.to_le_bytes());
        put(&mut b, 32, &self.total_sectors.to_le_bytes());
        put(&mut b, 36, &self.fat_sectors.to_le_bytes());
        put(&mut b, 44, &ROOT_CLUSTER.to_le_bytes());
        put(&mut b, 48, &FSINFO_SECTOR.to_le_bytes());
        put(&mut b, 50, &BACKUP_SECTOR.to_le_bytes());
        put(&mut b, 64, &[0x80, 0, 0x29]);
        put(&mut b, 67, &self.volume_id.to_le_bytes());
        put(&mut b, 71, &self.label);
        put(&mut b, 82, b"FAT32   ");
        put(&mut b, 90, &[0xCD, 0x18, 0xF4, 0xEB, 0xFD]);
        put(&mut b, 510, &[0x55, 0xAA]);
        b
    }
}

pub(super) fn encode_fsinfo(sector_bytes: usize, free_clusters: u32, next_free: u32) -> Vec<u8> {
    let mut b = vec![0; sector_bytes];
    put(&mut b, 0, b"RRaA");
    put(&mut b, 484, b"rrAa");
    put(&mut b, 488, &free_clusters.to_le_bytes());
    put(&mut b, 492, &next_free.to_le_bytes());
    put(&mut b, 510, &[0x55, 0xAA]);
    b
}

/// One short directory entry.
pub(super) struct ShortEntry {
    pub(super) name: [u8; 11],
    pub(super) attributes: Attributes,
    pub(super) created: FatTime,
    pub(super) modified: FatTime,
    pub(super) accessed: FatTime,
    pub(super) first_cluster: u32,
    pub(super) size_bytes: u32,
}

impl ShortEntry {
    pub(super) fn encode(&self) -> [u8; ENTRY_BYTES] {
        let mut b = [0; ENTRY_BYTES];
        let [c0, c1, c2, c3] = self.first_cluster.to_le_bytes();
        put(&mut b, 0, &self.name);
        put(&mut b, 11, &[self.attributes.0]);
        put(&mut b, 13, &[self.created.centiseconds]);
        put(&mut b, 14, &self.created.time.to_le_bytes());
        put(&mut b, 16, &self.created.date.to_le_bytes());
        put(&mut b, 18, &self.accessed.date.to_le_bytes());
        put(&mut b, 20, &[c2, c3]);
        put(&mut b, 22, &self.modified.time.to_le_bytes());
        put(&mut b, 24, &self.modified.date.to_le_bytes());
        put(&mut b, 26, &[c0, c1]);
        put(&mut b, 28, &self.size_bytes.to_le_bytes());
        b
    }
}

/// The long-name entries that precede a short entry, in the order on disk (last part first).
pub(super) fn encode_long_name(units: &[u16], short: &[u8; 11]) -> Vec<[u8; ENTRY_BYTES]> {
    let checksum = short_checksum(short);
    let parts = units.chunks(LFN_UNITS);
    let count = parts.len();
    let mut entries: Vec<[u8; ENTRY_BYTES]> = (1u8..)
        .zip(parts)
        .map(|(ordinal, part)| {
            let mut b = [0; ENTRY_BYTES];
            let last = if usize::from(ordinal) == count { 0x40 } else { 0 };
            put(&mut b, 0, &[ordinal | last]);
            put(&mut b, 11, &[LFN_ATTRIBUTES, 0, checksum]);
            // A NUL after the name where there is room, then ones.
            let filled = part
                .iter()
                .copied()
                .chain(std::iter::once(0))
                .chain(std::iter::repeat(0xFFFF));
            for (at, unit) in LFN_OFFSETS.into_iter().zip(filled) {
                put(&mut b, at, &unit.to_le_bytes());
            }
            b
        })
        .collect();
    entries.reverse();
    entries
}

/// The checksum that ties long-name entries to their short entry.
pub(super) fn short_checksum(short: &[u8; 11]) -> u8 {
    short
        .iter()
        .fold(0u8, |sum, &byte| sum.rotate_right(1).wrapping_add(byte))
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

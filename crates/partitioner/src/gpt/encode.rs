//! From the table to bytes: protective MBR, primary copy, backup copy.

use super::layout::{
    ENTRY_BYTES, ENTRY_COUNT, HEADER_BYTES, PROTECTIVE_TYPE, REVISION, SIGNATURE, entry, entry_array_sectors,
    header,
};
use super::table::GptTable;
use crate::error::{Error, Result};

/// The bytes of a table, ready to be placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedGpt {
    /// Sector 0 (protective MBR) and sector 1 (primary header).
    pub primary_head: Vec<u8>,
    /// The primary entry array, from sector 2.
    pub primary_entries: Vec<u8>,
    /// The backup entry array and, after it, the backup header: the last sectors of the disk.
    pub backup: Vec<u8>,
    /// Offset of `primary_entries` on the disk.
    pub primary_entries_at: u64,
    /// Offset of `backup` on the disk.
    pub backup_at: u64,
}

impl GptTable {
    /// The bytes of both copies and of the protective MBR.
    ///
    /// # Errors
    /// Whatever [`GptTable::check`] refuses, and `Invalid` for usable sectors that leave no room for both copies.
    ///
    /// # Source
    /// UEFI Specification 2.10, section 5.3.
    pub fn encode(&self) -> Result<EncodedGpt> {
        self.check()?;
        let sector = self.sector_bytes as usize;
        let array_sectors = entry_array_sectors(self.sector_bytes);
        let last_usable = self.sector_count().checked_sub(array_sectors + 2);
        if self.first_usable_lba < array_sectors + 2
            || last_usable.is_none_or(|last| self.last_usable_lba > last)
        {
            return Err(Error::invalid(
                "partition table",
                format!(
                    "the usable sectors {} to {} of {} leave no room for its two copies",
                    self.first_usable_lba,
                    self.last_usable_lba,
                    self.sector_count()
                ),
            ));
        }
        let entries = self.encode_entries();
        let entries_crc = crc32fast::hash(&entries);
        let last_lba = self.sector_count() - 1;
        let backup_entries_lba = last_lba - array_sectors;

        let mut padded = entries;
        padded.resize(array_sectors as usize * sector, 0);
        let mut primary_head = protective_mbr(last_lba);
        primary_head.resize(sector, 0);
        primary_head.extend(self.encode_header(1, last_lba, 2, entries_crc));
        let mut backup = padded.clone();
        backup.extend(self.encode_header(last_lba, 1, backup_entries_lba, entries_crc));
        Ok(EncodedGpt {
            primary_head,
            primary_entries: padded,
            backup,
            primary_entries_at: 2 * u64::from(self.sector_bytes),
            backup_at: backup_entries_lba * u64::from(self.sector_bytes),
        })
    }

    fn encode_entries(&self) -> Vec<u8> {
        let mut bytes = vec![0; (ENTRY_COUNT * ENTRY_BYTES) as usize];
        let mut slots: Vec<&mut [u8]> = bytes.chunks_exact_mut(ENTRY_BYTES as usize).collect();
        for p in &self.partitions {
            let Some(slot) = slots.get_mut((p.number as usize).wrapping_sub(1)) else {
                continue;
            };
            put(slot, entry::TYPE_GUID, &p.type_guid.to_bytes_le());
            put(slot, entry::GUID, &p.guid.to_bytes_le());
            put(slot, entry::FIRST_LBA, &p.first_lba.to_le_bytes());
            put(slot, entry::LAST_LBA, &p.last_lba.to_le_bytes());
            put(slot, entry::ATTRIBUTES, &p.attributes.to_le_bytes());
            for (i, unit) in p.name.encode_utf16().enumerate() {
                put(slot, entry::NAME + 2 * i, &unit.to_le_bytes());
            }
        }
        bytes
    }

    fn encode_header(&self, my_lba: u64, other_lba: u64, entries_lba: u64, entries_crc: u32) -> Vec<u8> {
        let mut bytes = vec![0; self.sector_bytes as usize];
        put(&mut bytes, 0, SIGNATURE);
        put(&mut bytes, header::REVISION, &REVISION.to_le_bytes());
        put(&mut bytes, header::SIZE, &HEADER_BYTES.to_le_bytes());
        put(&mut bytes, header::MY_LBA, &my_lba.to_le_bytes());
        put(&mut bytes, header::OTHER_LBA, &other_lba.to_le_bytes());
        put(
            &mut bytes,
            header::FIRST_USABLE,
            &self.first_usable_lba.to_le_bytes(),
        );
        put(
            &mut bytes,
            header::LAST_USABLE,
            &self.last_usable_lba.to_le_bytes(),
        );
        put(&mut bytes, header::DISK_GUID, &self.disk_guid.to_bytes_le());
        put(&mut bytes, header::ENTRIES_LBA, &entries_lba.to_le_bytes());
        put(&mut bytes, header::ENTRY_COUNT, &ENTRY_COUNT.to_le_bytes());
        put(&mut bytes, header::ENTRY_BYTES, &ENTRY_BYTES.to_le_bytes());
        put(&mut bytes, header::ENTRIES_CRC, &entries_crc.to_le_bytes());
        let crc = crc32fast::hash(&bytes[..HEADER_BYTES as usize]);
        put(&mut bytes, header::CRC, &crc.to_le_bytes());
        bytes
    }
}

/// The 512 bytes of a protective MBR: one entry of type 0xEE over the whole disk.
///
/// # Source
/// UEFI Specification 2.10, section 5.2.3.
fn protective_mbr(last_lba: u64) -> Vec<u8> {
    let mut bytes = vec![0; 512];
    let sectors = u32::try_from(last_lba).unwrap_or(u32::MAX);
    // Start CHS 0/0/2, type, end CHS "beyond what CHS can say".
    put(
        &mut bytes,
        446,
        &[0, 0, 2, 0, PROTECTIVE_TYPE, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0],
    );
    put(&mut bytes, 458, &sectors.to_le_bytes());
    put(&mut bytes, 510, &[0x55, 0xAA]);
    bytes
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

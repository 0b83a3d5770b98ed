//! The order in which a table reaches a disk, so that an interrupted run never looks finished.
//!
//! [`wipe`] → [`wipe_signatures`] of partitions that get no file system → data → [`GptTable::write_backup`] → [`GptTable::write_primary`]. Until the last of them there is no
//! protective MBR, and without one no firmware, Windows or Linux looks at a backup table.

use std::io::{Seek, SeekFrom, Write};

use super::table::{GptTable, check_sector_bytes};
use crate::error::{Error, Result};

/// What [`wipe`] clears at each end: room for both copies of a table at either sector size, and for the
/// signatures that file systems, RAID and encrypted volumes keep at the ends of a disk.
const WIPE_BYTES: u64 = 1 << 20;
/// Places of LUKS2 backup headers beyond the first MiB.
const LUKS_BACKUPS: [u64; 3] = [1 << 20, 2 << 20, 4 << 20];

impl GptTable {
    /// Writes the backup copy (the last sectors of the disk) and flushes.
    ///
    /// # Errors
    /// What [`GptTable::encode`] refuses; `Io`.
    pub fn write_backup<W: Write + Seek>(&self, disk: &mut W) -> Result<()> {
        let encoded = self.encode()?;
        write_at(disk, encoded.backup_at, &encoded.backup)?;
        flush(disk, encoded.backup_at)
    }

    /// Writes the primary entry array, flushes, then protective MBR and primary header in one write, and
    /// flushes. This is the commit: everything else must be durable before. `flush` must reach the medium
    /// for that to hold ([`Target`](crate::device::Target) does; a plain `File` needs `sync_data` first).
    ///
    /// # Errors
    /// What [`GptTable::encode`] refuses; `Io`.
    pub fn write_primary<W: Write + Seek>(&self, disk: &mut W) -> Result<()> {
        let encoded = self.encode()?;
        write_at(disk, encoded.primary_entries_at, &encoded.primary_entries)?;
        flush(disk, encoded.primary_entries_at)?;
        write_at(disk, 0, &encoded.primary_head)?;
        flush(disk, 0)
    }
}

/// Clears whatever table the disk had: the first and last MiB (less on a smaller disk), the head first, then
/// flushes. To be called before the first byte of data. On a device
/// [`Target::reread_table`](crate::device::Target::reread_table) follows, so that the kernel forgets the old partitions.
///
/// # Errors
/// `Invalid` for a sector size other than 512 or 4096; `Io`.
pub fn wipe<W: Write + Seek>(disk: &mut W, size_bytes: u64, sector_bytes: u32) -> Result<()> {
    check_sector_bytes(sector_bytes)?;
    let head = WIPE_BYTES.min(size_bytes);
    write_zeros(disk, 0, head)?;
    flush(disk, 0)?;
    let tail_at =
        size_bytes.saturating_sub(WIPE_BYTES).max(head) / u64::from(sector_bytes) * u64::from(sector_bytes);
    write_zeros(disk, tail_at, size_bytes - tail_at)?;
    flush(disk, tail_at)
}

/// Clears the places where older contents of a partition keep their signatures: its first and last MiB, and
/// where LUKS2 keeps spare headers. Without it a stale header can outlive a new file system that does not
/// write there.
///
/// To be called on a device after [`wipe`] and before the first byte of data, for each partition whose content is
/// not written whole: one that stays empty, such as the Microsoft reserved partition, and one whose new file system
/// leaves its unused sectors as they are. A new image file holds nothing old. It does not flush: the flush before the
/// table's commit covers it.
///
/// # Errors
/// `Io`.
pub fn wipe_signatures<W: Write + Seek>(disk: &mut W, first_byte: u64, size_bytes: u64) -> Result<()> {
    let head = WIPE_BYTES.min(size_bytes);
    write_zeros(disk, first_byte, head)?;
    for spare in LUKS_BACKUPS {
        let length = 4096.min(size_bytes.saturating_sub(spare));
        write_zeros(disk, first_byte.saturating_add(spare), length)?;
    }
    let tail = size_bytes.saturating_sub(WIPE_BYTES).max(head);
    write_zeros(disk, first_byte.saturating_add(tail), size_bytes - tail)
}

fn write_zeros<W: Write + Seek>(disk: &mut W, at: u64, length: u64) -> Result<()> {
    if length == 0 {
        return Ok(());
    }
    // At most WIPE_BYTES.
    write_at(disk, at, &vec![0; length as usize])
}

fn write_at<W: Write + Seek>(disk: &mut W, at: u64, bytes: &[u8]) -> Result<()> {
    disk.seek(SeekFrom::Start(at))
        .and_then(|_| disk.write_all(bytes))
        .map_err(Error::io("write partition table", at))
}

fn flush<W: Write>(disk: &mut W, at: u64) -> Result<()> {
    disk.flush().map_err(Error::io("flush partition table", at))
}

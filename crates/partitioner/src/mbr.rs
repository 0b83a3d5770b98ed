//! MBR partition tables, read: primary partitions and the chain of logical ones, within limits.
//!
//! `mbrman` decodes the sectors; the chain is followed here, since its own loop has no bound.

use std::io::{Cursor, Read, Seek, SeekFrom};

use mbrman::{MBRHeader, MBRPartitionEntry};
use serde::Serialize;

use crate::Limits;
use crate::error::{Error, Result};

/// A partition of an MBR disk. Sector numbers count the disk's logical sectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MbrPartition {
    /// 1 to 4 for primary partitions, from 5 for logical ones.
    pub number: u32,
    /// Type byte: 0x07 NTFS or exFAT, 0x0C FAT32, 0xEF EFI system, 0xEE protective…
    pub type_byte: u8,
    /// Whether a BIOS boots it.
    pub active: bool,
    /// First sector.
    pub first_lba: u64,
    /// Sectors.
    pub sector_count: u64,
}

/// An MBR disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MbrTable {
    /// Signature by which Windows knows the disk.
    pub disk_signature: u32,
    /// Partitions by number; unused entries are left out, extended ones are in.
    pub partitions: Vec<MbrPartition>,
}

impl MbrTable {
    /// Whether the table only says that the disk has a GPT.
    #[must_use]
    pub fn is_protective(&self) -> bool {
        self.partitions.iter().any(|p| p.type_byte == 0xEE)
    }
}

/// Reads the MBR of a disk.
///
/// # Errors
/// `NotFound` when sector 0 is no MBR (the boot sector of a file system is none either); `Corrupt` for a chain of
/// logical partitions that leads outside the disk or back; `Limit`; `Io`.
pub fn read<R: Read + Seek>(disk: &mut R, sector_bytes: u32, limits: &Limits) -> Result<MbrTable> {
    crate::gpt::check_sector_bytes(sector_bytes)?;
    let header = read_sector(disk, 0)?.ok_or_else(|| Error::NotFound {
        what: "MBR",
        name: "sector 0 has no signature, or boot flags that are none".into(),
    })?;
    let mut partitions = Vec::new();
    let mut extended = None;
    for (number, entry) in (1..).zip(header.iter().map(|(_, entry)| entry)) {
        if entry.is_used() {
            partitions.push(partition(number, entry, 0));
        }
        if entry.is_extended() && extended.is_none() {
            extended = Some(u64::from(entry.starting_lba));
        }
    }
    if let Some(base) = extended {
        read_logical(disk, sector_bytes, base, limits, &mut partitions)?;
    }
    Ok(MbrTable {
        disk_signature: u32::from_le_bytes(header.disk_signature),
        partitions,
    })
}

/// Follows the chain of extended boot records from the start of the extended partition.
fn read_logical<R: Read + Seek>(
    disk: &mut R,
    sector_bytes: u32,
    base: u64,
    limits: &Limits,
    partitions: &mut Vec<MbrPartition>,
) -> Result<()> {
    let mut record = base;
    for number in 5u32.. {
        let at = record.saturating_mul(u64::from(sector_bytes));
        if number.saturating_sub(5) >= limits.max_logical_partitions {
            return Err(Error::Limit {
                what: "logical partitions",
                asked: u64::from(number.saturating_sub(4)),
                limit: u64::from(limits.max_logical_partitions),
            });
        }
        let Some(header) = read_sector(disk, at)? else {
            // An empty extended partition needs no record.
            return if record == base {
                Ok(())
            } else {
                Err(Error::corrupt(
                    "extended boot record",
                    at,
                    "no record",
                    "the next of the chain",
                ))
            };
        };
        if header.partition_1.is_used() {
            partitions.push(partition(number, &header.partition_1, record));
        }
        let next = u64::from(header.partition_2.starting_lba);
        if header.partition_2.is_unused() || next == 0 {
            return Ok(());
        }
        let next = base.saturating_add(next);
        if next <= record {
            return Err(Error::corrupt(
                "extended boot record's link",
                at,
                next,
                format!("a sector beyond {record}"),
            ));
        }
        record = next;
    }
    Ok(())
}

fn partition(number: u32, entry: &MBRPartitionEntry, base: u64) -> MbrPartition {
    MbrPartition {
        number,
        type_byte: entry.sys,
        active: entry.is_active(),
        first_lba: base.saturating_add(u64::from(entry.starting_lba)),
        sector_count: u64::from(entry.sectors),
    }
}

/// The record at an offset; `None` when there is none, or the disk ends before.
fn read_sector<R: Read + Seek>(disk: &mut R, at: u64) -> Result<Option<MBRHeader>> {
    let mut bytes = [0; 512];
    let read = disk
        .seek(SeekFrom::Start(at))
        .and_then(|_| disk.read_exact(&mut bytes));
    match read {
        Ok(()) => {}
        Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(e) => return Err(Error::io("read MBR", at)(e)),
    }
    // FAT and NTFS boot sectors carry the same signature; their names do not occur in boot code of an MBR.
    let is_volume = bytes[3..].starts_with(b"NTFS    ")
        || bytes[54..].starts_with(b"FAT")
        || bytes[82..].starts_with(b"FAT32");
    if is_volume {
        return Ok(None);
    }
    Ok(MBRHeader::read_from(&mut Cursor::new(&bytes[..])).ok())
}

//! From bytes to a table, on any input: the primary copy, else the backup, and what is wrong with either.

use std::io::{Read, Seek, SeekFrom};

use serde::Serialize;
use uuid::Uuid;

use super::layout::{HEADER_BYTES, NAME_UNITS, PROTECTIVE_TYPE, REVISION, SIGNATURE, entry, header};
use super::table::{GptTable, Partition};
use crate::error::{Error, ErrorKind, Result};
use crate::{Finding, Limits};

/// Which copy of a table was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GptCopy {
    /// The one at the start of the disk.
    Primary,
    /// The one at its end.
    Backup,
}

/// A table as found on a disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FoundGpt {
    /// The table.
    pub table: GptTable,
    /// Where it was read from.
    pub used: GptCopy,
    /// Everything that is not as it should be; empty for a sound table. Codes: `gpt-primary-bad`,
    /// `gpt-backup-bad`, `gpt-copies-differ`, `gpt-backup-not-at-end`, `gpt-no-protective-mbr`,
    /// `gpt-rule-broken`.
    pub findings: Vec<Finding>,
}

/// Reads the table of a disk. `sector_bytes` of `None` tries 512, then 4096.
///
/// # Errors
/// `NotFound` when neither copy carries the signature; `Corrupt`, `Limit` or `Unsupported` for the primary copy
/// when neither copy is usable; `Io`.
pub fn read<R: Read + Seek>(disk: &mut R, sector_bytes: Option<u32>, limits: &Limits) -> Result<FoundGpt> {
    let size_bytes = disk
        .seek(SeekFrom::End(0))
        .map_err(Error::io("find the disk's size", 0))?;
    let mut first_error = None;
    for sector in sector_bytes.map_or(vec![512, 4096], |s| vec![s]) {
        super::table::check_sector_bytes(sector)?;
        match read_with_sector(disk, size_bytes, sector, limits) {
            Ok(found) => return Ok(found),
            Err(e) if e.kind() == ErrorKind::Io => return Err(e),
            // Keep the error of the size at which a signature was seen.
            Err(e) if e.kind() != ErrorKind::NotFound || first_error.is_none() => {
                if first_error
                    .as_ref()
                    .is_none_or(|f: &Error| f.kind() == ErrorKind::NotFound)
                {
                    first_error = Some(e);
                }
            }
            Err(_) => {}
        }
    }
    Err(first_error.unwrap_or_else(not_found))
}

fn not_found() -> Error {
    Error::NotFound {
        what: "GUID partition table",
        name: "no \"EFI PART\" at the start or at the end of the disk".into(),
    }
}

fn read_with_sector<R: Read + Seek>(
    disk: &mut R,
    size_bytes: u64,
    sector_bytes: u32,
    limits: &Limits,
) -> Result<FoundGpt> {
    let sector = u64::from(sector_bytes);
    let last_lba = (size_bytes / sector).checked_sub(1).ok_or_else(not_found)?;
    let primary = read_copy(disk, size_bytes, sector_bytes, 1, limits);
    // Trust a sound primary copy for where the backup lies, else look at the end.
    let backup_lba = match &primary {
        Ok(copy) if copy.other_lba <= last_lba => copy.other_lba,
        _ => last_lba,
    };
    let backup = read_copy(disk, size_bytes, sector_bytes, backup_lba, limits);
    let mut findings = Vec::new();
    if backup_lba != last_lba {
        findings.push(Finding::new(
            "gpt-backup-not-at-end",
            format!("the backup table is at sector {backup_lba}, the disk ends with sector {last_lba}"),
        ));
    }
    let (copy, used) = match (primary, backup) {
        (Ok(primary), Ok(backup)) => {
            if primary.table != backup.table {
                findings.push(Finding::new(
                    "gpt-copies-differ",
                    "the backup table differs from the primary one",
                ));
            }
            (primary, GptCopy::Primary)
        }
        (Ok(primary), Err(e)) if e.kind() != ErrorKind::Io => {
            findings.push(Finding::new(
                "gpt-backup-bad",
                format!("the backup table is unusable: {e}"),
            ));
            (primary, GptCopy::Primary)
        }
        (Err(e), Ok(backup)) if e.kind() != ErrorKind::Io => {
            findings.push(Finding::new(
                "gpt-primary-bad",
                format!("the primary table is unusable: {e}"),
            ));
            (backup, GptCopy::Backup)
        }
        (_, Err(e)) if e.kind() == ErrorKind::Io => return Err(e),
        (Err(primary), Err(backup)) => {
            return Err(if primary.kind() == ErrorKind::NotFound {
                backup
            } else {
                primary
            });
        }
        (Err(e), _) | (_, Err(e)) => return Err(e),
    };
    if !has_protective_mbr(disk)? {
        findings.push(Finding::new(
            "gpt-no-protective-mbr",
            "sector 0 has no protective MBR, so firmware and systems will not use the table",
        ));
    }
    if let Err(e) = copy.table.check() {
        findings.push(Finding::new("gpt-rule-broken", e.to_string()));
    }
    Ok(FoundGpt {
        table: copy.table,
        used,
        findings,
    })
}

struct Copy {
    table: GptTable,
    other_lba: u64,
}

fn read_copy<R: Read + Seek>(
    disk: &mut R,
    size_bytes: u64,
    sector_bytes: u32,
    my_lba: u64,
    limits: &Limits,
) -> Result<Copy> {
    let sector = u64::from(sector_bytes);
    let at = my_lba.saturating_mul(sector);
    let head = read_at(disk, size_bytes, at, sector)?.ok_or_else(not_found)?;
    if !head.starts_with(SIGNATURE) {
        return Err(not_found());
    }
    let field = |offset: usize| u64::try_from(offset).map_or(at, |o| at.saturating_add(o));
    let revision = u32_at(&head, header::REVISION);
    if revision != REVISION {
        return Err(Error::Unsupported {
            what: "GPT header revision",
            at: field(header::REVISION),
            feature: format!("revision {revision:#010x}"),
        });
    }
    let header_bytes = u32_at(&head, header::SIZE);
    if header_bytes < HEADER_BYTES || header_bytes > sector_bytes {
        return Err(Error::corrupt(
            "GPT header size",
            field(header::SIZE),
            header_bytes,
            format!("{HEADER_BYTES} to {sector_bytes}"),
        ));
    }
    let stored = u32_at(&head, header::CRC);
    let mut covered = head.get(..header_bytes as usize).unwrap_or_default().to_vec();
    if let Some(crc) = covered.get_mut(header::CRC..header::CRC + 4) {
        crc.fill(0);
    }
    let computed = crc32fast::hash(&covered);
    if stored != computed {
        return Err(Error::corrupt(
            "GPT header checksum",
            field(header::CRC),
            format!("{stored:#010x}"),
            format!("{computed:#010x}"),
        ));
    }
    if u64_at(&head, header::MY_LBA) != my_lba {
        return Err(Error::corrupt(
            "GPT header's own sector",
            field(header::MY_LBA),
            u64_at(&head, header::MY_LBA),
            my_lba.to_string(),
        ));
    }
    let entry_bytes = u32_at(&head, header::ENTRY_BYTES);
    if !(128..=4096).contains(&entry_bytes) || !entry_bytes.is_power_of_two() {
        return Err(Error::corrupt(
            "GPT entry size",
            field(header::ENTRY_BYTES),
            entry_bytes,
            "a power of two from 128 to 4096",
        ));
    }
    let entry_count = u32_at(&head, header::ENTRY_COUNT);
    if entry_count > limits.max_gpt_entries {
        return Err(Error::Limit {
            what: "GPT entries",
            asked: u64::from(entry_count),
            limit: u64::from(limits.max_gpt_entries),
        });
    }
    let entries_lba = u64_at(&head, header::ENTRIES_LBA);
    let entries_at = entries_lba.saturating_mul(sector);
    let array_bytes = u64::from(entry_bytes) * u64::from(entry_count);
    let entries = read_at(disk, size_bytes, entries_at, array_bytes)?.ok_or_else(|| {
        Error::corrupt(
            "GPT entry array's sector",
            field(header::ENTRIES_LBA),
            entries_lba,
            "an array that lies on the disk",
        )
    })?;
    let stored = u32_at(&head, header::ENTRIES_CRC);
    let computed = crc32fast::hash(&entries);
    if stored != computed {
        return Err(Error::corrupt(
            "GPT entry array checksum",
            field(header::ENTRIES_CRC),
            format!("{stored:#010x}"),
            format!("{computed:#010x}"),
        ));
    }
    let partitions = (1..)
        .zip(entries.chunks_exact(entry_bytes as usize))
        .filter_map(|(number, slot)| decode_entry(number, slot))
        .collect();
    Ok(Copy {
        table: GptTable {
            disk_guid: guid_at(&head, header::DISK_GUID),
            sector_bytes,
            size_bytes: size_bytes / sector * sector,
            first_usable_lba: u64_at(&head, header::FIRST_USABLE),
            last_usable_lba: u64_at(&head, header::LAST_USABLE),
            partitions,
        },
        other_lba: u64_at(&head, header::OTHER_LBA),
    })
}

fn decode_entry(number: u32, slot: &[u8]) -> Option<Partition> {
    let type_guid = guid_at(slot, entry::TYPE_GUID);
    if type_guid.is_nil() {
        return None;
    }
    let units: Vec<u16> = slot
        .get(entry::NAME..entry::NAME + 2 * NAME_UNITS)?
        .chunks_exact(2)
        .filter_map(|pair| pair.try_into().ok().map(u16::from_le_bytes))
        .take_while(|&unit| unit != 0)
        .collect();
    Some(Partition {
        number,
        type_guid,
        guid: guid_at(slot, entry::GUID),
        first_lba: u64_at(slot, entry::FIRST_LBA),
        last_lba: u64_at(slot, entry::LAST_LBA),
        attributes: u64_at(slot, entry::ATTRIBUTES),
        name: String::from_utf16_lossy(&units),
    })
}

fn has_protective_mbr<R: Read + Seek>(disk: &mut R) -> Result<bool> {
    let Some(mbr) = read_at(disk, 512, 0, 512)? else {
        return Ok(false);
    };
    let types = [450, 466, 482, 498].map(|at| mbr.get(at).copied());
    Ok(mbr.ends_with(&[0x55, 0xAA]) && types.contains(&Some(PROTECTIVE_TYPE)))
}

/// `None` when the range does not lie within `size_bytes`.
fn read_at<R: Read + Seek>(disk: &mut R, size_bytes: u64, at: u64, length: u64) -> Result<Option<Vec<u8>>> {
    if at.checked_add(length).is_none_or(|end| end > size_bytes) {
        return Ok(None);
    }
    let Ok(length) = usize::try_from(length) else {
        return Ok(None);
    };
    let mut bytes = vec![0; length];
    disk.seek(SeekFrom::Start(at))
        .and_then(|_| disk.read_exact(&mut bytes))
        .map_err(Error::io("read partition table", at))?;
    Ok(Some(bytes))
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk::<N>())
        .copied()
        .unwrap_or([0; N])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array_at(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array_at(bytes, at))
}

fn guid_at(bytes: &[u8], at: usize) -> Uuid {
    Uuid::from_bytes_le(array_at(bytes, at))
}

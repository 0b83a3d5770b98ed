//! Where a numbered partition lies, whichever table the disk has.

use std::io::{Read, Seek, SeekFrom};

use crate::error::{Error, ErrorKind, Result};
use crate::{Limits, gpt, mbr};

/// First byte and size of a partition, from 1 as its table numbers it: GPT (sectors of 512 or 4096 bytes), else MBR
/// (sectors of 512).
///
/// # Errors
/// `NotFound` for a disk without a table or without that partition; `Corrupt` for one that does not lie on the
/// disk; what [`gpt::read`] and [`mbr::read`] return.
pub fn find_partition<R: Read + Seek>(disk: &mut R, number: u32, limits: &Limits) -> Result<(u64, u64)> {
    let not_found = || Error::NotFound {
        what: "partition",
        name: number.to_string(),
    };
    let (first_byte, size_bytes) = match gpt::read(disk, None, limits) {
        Ok(found) => {
            let sector_bytes = found.table.sector_bytes;
            let partition = found.table.partition(number).ok_or_else(not_found)?;
            (
                partition.first_byte(sector_bytes),
                partition.size_bytes(sector_bytes),
            )
        }
        Err(e) if e.kind() == ErrorKind::NotFound => {
            let table = mbr::read(disk, 512, limits)?;
            let partition = table.partitions.iter().find(|p| p.number == number);
            let partition = partition.ok_or_else(not_found)?;
            (
                partition.first_lba.saturating_mul(512),
                partition.sector_count.saturating_mul(512),
            )
        }
        Err(e) => return Err(e),
    };
    let disk_bytes = disk
        .seek(SeekFrom::End(0))
        .map_err(Error::io("find the disk's size", 0))?;
    if size_bytes == 0
        || first_byte
            .checked_add(size_bytes)
            .is_none_or(|end| end > disk_bytes)
    {
        return Err(Error::corrupt(
            "partition",
            first_byte,
            format!("{size_bytes} bytes"),
            format!("a range within the disk's {disk_bytes}"),
        ));
    }
    Ok((first_byte, size_bytes))
}

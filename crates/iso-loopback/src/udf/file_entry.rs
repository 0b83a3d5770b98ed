//! File entries and extended file entries (ECMA-167, 4/14.9 and 4/14.17).

use super::tag;
use super::time;
use crate::fields::Fields;
use crate::{Error, ReadOptions, Result, Timestamp, UnixMeta};

const WHAT: &str = "UDF file entry";

/// Address of an information control block: a block of a partition reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct IcbAddress {
    pub(crate) block: u32,
    pub(crate) partition: u16,
}

/// A decoded (extended) file entry.
#[derive(Clone, Debug)]
pub(super) struct FileEntry {
    /// Offset of the descriptor in the image.
    pub(super) at: u64,
    pub(super) file_type: u8,
    /// Form of the allocation descriptors: 0 short, 1 long, 2 extended, 3 the data itself.
    pub(super) allocation_kind: u8,
    pub(super) information_bytes: u64,
    pub(super) accessed: Option<Timestamp>,
    pub(super) modified: Option<Timestamp>,
    pub(super) created: Option<Timestamp>,
    pub(super) unix: UnixMeta,
    /// The allocation descriptor area: where it starts in the descriptor, and its bytes.
    pub(super) allocation: (usize, Vec<u8>),
}

/// ICB file types (4/14.6.6).
pub(super) mod file_type {
    pub(in crate::udf) const DIRECTORY: u8 = 4;
    pub(in crate::udf) const UNSPECIFIED: u8 = 0;
    pub(in crate::udf) const FILE: u8 = 5;
    pub(in crate::udf) const SYMLINK: u8 = 12;
    pub(in crate::udf) const REAL_TIME_FILE: u8 = 249;
    pub(in crate::udf) const VAT: u8 = 248;
    pub(in crate::udf) const METADATA_FILE: u8 = 250;
    pub(in crate::udf) const METADATA_MIRROR: u8 = 251;
}

/// Decodes the block that holds a file entry. `location` is the block number that its tag must carry.
pub(super) fn decode(
    block: &[u8],
    at: u64,
    location: Option<u32>,
    options: &ReadOptions,
) -> Result<FileEntry> {
    let fields = Fields::new(WHAT, at, block);
    let verify = options.verify_checksums;
    let tag = tag::expect(&fields, &[tag::FILE_ENTRY, tag::EXTENDED_FILE_ENTRY], verify)?;
    if let Some(expected) = location.filter(|expected| verify && *expected != tag.location) {
        return Err(Error::corrupt(
            WHAT,
            fields.offset(12),
            format!("tag location {}", tag.location),
            expected.to_string(),
        ));
    }
    let strategy = fields.u16(20)?;
    if strategy != 4 {
        return Err(Error::unsupported(
            WHAT,
            fields.offset(20),
            format!("ICB strategy {strategy}"),
        ));
    }
    let flags = fields.u16(34)?;
    let extended = tag.identifier == tag::EXTENDED_FILE_ENTRY;
    // Access, modification, creation, attributes' lengths, end of the fixed part.
    let (accessed, modified, created, lengths, header): (usize, usize, Option<usize>, usize, usize) =
        if extended {
            (80, 92, Some(104), 208, 216)
        } else {
            (72, 84, None, 168, 176)
        };
    let time_at = |offset| -> Result<Option<Timestamp>> { Ok(time::decode(fields.slice(offset, 12)?)) };
    let attributes_len = usize::try_from(fields.u32(lengths)?).unwrap_or(usize::MAX);
    let allocation_len = usize::try_from(fields.u32(lengths + 4)?).unwrap_or(usize::MAX);
    let allocation_at = attributes_len.saturating_add(header);
    let file_type = fields.u8(27)?;
    let unspecified = |id: u32| (id != u32::MAX).then_some(id);
    Ok(FileEntry {
        at,
        file_type,
        allocation_kind: (flags & 0x07) as u8,
        information_bytes: fields.u64(56)?,
        accessed: time_at(accessed)?,
        modified: time_at(modified)?,
        created: created.map(time_at).transpose()?.flatten(),
        unix: UnixMeta {
            mode: unix_mode(file_type, fields.u32(44)?, flags),
            uid: unspecified(fields.u32(36)?),
            gid: unspecified(fields.u32(40)?),
            links: u32::from(fields.u16(48)?),
        },
        allocation: (
            allocation_at,
            fields.slice(allocation_at, allocation_len)?.to_vec(),
        ),
    })
}

/// `st_mode` from the five permission bits for other, group and owner (4/14.9.5) and the set-id flags (4/14.6.8).
fn unix_mode(file_type: u8, permissions: u32, flags: u16) -> u32 {
    // Execute, write, read are bits 0, 1, 2 of each group; the other two are attribute and delete rights.
    let bits = (permissions & 0o7) | ((permissions >> 5) & 0o7) << 3 | ((permissions >> 10) & 0o7) << 6;
    let kind = match file_type {
        file_type::DIRECTORY => 0o040_000,
        file_type::SYMLINK => 0o120_000,
        6 => 0o060_000,
        7 => 0o020_000,
        9 => 0o010_000,
        10 => 0o140_000,
        _ => 0o100_000,
    };
    let set_ids = u32::from(flags >> 6 & 0x07);
    let set_ids = (set_ids & 1) << 11 | (set_ids & 2) << 9 | (set_ids & 4) << 7;
    kind | set_ids | bits
}

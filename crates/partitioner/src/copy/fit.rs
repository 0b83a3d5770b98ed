//! What the first sectors of an image say, and how they change on a larger target.

use std::io::{Read, Seek};

use super::run::read_exact_at;
use super::{CopyOptions, CopyTarget};
use crate::error::{Error, ErrorKind, Result};
use crate::gpt::{self, EncodedGpt, FoundGpt, GptCopy, GptTable};
use crate::{Finding, Limits};

/// The bytes that are written last: the MBR and the GPT header for either sector size.
pub(super) const HEAD_BYTES: u64 = 8192;

/// The end of a copy.
pub(super) struct Commit {
    /// The first bytes of the target.
    pub(super) head: Vec<u8>,
    /// Backup of the table at the end of a larger target, and where.
    pub(super) backup: Option<(u64, Vec<u8>)>,
    /// Why the backup was not moved, on a target where it should have been.
    pub(super) kept: Option<Finding>,
}

/// Looks at the image's table and refuses one whose sector size is not the target's.
pub(super) fn commit<S: Read + Seek, T: CopyTarget>(
    source: &mut S,
    image_bytes: u64,
    target: &T,
    options: &CopyOptions<'_>,
) -> Result<Commit> {
    let mut head = vec![0; HEAD_BYTES.min(image_bytes) as usize];
    read_exact_at(source, 0, &mut head, "read the image")?;
    let mut commit = Commit {
        head,
        backup: None,
        kept: None,
    };
    let found = match gpt::read(source, None, &Limits::default()) {
        Ok(found) => found,
        Err(e) if e.kind() == ErrorKind::Io => return Err(e),
        // No table: the image is copied as it is.
        Err(_) => return Ok(commit),
    };
    let sector_bytes = found.table.sector_bytes;
    if found.used == GptCopy::Primary && target.sector_bytes().is_some_and(|s| s != sector_bytes) {
        return Err(Error::invalid(
            "disk image",
            format!(
                "its partition table counts sectors of {sector_bytes} bytes, and the target has others; make the \
                 image anew for this disk"
            ),
        ));
    }
    if !options.fit_gpt || target.size_bytes() < image_bytes + u64::from(sector_bytes) {
        return Ok(commit);
    }
    match moved(source, &commit.head, target.size_bytes(), found)? {
        Ok(encoded) => {
            patch(&mut commit.head, &encoded, sector_bytes as usize);
            commit.backup = Some((encoded.backup_at, encoded.backup));
        }
        Err(reason) => commit.kept = Some(reason),
    }
    Ok(commit)
}

/// The image's table for a disk of `size_bytes`, or why it cannot be had. Only the headers are to change, so the
/// image's own header and entry array must be what this crate would write for the same table.
fn moved<S: Read + Seek>(
    source: &mut S,
    head: &[u8],
    size_bytes: u64,
    found: FoundGpt,
) -> Result<Result<EncodedGpt, Finding>> {
    if let Some(finding) = found.findings.first() {
        return Ok(Err(Finding::new(
            "gpt-unsound",
            format!(
                "the image's partition table is not sound, so it was copied as it is: {}",
                finding.message
            ),
        )));
    }
    let other_layout = || {
        Finding::new(
            "gpt-other-layout",
            "the image's partition table is laid out in a way of its own (place or size of its entries, or bytes \
             behind a name), so it was copied as it is",
        )
    };
    let wide = GptTable::empty(found.table.disk_guid, size_bytes, found.table.sector_bytes)?;
    let Ok(same) = found.table.encode() else {
        return Ok(Err(other_layout()));
    };
    let header = found.table.sector_bytes as usize..same.primary_head.len();
    if wide.first_usable_lba > found.table.first_usable_lba
        || head.get(header.clone()) != same.primary_head.get(header)
    {
        return Ok(Err(other_layout()));
    }
    let mut entries = vec![0; same.primary_entries.len()];
    read_exact_at(source, same.primary_entries_at, &mut entries, "read the image")?;
    if entries != same.primary_entries {
        return Ok(Err(other_layout()));
    }
    let table = GptTable {
        first_usable_lba: found.table.first_usable_lba,
        partitions: found.table.partitions,
        ..wide
    };
    Ok(Ok(table.encode()?))
}

/// Puts the new size into sector 0, whose boot code stays, and the new header into sector 1.
fn patch(head: &mut [u8], encoded: &EncodedGpt, sector: usize) {
    if let (Some(entry), Some(size)) = (
        head.get_mut(446..462).filter(|entry| entry[4] == 0xEE),
        encoded.primary_head.get(458..462),
    ) {
        entry[12..].copy_from_slice(size);
    }
    if let (Some(header), Some(new)) = (
        head.get_mut(sector..2 * sector),
        encoded.primary_head.get(sector..),
    ) {
        header.copy_from_slice(new);
    }
}

//! What the first sectors of an image say, and how they change on a larger target.

use std::io::{Read, Seek};

use super::{CopyOptions, CopyTarget};
use crate::Limits;
use crate::error::{Error, ErrorKind, Result};
use crate::gpt::{self, GptCopy};

/// The bytes that are written last: the MBR and the GPT header for either sector size.
pub(super) const HEAD_BYTES: u64 = 8192;

/// The end of a copy.
pub(super) struct Commit {
    /// The first bytes of the target.
    pub(super) head: Vec<u8>,
    /// Backup of the table at the end of a larger target, and where.
    pub(super) backup: Option<(u64, Vec<u8>)>,
}

/// Looks at the image's table and refuses one whose sector size is not the target's.
pub(super) fn commit<S: Read + Seek, T: CopyTarget>(
    source: &mut S,
    image_bytes: u64,
    target: &T,
    options: &CopyOptions<'_>,
) -> Result<Commit> {
    let mut head = vec![0; HEAD_BYTES.min(image_bytes) as usize];
    source
        .rewind()
        .and_then(|()| source.read_exact(&mut head))
        .map_err(Error::io("read the image", 0))?;
    let mut commit = Commit { head, backup: None };
    let found = match gpt::read(source, None, &Limits::default()) {
        Ok(found) if found.used == GptCopy::Primary => found,
        // No table, or none that is whole: the image is copied as it is.
        Ok(_) => return Ok(commit),
        Err(e) if e.kind() == ErrorKind::Io => return Err(e),
        Err(_) => return Ok(commit),
    };
    let sector_bytes = found.table.sector_bytes;
    if target.sector_bytes().is_some_and(|s| s != sector_bytes) {
        return Err(Error::invalid(
            "disk image",
            format!(
                "its partition table counts sectors of {sector_bytes} bytes, and the target has others; make the \
                 image anew for this disk"
            ),
        ));
    }
    let usable = found.findings.is_empty() && found.table.size_bytes == image_bytes;
    if !options.fit_gpt || !usable || target.size_bytes() < image_bytes + u64::from(sector_bytes) {
        return Ok(commit);
    }
    let wide = gpt::GptTable::empty(found.table.disk_guid, target.size_bytes(), sector_bytes)?;
    if wide.first_usable_lba > found.table.first_usable_lba {
        return Ok(commit);
    }
    let table = gpt::GptTable {
        first_usable_lba: found.table.first_usable_lba,
        partitions: found.table.partitions,
        ..wide
    };
    let encoded = table.encode()?;
    let sector = sector_bytes as usize;
    // The boot code in sector 0 stays; the protective entry and the header take the new size.
    if let (Some(entry), Some(size)) = (
        commit.head.get_mut(446..462).filter(|entry| entry[4] == 0xEE),
        encoded.primary_head.get(458..462),
    ) {
        entry[12..].copy_from_slice(size);
    }
    if let (Some(header), Some(new)) = (
        commit.head.get_mut(sector..2 * sector),
        encoded.primary_head.get(sector..),
    ) {
        header.copy_from_slice(new);
    }
    commit.backup = Some((encoded.backup_at, encoded.backup));
    Ok(commit)
}

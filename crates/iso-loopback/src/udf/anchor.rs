//! Anchor volume descriptor pointers (ECMA-167, 3/8.4.2): block 256, N-256, N, or 512 on unfinished discs.

use std::io::{Read, Seek};

use super::tag;
use crate::fields::Fields;
use crate::iso9660::SECTOR_BYTES;
use crate::source::Source;
use crate::{Error, ReadOptions, Result};

const WHAT: &str = "UDF anchor volume descriptor pointer";

/// An anchor: the block size that it was found with, and the extents that it names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Anchor {
    pub(super) sector_bytes: u64,
    /// First sector and length in bytes of the main volume descriptor sequence.
    pub(super) main: (u32, u32),
    /// The same of the reserve sequence.
    pub(super) reserve: (u32, u32),
}

/// Finds every anchor, best first: sector size 2048 as on optical media, then 512, 4096, 1024 as on disks; 4096 comes
/// first when the recognition sequence has that step.
pub(super) fn find_anchors<R: Read + Seek>(
    source: &mut Source<R>,
    options: &ReadOptions,
    recognition_step: Option<u64>,
) -> Result<Vec<Anchor>> {
    let mut anchors = Vec::new();
    let sizes = if recognition_step == Some(4096) {
        [4096, 2048, 512, 1024]
    } else {
        [2048, 512, 4096, 1024]
    };
    for sector_bytes in sizes {
        let session = u64::from(options.session_start) * SECTOR_BYTES / sector_bytes;
        let sectors = source.size_bytes() / sector_bytes;
        let candidates = [
            Some(session + 256),
            sectors.checked_sub(257),
            sectors.checked_sub(256),
            sectors.checked_sub(1),
            Some(session + 512),
        ];
        for sector in candidates.into_iter().flatten() {
            let at = sector.saturating_mul(sector_bytes);
            if source.check(WHAT, at, 512).is_err() {
                continue;
            }
            let bytes = source.read_vec(WHAT, at, 512)?;
            if let Some(anchor) = decode(&Fields::new(WHAT, at, &bytes), sector, sector_bytes, options) {
                anchors.push(anchor);
            }
        }
    }
    if anchors.is_empty() {
        return Err(Error::corrupt(
            WHAT,
            256 * 2048,
            "no valid one at blocks 256, 512, N-257, N-256 or N-1 of 512, 1024, 2048 and 4096 bytes",
            "at least one, since the image has an NSR descriptor",
        ));
    }
    Ok(anchors)
}

fn decode(fields: &Fields<'_>, sector: u64, sector_bytes: u64, options: &ReadOptions) -> Option<Anchor> {
    let tag = tag::expect(fields, &[tag::ANCHOR], options.verify_checksums).ok()?;
    // The location tells block sizes apart: byte 524,288 is block 256 of 2048 bytes and block 1024 of 512.
    (u64::from(tag.location) == sector).then_some(())?;
    Some(Anchor {
        sector_bytes,
        main: (fields.u32(20).ok()?, fields.u32(16).ok()?),
        reserve: (fields.u32(28).ok()?, fields.u32(24).ok()?),
    })
}

//! Where a sparse file has data.

use std::fs::File;
use std::ops::Range;

use rustix::fs::SeekFrom;
use rustix::io::Errno;

use crate::error::{Error, Result};

/// Ranges are widened to multiples of this: pages and physical sectors are not split.
const GRAIN_BYTES: u64 = 4096;

/// The ranges of a file that are not holes, ascending and apart. One range where the file system cannot tell.
///
/// # Errors
/// `Io`.
pub fn data_ranges(file: &File, size_bytes: u64) -> Result<Vec<Range<u64>>> {
    let mut ranges: Vec<Range<u64>> = Vec::new();
    let mut at = 0;
    while at < size_bytes {
        let start = match rustix::fs::seek(file, SeekFrom::Data(at)) {
            Ok(start) => start,
            // No data from here on.
            Err(Errno::NXIO) => break,
            // A device or file system that knows no holes.
            Err(Errno::INVAL | Errno::OPNOTSUPP) => return Ok(std::iter::once(0..size_bytes).collect()),
            Err(e) => return Err(Error::io("look for data in the image", at)(e.into())),
        };
        let end = rustix::fs::seek(file, SeekFrom::Hole(start))
            .map_err(|e| Error::io("look for a hole in the image", start)(e.into()))?;
        at = end.max(start + 1);
        push(&mut ranges, start, end.min(size_bytes), size_bytes);
    }
    Ok(ranges)
}

fn push(ranges: &mut Vec<Range<u64>>, start: u64, end: u64, size_bytes: u64) {
    let start = start / GRAIN_BYTES * GRAIN_BYTES;
    let end = end.next_multiple_of(GRAIN_BYTES).min(size_bytes);
    match ranges.last_mut() {
        Some(last) if last.end >= start => last.end = end,
        _ if start < end => ranges.push(start..end),
        _ => {}
    }
}

/// The gaps between ranges, up to `size_bytes`.
pub(super) fn holes(ranges: &[Range<u64>], size_bytes: u64) -> Vec<Range<u64>> {
    let starts = ranges.iter().map(|r| r.start).chain([size_bytes]);
    let ends = std::iter::once(0).chain(ranges.iter().map(|r| r.end));
    ends.zip(starts)
        .map(|(end, start)| end..start)
        .filter(|hole| !hole.is_empty())
        .collect()
}

/// The parts of the ranges from `start` to `end`.
pub(super) fn within(ranges: &[Range<u64>], start: u64, end: u64) -> Vec<Range<u64>> {
    ranges
        .iter()
        .map(|r| r.start.max(start)..r.end.min(end))
        .filter(|r| !r.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_what_is_left() {
        let flat = |ranges: Vec<Range<u64>>| ranges.iter().map(|r| (r.start, r.end)).collect::<Vec<_>>();
        assert_eq!(flat(holes(&[], 10)), [(0, 10)]);
        assert_eq!(flat(holes(&[2..4, 6..8], 10)), [(0, 2), (4, 6), (8, 10)]);
        assert_eq!(flat(holes(&[0..4, 6..10], 10)), [(4, 6)]);
        assert_eq!(flat(within(&[0..2, 3..9, 9..10], 5, 11)), [(5, 9), (9, 10)]);
        assert_eq!(flat(within(&[0..2, 3..9, 9..10], 1, 4)), [(1, 2), (3, 4)]);
    }

    #[test]
    fn neighbours_are_joined() {
        let mut ranges = Vec::new();
        for (start, end) in [(5000, 6000), (8000, 9000), (30_000, 30_001), (39_999, 40_000)] {
            push(&mut ranges, start, end, 40_000);
        }
        assert_eq!(ranges, [4096..12_288, 28_672..32_768, 36_864..40_000]);
    }
}

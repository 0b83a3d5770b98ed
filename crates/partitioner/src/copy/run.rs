//! The copy itself.

use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::atomic::Ordering;

use super::fit::{HEAD_BYTES, commit};
use super::ranges::{holes, within};
use super::verify::compare;
use super::{CopyOptions, CopyPhase, CopyProgress, CopyReport, CopyTarget};
use crate::error::{Error, Result};
use crate::gpt;

/// Bytes of one read and one write.
pub(super) const BLOCK_BYTES: usize = 1 << 20;

/// Copies an image to a target that is at least as large. `ranges` are where the image has data
/// ([`data_ranges`](super::data_ranges)); everything else in it is zero, and is cleared on a target that may hold
/// something else.
///
/// Order: whatever table the target had is cleared at both ends; data and holes, ascending; the backup of a GPT that
/// is moved; all that is read back from the medium and compared, if wished; then the first 8 KiB, with the MBR and
/// the primary GPT header, read back too. Until then no system sees a partition.
///
/// # Errors
/// `NoSpace` for a target that is too small and `Invalid` for an image whose sector size is not the target's, both
/// before the first write; `Mismatch` with the first byte that differs; `Interrupted`; `Io`.
pub fn copy_image<S: Read + Seek, T: CopyTarget>(
    source: &mut S,
    ranges: &[Range<u64>],
    target: &mut T,
    options: &CopyOptions<'_>,
    progress: &mut dyn FnMut(CopyProgress),
) -> Result<CopyReport> {
    let image_bytes = source
        .seek(SeekFrom::End(0))
        .map_err(Error::io("find the size of the image", 0))?;
    if target.size_bytes() < image_bytes {
        return Err(Error::NoSpace {
            what: "disk image on the target",
            need_bytes: image_bytes,
            have_bytes: target.size_bytes(),
        });
    }
    let commit = commit(source, image_bytes, target, options)?;
    let head_bytes = HEAD_BYTES.min(image_bytes);
    // A target that is larger by little: the moved backup lies over the end of the image, over the old backup.
    let end = commit.backup.as_ref().map_or(image_bytes, |(at, _)| *at);
    let data = within(ranges, head_bytes, end);
    let zeros = if target.starts_zeroed() {
        Vec::new()
    } else {
        within(&holes(ranges, image_bytes), head_bytes, end)
    };
    let sum = |list: &[Range<u64>]| list.iter().map(|r| r.end - r.start).sum::<u64>();
    let mut report = CopyReport {
        image_bytes,
        data_bytes: sum(&data) + head_bytes,
        zeroed_bytes: sum(&zeros),
        verified_bytes: 0,
        gpt_moved: commit.backup.is_some(),
        gpt_kept: commit.kept,
    };

    if !target.starts_zeroed() {
        let (size, sector) = (target.size_bytes(), target.sector_bytes().unwrap_or(512));
        gpt::wipe(target, size, sector)?;
        target.table_cleared();
    }
    let before = target.durable_bytes();
    let total_bytes = sum(&data) + sum(&zeros);
    let mut tell = |target: &T| {
        progress(CopyProgress {
            phase: CopyPhase::Copy,
            done_bytes: target.durable_bytes().saturating_sub(before).min(total_bytes),
            total_bytes,
        });
    };
    let mut steps: Vec<(&Range<u64>, bool)> = data.iter().map(|r| (r, true)).collect();
    steps.extend(zeros.iter().map(|r| (r, false)));
    steps.sort_by_key(|(range, _)| range.start);
    let mut buffer = vec![0; BLOCK_BYTES];
    for (range, is_data) in steps {
        for (at, length) in blocks(range, if is_data { BLOCK_BYTES as u64 } else { 1 << 30 }) {
            check_interrupt(options)?;
            if is_data {
                let block = &mut buffer[..length as usize];
                read_exact_at(source, at, block, "read the image")?;
                write_at(target, at, block)?;
            } else {
                target.zero_range(at, length)?;
            }
            tell(target);
        }
    }
    if let Some((at, bytes)) = &commit.backup {
        write_at(target, *at, bytes)?;
    }
    target
        .flush()
        .map_err(Error::io("flush the target", image_bytes))?;
    tell(target);

    if options.verify {
        target.forget_cache()?;
        report.verified_bytes = compare(source, &data, &zeros, target, options, progress)?;
        if let Some((at, bytes)) = &commit.backup {
            report.verified_bytes += compare_bytes(target, *at, bytes)?;
        }
    }
    check_interrupt(options)?;
    write_at(target, 0, &commit.head)?;
    target.flush().map_err(Error::io("flush the target", 0))?;
    if options.verify {
        target.forget_cache()?;
        report.verified_bytes += compare_bytes(target, 0, &commit.head)?;
    }
    Ok(report)
}

/// Offset and length of each block of a range; all but the first start at a multiple of the block.
pub(super) fn blocks(range: &Range<u64>, block_bytes: u64) -> impl Iterator<Item = (u64, u64)> + use<> {
    let (mut at, end) = (range.start, range.end);
    std::iter::from_fn(move || {
        let length = (block_bytes - at % block_bytes).min(end - at);
        let block = (length > 0).then_some((at, length));
        at += length;
        block
    })
}

pub(super) fn check_interrupt(options: &CopyOptions<'_>) -> Result<()> {
    if options.interrupt.load(Ordering::Relaxed) {
        return Err(Error::Interrupted);
    }
    Ok(())
}

pub(super) fn read_exact_at<R: Read + Seek>(
    from: &mut R,
    at: u64,
    buffer: &mut [u8],
    op: &'static str,
) -> Result<()> {
    from.seek(SeekFrom::Start(at))
        .and_then(|_| from.read_exact(buffer))
        .map_err(Error::io(op, at))
}

fn write_at<T: CopyTarget>(target: &mut T, at: u64, bytes: &[u8]) -> Result<()> {
    target
        .seek(SeekFrom::Start(at))
        .and_then(|_| target.write_all(bytes))
        .map_err(Error::io("write the target", at))
}

fn compare_bytes<T: CopyTarget>(target: &mut T, at: u64, expected: &[u8]) -> Result<u64> {
    let mut found = vec![0; expected.len()];
    read_exact_at(target, at, &mut found, "read the target back")?;
    super::verify::same(expected, &found, at)?;
    Ok(expected.len() as u64)
}

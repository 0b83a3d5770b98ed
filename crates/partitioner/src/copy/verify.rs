//! Reading back what was written.

use std::io::{Read, Seek};
use std::ops::Range;

use super::run::{BLOCK_BYTES, blocks, check_interrupt, read_exact_at};
use super::{CopyOptions, CopyPhase, CopyProgress, CopyTarget};
use crate::error::{Error, Result};

/// Compares the target with the image, and its cleared holes with zeros; the bytes compared.
pub(super) fn compare<S: Read + Seek, T: CopyTarget>(
    source: &mut S,
    data: &[Range<u64>],
    zeros: &[Range<u64>],
    target: &mut T,
    options: &CopyOptions<'_>,
    progress: &mut dyn FnMut(CopyProgress),
) -> Result<u64> {
    let total_bytes = data.iter().chain(zeros).map(|r| r.end - r.start).sum();
    let mut done_bytes = 0;
    let mut expected = vec![0; BLOCK_BYTES];
    let mut found = vec![0; BLOCK_BYTES];
    let data = data.iter().map(|r| (r, true));
    for (range, is_data) in data.chain(zeros.iter().map(|r| (r, false))) {
        for (at, length) in blocks(range, BLOCK_BYTES as u64) {
            check_interrupt(options)?;
            let (expected, found) = (&mut expected[..length as usize], &mut found[..length as usize]);
            if is_data {
                read_exact_at(source, at, expected, "read the image")?;
            } else {
                expected.fill(0);
            }
            read_exact_at(target, at, found, "read the target back")?;
            same(expected, found, at)?;
            done_bytes += length;
            progress(CopyProgress {
                phase: CopyPhase::Verify,
                done_bytes,
                total_bytes,
            });
        }
    }
    Ok(done_bytes)
}

pub(super) fn same(expected: &[u8], found: &[u8], at: u64) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    let first = expected.iter().zip(found).take_while(|(a, b)| a == b).count();
    Err(Error::Mismatch {
        what: "target",
        at: at + first as u64,
    })
}

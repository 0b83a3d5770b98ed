//! Update sequence arrays: the last two bytes of each 512-byte stride of a record live in its header.

use super::bytes::{slice, u16_at};
use crate::{Error, Result};

/// Checks the update sequence of a record or index block read from byte `at` and puts the real bytes back.
///
/// The stride is what the array's length says (512 bytes on every volume seen, also with 4096-byte sectors).
///
/// # Errors
/// `Corrupt` for an array that does not fit or a stride that was not written with the rest.
pub fn apply(bytes: &mut [u8], what: &'static str, at: u64) -> Result<()> {
    let header = u16_at(bytes, 4).zip(u16_at(bytes, 6));
    let (offset, count) = header.ok_or(Error::Truncated {
        what,
        at,
        need: 8,
        have: bytes.len() as u64,
    })?;
    let (offset, count) = (usize::from(offset), usize::from(count));
    let bad = |found: String, expected| Error::Corrupt {
        what,
        at,
        found,
        expected,
    };
    let strides = count.saturating_sub(1);
    if strides == 0 || !bytes.len().is_multiple_of(strides) || bytes.len() / strides < 512 {
        return Err(bad(
            format!("{count} update sequence words"),
            "one a 512-byte stride, and one",
        ));
    }
    let stride = bytes.len() / strides;
    let array = slice(bytes, offset, count * 2)
        .filter(|_| offset >= 8 && offset + count * 2 <= stride - 2)
        .ok_or_else(|| {
            bad(
                format!("update sequence at {offset:#x}"),
                "inside the first stride",
            )
        })?
        .to_vec();
    let (number, originals) = array.split_at(2);
    for (index, (block, original)) in bytes
        .chunks_exact_mut(stride)
        .zip(originals.chunks_exact(2))
        .enumerate()
    {
        let tail = &mut block[stride - 2..];
        if tail != number {
            let found = format!("{tail:02x?} at the end of stride {index}");
            return Err(bad(found, "the update sequence number"));
        }
        tail.copy_from_slice(original);
    }
    Ok(())
}

//! Loads, stores and match copies without bounds checks, for the inner loops of the decoders.
#![expect(
    unsafe_code,
    reason = "loops check once per item, not once per byte: 5 % of the decoding time"
)]

/// A fast copy may write this many bytes past its end.
pub(super) const SLOP_BYTES: usize = 32;

/// The little-endian number at `at`.
///
/// # Safety
/// `at + 8` must be at most the length of the buffer.
#[inline(always)]
pub(super) unsafe fn load_u64(buffer: &[u8], at: usize) -> u64 {
    debug_assert!(at + 8 <= buffer.len());
    // SAFETY: the caller's promise; arrays of bytes need no alignment.
    u64::from_le_bytes(unsafe { buffer.as_ptr().add(at).cast::<[u8; 8]>().read() })
}

/// The four 16-bit little-endian units at `at`, the first one at the top.
///
/// # Safety
/// `at + 8` must be at most the length of the buffer.
#[inline(always)]
pub(super) unsafe fn load_units(buffer: &[u8], at: usize) -> u64 {
    debug_assert!(at + 8 <= buffer.len());
    // SAFETY: the caller's promise.
    let units = unsafe { load_u64(buffer, at) }.rotate_left(32);
    (units & 0x0000_ffff_0000_ffff) << 16 | (units >> 16) & 0x0000_ffff_0000_ffff
}

/// Sets one byte.
///
/// # Safety
/// `at` must be less than the length of the output.
#[inline(always)]
pub(super) unsafe fn put(output: &mut [u8], at: usize, byte: u8) {
    debug_assert!(at < output.len());
    // SAFETY: the caller's promise.
    unsafe { *output.get_unchecked_mut(at) = byte };
}

/// Copies `length` bytes from `offset` bytes back to `at`, in blocks: up to [`SLOP_BYTES`] bytes after the
/// match are overwritten too.
///
/// # Safety
/// `offset` must be from 1 to `at`, and `at + length + SLOP_BYTES` at most the length of the output.
#[inline(always)]
pub(super) unsafe fn copy_match(output: &mut [u8], at: usize, offset: usize, length: usize) {
    debug_assert!((1..=at).contains(&offset) && at + length + SLOP_BYTES <= output.len());
    // SAFETY: by the caller's promise `at` is within the output, which the bytes from `offset` before `to` up to
    // `length + SLOP_BYTES` after it belong to.
    unsafe {
        let to = output.as_mut_ptr().add(at);
        if offset >= 16 {
            copy_far(to, offset, length);
        } else {
            copy_near(to, offset, length);
        }
    }
}

/// Copies in blocks of 16; these do not overlap their source.
///
/// # Safety
/// `to - offset` to `to + length + SLOP_BYTES` must be in one allocation, and `offset` at least 16.
#[inline(always)]
unsafe fn copy_far(to: *mut u8, offset: usize, length: usize) {
    // SAFETY: blocks are written from `to` on. Two of them are always, and two more at `done` only while it is less than
    // `length`, so that all end within the 32 bytes after the match. Each is read from `offset` before its place, which is
    // not before `to - offset`, and ends at its place or earlier.
    unsafe {
        copy_block::<16>(to, offset);
        copy_block::<16>(to.add(16), offset);
        let mut done = 32;
        while done < length {
            copy_block::<16>(to.add(done), offset);
            copy_block::<16>(to.add(done + 16), offset);
            done += 32;
        }
    }
}

/// Copies where source and destination overlap within a block.
///
/// # Safety
/// `to - offset` to `to + length + SLOP_BYTES` must be in one allocation, and `offset` at least 1.
#[inline(always)]
unsafe fn copy_near(to: *mut u8, offset: usize, length: usize) {
    let mut done = 0;
    // SAFETY: every block is written to a place before the end of the match and has at most 16 bytes, so it ends within the
    // `SLOP_BYTES` after the match. What is read begins `offset` before the place, and ends before what is written does;
    // the byte before `to` is there because `offset` is 1.
    unsafe {
        if offset == 1 {
            let block = [to.sub(1).read(); 16];
            while done < length {
                to.add(done).cast::<[u8; 16]>().write(block);
                done += 16;
            }
        } else if offset >= 8 {
            while done < length {
                copy_block::<8>(to.add(done), offset);
                done += 8;
            }
        } else {
            while done < length {
                copy_block::<1>(to.add(done), offset);
                done += 1;
            }
        }
    }
}

/// Copies a block from `offset` bytes back.
///
/// # Safety
/// `to - offset` and `to` must be valid for `N` bytes, of one allocation.
#[inline(always)]
unsafe fn copy_block<const N: usize>(to: *mut u8, offset: usize) {
    // SAFETY: the caller's promise; arrays of bytes need no alignment, and the block is read as a whole before it is written.
    unsafe {
        let block = to.sub(offset).cast::<[u8; N]>().read();
        to.cast::<[u8; N]>().write(block);
    }
}

/// Copies a match bytewise and writes nothing else.
#[inline(always)]
pub(super) fn copy_exact(output: &mut [u8], at: usize, offset: usize, length: usize) {
    for to in at..at + length {
        output[to] = output[to - offset];
    }
}

/// Tests run with debug assertions: an access out of bounds in any of them, damaged chunks included, panics.
#[cfg(all(test, debug_assertions))]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "at + 8 <= buffer.len()")]
    fn a_load_past_the_end_is_noticed() {
        // SAFETY: not kept; the assertion comes before the access.
        unsafe { load_u64(&[0; 8], 1) };
    }

    #[test]
    #[should_panic(expected = "at + 8 <= buffer.len()")]
    fn a_load_of_units_past_the_end_is_noticed() {
        // SAFETY: not kept; the assertion comes before the access.
        unsafe { load_units(&[0; 8], 1) };
    }

    #[test]
    fn units_are_loaded_first_one_on_top() {
        // SAFETY: eight bytes follow the first one.
        let units = unsafe { load_units(&[9, 2, 1, 4, 3, 6, 5, 8, 7], 1) };
        assert_eq!(units, 0x0102_0304_0506_0708);
    }

    /// Every kind of copy, in buffers that end where they may.
    #[test]
    fn matches_are_copied_and_nothing_behind_the_slop_is_touched() {
        for offset in 1..70 {
            for length in 0..100 {
                let mut output: Vec<u8> = (0..offset + length + SLOP_BYTES).map(|i| i as u8).collect();
                let mut expected = output.clone();
                copy_exact(&mut expected, offset, offset, length);
                // SAFETY: `offset` bytes come before, the match and `SLOP_BYTES` after.
                unsafe { copy_match(&mut output, offset, offset, length) };
                assert_eq!(
                    output[..offset + length],
                    expected[..offset + length],
                    "{offset} {length}"
                );
            }
        }
    }

    #[test]
    #[should_panic(expected = "at < output.len()")]
    fn a_store_past_the_end_is_noticed() {
        // SAFETY: not kept; the assertion comes before the access.
        unsafe { put(&mut [0; 8], 8, 1) };
    }

    #[test]
    #[should_panic(expected = "at + length + SLOP_BYTES <= output.len()")]
    fn a_copy_without_room_is_noticed() {
        // SAFETY: not kept; the assertion comes before the access.
        unsafe { copy_match(&mut [0; 40], 8, 8, 1) };
    }

    #[test]
    #[should_panic(expected = "(1..=at).contains(&offset)")]
    fn a_copy_from_before_the_start_is_noticed() {
        // SAFETY: not kept; the assertion comes before the access.
        unsafe { copy_match(&mut [0; 80], 8, 9, 1) };
    }
}

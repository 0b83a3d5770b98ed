//! Comparison of two places of a chunk.

/// How many bytes from `from` and from `at` on are equal, at most `max`. The first `known` are known to be; there
/// must be `max` bytes from `at` on, and `from` must be before it.
#[inline(always)]
pub(super) fn match_length(data: &[u8], from: usize, at: usize, known: usize, max: usize) -> usize {
    let (a, b) = (&data[from..from + max], &data[at..at + max]);
    let mut length = known;
    while let (Some(x), Some(y)) = (
        a.get(length..).and_then(<[u8]>::first_chunk::<8>),
        b.get(length..).and_then(<[u8]>::first_chunk::<8>),
    ) {
        let differ = u64::from_le_bytes(*x) ^ u64::from_le_bytes(*y);
        if differ != 0 {
            return length + differ.trailing_zeros() as usize / 8;
        }
        length += 8;
    }
    while length < max && a[length] == b[length] {
        length += 1;
    }
    length
}

//! Choice of instruction sets at run time.
#![cfg_attr(
    target_arch = "x86_64",
    expect(
        unsafe_code,
        reason = "calls of functions that need more than the baseline instruction set"
    )
)]

/// A piece of work that is worth compiling twice. `run` must be `#[inline(always)]`.
pub(super) trait Hot {
    type Output;

    fn run(self) -> Self::Output;
}

/// Runs `work` compiled for bit manipulation instructions (shifts that leave the flags alone, population
/// counts) and vectors of 32 bytes when the processor has them.
#[inline(always)]
pub(super) fn run<W: Hot>(work: W) -> W::Output {
    #[cfg(target_arch = "x86_64")]
    if is_modern() {
        // SAFETY: the processor has the features that the function is compiled for.
        return unsafe { on_modern(work) };
    }
    work.run()
}

/// Whether the processor has what [`run`] compiles for.
#[cfg(target_arch = "x86_64")]
pub(super) fn is_modern() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt")
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn on_modern<W: Hot>(work: W) -> W::Output {
    work.run()
}

/// A bit for each byte, the first one lowest: whether it is `value`.
#[inline(always)]
pub(super) fn equal_mask(bytes: &[u8; 32], value: u8) -> u32 {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 processor has SSE2. Both loads are of 16 of the 32 bytes, and need no alignment.
    return unsafe {
        use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_set1_epi8};
        let value = _mm_set1_epi8(value.cast_signed());
        let half = |at: usize| {
            let half = _mm_loadu_si128(bytes.as_ptr().add(at).cast());
            _mm_movemask_epi8(_mm_cmpeq_epi8(half, value)).cast_unsigned()
        };
        half(0) | half(16) << 16
    };
    #[cfg(not(target_arch = "x86_64"))]
    bytes
        .iter()
        .rev()
        .fold(0, |found, &byte| (found << 1) | u32::from(byte == value))
}

/// A pattern of two bytes: (mask, value) of each.
pub(super) type BytePair = [(u8, u8); 2];

/// A bit for each of 16 positions, the first one lowest: whether the byte there and the one after, masked, have
/// the values of any of the patterns.
#[inline(always)]
pub(super) fn match_mask<const N: usize>(bytes: &[u8; 17], patterns: &[BytePair; N]) -> u32 {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 processor has SSE2.
    return unsafe { match_mask_sse2(bytes, patterns) };
    #[cfg(not(target_arch = "x86_64"))]
    bytes.windows(2).rev().fold(0, |found, two| {
        let fits = |pattern: &BytePair| {
            pattern
                .iter()
                .zip(two)
                .all(|(&(mask, value), byte)| byte & mask == value)
        };
        (found << 1) | u32::from(patterns.iter().any(fits))
    })
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse2")]
#[inline]
fn match_mask_sse2<const N: usize>(bytes: &[u8; 17], patterns: &[BytePair; N]) -> u32 {
    use std::arch::x86_64::{
        _mm_and_si128, _mm_cmpeq_epi8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x, _mm_set1_epi8,
        _mm_setzero_si128,
    };
    let half = |at: usize| {
        let half = bytes.get(at..).and_then(<[u8]>::first_chunk);
        i64::from_le_bytes(half.copied().unwrap_or_default())
    };
    let [first, second] = [_mm_set_epi64x(half(8), half(0)), _mm_set_epi64x(half(9), half(1))];
    let mut any = _mm_setzero_si128();
    for &[(mask1, value1), (mask2, value2)] in patterns {
        let masked = _mm_and_si128(first, _mm_set1_epi8(mask1.cast_signed()));
        let mut fits = _mm_cmpeq_epi8(masked, _mm_set1_epi8(value1.cast_signed()));
        if mask2 != 0 {
            let masked = _mm_and_si128(second, _mm_set1_epi8(mask2.cast_signed()));
            fits = _mm_and_si128(fits, _mm_cmpeq_epi8(masked, _mm_set1_epi8(value2.cast_signed())));
        }
        any = _mm_or_si128(any, fits);
    }
    _mm_movemask_epi8(any).cast_unsigned()
}

/// Asks for the cache line at `at` of `data`, wherever that is.
#[inline(always)]
pub(super) fn prefetch<T>(data: &[T], at: usize) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: prefetching touches no memory, and every address is allowed.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(
            data.as_ptr().wrapping_add(at).cast(),
        );
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (data, at);
}

//! Processor time of this thread, which other programs disturb less than the time of day.
#![allow(unsafe_code, reason = "the standard library has no such clock")]

use std::ffi::c_int;
use std::time::Duration;

unsafe extern "C" {
    fn clock_gettime(clock: c_int, time: *mut i64) -> c_int;
}

/// Time that this thread has had a processor.
///
/// # Panics
/// When the system has no such clock.
#[must_use]
pub fn now() -> Duration {
    const CLOCK_THREAD_CPUTIME_ID: c_int = 3;
    let mut time = [0_i64; 2];
    // SAFETY: on 64-bit Linux a `timespec` is two 64-bit numbers, which `time` has room for.
    let status = unsafe { clock_gettime(CLOCK_THREAD_CPUTIME_ID, time.as_mut_ptr()) };
    assert_eq!(status, 0);
    let [seconds, nanoseconds] = time.map(|part| u64::try_from(part).expect("it only grows"));
    Duration::from_secs(seconds) + Duration::from_nanos(nanoseconds)
}

/// Lets each side do the same work in turns; returns the least time of each.
pub fn least<const SIDES: usize>(rounds: usize, mut work: [&mut dyn FnMut(); SIDES]) -> [Duration; SIDES] {
    let mut least = [Duration::MAX; SIDES];
    for _ in 0..rounds {
        for (work, least) in work.iter_mut().zip(&mut least) {
            let start = now();
            work();
            *least = (*least).min(now() - start);
        }
    }
    least
}

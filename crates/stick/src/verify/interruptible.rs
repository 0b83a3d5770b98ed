//! A reader that gives up once somebody wants to stop, so that nothing long runs on unheard.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::atomic::{AtomicBool, Ordering};

/// Reads `inner` while the flag is not set.
#[derive(Debug)]
pub(super) struct Interruptible<'a, R> {
    pub(super) inner: R,
    pub(super) interrupt: &'a AtomicBool,
}

impl<R: Read> Read for Interruptible<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.interrupt.load(Ordering::Relaxed) {
            // Not `ErrorKind::Interrupted`, which readers answer by another try.
            return Err(io::Error::other("interrupted"));
        }
        self.inner.read(buffer)
    }
}

impl<R: Seek> Seek for Interruptible<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

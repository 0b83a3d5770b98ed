//! Lines that tile the volume.

use std::io::Write;

use super::write_error;
use crate::Result;

/// Writes lines in order; each begins where the one before ended.
pub(super) struct Tiles<'o> {
    out: &'o mut dyn Write,
    at: u64,
}

impl<'o> Tiles<'o> {
    pub(super) fn new(out: &'o mut dyn Write) -> Self {
        Self { out, at: 0 }
    }

    /// Where the next line begins.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// A region of `len` bytes.
    pub(super) fn add(&mut self, len: u64, text: &str) -> Result<()> {
        writeln!(self.out, "{:012x} {len:>12} {text}", self.at).map_err(write_error)?;
        self.at = self.at.saturating_add(len);
        Ok(())
    }

    /// A region up to `end`, unless it was reached already.
    pub(super) fn gap_to(&mut self, end: u64, text: &str) -> Result<()> {
        if end > self.at {
            self.add(end - self.at, text)
        } else {
            Ok(())
        }
    }

    /// A region that lies in what was written already.
    pub(super) fn aside(&mut self, at: u64, len: u64, text: &str) -> Result<()> {
        writeln!(self.out, "!{at:012x} {len:>12} {text}").map_err(write_error)
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        self.out.flush().map_err(write_error)
    }
}

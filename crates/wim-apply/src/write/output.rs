//! What a WIM is written to: bytes at positions, a length that can be cut, and a way to make them durable.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, Write};

/// A file, or something like it. Written bytes are read back for integrity tables only.
pub trait Output: Read + Write + Seek {
    /// Cuts (or extends) it to `size_bytes`.
    ///
    /// # Errors
    /// Whatever the file system says.
    fn set_len(&mut self, size_bytes: u64) -> io::Result<()>;

    /// Makes everything written so far durable.
    ///
    /// # Errors
    /// Whatever the file system says.
    fn sync(&mut self) -> io::Result<()>;
}

impl Output for File {
    fn set_len(&mut self, size_bytes: u64) -> io::Result<()> {
        File::set_len(self, size_bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

impl Output for Cursor<Vec<u8>> {
    fn set_len(&mut self, size_bytes: u64) -> io::Result<()> {
        let size = usize::try_from(size_bytes).map_err(|_| io::ErrorKind::InvalidInput)?;
        self.get_mut().resize(size, 0);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

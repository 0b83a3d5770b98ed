//! What a WIM is written to: bytes at positions, a length that can be cut, and a way to make them durable.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};

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

/// A pipe, or anything else that takes bytes from start to end: for [pipable](super::FileForm::Pipable) files, whose
/// writer never goes back. Whatever else is tried fails with `Unsupported`.
#[derive(Debug)]
pub struct Pipe<W> {
    writer: W,
    written_bytes: u64,
}

impl<W: Write> Pipe<W> {
    /// Nothing was written to `writer` yet.
    pub fn new(writer: W) -> Self {
        let written_bytes = 0;
        Self {
            writer,
            written_bytes,
        }
    }

    fn stay(&self, at: u64) -> io::Result<()> {
        if at == self.written_bytes {
            Ok(())
        } else {
            Err(io::ErrorKind::Unsupported.into())
        }
    }
}

impl<W: Write> Write for Pipe<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.writer.write(bytes)?;
        self.written_bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl<W> Read for Pipe<W> {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl<W: Write> Seek for Pipe<W> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match to {
            SeekFrom::Start(at) => self.stay(at)?,
            SeekFrom::Current(0) | SeekFrom::End(0) => {}
            SeekFrom::Current(_) | SeekFrom::End(_) => return Err(io::ErrorKind::Unsupported.into()),
        }
        Ok(self.written_bytes)
    }
}

impl<W: Write> Output for Pipe<W> {
    fn set_len(&mut self, size_bytes: u64) -> io::Result<()> {
        self.stay(size_bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.flush()
    }
}

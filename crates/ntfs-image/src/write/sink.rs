//! Buffered output: neighbouring writes become one large one, and every call is counted.

use std::io::{Seek, SeekFrom, Write};

use super::BuildError;

/// Bytes collected before they are written.
const BUFFER_BYTES: usize = 4 << 20;

/// An output that knows where it is.
#[derive(Debug)]
pub(super) struct Sink<W> {
    out: W,
    /// Where `out` stands.
    position: u64,
    /// Offset of the first buffered byte.
    start: u64,
    buffer: Vec<u8>,
    pub(super) write_calls: u64,
    pub(super) seek_calls: u64,
    pub(super) bytes_written: u64,
}

impl<W: Write + Seek> Sink<W> {
    pub(super) fn new(out: W) -> Self {
        Self {
            out,
            position: u64::MAX,
            start: 0,
            buffer: Vec::with_capacity(BUFFER_BYTES),
            write_calls: 0,
            seek_calls: 0,
            bytes_written: 0,
        }
    }

    /// Offset after the last byte given.
    fn end(&self) -> u64 {
        self.start + self.buffer.len() as u64
    }

    /// Bytes written or buffered so far.
    pub(super) fn given_bytes(&self) -> u64 {
        self.bytes_written + self.buffer.len() as u64
    }

    /// Writes at a byte offset of the volume.
    pub(super) fn write_at(&mut self, offset: u64, mut bytes: &[u8]) -> Result<(), BuildError> {
        if offset != self.end() {
            self.drain()?;
            self.start = offset;
        }
        while !bytes.is_empty() {
            if self.buffer.is_empty() && bytes.len() >= BUFFER_BYTES {
                let at = self.start;
                self.put(at, bytes)?;
                self.start = at + bytes.len() as u64;
                return Ok(());
            }
            let (now, later) = bytes.split_at(bytes.len().min(BUFFER_BYTES - self.buffer.len()));
            self.buffer.extend_from_slice(now);
            bytes = later;
            if self.buffer.len() == BUFFER_BYTES {
                self.drain()?;
            }
        }
        Ok(())
    }

    /// Writes `count` times the byte `value`.
    pub(super) fn fill_at(&mut self, offset: u64, count: u64, value: u8) -> Result<(), BuildError> {
        let block = [value; 4096];
        let mut done = 0;
        while done < count {
            let now = usize::try_from(count - done)
                .unwrap_or(usize::MAX)
                .min(block.len());
            self.write_at(offset + done, &block[..now])?;
            done += now as u64;
        }
        Ok(())
    }

    /// Hands everything buffered to the output.
    pub(super) fn drain(&mut self) -> Result<(), BuildError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        let result = self.put(self.start, &buffer);
        self.start += buffer.len() as u64;
        buffer.clear();
        self.buffer = buffer;
        result
    }

    /// Drains, and flushes the output.
    pub(super) fn flush(&mut self) -> Result<(), BuildError> {
        self.drain()?;
        let offset = self.start;
        self.out.flush().map_err(|source| BuildError::Io {
            op: "flush",
            offset,
            source,
        })
    }

    fn put(&mut self, offset: u64, bytes: &[u8]) -> Result<(), BuildError> {
        if self.position != offset {
            self.out
                .seek(SeekFrom::Start(offset))
                .map_err(|source| BuildError::Io {
                    op: "seek",
                    offset,
                    source,
                })?;
            self.position = offset;
            self.seek_calls += 1;
        }
        self.write_calls += 1;
        self.out.write_all(bytes).map_err(|source| BuildError::Io {
            op: "write",
            offset,
            source,
        })?;
        self.position += bytes.len() as u64;
        self.bytes_written += bytes.len() as u64;
        Ok(())
    }

    pub(super) fn into_inner(self) -> W {
        self.out
    }
}

//! Writing one piece after the other, with small ones gathered.

use std::io::{Read, SeekFrom};

use sha1::{Digest, Sha1};

use super::Output;
use crate::{BlobHash, Error, Result};

/// Bytes that are gathered before they are written.
const BUFFER_BYTES: usize = 1 << 20;

/// The output, and the place where the next bytes go.
#[allow(missing_debug_implementations, reason = "holds a trait object")]
pub(super) struct Tail<'o> {
    out: &'o mut dyn Output,
    /// Place of the first byte of `buffer`.
    at: u64,
    buffer: Vec<u8>,
    /// Where the output stands, when known.
    out_position: Option<u64>,
    /// Hashes what is written, where it cannot be read back.
    hashes: Option<ChunkHashes>,
}

/// SHA-1 of each chunk of what goes by.
struct ChunkHashes {
    chunk_bytes: u64,
    filled_bytes: u64,
    hasher: Sha1,
    hashes: Vec<BlobHash>,
}

impl ChunkHashes {
    fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let count = (self.chunk_bytes - self.filled_bytes).min(bytes.len() as u64) as usize;
            let (now, later) = bytes.split_at(count);
            self.hasher.update(now);
            self.filled_bytes += count as u64;
            bytes = later;
            if self.filled_bytes == self.chunk_bytes {
                self.end_chunk();
            }
        }
    }

    fn end_chunk(&mut self) {
        self.filled_bytes = 0;
        self.hashes.push(BlobHash(self.hasher.finalize_reset().into()));
    }
}

impl<'o> Tail<'o> {
    pub(super) fn new(out: &'o mut dyn Output, at: u64) -> Self {
        Self {
            out,
            at,
            buffer: Vec::new(),
            out_position: None,
            hashes: None,
        }
    }

    /// From here on hashes what is written, in chunks; see [`Tail::written_hashes`].
    pub(super) fn hash_written(&mut self, chunk_bytes: u32) -> Result<()> {
        self.flush()?;
        self.hashes = Some(ChunkHashes {
            chunk_bytes: chunk_bytes.into(),
            filled_bytes: 0,
            hasher: Sha1::new(),
            hashes: Vec::new(),
        });
        Ok(())
    }

    /// SHA-1 of each chunk of what was written since [`Tail::hash_written`], if that was asked for.
    pub(super) fn written_hashes(&mut self) -> Result<Option<Vec<BlobHash>>> {
        self.flush()?;
        Ok(self.hashes.take().map(|mut hashes| {
            if hashes.filled_bytes > 0 {
                hashes.end_chunk();
            }
            hashes.hashes
        }))
    }

    /// Place of the next byte.
    pub(super) fn position(&self) -> u64 {
        self.at + self.buffer.len() as u64
    }

    /// Continues at another place.
    pub(super) fn seek(&mut self, at: u64) -> Result<()> {
        self.flush()?;
        self.at = at;
        Ok(())
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if self.buffer.len() + bytes.len() > BUFFER_BYTES {
            self.flush()?;
        }
        if bytes.len() >= BUFFER_BYTES {
            self.write_out(bytes)
        } else {
            self.buffer.extend_from_slice(bytes);
            Ok(())
        }
    }

    /// Writes elsewhere, and stays where it is.
    pub(super) fn write_at(&mut self, at: u64, bytes: &[u8]) -> Result<()> {
        let back = self.position();
        self.seek(at)?;
        self.write(bytes)?;
        self.seek(back)
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let result = self.write_out(&buffer);
        buffer.clear();
        self.buffer = buffer;
        result
    }

    fn write_out(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let at = self.at;
        let failed = |source| target(at, source);
        if self.out_position.take() != Some(at) {
            self.out.seek(SeekFrom::Start(at)).map_err(failed)?;
        }
        self.out.write_all(bytes).map_err(failed)?;
        if let Some(hashes) = &mut self.hashes {
            hashes.update(bytes);
        }
        self.at += bytes.len() as u64;
        self.out_position = Some(self.at);
        Ok(())
    }

    /// SHA-1 of each `chunk_bytes` of a range, read back.
    pub(super) fn hash_range(&mut self, start: u64, end: u64, chunk_bytes: u32) -> Result<Vec<BlobHash>> {
        self.flush()?;
        self.out_position = None;
        self.out
            .seek(SeekFrom::Start(start))
            .map_err(|source| target(start, source))?;
        let mut hashes = Vec::new();
        let mut at = start;
        let mut buffer = vec![0; 1 << 18];
        while at < end {
            let chunk_end = end.min(at.saturating_add(chunk_bytes.into()));
            let mut hasher = Sha1::new();
            while at < chunk_end {
                let count = (chunk_end - at).min(buffer.len() as u64) as usize;
                self.out
                    .read_exact(&mut buffer[..count])
                    .map_err(|source| target(at, source))?;
                hasher.update(&buffer[..count]);
                at += count as u64;
            }
            hashes.push(BlobHash(hasher.finalize().into()));
        }
        Ok(hashes)
    }

    /// Ends the file here, and makes it durable.
    pub(super) fn cut_and_sync(&mut self) -> Result<()> {
        self.flush()?;
        let at = self.at;
        self.out_position = None;
        self.out
            .set_len(at)
            .and_then(|()| self.out.sync())
            .map_err(|source| target(at, source))
    }

    /// Makes what was written durable.
    pub(super) fn sync(&mut self) -> Result<()> {
        self.flush()?;
        let at = self.at;
        self.out.sync().map_err(|source| target(at, source))
    }

    /// Gives up what was written beyond `size_bytes`.
    pub(super) fn abandon(&mut self, size_bytes: u64) {
        self.buffer.clear();
        // Best effort: the file is valid with what follows, too.
        let _ = self.out.set_len(size_bytes);
    }

    /// Copies exactly `size_bytes` from a reader.
    pub(super) fn copy_from(&mut self, reader: &mut dyn Read, size_bytes: u64) -> Result<()> {
        let mut buffer = vec![0; size_bytes.min(1 << 20) as usize];
        let mut left = size_bytes;
        while left > 0 {
            let count = left.min(buffer.len() as u64) as usize;
            let done = size_bytes - left;
            let read = reader.read_exact(&mut buffer[..count]);
            read.map_err(|error| Error::of_reader("reading a resource", done, error))?;
            self.write(&buffer[..count])?;
            left -= count as u64;
        }
        Ok(())
    }
}

fn target(at: u64, source: std::io::Error) -> Error {
    Error::Target {
        what: format!("the WIM at offset {at:#x}"),
        source: Box::new(source),
    }
}

//! Positioned reads over any `Read + Seek`, with the image's size known.

use std::io::{Read, Seek, SeekFrom};

use crate::{Error, Result};

/// The image, read at absolute offsets.
#[derive(Debug)]
pub(crate) struct Source<R> {
    reader: R,
    size_bytes: u64,
}

impl<R: Read + Seek> Source<R> {
    pub(crate) fn new(mut reader: R) -> Result<Self> {
        let size_bytes = reader.seek(SeekFrom::End(0)).map_err(|source| Error::Io {
            what: "the size of the image",
            at: 0,
            source,
        })?;
        Ok(Self { reader, size_bytes })
    }

    pub(crate) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    pub(crate) fn reader(&mut self) -> &mut R {
        &mut self.reader
    }

    pub(crate) fn into_reader(self) -> R {
        self.reader
    }

    /// Checks that a range lies in the image.
    pub(crate) fn check(&self, what: &'static str, at: u64, len: u64) -> Result<()> {
        match at.checked_add(len) {
            Some(end) if end <= self.size_bytes => Ok(()),
            _ => Err(Error::Truncated {
                what,
                at,
                need: len,
                have: self.size_bytes.saturating_sub(at),
            }),
        }
    }

    pub(crate) fn read_at(&mut self, what: &'static str, at: u64, buf: &mut [u8]) -> Result<()> {
        self.check(what, at, buf.len() as u64)?;
        let io = |source| Error::Io { what, at, source };
        self.reader.seek(SeekFrom::Start(at)).map_err(io)?;
        self.reader.read_exact(buf).map_err(io)
    }

    /// Reads a range into memory; it is checked against the image's size before anything is allocated.
    pub(crate) fn read_vec(&mut self, what: &'static str, at: u64, len: u64) -> Result<Vec<u8>> {
        self.check(what, at, len)?;
        let len_usize = usize::try_from(len).map_err(|_| Error::Limit {
            what,
            asked: len,
            limit: usize::MAX as u64,
        })?;
        let mut buf = vec![0; len_usize];
        self.read_at(what, at, &mut buf)?;
        Ok(buf)
    }
}

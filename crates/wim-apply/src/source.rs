//! Positioned reads from anything that reads and seeks.

use std::io::{Read, Seek, SeekFrom};
use std::sync::{Mutex, PoisonError};

use crate::{Error, Result};

/// What a WIM can be read from.
pub trait ReadSeek: Read + Seek + Send {}
impl<T: Read + Seek + Send> ReadSeek for T {}

/// One file, shared by all who read from it.
pub(crate) struct Source {
    file: Mutex<Positioned>,
    len: u64,
}

struct Positioned {
    reader: Box<dyn ReadSeek>,
    position: Option<u64>,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source")
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

impl Source {
    pub(crate) fn new(mut reader: Box<dyn ReadSeek>) -> Result<Self> {
        let len = reader.seek(SeekFrom::End(0)).map_err(|source| Error::Io {
            op: "seeking to the end",
            at: 0,
            source,
        })?;
        Ok(Self {
            file: Mutex::new(Positioned {
                reader,
                position: None,
            }),
            len,
        })
    }

    /// Length of the file in bytes.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Fails unless `size` bytes lie at `at`.
    pub(crate) fn check_range(&self, what: &'static str, at: u64, size: u64) -> Result<()> {
        match at.checked_add(size) {
            Some(end) if end <= self.len => Ok(()),
            _ => Err(Error::Truncated {
                what,
                at,
                need: size,
                have: self.len.saturating_sub(at),
            }),
        }
    }

    /// Fills `buffer` from offset `at`.
    pub(crate) fn read_exact_at(&self, what: &'static str, at: u64, buffer: &mut [u8]) -> Result<()> {
        self.check_range(what, at, buffer.len() as u64)?;
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let io = |op| move |source| Error::Io { op, at, source };
        if file.position.take() != Some(at) {
            file.reader.seek(SeekFrom::Start(at)).map_err(io("seeking"))?;
        }
        file.reader.read_exact(buffer).map_err(io("reading"))?;
        file.position = Some(at + buffer.len() as u64);
        Ok(())
    }

    /// `N` bytes at `at`.
    pub(crate) fn read_array<const N: usize>(&self, what: &'static str, at: u64) -> Result<[u8; N]> {
        let mut out = [0; N];
        self.read_exact_at(what, at, &mut out)?;
        Ok(out)
    }

    /// `size` bytes at `at`; the file is that long, or nothing is allocated.
    pub(crate) fn read_vec(&self, what: &'static str, at: u64, size: u64) -> Result<Vec<u8>> {
        self.check_range(what, at, size)?;
        let size = usize::try_from(size).map_err(|_| Error::Limit {
            what,
            asked: size,
            limit: usize::MAX as u64,
        })?;
        let mut out = vec![0; size];
        self.read_exact_at(what, at, &mut out)?;
        Ok(out)
    }
}

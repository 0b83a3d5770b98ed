//! The source of a volume: positioned reads, bounded by its length.

use std::io::{Read, Seek, SeekFrom};

use crate::{Error, Result};

/// A source whose length is known.
#[derive(Debug)]
pub(crate) struct Device<R> {
    source: R,
    len: u64,
    position: Option<u64>,
}

impl<R: Read + Seek> Device<R> {
    pub(crate) fn new(mut source: R) -> Result<Self> {
        let len = source.seek(SeekFrom::End(0)).map_err(|source| Error::Io {
            op: "find the end of the volume",
            at: 0,
            source,
        })?;
        Ok(Self {
            source,
            len,
            position: None,
        })
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Fills `out` from byte `at`.
    pub(crate) fn read_at(&mut self, at: u64, out: &mut [u8], what: &'static str) -> Result<()> {
        let need = out.len() as u64;
        let have = self.len.saturating_sub(at);
        if need > have {
            return Err(Error::Truncated { what, at, need, have });
        }
        if self.position != Some(at) {
            self.source
                .seek(SeekFrom::Start(at))
                .map_err(|source| Error::Io {
                    op: "seek",
                    at,
                    source,
                })?;
        }
        self.position = None;
        self.source.read_exact(out).map_err(|source| Error::Io {
            op: "read",
            at,
            source,
        })?;
        self.position = at.checked_add(need);
        Ok(())
    }

    pub(crate) fn into_inner(self) -> R {
        self.source
    }
}

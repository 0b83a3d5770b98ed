//! Opening a WIM that comes as a stream.

use std::io::{Read, Seek, Write};

use super::Wim;
use crate::{Error, Limits, Result};

impl Wim {
    /// Opens a WIM that comes through a pipe: its bytes are copied to `spool` (a temporary file, or a
    /// `Cursor<Vec<u8>>` for a small one) and read from there. It works for pipable and all other files, and
    /// needs room for the compressed file.
    ///
    /// # Errors
    /// When the stream or the spool fails, and as [`Wim::open`].
    pub fn open_spooled<R, S>(stream: &mut R, mut spool: S, limits: &Limits) -> Result<Self>
    where
        R: Read + ?Sized,
        S: Read + Write + Seek + Send + 'static,
    {
        let mut buffer = vec![0; 1 << 16];
        let mut at = 0_u64;
        loop {
            let count = match stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(source) => {
                    return Err(Error::Io {
                        op: "reading the stream",
                        at,
                        source,
                    });
                }
            };
            spool.write_all(&buffer[..count]).map_err(|source| Error::Io {
                op: "writing the spool",
                at,
                source,
            })?;
            at += count as u64;
        }
        spool.flush().map_err(|source| Error::Io {
            op: "writing the spool",
            at,
            source,
        })?;
        Self::open(spool, limits)
    }
}

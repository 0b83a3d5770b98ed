//! How to write.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};

use sha1::{Digest, Sha1};

use crate::apply::Progress;
use crate::codec::{Codec, lzx, xpress};
use crate::layout::header_flag;
use crate::{Error, Result};

/// Compression of a file that is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Compression {
    /// None: resources as they are.
    None,
    /// XPRESS: fast, and read by everything.
    #[default]
    Xpress,
    /// LZX: smaller and slower.
    Lzx,
}

impl Compression {
    /// The codec, when there is one.
    #[must_use]
    pub fn codec(self) -> Option<Codec> {
        match self {
            Self::None => None,
            Self::Xpress => Some(Codec::Xpress),
            Self::Lzx => Some(Codec::Lzx),
        }
    }

    /// Flags of the header.
    pub(super) fn header_flags(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Xpress => header_flag::COMPRESSED | header_flag::XPRESS,
            Self::Lzx => header_flag::COMPRESSED | header_flag::LZX,
        }
    }
}

/// How to write. `threads` does not change what is written; everything else does.
#[derive(Clone, Copy, Debug)]
pub struct WriteOptions {
    /// Compression of new resources.
    pub compression: Compression,
    /// Uncompressed bytes of a chunk. Microsoft's tools read only 32 KiB, and XPRESS from 4 KiB (WIMBoot).
    pub chunk_bytes: u32,
    /// Identifies the file; see [`WriteOptions::guid_of_seed`].
    pub guid: [u8; 16],
    /// Append an integrity table: SHA-1 of each 10 MiB.
    pub integrity_table: bool,
    /// Number of threads that compress.
    pub threads: NonZeroUsize,
}

impl Default for WriteOptions {
    /// XPRESS in chunks of 32 KiB, the GUID of seed 0, no integrity table, a thread for each processor.
    fn default() -> Self {
        Self {
            compression: Compression::Xpress,
            chunk_bytes: 32_768,
            guid: Self::guid_of_seed(0),
            integrity_table: false,
            threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        }
    }
}

impl WriteOptions {
    /// A GUID that depends on the seed only.
    #[must_use]
    pub fn guid_of_seed(seed: u64) -> [u8; 16] {
        let hash: [u8; 20] = Sha1::new()
            .chain_update(b"wim guid")
            .chain_update(seed.to_le_bytes())
            .finalize()
            .into();
        let mut guid = [0; 16];
        guid.copy_from_slice(&hash[..16]);
        // Version 8 (of one's own making) and variant, where a little-endian GUID has them.
        guid[7] = guid[7] & 0x0f | 0x80;
        guid[8] = guid[8] & 0x3f | 0x80;
        guid
    }

    /// Fails when the chunk size does not fit the compression.
    pub(super) fn check(&self) -> Result<()> {
        let allowed = match self.compression {
            Compression::None => return Ok(()),
            Compression::Xpress => 4096..=xpress::MAX_CHUNK_BYTES,
            Compression::Lzx => lzx::MIN_WINDOW_BYTES..=lzx::MAX_WINDOW_BYTES,
        };
        if self.chunk_bytes.is_power_of_two() && allowed.contains(&self.chunk_bytes) {
            return Ok(());
        }
        let reason = format!(
            "{:?} takes powers of two from {} to {}, not {}",
            self.compression,
            allowed.start(),
            allowed.end(),
            self.chunk_bytes
        );
        Err(Error::Invalid {
            what: "chunk size",
            reason,
        })
    }
}

/// What a caller of a writing operation listens to and steers with.
#[allow(missing_debug_implementations, reason = "holds a closure")]
pub struct WriteControl<'a> {
    /// Set it to end the operation with [`Error::Interrupted`].
    pub interrupt: &'a AtomicBool,
    /// Called now and then; counts uncompressed bytes.
    pub progress: &'a mut dyn FnMut(Progress),
}

impl WriteControl<'_> {
    pub(super) fn check(&self) -> Result<()> {
        if self.interrupt.load(Ordering::Relaxed) {
            Err(Error::Interrupted)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guid_depends_on_the_seed() {
        assert_eq!(WriteOptions::guid_of_seed(7), WriteOptions::guid_of_seed(7));
        assert_ne!(WriteOptions::guid_of_seed(7), WriteOptions::guid_of_seed(8));
    }

    #[test]
    fn chunk_sizes() {
        let with = |compression, chunk_bytes| WriteOptions {
            compression,
            chunk_bytes,
            ..Default::default()
        };
        assert!(
            with(Compression::Xpress, 4096).check().is_ok() && with(Compression::Lzx, 32_768).check().is_ok()
        );
        assert!(
            with(Compression::Xpress, 131_072).check().is_err()
                && with(Compression::Lzx, 4096).check().is_err()
        );
        assert!(
            with(Compression::Xpress, 5000).check().is_err() && with(Compression::None, 0).check().is_ok()
        );
    }
}

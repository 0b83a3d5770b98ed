//! How to write.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};

use sha1::{Digest, Sha1};

use crate::apply::Progress;
use crate::codec::{Codec, lzx, xpress};
use crate::layout::header_flag;
use crate::{Error, Result};

/// Chunk sizes that are written: wimlib's least, and the largest that Microsoft's tools read.
const LZMS_MIN_CHUNK_BYTES: u32 = 32 << 10;
const LZMS_MAX_CHUNK_BYTES: u32 = 64 << 20;

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
    /// LZMS: smallest and slowest.
    Lzms,
}

impl Compression {
    /// The codec, when there is one.
    #[must_use]
    pub fn codec(self) -> Option<Codec> {
        match self {
            Self::None => None,
            Self::Xpress => Some(Codec::Xpress),
            Self::Lzx => Some(Codec::Lzx),
            Self::Lzms => Some(Codec::Lzms),
        }
    }

    /// Of a codec.
    #[must_use]
    pub fn of_codec(codec: Option<Codec>) -> Self {
        match codec {
            None => Self::None,
            Some(Codec::Xpress) => Self::Xpress,
            Some(Codec::Lzx) => Self::Lzx,
            Some(Codec::Lzms) => Self::Lzms,
        }
    }

    /// Chunk size of resources with one blob, in bytes, when none is asked for: 128 KiB with LZMS, else 32 KiB.
    ///
    /// # Source
    /// Observed with wimlib-imagex 1.13.6.
    #[must_use]
    pub fn default_chunk_bytes(self) -> u32 {
        match self {
            Self::Lzms => 128 << 10,
            Self::None | Self::Xpress | Self::Lzx => 32 << 10,
        }
    }

    /// Chunk size of solid resources, in bytes, when none is asked for: 64 MiB with LZMS, else 32 KiB.
    ///
    /// # Source
    /// Observed with wimlib-imagex 1.13.6.
    #[must_use]
    pub fn default_solid_chunk_bytes(self) -> u32 {
        match self {
            Self::Lzms => 64 << 20,
            Self::None | Self::Xpress | Self::Lzx => 32 << 10,
        }
    }

    /// Fails when it has no such chunk size.
    pub(super) fn check_chunk_bytes(self, chunk_bytes: u32) -> Result<()> {
        let allowed = match self {
            Self::None => return Ok(()),
            Self::Xpress => 4096..=xpress::MAX_CHUNK_BYTES,
            Self::Lzx => lzx::MIN_WINDOW_BYTES..=lzx::MAX_WINDOW_BYTES,
            Self::Lzms => LZMS_MIN_CHUNK_BYTES..=LZMS_MAX_CHUNK_BYTES,
        };
        if chunk_bytes.is_power_of_two() && allowed.contains(&chunk_bytes) {
            return Ok(());
        }
        let (least, most) = (allowed.start(), allowed.end());
        Err(Error::Invalid {
            what: "chunk size",
            reason: format!("{self:?} takes powers of two from {least} to {most}, not {chunk_bytes}"),
        })
    }

    /// Flags of the header.
    pub(super) fn header_flags(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Xpress => header_flag::COMPRESSED | header_flag::XPRESS,
            Self::Lzx => header_flag::COMPRESSED | header_flag::LZX,
            Self::Lzms => header_flag::COMPRESSED | header_flag::LZMS,
        }
    }
}

/// How blobs lie in a file that is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FileForm {
    /// Each blob has a resource of its own: read by everything.
    #[default]
    Plain,
    /// As plain, for a pipe: written and read from start to end. Only wimlib and this crate read it.
    Pipable,
    /// New blobs share one resource, like beside like: small and slow, as in ESD files.
    Solid {
        /// Compression of that resource.
        compression: Compression,
        /// Uncompressed bytes of its chunks.
        chunk_bytes: u32,
    },
}

impl FileForm {
    /// Solid, with the usual chunk size of a compression.
    #[must_use]
    pub fn solid(compression: Compression) -> Self {
        Self::Solid {
            compression,
            chunk_bytes: compression.default_solid_chunk_bytes(),
        }
    }
}

/// How to write. `threads` and `memory_limit_bytes` do not change what is written; everything else does.
#[derive(Clone, Copy, Debug)]
pub struct WriteOptions {
    /// Compression of new resources.
    pub compression: Compression,
    /// Uncompressed bytes of a chunk. Microsoft's tools read only 32 KiB, and XPRESS from 4 KiB (WIMBoot).
    pub chunk_bytes: u32,
    /// How blobs lie in the file.
    pub form: FileForm,
    /// Identifies the file; see [`WriteOptions::guid_of_seed`].
    pub guid: [u8; 16],
    /// Append an integrity table: SHA-1 of each 10 MiB.
    pub integrity_table: bool,
    /// Number of threads that compress; fewer do when memory asks for it.
    pub threads: NonZeroUsize,
    /// Bound for the memory that compressing takes; 4 GiB when not given. Chunks of up to 2 MiB are compressed by one
    /// thread whatever it says.
    pub memory_limit_bytes: Option<u64>,
}

impl Default for WriteOptions {
    /// XPRESS in chunks of 32 KiB, the GUID of seed 0, no integrity table, a thread for each processor.
    fn default() -> Self {
        Self {
            compression: Compression::Xpress,
            chunk_bytes: 32_768,
            form: FileForm::Plain,
            guid: Self::guid_of_seed(0),
            integrity_table: false,
            threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            memory_limit_bytes: None,
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

    /// Fails when a chunk size does not fit its compression.
    pub(super) fn check(&self) -> Result<()> {
        self.compression.check_chunk_bytes(self.chunk_bytes)?;
        match self.form {
            FileForm::Plain | FileForm::Pipable => Ok(()),
            FileForm::Solid {
                compression: Compression::None,
                ..
            } => Err(Error::Invalid {
                what: "solid resource",
                reason: "it needs a compression".to_owned(),
            }),
            FileForm::Solid {
                compression,
                chunk_bytes,
            } => compression.check_chunk_bytes(chunk_bytes),
        }
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

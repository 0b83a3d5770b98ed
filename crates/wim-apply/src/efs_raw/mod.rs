//! The EFSRPC raw form of an encrypted file: what `ReadEncryptedFileRaw` of Windows gives, and how a WIM holds such a
//! file. Nothing is decrypted: ciphertext and the `$EFS` metadata go through as they are.
//!
//! ```text
//! file header   20 bytes: 00 01 00 00, "ROBS" in UTF-16, 8 reserved
//! streams       the metadata first, then one for each data stream:
//!   header      length, "NTFS" in UTF-16, flag (1: not encrypted), 8 reserved, name length, name
//!   segments    length, "GURE" in UTF-16, 4 reserved, of an encrypted stream an encryption header, data
//! ```
//!
//! An encryption header says where its data belong: the first byte, how many bytes lie within the stream's size and
//! within its valid data length, and the lengths of the data blocks. A block shorter than the data unit stands for a
//! unit whose rest is zeros that need no decryption: a hole, or what lies beyond the valid data length.
//!
//! # Source
//! \[MS-EFSR\] 2.2.3 "EFSRPC Raw Data Format"; for the meaning of the block lengths the comments on
//! `ENCRYPTED_DATA_INFO` in `winioctl.h`, whose fields the encryption header has.
//!
//! ```
//! use wim_apply::efs_raw::{Pieces, RawFile, RawStream, SECTOR_BYTES, Scanner};
//!
//! let file = RawFile {
//!     metadata: vec![0xEF; 100],
//!     streams: vec![RawStream::encrypted(&[], 700, 700)],
//! };
//! let mut raw = Vec::new();
//! for piece in Pieces::new(&file, &[], 4096)? {
//!     match piece {
//!         wim_apply::efs_raw::Piece::Header(bytes) => raw.extend(bytes),
//!         wim_apply::efs_raw::Piece::Data { bytes, .. } => raw.resize(raw.len() + bytes as usize, 0xC1),
//!     }
//! }
//! let mut scanner = Scanner::default();
//! scanner.push(&raw)?;
//! let found = scanner.finish()?;
//! assert_eq!(found, file);
//! assert_eq!(found.streams[0].stored_bytes(), 2 * SECTOR_BYTES);
//! # Ok::<(), wim_apply::Error>(())
//! ```

mod encode;
mod name;
mod open_stream;
mod parse;
mod scan;
mod segment;

pub use encode::{Piece, Pieces};
pub use parse::{Parser, Part};
pub use scan::Scanner;

use crate::{Error, Result};

/// Encryption works on pieces of this size: ciphertext is a multiple of it.
///
/// # Source
/// ntfs-3g's manual page, option `efs_raw`, and its behaviour: sizes are rounded up to 512 bytes.
pub const SECTOR_BYTES: u64 = 512;
/// Longest `$EFS` metadata that Windows takes.
///
/// # Source
/// \[MS-EFSR\], product behaviour of 2.2.2: at most 262,144 bytes.
pub const MAX_METADATA_BYTES: usize = 0x4_0000;
/// Least length of `$EFS` metadata: the fixed fields of its version 1.
pub const MIN_METADATA_BYTES: usize = 84;
/// Most data streams of a raw form that are read.
pub const MAX_STREAMS: usize = 4096;

const FILE_HEADER_BYTES: usize = 20;
const STREAM_HEADER_BYTES: usize = 28;
const SEGMENT_HEADER_BYTES: usize = 16;
/// Of an encryption header without block lengths.
const ENCRYPTION_HEADER_BYTES: usize = 28;
const EXTENDED_HEADER_BYTES: usize = 16;
const SIGNATURE_FILE: [u8; 12] = *b"\0\x01\0\0R\0O\0B\0S\0";
const SIGNATURE_STREAM: [u8; 8] = *b"N\0T\0F\0S\0";
const SIGNATURE_SEGMENT: [u8; 8] = *b"G\0U\0R\0E\0";
/// Name of the metadata stream, a number.
const METADATA_NAME: [u8; 2] = 0x1910_u16.to_le_bytes();
/// Flag of a stream that is not encrypted.
const FLAG_PLAIN: u32 = 1;
/// Flag of an extended header: the stream is sparse.
const EXTENDED_SPARSE: u32 = 1;

/// An encrypted file: everything of its raw form but the data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawFile {
    /// The EFSRPC metadata: the value of the `$EFS` attribute.
    pub metadata: Vec<u8>,
    /// Data streams in their order. A directory has none, or named ones.
    pub streams: Vec<RawStream>,
}

/// A data stream of an encrypted file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawStream {
    /// UTF-16 name; empty for the unnamed stream.
    pub name: Box<[u16]>,
    /// Whether its data are ciphertext. Files can have plain streams beside encrypted ones.
    pub encrypted: bool,
    /// Whether it is marked as sparse.
    pub sparse: bool,
    /// Length of the stream.
    pub size_bytes: u64,
    /// Valid data length: what lies beyond is zeros, and was never encrypted.
    pub valid_bytes: u64,
    /// Of the holes before the valid data length: the largest power of two that all their ends are multiples of. 0
    /// without holes.
    pub hole_unit_bytes: u64,
}

impl RawStream {
    /// An encrypted stream without holes.
    #[must_use]
    pub fn encrypted(name: &[u16], size_bytes: u64, valid_bytes: u64) -> Self {
        Self {
            name: name.into(),
            encrypted: true,
            sparse: false,
            size_bytes,
            valid_bytes,
            hole_unit_bytes: 0,
        }
    }

    /// Bytes that it takes: of an encrypted stream whole sectors.
    #[must_use]
    pub fn stored_bytes(&self) -> u64 {
        if self.encrypted {
            whole_sectors(self.size_bytes)
        } else {
            self.size_bytes
        }
    }
}

/// Rounded up to sectors.
fn whole_sectors(bytes: u64) -> u64 {
    bytes.checked_next_multiple_of(SECTOR_BYTES).unwrap_or(u64::MAX)
}

fn corrupt<T>(what: &'static str, at: u64, found: impl ToString, expected: &'static str) -> Result<T> {
    Err(Error::Corrupt {
        what,
        at,
        found: found.to_string(),
        expected,
    })
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    let found = bytes.get(at..at + 2);
    found.map_or(0, |found| u16::from_le_bytes([found[0], found[1]]))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

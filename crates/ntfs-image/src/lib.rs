//! NTFS volumes written in one pass; check and dump of any NTFS volume.
//!
//! [`NtfsBuilder`] takes a tree as plain data ([`NodeSpec`], names, [`StreamSpec`]), [`NtfsBuilder::plan`]
//! checks it and says what it needs, [`VolumeWriter`] takes the bytes of the streams in the caller's order and
//! writes the volume front to back; the boot sector, and with it the volume, comes last. The module `read`
//! opens any volume, `check` verifies every invariant of the format, `dump` accounts for every byte.
//!
//! Microsoft has not published NTFS. What is written here follows volumes that Windows 10 build 19041
//! formatted, byte for byte where that was possible, and is held against every free checker and reader.
//!
//! ```
//! use ntfs_image::{Content, Limits, NodeSpec, NtfsBuilder, VolumeSpec, check};
//! use std::io::Cursor;
//!
//! let mut builder = NtfsBuilder::new(VolumeSpec::new(32 << 20));
//! let root = builder.root();
//! let folder = builder.add(root, "folder", NodeSpec::directory());
//! builder.add(folder, "hello.txt", NodeSpec::file(Content::Bytes(b"hello".to_vec())));
//! let (volume, _report) = builder.writer(Cursor::new(Vec::new()))?.finish()?;
//! assert!(check::check(volume, &Limits::default()).findings.is_empty());
//! # Ok::<(), ntfs_image::BuildError>(())
//! ```

#![forbid(unsafe_code)]

mod attrdef;
pub mod check;
pub mod dump;
mod error;
pub mod layout;
mod limits;
pub mod read;
mod spec;
mod upcase;
mod write;

pub use attrdef::{ATTRDEF_BYTES, attrdef_bytes};
pub use error::{Error, ErrorKind, Result};
pub use limits::Limits;
pub use spec::{
    CompactFormat, Content, DosNames, EncryptedLengths, Metadata, NodeId, NodeSpec, Placement, ReparsePoint,
    SecurityRef, StreamForm, StreamKey, StreamSpec, VolumeSpec,
};
pub use upcase::{UPCASE_BYTES, upcase, upcase_bytes, upcase_table};
pub use write::{BuildError, BuildErrorKind, NtfsBuilder, Placed, Plan, Report, VolumeWriter, Warning};

/// The README's example.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct ReadmeExample;

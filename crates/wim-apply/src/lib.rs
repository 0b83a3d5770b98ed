//! WIM, ESD and SWM images: container, codecs, and parallel apply.
//!
//! A WIM holds images (trees of names and metadata) and blobs (the bytes of all files, each once, named by its
//! SHA-1), compressed in chunks. [`Wim`] opens one; [`Image`] is one tree as plain data; [`apply`] moves blobs
//! in parallel to whoever takes them; [`codec`] has the three compression formats.
//!
//! Every reader works within [`Limits`] and ends with an [`Error`] that says where.
//!
//! ```
//! use std::io::Cursor;
//! use wim_apply::layout::{HEADER_BYTES, Header};
//! use wim_apply::{ErrorKind, Limits, Wim};
//!
//! // A WIM without images.
//! let empty = Header::default().encode();
//! let wim = Wim::open(Cursor::new(empty.to_vec()), &Limits::default())?;
//! assert!(wim.images().is_empty() && wim.blobs().is_empty());
//!
//! let cut = Wim::open(Cursor::new(empty[..HEADER_BYTES - 1].to_vec()), &Limits::default());
//! assert_eq!(cut.unwrap_err().kind(), ErrorKind::Truncated);
//! # Ok::<(), wim_apply::Error>(())
//! ```

#![deny(unsafe_code)]

pub mod apply;
mod blob;
pub mod codec;
pub mod efs_raw;
mod error;
mod image;
mod image_info;
pub mod layout;
mod limits;
pub mod path;
mod path_list;
mod read;
mod select;
mod source;
pub mod write;

pub use blob::{BlobHash, BlobId};
pub use error::{Error, ErrorKind, Result};
pub use image::{Dentry, DentryId, Image, Inode, InodeId, Stream, StreamKind, TaggedItem};
pub use image_info::{Architecture, ImageInfo, Version};
pub use limits::Limits;
pub use read::{
    Blob, BlobReader, BlobStorage, IntegrityReport, IntegrityTable, PartInfo, RawResource, SolidResource, Wim,
};
pub use select::{parse_list_file, select};
pub use source::ReadSeek;

/// Keeps the example of the README compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExample;

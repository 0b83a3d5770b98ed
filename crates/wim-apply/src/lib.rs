//! WIM, ESD and SWM images: container, codecs, capture, and parallel apply.

#![deny(unsafe_code)]

pub mod apply;
mod blob;
pub mod codec;
mod error;
mod image;
mod limits;

pub use blob::{BlobHash, BlobId};
pub use error::{Error, ErrorKind, Result};
pub use image::{Dentry, DentryId, Image, Inode, InodeId, Stream, StreamKind, TaggedItem};
pub use limits::Limits;

//! WIM, ESD and SWM images: container, codecs, capture, and parallel apply.

#![deny(unsafe_code)]

pub mod apply;
mod blob;
pub mod codec;
mod error;
mod image;
mod image_info;
pub mod layout;
mod limits;
pub mod path;
mod read;
mod source;

pub use blob::{BlobHash, BlobId};
pub use error::{Error, ErrorKind, Result};
pub use image::{Dentry, DentryId, Image, Inode, InodeId, Stream, StreamKind, TaggedItem};
pub use image_info::{Architecture, ImageInfo, Version};
pub use limits::Limits;
pub use read::{
    Blob, BlobReader, BlobStorage, IntegrityReport, IntegrityTable, PartInfo, RawResource, SolidResource, Wim,
};
pub use source::ReadSeek;

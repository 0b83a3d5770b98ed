//! ISO 9660, Joliet, Rock Ridge, UDF and El Torito, read in place.
//!
//! An [`IsoImage`] finds the directory tree of a disc image through any `Read + Seek`, without mounting or extracting:
//! [`lookup`](IsoImage::lookup) a path, [`open_file`](IsoImage::open_file) it as `Read + Seek`, or ask for its
//! [`extents`](IsoImage::extents), the map of its bytes in the image. An image can hold several trees ([`View`]) over
//! the same data; UDF is preferred.
//!
//! | module | format | sources |
//! |---|---|---|
//! | `iso9660` | volume descriptors, directory records, Joliet, SUSP, Rock Ridge | ECMA-119; Joliet specification; IEEE P1281, P1282 |
//! | `udf` | recognition, anchors, volume descriptors, partition maps, file entries, names | ECMA-167; OSTA UDF 1.02 to 2.60 |
//! | `el_torito` | boot catalog | "El Torito" Bootable CD-ROM Format Specification 1.0; UEFI specification, 13.3.2.1 |
//!
//! ```
//! use std::io::{Cursor, Read};
//! use iso_loopback::{IsoImage, Limits};
//!
//! # use hadris_fs::{Content, Node, Tree};
//! # let mut tree = Tree::new();
//! # tree.insert("docs/readme.txt", Node::file(Content::bytes("read in place")))?;
//! # let options = hadris_udf::UdfOptions::default();
//! # let size = hadris_udf::plan(&tree, &options)?.size() as usize;
//! # let block = hadris_storage::BlockSize::new(2048).expect("2048");
//! # let mut device = hadris_storage::MemDevice::new(vec![0_u8; size], block);
//! # hadris_udf::sync::write(&mut device, &tree, &options)?;
//! # let bytes: Vec<u8> = device.into_inner();
//! // `bytes` is a small UDF volume.
//! let mut image = IsoImage::open(Cursor::new(bytes), &Limits::default())?;
//! let entry = image.lookup("docs/readme.txt")?;
//! let mut text = String::new();
//! image.open_file(&entry)?.read_to_string(&mut text)?;
//! assert_eq!(text, "read in place");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod boot_support;
mod el_torito;
mod entry;
mod error;
mod extent;
mod extract;
mod fields;
mod image;
mod iso9660;
mod limits;
mod source;
mod text;
mod timestamp;
mod udf;
mod verify;
mod view;
mod volume_info;
mod walk;

pub use boot_support::BootSupport;
pub use el_torito::{BootCatalog, BootEntry, BootMedia, BootPlatform};
pub use entry::{Entry, EntryKind, UnixMeta};
pub use error::{Error, ErrorKind, Result};
pub use extent::{Extent, ExtentReader};
pub use extract::Extracted;
pub use image::IsoImage;
pub use limits::{Limits, ReadOptions};
pub use timestamp::Timestamp;
pub use verify::{Difference, Finding, TreeSummary, VerifyReport, verify};
pub use view::View;
pub use volume_info::{Iso9660Info, UdfInfo, VolumeInfo};
pub use walk::Walk;

/// Keeps the README's example compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExample;

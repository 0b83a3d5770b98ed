//! ISO 9660, Joliet, Rock Ridge, UDF and El Torito, read in place.
//!
//! An [`IsoImage`] finds the directory tree of a disc image through any `Read + Seek`, without mounting or extracting:
//! [`lookup`](IsoImage::lookup) a path, [`open_file`](IsoImage::open_file) it as `Read + Seek`, or ask for its
//! [`extents`](IsoImage::extents), the map of its bytes in the image.

#![forbid(unsafe_code)]

mod el_torito;
mod entry;
mod error;
mod extent;
mod fields;
mod image;
mod iso9660;
mod limits;
mod source;
mod text;
mod timestamp;
mod udf;
mod view;
mod volume_info;
mod walk;

pub use el_torito::{BootCatalog, BootEntry, BootMedia, BootPlatform};
pub use entry::{Entry, EntryKind, UnixMeta};
pub use error::{Error, ErrorKind, Result};
pub use extent::{Extent, ExtentReader};
pub use image::IsoImage;
pub use limits::{Limits, ReadOptions};
pub use timestamp::Timestamp;
pub use view::View;
pub use volume_info::{Iso9660Info, UdfInfo, VolumeInfo};
pub use walk::Walk;

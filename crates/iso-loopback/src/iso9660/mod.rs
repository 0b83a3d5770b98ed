//! ISO 9660 (ECMA-119) with Joliet and Rock Ridge.

mod descriptor;
mod record;
mod rock_ridge;
mod susp;
mod time;
mod tree;

pub(crate) use descriptor::{Descriptors, SECTOR_BYTES, VolumeDescriptor, read_descriptors};
pub(crate) use tree::{FileSections, IsoTree};

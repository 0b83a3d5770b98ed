//! Raw on-disk structures, little-endian, each with `decode` and `encode` and no further logic.
//!
//! # Source
//! Microsoft, "Windows Imaging File Format (WIM)" white paper, for the plain container; solid resources,
//! pipable files and the tagged items as observed in files of wimlib-imagex 1.13.6 and of Windows.

mod blob_entry;
mod dentry;
mod header;
mod integrity;
mod resource;
mod solid;

pub use blob_entry::BlobEntry;
pub use dentry::{DentryFixed, ExtraStreamFixed};
pub use header::{Header, header_flag};
pub use integrity::IntegrityHeader;
pub use resource::{PipableBlobHeader, ResourceHeader, resource_flag};
pub use solid::{SolidFormat, SolidHeader};

/// Size of a WIM header in bytes.
pub const HEADER_BYTES: usize = 208;
/// Magic of a WIM file.
pub const MAGIC: [u8; 8] = *b"MSWIM\0\0\0";
/// Magic of a pipable WIM file (wimlib).
pub const MAGIC_PIPABLE: [u8; 8] = *b"WLPWM\0\0\0";
/// Header version of ordinary files.
pub const VERSION_DEFAULT: u32 = 0x10d00;
/// Header version of files that may hold solid resources.
pub const VERSION_SOLID: u32 = 0xe00;
/// "Uncompressed size" in the blob table of an entry that is a solid resource.
pub const SOLID_RESOURCE_MAGIC: u64 = 0x1_0000_0000;
/// Chunk size when the header of a compressed file states none.
pub const DEFAULT_CHUNK_BYTES: u32 = 32_768;

/// The `N` bytes at a constant offset within a fixed-size structure.
fn field<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    if let Some(found) = bytes.get(at..at.saturating_add(N)) {
        out.copy_from_slice(found);
    }
    out
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(field(bytes, at))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(field(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(field(bytes, at))
}

/// Stores `value` at a constant offset within a fixed-size structure.
fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(slot) = bytes.get_mut(at..at.saturating_add(value.len())) {
        slot.copy_from_slice(value);
    }
}

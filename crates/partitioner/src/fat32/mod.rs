//! FAT32 volumes: written in one pass from a tree that is known up front, and read again on any input.

mod build;
mod geometry;
mod layout;
mod names;
mod plan;
mod read;
mod spec;
mod write;

pub use build::FatBuilder;
pub use plan::{FatPlan, PlannedEntry};
pub use read::{FatEntry, FatFile, FatInfo, FatRegion, FatType, FatVolume, open};
pub use spec::{Attributes, Content, FatSpec, FatTime, FatTimes};

/// The smallest FAT32 volume for a sector size: about 33 MiB with 512-byte sectors, 259 MiB with 4096.
#[must_use]
pub fn minimum_size_bytes(sector_bytes: u32) -> u64 {
    geometry::minimum_size_bytes(sector_bytes)
}

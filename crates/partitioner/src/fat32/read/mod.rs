//! Reading FAT12, FAT16 and FAT32 volumes, whoever made them.

mod boot;
mod bytes;
mod check;
mod directory;
mod dump;
mod volume;

pub use boot::FatType;
pub use directory::FatEntry;
pub use dump::FatRegion;
pub use volume::{FatFile, FatInfo, FatVolume, open};

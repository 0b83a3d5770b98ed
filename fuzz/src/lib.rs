//! Bodies of the fuzz targets, usable on stable and without libFuzzer. Errors are fine, panics are bugs.

pub mod codec;
pub mod iso;
pub mod ntfs;
pub mod partition;
pub mod registry;
pub mod wim;

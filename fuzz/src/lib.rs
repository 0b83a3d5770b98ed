//! Bodies of the fuzz targets, usable on stable and without libFuzzer. Errors are fine, panics are bugs.

#![allow(clippy::missing_panics_doc, reason = "a panic is what a fuzz target is for")]

pub mod codec;
pub mod iso;
pub mod ntfs;
pub mod partition;
pub mod registry;
pub mod wim;

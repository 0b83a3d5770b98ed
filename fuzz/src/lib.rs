//! Bodies of the fuzz targets, usable on stable and without libFuzzer. Errors are fine, panics are bugs.

#![allow(clippy::missing_panics_doc, reason = "a panic is what a fuzz target is for")]

pub mod codec;
pub mod iso;
pub mod ntfs;
mod ntfs_volume;
pub mod partition;
pub mod registry;
pub mod wim;
pub mod wim_file;
mod wim_volume;

/// Name and body of a target.
pub type Target = (&'static str, fn(&[u8]));

/// Every target, by name.
pub const TARGETS: &[Target] = &[
    ("bcd", registry::bcd),
    ("efs_raw", wim::efs_raw),
    ("fat", partition::fat),
    ("gpt", partition::gpt),
    ("hive", registry::hive),
    ("iso", iso::iso),
    ("lzms", codec::lzms),
    ("lzx", codec::lzx),
    ("ntfs_check", ntfs::ntfs_check),
    ("ntfs_read", ntfs::ntfs_read),
    ("udf", iso::udf),
    ("wim_file", wim_file::wim_file),
    ("wim_header", wim::wim_header),
    ("wim_metadata", wim::wim_metadata),
    ("wim_xml", wim::wim_xml),
    ("xpress", codec::xpress),
];

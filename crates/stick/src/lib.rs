//! From a Windows image to a bootable stick: spec, plan, apply, verify.
//!
//! A [`Spec`] says what is wanted. [`Prepared::new`] reads the source, edits the tree, lays the disk out, and holds
//! the [`Plan`]; nothing is written. [`Prepared::apply`] streams the stick onto its target, the primary partition
//! table last. [`verify`] checks a finished one.

#![forbid(unsafe_code)]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod apply;
mod boot;
mod capture;
mod collect;
mod compact;
mod error;
pub mod inspect;
mod layout;
mod memory;
mod plan;
mod prepare;
mod raw_streams;
mod seed;
mod source;
mod spec;
mod transform;
pub mod tree;
pub mod verify;
mod volume;

pub use apply::{ApplyReport, Progress};
pub use capture::{ReadFile, VolumeSource, windows_info};
pub use compact::{CompactPolicy, PathPatterns, chunk_decoder};
pub use error::{Error, Result, TargetState};
pub use layout::{ESP_BYTES, MSR_BYTES, Role, WINDOWS_MAX_BYTES, plan_disk};
pub use plan::{
    BootFacts, DiskFacts, ImageFacts, PLAN_FORMAT, PartitionFacts, Plan, SourceFacts, TargetFacts,
    VolumeFacts,
};
pub use prepare::Prepared;
pub use seed::Seed;
pub use source::{Source, SourceKind};
pub use spec::{BootCa, Compact, Spec, Target, Verify};
pub use volume::{PreparedVolume, VolumeOptions, VolumeReport};

use std::path::Path;
use std::sync::atomic::AtomicBool;

/// How a run is carried out; nothing here changes the bytes, but that a memory limit leaves large blobs uncompressed.
#[derive(Clone, Copy, Debug)]
pub struct RunOptions<'a> {
    /// Worker threads, at least 1.
    pub threads: usize,
    /// Most bytes for buffers; fewer workers when it is tight. An eighth of it, and no more than 64 MiB, is for the
    /// data of small files, which lies in the MFT and is written last. Keys of encrypted files may have another eighth,
    /// and no more than 512 MiB. Blobs of more than about a quarter of it are not compressed anew.
    pub memory_limit_bytes: Option<u64>,
    /// Where a temporary file for more of that data is made, if it comes to that; `None` to hold all of it in memory.
    pub spool_dir: Option<&'a Path>,
    /// Set from outside to stop at the next block.
    pub interrupt: &'a AtomicBool,
}

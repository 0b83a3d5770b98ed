//! Copying a disk image to a target: only what is not a hole, in large blocks, counted when durable, read back, and
//! the first sectors last.

mod fit;
mod ranges;
mod run;
mod verify;

use std::io::{Read, Seek, Write};
use std::sync::atomic::AtomicBool;

pub use ranges::data_ranges;
pub use run::copy_image;

use crate::Finding;
use crate::device::Target;
use crate::error::Result;

/// What a copy needs to know of its target; [`Target`] is one.
pub trait CopyTarget: Read + Write + Seek {
    /// Size of the target.
    fn size_bytes(&self) -> u64;
    /// Logical sector of a device; `None` for a file, which takes an image of either.
    fn sector_bytes(&self) -> Option<u32>;
    /// Whether bytes that were never written read as zero.
    fn starts_zeroed(&self) -> bool;
    /// Makes a range read as zeros, by whatever means.
    ///
    /// # Errors
    /// `Io`.
    fn zero_range(&mut self, first_byte: u64, length_bytes: u64) -> Result<()>;
    /// Makes what was written durable, and later reads come from the medium.
    ///
    /// # Errors
    /// `Io`.
    fn forget_cache(&mut self) -> Result<()>;
    /// Bytes written so far that are known to be on the medium.
    fn durable_bytes(&self) -> u64;
    /// Called after the old table was cleared, so that the kernel can forget its partitions.
    fn table_cleared(&mut self) {}
}

impl CopyTarget for Target {
    fn size_bytes(&self) -> u64 {
        self.size_bytes()
    }

    fn sector_bytes(&self) -> Option<u32> {
        self.device().map(|d| d.logical_sector_bytes)
    }

    fn starts_zeroed(&self) -> bool {
        self.starts_zeroed()
    }

    fn zero_range(&mut self, first_byte: u64, length_bytes: u64) -> Result<()> {
        self.zero_range(first_byte, length_bytes)
    }

    fn forget_cache(&mut self) -> Result<()> {
        self.forget_cache()
    }

    fn durable_bytes(&self) -> u64 {
        self.durable_bytes()
    }

    fn table_cleared(&mut self) {
        self.reread_table();
    }
}

/// How to copy.
#[derive(Clone, Copy, Debug)]
pub struct CopyOptions<'a> {
    /// Read everything back from the medium and compare, before the first sectors are written and after.
    pub verify: bool,
    /// Move the backup of an image's GPT to the end of a larger target, and say so in both headers. Only where the
    /// rest of the table can stay as the image has it; [`CopyReport::gpt_kept`] says when it could not.
    pub fit_gpt: bool,
    /// Looked at between blocks; when it is set, the copy ends with `Interrupted`.
    pub interrupt: &'a AtomicBool,
}

/// Which part of a copy is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyPhase {
    /// Writing.
    Copy,
    /// Reading back.
    Verify,
}

/// How far a copy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyProgress {
    /// What is under way.
    pub phase: CopyPhase,
    /// Bytes that are on the medium (copy) or compared (verify).
    pub done_bytes: u64,
    /// Bytes of the phase.
    pub total_bytes: u64,
}

/// What a copy did.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct CopyReport {
    /// Size of the image.
    pub image_bytes: u64,
    /// Bytes copied.
    pub data_bytes: u64,
    /// Bytes of holes that had to be cleared on the target.
    pub zeroed_bytes: u64,
    /// Bytes read back and found equal.
    pub verified_bytes: u64,
    /// Whether the backup of the GPT was moved to the end of the target.
    pub gpt_moved: bool,
    /// Why it was not moved, although the target is larger and moving was wished. Codes: `gpt-unsound`,
    /// `gpt-other-layout`. The image was copied as it is then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpt_kept: Option<Finding>,
}

//! What somebody wants: plain data, saved in a plan.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A stick to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Windows ISO, WIM, ESD, or first SWM part.
    pub source: PathBuf,
    /// Number or name of the image; may be absent when there is only one.
    pub image: Option<String>,
    /// Where it goes.
    pub target: Target,
    /// Seed of every identifier.
    pub seed: u64,
    /// Answer file to be put to `\Windows\Panther\unattend.xml`.
    pub unattend: Option<PathBuf>,
    /// Compact (WOF) storage of files.
    pub compact: Compact,
    /// When the SHA-1 of compact files is verified.
    pub verify: Verify,
    /// Bytes per logical sector: 512 or 4096.
    pub sector_bytes: u32,
    /// Which of the two families of signed boot files is staged.
    pub boot_ca: BootCa,
}

impl Spec {
    /// Files of the host that are read: the target must be none of them, nor hold one.
    #[must_use]
    pub fn sources(&self) -> Vec<PathBuf> {
        [Some(&self.source), self.unattend.as_ref()]
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }
}

/// Where a stick goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Target {
    /// A sparse image file.
    File {
        /// Path of the file.
        path: PathBuf,
        /// Size in bytes.
        size_bytes: u64,
        /// Replace an existing file.
        force: bool,
    },
    /// A whole block device.
    Device {
        /// Path of the device.
        path: PathBuf,
        /// Its by-id name or serial number, as the user typed it.
        erase: String,
    },
}

impl Target {
    /// The path, of either kind.
    #[must_use]
    pub fn path(&self) -> &std::path::Path {
        match self {
            Self::File { path, .. } | Self::Device { path, .. } => path,
        }
    }
}

/// Compact storage, as Windows' `compact /exe` makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compact {
    /// Plain files.
    #[default]
    Off,
    /// The image's own compressed bytes where they have a compact format, XPRESS 4K for the rest.
    Auto,
    /// XPRESS, 4 KiB chunks.
    Xpress4k,
    /// XPRESS, 8 KiB chunks.
    Xpress8k,
    /// XPRESS, 16 KiB chunks.
    Xpress16k,
    /// LZX, 32 KiB chunks.
    Lzx,
}

/// When compact files are verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verify {
    /// Beside the write path; the table is written only when every hash was right.
    #[default]
    Inline,
    /// Later, by `verify`.
    Deferred,
}

/// Which boot files are staged where an image has both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BootCa {
    /// Signed under "Microsoft Windows Production PCA 2011".
    #[default]
    Pca2011,
    /// Signed under "Windows UEFI CA 2023".
    Ca2023,
}

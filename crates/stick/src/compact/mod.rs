//! Which files may be stored compact: what Windows reads before its WOF filter is up stays plain.
//!
//! # Source
//! WIMBoot configuration files (`[PrepopulateList]` of `\Windows\System32\WimBootCompress.ini`), and the limits
//! by build that are documented with wimlib's `--compact` option: no compact files before build 10240; from
//! 10240 to 18361 the boot-critical files only as XPRESS 4K; any format from 18362 on.

mod chunks;
mod patterns;

pub use chunks::chunk_decoder;
pub use patterns::PathPatterns;

use std::collections::HashSet;

use wim_apply::BlobId;
use wim_apply::apply::{CompactFormat, Want};

use self::patterns::Subject;
use crate::spec::Compact;
use crate::tree::{Content, EntryId, Tree};
use crate::{Error, Result};

/// The WIM configuration file in an image that says what must not be compact.
pub(crate) const BOOT_COMPRESS_INI: &str = "\\Windows\\System32\\WimBootCompress.ini";
/// First build of Windows that can read compact files.
const FIRST_BUILD_WITH_COMPACT: u32 = 10_240;
/// First build whose boot loader reads all compact formats.
const FIRST_BUILD_WITH_ANY_FORMAT_AT_BOOT: u32 = 18_362;

/// Files that the boot loader, or the kernel before the filter manager, reads. Used beside the image's own list.
const BOOT_CRITICAL: &[&str] = &[
    "\\Windows\\Boot\\*",
    "\\Windows\\System32\\winload.*",
    "\\Windows\\System32\\winresume.*",
    "\\Windows\\System32\\Boot\\*",
    "\\Windows\\System32\\ntoskrnl.exe",
    "\\Windows\\System32\\hal*.dll",
    "\\Windows\\System32\\kd*.dll",
    "\\Windows\\System32\\mcupdate*.dll",
    "\\Windows\\System32\\CI.dll",
    "\\Windows\\System32\\ApiSetSchema.dll",
    "\\Windows\\System32\\BOOTVID.dll",
    "\\Windows\\System32\\PSHED.dll",
    "\\Windows\\System32\\clfs.sys",
    "\\Windows\\System32\\CodeIntegrity\\*",
    "\\Windows\\System32\\catroot\\*",
    "\\Windows\\System32\\drivers\\*",
    "\\Windows\\System32\\*.nls",
    "\\Windows\\Fonts\\vgaoem.fon",
    "\\Windows\\INF\\*",
    "\\Windows\\apppatch\\drvmain.sdb",
];

/// Files that are never stored compact: Windows opens them for writing, or before anything else.
const NEVER: &[&str] = &[
    "\\Windows\\System32\\config\\*",
    "\\Windows\\bootstat.dat",
    "\\Windows\\Panther\\*",
    "\\pagefile.sys",
    "\\swapfile.sys",
    "\\hiberfil.sys",
    "\\bootmgr",
    "\\BOOTNXT",
    "\\EFI\\*",
    "\\Boot\\*",
    "\\Users\\*\\NTUSER.DAT*",
    "\\Users\\*\\AppData\\Local\\Microsoft\\Windows\\UsrClass.dat*",
    "\\System Volume Information\\*",
];

/// The choice for each blob of a tree.
#[derive(Clone, Debug)]
pub struct CompactPolicy {
    mode: Compact,
    cluster_bytes: u32,
    plain: HashSet<BlobId>,
    only_xpress4k: HashSet<BlobId>,
    /// Compact only in clusters, never in an MFT record.
    only_in_clusters: HashSet<BlobId>,
}

impl CompactPolicy {
    /// Decides for every file of `tree`. `build` is the build number of the image, `prepopulate` the patterns
    /// of its own `[PrepopulateList]`.
    ///
    /// # Errors
    /// When compact storage is asked for and the build cannot read it.
    pub fn new(
        mode: Compact,
        build: Option<u32>,
        tree: &Tree,
        prepopulate: &PathPatterns,
        cluster_bytes: u32,
    ) -> Result<Self> {
        let mut policy = Self {
            mode,
            cluster_bytes,
            plain: HashSet::new(),
            only_xpress4k: HashSet::new(),
            only_in_clusters: HashSet::new(),
        };
        if mode == Compact::Off {
            return Ok(policy);
        }
        let build = build.unwrap_or(0);
        if build < FIRST_BUILD_WITH_COMPACT {
            return Err(Error::Unsupported(format!(
                "compact storage needs Windows 10 (build {FIRST_BUILD_WITH_COMPACT} or later), the image is build {build}"
            )));
        }
        let never = PathPatterns::new(NEVER.iter().copied());
        let boot_critical = PathPatterns::new(BOOT_CRITICAL.iter().copied());
        let any_format_at_boot = build >= FIRST_BUILD_WITH_ANY_FORMAT_AT_BOOT;
        for index in 0..tree.entries.len() {
            let id = EntryId(u32::try_from(index).unwrap_or(u32::MAX));
            let node = tree.node(tree.entry(id).node);
            let is_special =
                node.reparse.is_some() || node.attributes & crate::tree::ATTRIBUTE_DIRECTORY != 0;
            let mut path = None;
            for stream in &node.streams {
                let Content::Blob { id: blob, .. } = stream.content else {
                    continue;
                };
                if is_special || !stream.name.is_empty() {
                    policy.plain.insert(blob);
                    continue;
                }
                let path = path.get_or_insert_with(|| Subject::new(&tree.path(id)));
                if never.matches_subject(path) || prepopulate.matches_subject(path) {
                    policy.plain.insert(blob);
                } else if boot_critical.matches_subject(path) {
                    policy.only_in_clusters.insert(blob);
                    if !any_format_at_boot {
                        policy.only_xpress4k.insert(blob);
                    }
                }
            }
        }
        Ok(policy)
    }

    /// Whether a compact form must lie in clusters.
    pub(crate) fn is_only_in_clusters(&self, blob: BlobId) -> bool {
        self.only_in_clusters.contains(&blob)
    }

    /// In which form a blob is wanted. `record_bytes` is the longest compressed form that lies in the MFT records of
    /// the blob's files and so takes no cluster.
    ///
    /// Windows opens the compressed stream through NTFS, which hides where it lies; its boot loader has an NTFS reader
    /// of its own, so files that it reads are compact only in clusters.
    #[must_use]
    pub fn want(&self, blob: BlobId, record_bytes: u64) -> Want {
        let record_bytes = if self.is_only_in_clusters(blob) {
            0
        } else {
            u32::try_from(record_bytes).unwrap_or(0)
        };
        let format = match self.mode {
            Compact::Off => return Want::Decoded,
            _ if self.plain.contains(&blob) => return Want::Decoded,
            _ if self.only_xpress4k.contains(&blob) => CompactFormat::Xpress4K,
            Compact::Auto => {
                return Want::Compact {
                    verbatim: 0b1111,
                    recompress: Some(CompactFormat::Xpress4K),
                    cluster_bytes: self.cluster_bytes,
                    record_bytes,
                };
            }
            Compact::Xpress4k => CompactFormat::Xpress4K,
            Compact::Xpress8k => CompactFormat::Xpress8K,
            Compact::Xpress16k => CompactFormat::Xpress16K,
            Compact::Lzx => CompactFormat::Lzx32K,
        };
        let bit = match format {
            CompactFormat::Xpress4K => 0,
            CompactFormat::Lzx32K => 1,
            CompactFormat::Xpress8K => 2,
            CompactFormat::Xpress16K => 3,
        };
        Want::Compact {
            verbatim: 1 << bit,
            recompress: Some(format),
            cluster_bytes: self.cluster_bytes,
            record_bytes,
        }
    }
}

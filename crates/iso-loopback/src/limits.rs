//! What a reader may spend on an image, and how strict it is.

/// Bounds on memory, depth and counts. The defaults are far above what real media hold and finite, so that no
/// image makes a reader loop or grow without end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one directory's own data. Default 64 MiB (some 500,000 files in one directory).
    pub max_directory_bytes: u64,
    /// Directories inside directories. Default 256.
    pub max_depth: usize,
    /// Entries that one walk may visit. Default 4,000,000.
    pub max_entries: u64,
    /// Pieces that one file may have. Default 4,000,000.
    pub max_extents: usize,
    /// Descriptors in one chain: volume descriptors, allocation extents, continuation areas. Default 65,536.
    pub max_descriptors: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_directory_bytes: 64 << 20,
            max_depth: 256,
            max_entries: 4_000_000,
            max_extents: 4_000_000,
            max_descriptors: 65_536,
        }
    }
}

/// How an image is read: its [`Limits`] and how much is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadOptions {
    /// Bounds.
    pub limits: Limits,
    /// Verify UDF tag checksums, CRCs and locations, both halves of ISO 9660's both-endian numbers, and the boot
    /// catalog's checksum. Default true; off for recovery and fuzzing.
    pub verify_checksums: bool,
    /// Open an image that is shorter than its volume. Default false. What lies beyond the end still gives
    /// [`Error::Truncated`](crate::Error::Truncated) when it is read.
    pub allow_truncated: bool,
    /// First 2048-byte sector of the session to open. Default 0; the image of a disc with several sessions holds
    /// the later ones' volume descriptors at their own starts, which only the drive's table of contents tells.
    pub session_start: u32,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            verify_checksums: true,
            allow_truncated: false,
            session_start: 0,
        }
    }
}

impl From<&Limits> for ReadOptions {
    fn from(limits: &Limits) -> Self {
        Self {
            limits: limits.clone(),
            ..Self::default()
        }
    }
}

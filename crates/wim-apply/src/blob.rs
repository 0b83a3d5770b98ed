//! What a blob is called: its SHA-1, and its place in the blob table of the opened set of files.

use std::fmt;

/// SHA-1 of a blob's uncompressed bytes: the name of the blob everywhere in a WIM.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct BlobHash(pub [u8; 20]);

impl BlobHash {
    /// The all-zero hash: "no stream" in a metadata resource.
    pub const ZERO: Self = Self([0; 20]);

    /// Whether this is the all-zero hash.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0 == [0; 20]
    }
}

impl fmt::Display for BlobHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BlobHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Index of a blob in the merged blob table of an opened [`Wim`](crate) (all parts and references).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobId(pub u32);

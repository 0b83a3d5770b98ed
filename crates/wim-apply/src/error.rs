//! The error of this crate: which structure, at which byte, what was found and what was expected.

use crate::BlobHash;

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure an [`Error`] is, for control flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes are not what the format allows, or a hash does not match.
    Corrupt,
    /// The bytes end too early.
    Truncated,
    /// Valid, but not supported here.
    Unsupported,
    /// A [`Limits`](crate::Limits) value is exceeded.
    Limit,
    /// What was asked for is not in the file (image, path, blob, part).
    NotFound,
    /// The caller's request cannot be met (bad argument, target lacks a feature).
    Invalid,
    /// Reading the source failed.
    Io,
    /// Writing the target failed.
    Target,
    /// The caller's interrupt flag was set.
    Interrupted,
}

/// Failure of reading, writing or applying a WIM. Offsets are bytes in the file (or, where `what` says
/// so, in the decompressed resource).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A field violates a rule of the format.
    #[error("{what} at offset {at:#x}: found {found}, expected {expected}")]
    Corrupt {
        /// Structure and field.
        what: &'static str,
        /// Byte offset.
        at: u64,
        /// What is there.
        found: String,
        /// The rule.
        expected: &'static str,
    },
    /// The structure needs more bytes than there are.
    #[error("{what} at offset {at:#x}: needs {need} bytes, only {have} left")]
    Truncated {
        /// Structure.
        what: &'static str,
        /// Byte offset.
        at: u64,
        /// Bytes needed.
        need: u64,
        /// Bytes present.
        have: u64,
    },
    /// A valid feature that this crate does not handle.
    #[error("{what} at offset {at:#x}: {feature} is not supported")]
    Unsupported {
        /// Structure.
        what: &'static str,
        /// Byte offset.
        at: u64,
        /// The feature.
        feature: String,
    },
    /// A limit is exceeded.
    #[error("{what}: {asked} exceeds the limit of {limit}")]
    Limit {
        /// Which value.
        what: &'static str,
        /// Value in the file.
        asked: u64,
        /// Limit in force.
        limit: u64,
    },
    /// The blob's bytes do not have the SHA-1 that names it.
    #[error(
        "blob {expected} at offset {at:#x}: its bytes hash to {found}{}",
        paths_suffix(paths)
    )]
    HashMismatch {
        /// Hash in the blob table.
        expected: BlobHash,
        /// Hash of the bytes.
        found: BlobHash,
        /// Offset of the resource in the file.
        at: u64,
        /// Every path that holds the blob, when known.
        paths: Vec<String>,
    },
    /// A blob cannot be decoded.
    #[error("blob {hash} at offset {at:#x}: {source}{}", paths_suffix(paths))]
    Blob {
        /// Hash in the blob table.
        hash: BlobHash,
        /// Offset of the resource in the file.
        at: u64,
        /// Every path that holds the blob, when known.
        paths: Vec<String>,
        /// Why.
        #[source]
        source: Box<Error>,
    },
    /// The metadata of an image cannot be used: none of its files can be reached.
    #[error("metadata of image {index}: {source}")]
    Metadata {
        /// Number of the image.
        index: u32,
        /// Why.
        #[source]
        source: Box<Error>,
    },
    /// Something asked for is not there.
    #[error("{what} not found: {name}")]
    NotFound {
        /// Kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// The request cannot be met.
    #[error("{what}: {reason}")]
    Invalid {
        /// Which request or argument.
        what: &'static str,
        /// Why not.
        reason: String,
    },
    /// The source failed.
    #[error("{op} at offset {at:#x}")]
    Io {
        /// Operation.
        op: &'static str,
        /// Byte offset.
        at: u64,
        /// Cause.
        #[source]
        source: std::io::Error,
    },
    /// What is captured cannot be read.
    #[error("reading {what}")]
    Source {
        /// What was being read.
        what: String,
        /// Cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What is captured is not what it was before: it was written while it was read.
    #[error(
        "reading {what}: it does not have the {size_bytes} bytes any more that it had; it changed while it was read"
    )]
    Changed {
        /// What was being read.
        what: String,
        /// Its size, when it was first looked at.
        size_bytes: u64,
    },
    /// The target failed.
    #[error("writing the target: {what}")]
    Target {
        /// What was being written.
        what: String,
        /// Cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The interrupt flag was set.
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    /// The kind, for control flow.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Corrupt { .. } | Self::HashMismatch { .. } => ErrorKind::Corrupt,
            Self::Blob { source, .. } | Self::Metadata { source, .. } => source.kind(),
            Self::Truncated { .. } => ErrorKind::Truncated,
            Self::Unsupported { .. } => ErrorKind::Unsupported,
            Self::Limit { .. } => ErrorKind::Limit,
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Invalid { .. } => ErrorKind::Invalid,
            Self::Io { .. } | Self::Source { .. } | Self::Changed { .. } => ErrorKind::Io,
            Self::Target { .. } => ErrorKind::Target,
            Self::Interrupted => ErrorKind::Interrupted,
        }
    }

    /// What a reader of this crate failed with: this crate's error, if there is one in it.
    pub(crate) fn of_reader(op: &'static str, at: u64, error: std::io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(error) => error,
            Err(source) => Self::Io { op, at, source },
        }
    }

    /// Says that it is about the metadata of image `index`.
    pub(crate) fn in_metadata_of(self, index: u32) -> Self {
        Self::Metadata {
            index,
            source: Box::new(self),
        }
    }
}

fn paths_suffix(paths: &[String]) -> String {
    if paths.is_empty() {
        String::new()
    } else {
        format!(" (used by {})", paths.join(", "))
    }
}

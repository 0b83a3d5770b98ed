//! The error of this crate: which structure, at which byte, what was found and what was expected.

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure an [`Error`] is, for control flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Neither an ISO 9660 nor a UDF volume.
    NotAnImage,
    /// The bytes are not what the format allows, or a checksum does not match.
    Corrupt,
    /// The image ends too early.
    Truncated,
    /// Valid, but not supported here.
    Unsupported,
    /// A [`Limits`](crate::Limits) value is exceeded.
    Limit,
    /// What was asked for is not in the image.
    NotFound,
    /// The caller's request cannot be met (a directory opened as a file, say).
    Invalid,
    /// Reading the image failed.
    Io,
    /// Writing an extracted file failed.
    Target,
    /// The caller's progress sink asked to stop.
    Interrupted,
}

/// Failure of reading an image. Offsets are bytes from the start of the image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing that names a volume was found.
    #[error("not an ISO 9660 or UDF image: {reason}")]
    NotAnImage {
        /// What was looked for, and where.
        reason: String,
    },
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
        expected: String,
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
    /// The volume is larger than the file that should hold all of it.
    #[error(
        "the image is truncated: its {what} declares {declared_bytes} bytes, the file has {actual_bytes}"
    )]
    ImageTruncated {
        /// Structure that says how large the volume is.
        what: &'static str,
        /// Size that it says.
        declared_bytes: u64,
        /// Size of the image.
        actual_bytes: u64,
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
        /// Value in the image.
        asked: u64,
        /// Limit in force.
        limit: u64,
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
    /// Reading the image failed.
    #[error("reading {what} at offset {at:#x}")]
    Io {
        /// Structure.
        what: &'static str,
        /// Byte offset.
        at: u64,
        /// Cause.
        #[source]
        source: std::io::Error,
    },
    /// Writing an extracted file failed.
    #[error("writing {path}")]
    Target {
        /// File that was being written.
        path: String,
        /// Cause.
        #[source]
        source: std::io::Error,
    },
    /// The caller's progress sink asked to stop.
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    /// The kind, for control flow.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotAnImage { .. } => ErrorKind::NotAnImage,
            Self::Corrupt { .. } => ErrorKind::Corrupt,
            Self::Truncated { .. } | Self::ImageTruncated { .. } => ErrorKind::Truncated,
            Self::Unsupported { .. } => ErrorKind::Unsupported,
            Self::Limit { .. } => ErrorKind::Limit,
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Invalid { .. } => ErrorKind::Invalid,
            Self::Io { .. } => ErrorKind::Io,
            Self::Target { .. } => ErrorKind::Target,
            Self::Interrupted => ErrorKind::Interrupted,
        }
    }

    pub(crate) fn corrupt(
        what: &'static str,
        at: u64,
        found: impl std::fmt::Display,
        expected: impl Into<String>,
    ) -> Self {
        Self::Corrupt {
            what,
            at,
            found: found.to_string(),
            expected: expected.into(),
        }
    }

    pub(crate) fn unsupported(what: &'static str, at: u64, feature: impl Into<String>) -> Self {
        Self::Unsupported {
            what,
            at,
            feature: feature.into(),
        }
    }
}

//! The error of reading and checking: which structure, at which byte, what was found and what was expected.

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure an [`Error`] is, for control flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes are not what the format allows.
    Corrupt,
    /// The bytes end too early.
    Truncated,
    /// Valid, but not supported here.
    Unsupported,
    /// A [`Limits`](crate::Limits) value is exceeded.
    Limit,
    /// What was asked for is not on the volume.
    NotFound,
    /// The caller's request cannot be met.
    Invalid,
    /// Reading failed.
    Io,
}

/// Failure of reading a volume. Offsets are bytes from the start of the volume.
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
        /// Value on the volume.
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
    /// Reading failed.
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
}

impl Error {
    /// The kind, for control flow.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Corrupt { .. } => ErrorKind::Corrupt,
            Self::Truncated { .. } => ErrorKind::Truncated,
            Self::Unsupported { .. } => ErrorKind::Unsupported,
            Self::Limit { .. } => ErrorKind::Limit,
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Invalid { .. } => ErrorKind::Invalid,
            Self::Io { .. } => ErrorKind::Io,
        }
    }

    /// The byte offset on the volume, where the failure has one.
    #[must_use]
    pub fn offset(&self) -> Option<u64> {
        match self {
            Self::Corrupt { at, .. }
            | Self::Truncated { at, .. }
            | Self::Unsupported { at, .. }
            | Self::Io { at, .. } => Some(*at),
            _ => None,
        }
    }
}

//! The error of this crate: which structure, at which byte, what was found and what was expected.

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure an [`Error`] is, for control flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes are not what the format allows, or a checksum does not match.
    Corrupt,
    /// Valid, but not supported here.
    Unsupported,
    /// A limit is exceeded.
    Limit,
    /// What was asked for is not there (path, partition, device).
    NotFound,
    /// The caller's request cannot be met.
    Invalid,
    /// It does not fit; [`Error::NoSpace`] says how much is needed.
    NoSpace,
    /// Refused to protect something; nothing was written.
    Refused,
    /// What was read back is not what was written.
    Mismatch,
    /// Reading or writing failed.
    Io,
    /// The caller's interrupt flag was set.
    Interrupted,
}

/// Failure of planning, reading or writing a disk. Offsets are bytes from the start of the disk or volume
/// that `what` names.
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
        expected: String,
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
        /// Value found or asked for.
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
    /// It does not fit.
    #[error("{what}: needs {need_bytes} bytes, only {have_bytes} there")]
    NoSpace {
        /// What does not fit.
        what: &'static str,
        /// Size that would do.
        need_bytes: u64,
        /// Size given.
        have_bytes: u64,
    },
    /// The device policy or a target rule said no; nothing was written.
    #[error("{target} is refused: {}", join(findings))]
    Refused {
        /// The target's path.
        target: String,
        /// Every reason.
        findings: Vec<crate::Finding>,
    },
    /// What was read back differs from what was written.
    #[error("{what} at offset {at:#x}: what was read back differs from what was written")]
    Mismatch {
        /// Which part.
        what: &'static str,
        /// Byte offset of the first differing byte.
        at: u64,
    },
    /// Reading or writing failed.
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
    /// A file or device could not be opened or asked.
    #[error("{op} {path}")]
    Path {
        /// Operation.
        op: &'static str,
        /// Which file.
        path: String,
        /// Cause.
        #[source]
        source: std::io::Error,
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
            Self::Corrupt { .. } => ErrorKind::Corrupt,
            Self::Unsupported { .. } => ErrorKind::Unsupported,
            Self::Limit { .. } => ErrorKind::Limit,
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Invalid { .. } => ErrorKind::Invalid,
            Self::NoSpace { .. } => ErrorKind::NoSpace,
            Self::Refused { .. } => ErrorKind::Refused,
            Self::Mismatch { .. } => ErrorKind::Mismatch,
            Self::Io { .. } | Self::Path { .. } => ErrorKind::Io,
            Self::Interrupted => ErrorKind::Interrupted,
        }
    }

    pub(crate) fn io(op: &'static str, at: u64) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { op, at, source }
    }

    pub(crate) fn path(op: &'static str, path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.display().to_string();
        move |source| Self::Path { op, path, source }
    }

    pub(crate) fn invalid(what: &'static str, reason: impl Into<String>) -> Self {
        Self::Invalid {
            what,
            reason: reason.into(),
        }
    }

    pub(crate) fn corrupt(
        what: &'static str,
        at: u64,
        found: impl ToString,
        expected: impl Into<String>,
    ) -> Self {
        Self::Corrupt {
            what,
            at,
            found: found.to_string(),
            expected: expected.into(),
        }
    }
}

fn join(findings: &[crate::Finding]) -> String {
    let texts: Vec<&str> = findings.iter().map(|f| f.message.as_str()).collect();
    texts.join("; ")
}

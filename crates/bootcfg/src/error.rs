//! The error of this crate: which structure or element, what was found and what was expected.

use uuid::Uuid;

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure an [`Error`] is, for control flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The hive below cannot be read or written; see the source.
    Hive,
    /// The hive is sound, and not what it should be (a BCD store, a SYSTEM hive).
    Corrupt,
    /// An object, element or key asked for is not there.
    NotFound,
    /// The caller's request cannot be met.
    Invalid,
    /// The image has no boot files: it is not an applied Windows.
    NotWindows,
}

/// Failure of reading, editing or writing boot configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The registry hive is at fault.
    #[error("registry hive: {0}")]
    Hive(#[from] regf_hive::Error),
    /// A key of the hive is not as the format wants it.
    #[error("key {key}: found {found}, expected {expected}")]
    Corrupt {
        /// Path of the key.
        key: String,
        /// What is there.
        found: String,
        /// The rule.
        expected: &'static str,
    },
    /// No object with this id in the store.
    #[error("object {{{0}}} not found in the store")]
    NoObject(Uuid),
    /// Something else asked for is not there.
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
    /// The image lacks a file that every bootable Windows has.
    #[error("the image is not an applied Windows: it has no {path}")]
    NotWindows {
        /// Path of the missing file in the image.
        path: String,
    },
}

impl Error {
    /// The kind, for control flow.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Hive(_) => ErrorKind::Hive,
            Self::Corrupt { .. } => ErrorKind::Corrupt,
            Self::NoObject(_) | Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Invalid { .. } => ErrorKind::Invalid,
            Self::NotWindows { .. } => ErrorKind::NotWindows,
        }
    }
}

//! What can go wrong when a volume is described or written.

use crate::spec::{NodeId, StreamKey};

/// An error of the builder or the volume writer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A value of the specification is outside what NTFS, or this crate, can hold.
    #[error("{what}: {value} violates {rule}")]
    Invalid {
        /// What was given.
        what: &'static str,
        /// Its value.
        value: u64,
        /// The rule.
        rule: &'static str,
    },
    /// A file or directory cannot be stored as described.
    #[error("{path}: {reason}")]
    Node {
        /// The node.
        node: NodeId,
        /// One of its paths, `\` between the parts.
        path: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// Two names in one directory that are the same to NTFS.
    #[error("{path}: two entries of this name")]
    DuplicateName {
        /// The path, `\` between the parts.
        path: String,
    },
    /// The volume is too small for its content.
    #[error("volume of {have_bytes} bytes: content needs {needed_bytes}")]
    NoSpace {
        /// Least size of the partition, in bytes.
        needed_bytes: u64,
        /// Size of the partition, in bytes.
        have_bytes: u64,
    },
    /// The delivery of a stream does not fit what was announced.
    #[error("stream {key:?}: {reason} ({found}, expected {expected})")]
    Delivery {
        /// Its key.
        key: StreamKey,
        /// What is wrong.
        reason: &'static str,
        /// What came.
        found: u64,
        /// What should have come.
        expected: u64,
    },
    /// The volume, or the file for what is held until the MFT is written, could not be written or read.
    #[error("{op} at {offset:#x}")]
    Io {
        /// What was done.
        op: &'static str,
        /// Offset in it, in bytes.
        offset: u64,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// What a caller may want to tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildErrorKind {
    /// The description is wrong.
    Invalid,
    /// Not enough room.
    NoSpace,
    /// The caller broke the order of calls or the promised sizes.
    Delivery,
    /// Input or output failed.
    Io,
}

impl BuildError {
    /// The kind of error.
    pub fn kind(&self) -> BuildErrorKind {
        match self {
            Self::Invalid { .. } | Self::Node { .. } | Self::DuplicateName { .. } => BuildErrorKind::Invalid,
            Self::NoSpace { .. } => BuildErrorKind::NoSpace,
            Self::Delivery { .. } => BuildErrorKind::Delivery,
            Self::Io { .. } => BuildErrorKind::Io,
        }
    }
}

//! What can stop a job: one enum over the crates below, with the operation and the state of the target.

use std::path::PathBuf;

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Failure of planning, applying or verifying.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The image file or the WIM in it.
    #[error("{}: {source}", path.display())]
    Wim {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: wim_apply::Error,
    },
    /// The ISO.
    #[error("{}: {source}", path.display())]
    Iso {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: iso_loopback::Error,
    },
    /// The source is none of the known kinds, or holds no image.
    #[error("{}: {reason}", path.display())]
    Source {
        /// The file.
        path: PathBuf,
        /// What was found and what was expected.
        reason: String,
    },
    /// A file of the right kind that cannot be used: a part of a split image is missing, or it is too large.
    #[error("{}: {reason}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What was found and what was expected.
        reason: String,
    },
    /// Several images, none chosen.
    #[error("{}: holds {} images, and none was chosen:\n{}", path.display(), images.len(), images.join("\n"))]
    ImageNotChosen {
        /// The file.
        path: PathBuf,
        /// One line each: number, name, edition, architecture, size.
        images: Vec<String>,
    },
    /// The chosen image is not a Windows system.
    #[error("image {index} is not Windows: {reason}")]
    NotWindows {
        /// Number of the image.
        index: u32,
        /// What is missing.
        reason: String,
    },
    /// The target cannot hold it.
    #[error("the target is too small: {needed_bytes} bytes are needed, it has {have_bytes}")]
    TooSmall {
        /// Bytes needed.
        needed_bytes: u64,
        /// Bytes there.
        have_bytes: u64,
    },
    /// Partition table, FAT volume, or target file or device.
    #[error("{0}")]
    Partitioner(#[source] partitioner::Error),
    /// Reading an NTFS volume.
    #[error("NTFS volume: {0}")]
    Ntfs(#[source] ntfs_image::Error),
    /// Writing the NTFS volume.
    #[error("NTFS volume: {0}")]
    Build(#[source] ntfs_image::BuildError),
    /// A registry hive.
    #[error("{path}: {source}")]
    Hive {
        /// Path in the image.
        path: String,
        /// Why.
        #[source]
        source: regf_hive::Error,
    },
    /// Boot files or the boot configuration store.
    #[error("boot configuration: {0}")]
    Boot(#[source] bootcfg::Error),
    /// A file of the host.
    #[error("{op} {}", path.display())]
    Io {
        /// Operation.
        op: &'static str,
        /// The file.
        path: PathBuf,
        /// Cause.
        #[source]
        source: std::io::Error,
    },
    /// A saved plan does not describe what would be done now.
    #[error("the plan is not what would be done now: {0}")]
    PlanChanged(String),
    /// Something the image holds cannot be put on the stick.
    #[error("{0}")]
    Unsupported(String),
    /// Failed after writing began.
    #[error("{source}; {state}")]
    Incomplete {
        /// What is on the target now.
        state: TargetState,
        /// Why.
        #[source]
        source: Box<Error>,
    },
    /// The interrupt flag was set.
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    /// A failure of reading a WIM; an interruption stays one.
    pub(crate) fn from_wim(path: &std::path::Path, source: wim_apply::Error) -> Self {
        match source {
            wim_apply::Error::Interrupted => Self::Interrupted,
            wim_apply::Error::Target { source, .. }
                if matches!(source.downcast_ref(), Some(wim_apply::Error::Interrupted)) =>
            {
                Self::Interrupted
            }
            source => Self::Wim {
                path: path.to_owned(),
                source,
            },
        }
    }

    /// A failure after writing began.
    pub(crate) fn incomplete(self, state: TargetState) -> Self {
        match self {
            Self::Incomplete { .. } => self,
            other => Self::Incomplete {
                state,
                source: Box::new(other),
            },
        }
    }
}

/// What is on a target after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetState {
    /// The old partition table was being wiped.
    Wiping,
    /// The old table is gone, the new one is not there: nothing takes the target for finished.
    NoTable,
    /// Everything is written; the table, or the wait for the medium, failed.
    Committing,
}

impl std::fmt::Display for TargetState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Wiping => "what the target held before may be damaged",
            Self::NoTable => "the target is incomplete and holds no valid partition table",
            Self::Committing => "the last step failed: the target may look finished, verify it before use",
        })
    }
}

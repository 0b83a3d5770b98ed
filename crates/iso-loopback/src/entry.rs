//! One name in a directory, with what its file system records about it.

use crate::Timestamp;

/// What an [`Entry`] is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EntryKind {
    /// A file with bytes.
    File,
    /// A directory.
    Directory,
    /// A symbolic link and the path that it holds.
    Symlink(String),
    /// A device, socket or other object without bytes of its own.
    Special,
}

/// Unix metadata, where recorded (Rock Ridge `PX`, UDF file entries).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UnixMeta {
    /// File type and permission bits as in `st_mode`.
    pub mode: u32,
    /// Owner; `None` when not specified.
    pub uid: Option<u32>,
    /// Group; `None` when not specified.
    pub gid: Option<u32>,
    /// Number of names that the file has.
    pub links: u32,
}

/// A file or directory of an image.
///
/// Names are text; what is not valid in the recorded character set is escaped as `\xNN` (bytes) or `\uNNNN` (UTF-16
/// units), so that no two different names look the same.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Name without its ISO 9660 version suffix; empty for the root.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
    /// Length of the file's bytes; of a directory, the bytes of the directory itself.
    pub size_bytes: u64,
    /// Last change of the data.
    pub modified: Option<Timestamp>,
    /// Last access.
    pub accessed: Option<Timestamp>,
    /// Creation.
    pub created: Option<Timestamp>,
    /// The "existence" bit is set: hidden from ordinary listings.
    pub hidden: bool,
    /// ISO 9660 associated file (an Apple resource fork, say) that shares its name with the main file. Lookup and
    /// extraction pass over it.
    pub associated: bool,
    /// Unix metadata.
    pub unix: Option<UnixMeta>,
    pub(crate) location: Location,
}

/// How to find an entry's bytes again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Location {
    Iso(crate::iso9660::FileSections),
    Udf(crate::udf::IcbAddress),
}

impl Entry {
    /// Whether it is a directory.
    #[must_use]
    pub fn is_dir(&self) -> bool {
        self.kind == EntryKind::Directory
    }

    /// Whether it is a file with bytes.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.kind == EntryKind::File
    }
}

impl Location {
    /// Whether two directories are the same one, whichever record names them.
    pub(crate) fn is_same_place(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Iso(a), Self::Iso(b)) => {
                a.sections.first().map(|s| s.0) == b.sections.first().map(|s| s.0)
            }
            (Self::Udf(a), Self::Udf(b)) => a == b,
            _ => false,
        }
    }

    /// The best offset known without reading: 0 when there is none.
    pub(crate) fn offset_hint(&self) -> u64 {
        match self {
            Self::Iso(file) => file.record_at,
            Self::Udf(_) => 0,
        }
    }
}

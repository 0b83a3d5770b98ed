//! One image of a WIM, as plain data: names ([`Dentry`]), what they name ([`Inode`]), and its streams.

use crate::{BlobHash, BlobId};

/// Most warnings that are kept of one file or image.
pub(crate) const MAX_WARNINGS: usize = 1000;

/// Index into [`Image::dentries`]. The root is `DentryId(0)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DentryId(pub u32);

/// Index into [`Image::inodes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InodeId(pub u32);

/// The tree of one image. Parents come before their children in `dentries`; siblings keep the order of
/// the metadata resource.
#[derive(Clone, Debug, Default)]
pub struct Image {
    /// Security descriptors (self-relative, as stored), indexed by [`Inode::security`].
    pub security_descriptors: Vec<Vec<u8>>,
    /// Every name.
    pub dentries: Vec<Dentry>,
    /// Every file and directory; hard links share one.
    pub inodes: Vec<Inode>,
    /// What the reader dropped or changed, one sentence each (duplicate names, bad security ids, ...).
    pub warnings: Vec<String>,
}

/// One name in one directory.
#[derive(Clone, Debug)]
pub struct Dentry {
    /// Name in UTF-16 code units, not necessarily well-formed; empty for the root.
    pub name: Box<[u16]>,
    /// DOS (8.3) name, or empty.
    pub short_name: Box<[u16]>,
    /// The directory that holds the name; the root is its own parent.
    pub parent: DentryId,
    /// What is named.
    pub inode: InodeId,
    /// Children, when it is a directory.
    pub children: Vec<DentryId>,
}

/// A file or directory.
#[derive(Clone, Debug, Default)]
pub struct Inode {
    /// Windows file attributes (`FILE_ATTRIBUTE_*`).
    pub attributes: u32,
    /// FILETIME: 100 ns since 1601.
    pub creation_time: u64,
    /// FILETIME.
    pub last_access_time: u64,
    /// FILETIME.
    pub last_write_time: u64,
    /// Index into [`Image::security_descriptors`].
    pub security: Option<u32>,
    /// `IO_REPARSE_TAG_*` when the reparse attribute is set, else 0.
    pub reparse_tag: u32,
    /// The 16 reserved bits of the reparse point's header.
    pub reparse_reserved: u16,
    /// Whether an absolute link target was rewritten relative to the captured root at capture.
    pub reparse_fixed_up: bool,
    /// Number of names (dentries) of this inode.
    pub link_count: u32,
    /// Streams; a non-reparse file has at most one unnamed `Data` stream.
    pub streams: Vec<Stream>,
    /// Tagged items of the dentry: object ids, extended attributes, unix data, unknown ones.
    pub tagged_items: Vec<TaggedItem>,
}

impl Inode {
    /// `FILE_ATTRIBUTE_DIRECTORY`.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.attributes & 0x10 != 0
    }

    /// `FILE_ATTRIBUTE_REPARSE_POINT`.
    #[must_use]
    pub fn is_reparse_point(&self) -> bool {
        self.attributes & 0x400 != 0
    }

    /// The unnamed data stream.
    #[must_use]
    pub fn unnamed_data(&self) -> Option<&Stream> {
        self.streams
            .iter()
            .find(|s| s.kind == StreamKind::Data && s.name.is_empty())
    }
}

/// What a stream holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StreamKind {
    /// Data; unnamed or named.
    Data,
    /// Reparse data without the 8-byte header.
    ReparsePoint,
    /// The EFSRPC raw form of an encrypted file.
    EfsRaw,
}

/// One stream of an inode.
#[derive(Clone, Debug)]
pub struct Stream {
    /// What it holds.
    pub kind: StreamKind,
    /// UTF-16 name; empty for the unnamed stream.
    pub name: Box<[u16]>,
    /// SHA-1; all zero for an empty stream.
    pub hash: BlobHash,
    /// The blob; `None` for an empty stream, or (delta and split sets) when it is in a file not opened.
    pub blob: Option<BlobId>,
    /// Length in bytes; 0 when the blob is missing.
    pub size_bytes: u64,
}

/// A tagged item after the fixed part of a dentry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaggedItem {
    /// 1 is an object id, 2 is extended attributes as Windows captures them; others as observed.
    pub tag: u32,
    /// The bytes.
    pub data: Vec<u8>,
}

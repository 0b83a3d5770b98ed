//! The one tree that is edited: Windows metadata, and content that is a blob or bytes in memory.

mod blob_paths;
mod encrypted;
mod extended_attributes;
mod from_image;
mod names;

pub(crate) use blob_paths::BlobPaths;
pub(crate) use encrypted::too_many_keys;
pub use encrypted::{Encrypted, EncryptedFile};
pub use from_image::from_image;
pub use names::utf16;

use std::sync::Arc;

use wim_apply::path::name_to_text;
use wim_apply::{BlobHash, BlobId};

/// A node: a file or directory, whatever its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

/// A name in a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(pub u32);

/// A Windows file tree. Entry 0 is the root; parents come before their children.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// Security descriptors, indexed by [`Node::security`].
    pub security_descriptors: Vec<Vec<u8>>,
    /// Files and directories.
    pub nodes: Vec<Node>,
    /// Names.
    pub entries: Vec<Entry>,
}

/// A file or directory.
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// Windows file attributes.
    pub attributes: u32,
    /// FILETIME.
    pub creation_time: u64,
    /// FILETIME.
    pub modification_time: u64,
    /// FILETIME.
    pub access_time: u64,
    /// Index into [`Tree::security_descriptors`].
    pub security: Option<u32>,
    /// Reparse point.
    pub reparse: Option<Reparse>,
    /// Object id: 16 or 64 bytes.
    pub object_id: Option<Vec<u8>>,
    /// Extended attributes, packed `FILE_FULL_EA_INFORMATION`.
    pub extended_attributes: Option<Vec<u8>>,
    /// Data streams, at most one unnamed; those of an encrypted file are in its raw form.
    pub streams: Vec<Stream>,
    /// Raw form of a file or directory that is encrypted by EFS.
    pub encrypted: Option<Encrypted>,
}

/// A reparse point.
#[derive(Clone, Debug)]
pub struct Reparse {
    /// `IO_REPARSE_TAG_*`.
    pub tag: u32,
    /// Reserved bits of the header.
    pub reserved: u16,
    /// Data after the 8-byte header.
    pub data: Content,
}

/// A data stream.
#[derive(Clone, Debug)]
pub struct Stream {
    /// UTF-16 name; empty for the unnamed stream.
    pub name: Box<[u16]>,
    /// Its bytes.
    pub content: Content,
}

/// The bytes of a stream.
#[derive(Clone, Debug)]
pub enum Content {
    /// In the image.
    Blob {
        /// Which blob.
        id: BlobId,
        /// SHA-1 of its bytes.
        hash: BlobHash,
        /// Length.
        size_bytes: u64,
    },
    /// Made here, or read: many files can share them.
    Bytes(Arc<Vec<u8>>),
}

impl Content {
    /// Length in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        match self {
            Self::Blob { size_bytes, .. } => *size_bytes,
            Self::Bytes(bytes) => bytes.len() as u64,
        }
    }

    /// The blob, when it is one.
    #[must_use]
    pub fn blob(&self) -> Option<BlobId> {
        match self {
            Self::Blob { id, .. } => Some(*id),
            Self::Bytes(_) => None,
        }
    }
}

/// A name in a directory.
#[derive(Clone, Debug)]
pub struct Entry {
    /// UTF-16 name; empty for the root.
    pub name: Box<[u16]>,
    /// DOS name, or empty.
    pub dos_name: Box<[u16]>,
    /// The directory; the root is its own parent.
    pub parent: EntryId,
    /// What is named.
    pub node: NodeId,
    /// Children of a directory.
    pub children: Vec<EntryId>,
}

/// `FILE_ATTRIBUTE_DIRECTORY`.
pub const ATTRIBUTE_DIRECTORY: u32 = 0x10;
/// `FILE_ATTRIBUTE_SPARSE_FILE`.
pub const ATTRIBUTE_SPARSE: u32 = 0x200;
/// `FILE_ATTRIBUTE_ARCHIVE`.
pub const ATTRIBUTE_ARCHIVE: u32 = 0x20;

impl Tree {
    /// A root directory with nothing in it.
    #[cfg(test)]
    pub(crate) fn empty() -> Self {
        let root = Node {
            attributes: ATTRIBUTE_DIRECTORY,
            ..Node::default()
        };
        Self {
            security_descriptors: Vec::new(),
            nodes: vec![root],
            entries: vec![Entry {
                name: Box::default(),
                dos_name: Box::default(),
                parent: EntryId(0),
                node: NodeId(0),
                children: Vec::new(),
            }],
        }
    }

    /// The root directory.
    #[must_use]
    pub fn root(&self) -> EntryId {
        EntryId(0)
    }

    /// An entry.
    #[must_use]
    pub fn entry(&self, id: EntryId) -> &Entry {
        &self.entries[id.0 as usize]
    }

    /// A node.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// A node, to be changed.
    pub fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.0 as usize]
    }

    /// The child of a directory by name, letter case ignored.
    #[must_use]
    pub fn child(&self, directory: EntryId, name: &[u16]) -> Option<EntryId> {
        let children = &self.entry(directory).children;
        let exact = children.iter().find(|&&c| *self.entry(c).name == *name);
        exact
            .or_else(|| {
                children
                    .iter()
                    .find(|&&c| names::equal_ignoring_case(&self.entry(c).name, name))
            })
            .copied()
    }

    /// An entry by its path from the root, components separated by `\`, letter case ignored.
    #[must_use]
    pub fn lookup(&self, path: &str) -> Option<EntryId> {
        path.split('\\')
            .filter(|part| !part.is_empty())
            .try_fold(self.root(), |at, part| self.child(at, &utf16(part)))
    }

    /// The path of an entry, with `\` before each component.
    #[must_use]
    pub fn path(&self, mut id: EntryId) -> String {
        let mut parts = Vec::new();
        while id != self.root() {
            let entry = self.entry(id);
            parts.push(name_to_text(&entry.name));
            id = entry.parent;
        }
        parts
            .iter()
            .rev()
            .fold(String::new(), |path, part| path + "\\" + part)
    }

    /// The unnamed data of a file.
    #[must_use]
    pub fn unnamed_data(&self, node: NodeId) -> Option<&Content> {
        self.node(node)
            .streams
            .iter()
            .find(|s| s.name.is_empty())
            .map(|s| &s.content)
    }

    /// Every blob that reparse points are made of.
    pub fn reparse_blobs(&self) -> impl Iterator<Item = BlobId> {
        self.nodes
            .iter()
            .filter_map(|node| node.reparse.as_ref()?.data.blob())
    }

    /// Puts the bytes of reparse points in the place of their blobs.
    pub fn resolve_reparse_points(&mut self, bytes_of: impl Fn(BlobId) -> Option<Arc<Vec<u8>>>) {
        for reparse in self.nodes.iter_mut().filter_map(|node| node.reparse.as_mut()) {
            if let Some(bytes) = reparse.data.blob().and_then(&bytes_of) {
                reparse.data = Content::Bytes(bytes);
            }
        }
    }

    /// Every blob that data streams and encrypted files are made of, sorted, each once.
    #[must_use]
    pub fn data_blobs(&self) -> Vec<BlobId> {
        let streams = self.nodes.iter().flat_map(|node| &node.streams);
        let mut blobs: Vec<BlobId> = streams.filter_map(|stream| stream.content.blob()).collect();
        blobs.extend(self.encrypted_blobs());
        blobs.sort_unstable();
        blobs.dedup();
        blobs
    }

    /// Replaces the unnamed data of a file; times and everything else stay.
    pub fn set_unnamed_data(&mut self, node: NodeId, bytes: Vec<u8>) {
        let bytes = Arc::new(bytes);
        let streams = &mut self.node_mut(node).streams;
        match streams.iter_mut().find(|s| s.name.is_empty()) {
            Some(stream) => stream.content = Content::Bytes(bytes),
            None => streams.push(Stream {
                name: Box::default(),
                content: Content::Bytes(bytes),
            }),
        }
    }

    /// Adds a security descriptor, or finds the same one.
    pub fn add_security_descriptor(&mut self, descriptor: &[u8]) -> u32 {
        let index = self
            .security_descriptors
            .iter()
            .position(|known| known == descriptor)
            .unwrap_or_else(|| {
                self.security_descriptors.push(descriptor.to_vec());
                self.security_descriptors.len() - 1
            });
        u32::try_from(index).unwrap_or(u32::MAX)
    }

    /// Adds an entry with a new node to a directory.
    pub fn add(&mut self, parent: EntryId, name: &str, node: Node) -> EntryId {
        let node_id = NodeId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        self.nodes.push(node);
        let id = EntryId(u32::try_from(self.entries.len()).unwrap_or(u32::MAX));
        self.entries.push(Entry {
            name: utf16(name).into_boxed_slice(),
            dos_name: Box::default(),
            parent,
            node: node_id,
            children: Vec::new(),
        });
        self.entries[parent.0 as usize].children.push(id);
        id
    }

    /// Sum of the lengths of all data streams and raw forms, each node once.
    #[must_use]
    pub fn data_bytes(&self) -> u64 {
        let streams = self.nodes.iter().flat_map(|node| &node.streams);
        let sizes = streams.map(|stream| stream.content.size_bytes());
        let encrypted = self.nodes.iter().filter_map(|node| node.encrypted.as_ref());
        sizes
            .chain(encrypted.map(|raw| raw.raw_bytes))
            .fold(0, u64::saturating_add)
    }
}

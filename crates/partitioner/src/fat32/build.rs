//! The tree of a volume to be, before it is laid out.

use std::collections::HashMap;

use super::names::{check_name, fold};
use super::spec::{Attributes, Content, FatSpec, FatTimes};
use crate::error::{Error, Result};

/// Largest file.
const MAX_FILE_BYTES: u64 = u32::MAX as u64;

/// Collects the tree of a FAT32 volume; [`plan`](Self::plan) lays it out. Paths use `/` or `\`, names are compared
/// without regard to case, and missing parent directories are made.
#[derive(Debug)]
pub struct FatBuilder {
    pub(super) spec: FatSpec,
    pub(super) label: [u8; 11],
    /// Node 0 is the root; parents come before their children.
    pub(super) nodes: Vec<Node>,
    /// Node by parent and folded name; looked up only, never walked.
    by_name: HashMap<(usize, String), usize>,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) attributes: Attributes,
    pub(super) times: FatTimes,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Directory { parent: usize, children: Vec<usize> },
    File(Content),
}

impl FatBuilder {
    /// A builder for a volume.
    ///
    /// # Errors
    /// `NoSpace` when the size is below what FAT32 allows (about 33 MiB, or 259 MiB with 4096-byte sectors);
    /// `Limit` above 2^32 sectors; `Invalid` for a label that is longer than 11 characters or holds what a label
    /// may not.
    pub fn new(spec: FatSpec) -> Result<Self> {
        super::geometry::Geometry::for_size(spec.size_bytes, spec.sector_bytes)?;
        let label = encode_label(&spec.label)?;
        let root = Node {
            name: String::new(),
            attributes: Attributes::DIRECTORY,
            times: spec.time.into(),
            kind: Kind::Directory {
                parent: 0,
                children: Vec::new(),
            },
        };
        Ok(Self {
            spec,
            label,
            nodes: vec![root],
            by_name: HashMap::new(),
        })
    }

    /// Adds a directory, or sets attributes and times of one that was made on the way to another entry.
    ///
    /// # Errors
    /// `Invalid` for a bad name, or when a file has that path.
    pub fn add_directory(
        &mut self,
        path: &str,
        attributes: Attributes,
        times: impl Into<FatTimes>,
    ) -> Result<()> {
        let index = self.directory(path, path)?;
        if let Some(node) = self.nodes.get_mut(index).filter(|_| index != 0) {
            node.attributes = attributes.settable() | Attributes::DIRECTORY;
            node.times = times.into();
        }
        Ok(())
    }

    /// Adds a file. Files are laid out, and their contents asked for, in the order in which they were added.
    ///
    /// # Errors
    /// `Invalid` for a bad name or a path that is there already; `Limit` for a file over 4 GiB - 1.
    pub fn add_file(
        &mut self,
        path: &str,
        content: Content,
        attributes: Attributes,
        times: impl Into<FatTimes>,
    ) -> Result<()> {
        if content.size_bytes() > MAX_FILE_BYTES {
            return Err(Error::Limit {
                what: "file size on FAT32",
                asked: content.size_bytes(),
                limit: MAX_FILE_BYTES,
            });
        }
        let (parent, name) = path.rsplit_once(['/', '\\']).unwrap_or(("", path));
        let parent = self.directory(parent, path)?;
        if self.by_name.contains_key(&(parent, fold(name))) {
            return Err(Error::invalid("FAT path", format!("{path:?} is there already")));
        }
        let node = Node {
            name: name.to_owned(),
            attributes: attributes.settable(),
            times: times.into(),
            kind: Kind::File(content),
        };
        self.insert(parent, node)?;
        Ok(())
    }

    /// The directory at a path, made where it is missing.
    fn directory(&mut self, path: &str, whole: &str) -> Result<usize> {
        let mut at = 0;
        for name in path.split(['/', '\\']).filter(|part| !part.is_empty()) {
            at = match self.by_name.get(&(at, fold(name))) {
                Some(&index) if matches!(self.nodes[index].kind, Kind::Directory { .. }) => index,
                Some(_) => {
                    return Err(Error::invalid(
                        "FAT path",
                        format!("{whole:?}: {name:?} is a file"),
                    ));
                }
                None => {
                    let node = Node {
                        name: name.to_owned(),
                        attributes: Attributes::DIRECTORY,
                        times: self.spec.time.into(),
                        kind: Kind::Directory {
                            parent: at,
                            children: Vec::new(),
                        },
                    };
                    self.insert(at, node)?
                }
            };
        }
        Ok(at)
    }

    fn insert(&mut self, parent: usize, node: Node) -> Result<usize> {
        check_name(&node.name)?;
        let index = self.nodes.len();
        self.by_name.insert((parent, fold(&node.name)), index);
        self.nodes.push(node);
        if let Kind::Directory { children, .. } = &mut self.nodes[parent].kind {
            children.push(index);
        }
        Ok(index)
    }
}

fn encode_label(label: &str) -> Result<[u8; 11]> {
    let legal = |b: u8| (b.is_ascii_graphic() || b == b' ') && !b"\"*+,./:;<=>?[\\]|".contains(&b);
    if label.len() > 11 || !label.bytes().all(legal) || label.starts_with(' ') {
        return Err(Error::invalid(
            "FAT label",
            format!("{label:?}; at most 11 ASCII characters, none of \"*+,./:;<=>?[\\]|"),
        ));
    }
    let mut bytes = if label.is_empty() {
        *b"NO NAME    "
    } else {
        [b' '; 11]
    };
    for (slot, byte) in bytes.iter_mut().zip(label.bytes()) {
        *slot = byte.to_ascii_uppercase();
    }
    Ok(bytes)
}

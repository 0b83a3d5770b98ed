//! Index trees: `$INDEX_ROOT`, the blocks of `$INDEX_ALLOCATION`, and their entries in order.

use std::collections::BTreeSet;
use std::io::{Read, Seek};

use super::bytes::{slice, u16_at, u32_at, u64_at};
use super::file::{Attribute, File};
use super::fixup;
use super::stream::Extents;
use super::volume::Volume;
use crate::layout::{INDX_MAGIC, attribute, index_flag};
use crate::{Error, Result};

/// Header of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexHeader {
    /// Type of the attribute that is indexed; 0 for view indexes.
    pub attribute_type: u32,
    /// [`collation`](crate::layout::collation).
    pub collation: u32,
    /// Bytes of a block.
    pub block_bytes: u32,
    /// Clusters of a block, or 512-byte units when blocks are smaller than clusters.
    pub block_units: u8,
}

/// Header of a node: the root's or a block's list of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeHeader {
    /// First entry, from the start of this header.
    pub entries_at: u32,
    /// End of the entries.
    pub used_bytes: u32,
    /// End of the node.
    pub allocated_bytes: u32,
    /// [`index_flag`](crate::layout::index_flag).
    pub flags: u32,
}

/// One entry of a node.
#[derive(Clone, Copy, Debug)]
pub struct RawEntry<'n> {
    /// Byte offset in the node's bytes.
    pub at: usize,
    /// Bytes of the entry.
    pub length: usize,
    /// [`index_flag`](crate::layout::index_flag).
    pub flags: u16,
    /// First eight bytes: a file reference, or place and length of the data of a view index.
    pub head: u64,
    /// The key; empty in the last entry.
    pub key: &'n [u8],
    /// The whole entry.
    pub bytes: &'n [u8],
    /// VCN of the child.
    pub child: Option<u64>,
}

impl RawEntry<'_> {
    /// Whether this is the last entry of its node.
    #[must_use]
    pub fn is_last(&self) -> bool {
        self.flags & index_flag::LAST != 0
    }

    /// The data of an entry of a view index.
    #[must_use]
    pub fn data(&self) -> Option<&[u8]> {
        let (at, length) = ((self.head & 0xffff) as usize, (self.head >> 16 & 0xffff) as usize);
        slice(self.bytes, at, length)
    }
}

/// A node: the root or a block, update sequence applied.
#[derive(Clone, Debug)]
pub struct Node {
    /// VCN; `None` for the root.
    pub vcn: Option<u64>,
    /// Byte offset on the volume of the node's first byte.
    pub at: u64,
    /// Bytes from the start of the value or block.
    pub bytes: Vec<u8>,
    /// Where the node header is in `bytes`.
    pub header_at: usize,
    /// The node header.
    pub header: NodeHeader,
}

impl Node {
    /// The root node out of the value of an `$INDEX_ROOT`.
    pub(crate) fn of_root(at: u64, value: Vec<u8>) -> Result<Self> {
        Self::new(None, at, value, 16)
    }

    fn new(vcn: Option<u64>, at: u64, bytes: Vec<u8>, header_at: usize) -> Result<Self> {
        let header = (|| {
            Some(NodeHeader {
                entries_at: u32_at(&bytes, header_at)?,
                used_bytes: u32_at(&bytes, header_at + 4)?,
                allocated_bytes: u32_at(&bytes, header_at + 8)?,
                flags: u32_at(&bytes, header_at + 12)?,
            })
        })();
        let have = bytes.len() as u64;
        let need = header_at as u64 + 16;
        let header = header.ok_or(Error::Truncated {
            what: "index node header",
            at,
            need,
            have,
        })?;
        let room = bytes.len() - header_at;
        if header.entries_at < 16
            || header.used_bytes as usize > room
            || header.entries_at > header.used_bytes
        {
            let found = format!(
                "entries at {:#x} to {:#x} of {room:#x}",
                header.entries_at, header.used_bytes
            );
            let expected = "entries inside the node";
            return Err(Error::Corrupt {
                what: "index node header",
                at,
                found,
                expected,
            });
        }
        Ok(Self {
            vcn,
            at,
            bytes,
            header_at,
            header,
        })
    }

    /// The entries, the last one included; ends after the first error.
    pub fn entries(&self) -> impl Iterator<Item = Result<RawEntry<'_>>> {
        let end = self.header_at + self.header.used_bytes as usize;
        let used = self.bytes.get(..end).unwrap_or_default();
        let mut next = Some(self.header_at + self.header.entries_at as usize);
        std::iter::from_fn(move || {
            let at = next?;
            let found = parse_entry(used, at);
            next = match &found {
                Some(entry) if !entry.is_last() => Some(at + entry.length),
                _ => None,
            };
            Some(found.ok_or_else(|| Error::Corrupt {
                what: "index entry",
                at: self.at.saturating_add(at as u64),
                found: format!("length {}", u16_at(used, at + 8).unwrap_or(0)),
                expected: "an entry inside the node",
            }))
        })
    }
}

fn parse_entry(node: &[u8], at: usize) -> Option<RawEntry<'_>> {
    let length = usize::from(u16_at(node, at.checked_add(8)?)?);
    let bytes = slice(node, at, length).filter(|_| length >= 16)?;
    let key_len = usize::from(u16_at(bytes, 10)?);
    let flags = u16_at(bytes, 12)?;
    let child = if flags & index_flag::HAS_CHILD != 0 {
        Some(u64_at(bytes, length.checked_sub(8).filter(|&at| at >= 16)?)?)
    } else {
        None
    };
    let key = if flags & index_flag::LAST != 0 {
        &[][..]
    } else {
        slice(bytes, 16, key_len)?
    };
    Some(RawEntry {
        at,
        length,
        flags,
        head: u64_at(bytes, 0)?,
        key,
        bytes,
        child,
    })
}

/// An index of a file: its root, and where its blocks are.
#[derive(Clone, Debug)]
pub struct Index<'f> {
    /// Header.
    pub header: IndexHeader,
    /// The root node.
    pub root: Node,
    /// `$INDEX_ALLOCATION`.
    pub allocation: Option<&'f Attribute>,
    vcn_bytes: u64,
}

impl<R: Read + Seek> Volume<R> {
    /// The index of a file by name (`$I30` for directories).
    ///
    /// # Errors
    /// `NotFound` when the file has no such index, `Corrupt` for a bad root.
    pub fn index<'f>(&self, file: &'f File, name: &[u16]) -> Result<Index<'f>> {
        let root = file
            .attribute(attribute::INDEX_ROOT, name)
            .ok_or_else(|| Error::NotFound {
                what: "index",
                name: format!(
                    "{} of record {}",
                    String::from_utf16_lossy(name),
                    file.reference.record
                ),
            })?;
        let value = root.resident().unwrap_or_default();
        let header = (|| {
            Some(IndexHeader {
                attribute_type: u32_at(value, 0)?,
                collation: u32_at(value, 4)?,
                block_bytes: u32_at(value, 8)?,
                block_units: *value.get(12)?,
            })
        })();
        let have = value.len() as u64;
        let header = header.ok_or(Error::Truncated {
            what: "index root",
            at: root.at,
            need: 32,
            have,
        })?;
        let block = header.block_bytes;
        if !block.is_power_of_two() || !(512..=65536).contains(&block) {
            let (found, expected) = (block.to_string(), "512 to 65536 bytes");
            return Err(Error::Corrupt {
                what: "index block size",
                at: root.at,
                found,
                expected,
            });
        }
        Ok(Index {
            header,
            root: Node::new(None, root.at, value.to_vec(), 16)?,
            allocation: file.attribute(attribute::INDEX_ALLOCATION, name),
            vcn_bytes: u64::from(self.boot.index_vcn_bytes(block)),
        })
    }

    /// A block of an index by VCN.
    ///
    /// # Errors
    /// `Corrupt` for a VCN outside the allocation or a block that is not one, `Io`.
    pub fn index_block(&mut self, index: &Index<'_>, vcn: u64) -> Result<Node> {
        const WHAT: &str = "index block";
        let block_bytes = index.header.block_bytes as usize;
        let position = vcn.saturating_mul(index.vcn_bytes);
        let value = index.allocation.and_then(Attribute::non_resident);
        let fits = value
            .filter(|value| position.saturating_add(block_bytes as u64) <= value.size_bytes)
            .ok_or_else(|| Error::Corrupt {
                what: "child of an index entry",
                at: index.root.at,
                found: format!("VCN {vcn}"),
                expected: "a block of the index allocation",
            })?;
        let at = self.offset_in(&fits.runs, position).unwrap_or(index.root.at);
        let mut bytes = vec![0; block_bytes];
        Extents::of_clusters(fits, &self.boot).read_at(&mut self.device, position, &mut bytes)?;
        if bytes.get(..4) != Some(INDX_MAGIC) {
            let found = format!("{:02x?}", bytes.get(..4).unwrap_or_default());
            let expected = "\"INDX\"";
            return Err(Error::Corrupt {
                what: "index block signature",
                at,
                found,
                expected,
            });
        }
        fixup::apply(&mut bytes, WHAT, at)?;
        let stored = u64_at(&bytes, 16).unwrap_or(u64::MAX);
        if stored != vcn {
            let (found, expected) = (format!("{stored} in block {vcn}"), "its own VCN");
            return Err(Error::Corrupt {
                what: "VCN of an index block",
                at,
                found,
                expected,
            });
        }
        Node::new(Some(vcn), at, bytes, 24)
    }

    /// Byte offset on the volume of a position in a value.
    pub(crate) fn offset_in(&self, runs: &[super::runs::Run], position: u64) -> Option<u64> {
        let cluster = u64::from(self.boot.cluster_bytes);
        let run = super::runs::find(runs, position / cluster)?;
        self.boot
            .cluster_offset(run.lcn?)
            .checked_add(position - run.vcn * cluster)
    }

    /// Calls `visit` for every entry with a key, in order.
    ///
    /// # Errors
    /// What `visit` returns; `Corrupt` for a tree that is not one, `Limit`, `Io`.
    pub fn for_each_entry(
        &mut self,
        index: &Index<'_>,
        visit: &mut dyn FnMut(&RawEntry<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut walk = TreeWalk {
            seen: BTreeSet::new(),
            left: self.limits.max_index_entries,
        };
        self.walk_node(index, &index.root, 0, &mut walk, visit)
    }

    /// Whether there may be a node at this depth; the root is at 0.
    pub(super) fn check_index_depth(&self, depth: usize) -> Result<()> {
        let limit = self.limits.max_index_depth as u64;
        if depth as u64 >= limit {
            return Err(Error::Limit {
                what: "levels of an index",
                asked: limit + 1,
                limit,
            });
        }
        Ok(())
    }

    fn walk_node(
        &mut self,
        index: &Index<'_>,
        node: &Node,
        depth: usize,
        walk: &mut TreeWalk,
        visit: &mut dyn FnMut(&RawEntry<'_>) -> Result<()>,
    ) -> Result<()> {
        self.check_index_depth(depth)?;
        for entry in node.entries() {
            let entry = entry?;
            if let Some(vcn) = entry.child {
                if !walk.seen.insert(vcn) {
                    let (found, expected) = (format!("VCN {vcn} twice"), "each block once");
                    return Err(Error::Corrupt {
                        what: "child of an index entry",
                        at: node.at,
                        found,
                        expected,
                    });
                }
                let child = self.index_block(index, vcn)?;
                self.walk_node(index, &child, depth + 1, walk, visit)?;
            }
            if !entry.is_last() {
                walk.left = walk.left.checked_sub(1).ok_or(Error::Limit {
                    what: "entries of an index",
                    asked: self.limits.max_index_entries as u64 + 1,
                    limit: self.limits.max_index_entries as u64,
                })?;
                visit(&entry)?;
            }
        }
        Ok(())
    }
}

struct TreeWalk {
    seen: BTreeSet<u64>,
    left: usize,
}

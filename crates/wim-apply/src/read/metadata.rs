//! A metadata resource: security descriptors and the tree of directory entries.

use std::collections::{HashMap, HashSet};

use super::metadata_dentry::{RawDentry, align8, read_dentry};
use super::metadata_streams::{Resolve, assign_streams, units};
use crate::image::{Dentry, DentryId, Image, Inode, InodeId, MAX_WARNINGS, Stream};
use crate::{BlobHash, BlobId, Error, Limits, Result};

/// Most bytes of all warnings of one image.
const MAX_WARNING_BYTES: usize = 1 << 20;

impl Image {
    /// Reads an uncompressed metadata resource. `resolve` finds the blob of a hash, and its size.
    ///
    /// Dropped, with a warning: entries without a name, `.` and `..`, names that hold a NUL, all but the first
    /// of equal names, children of what is no directory.
    ///
    /// # Errors
    /// `Corrupt` or `Truncated` for damaged structures, cycles, and a root that is no directory; `Limit`.
    pub fn parse_metadata(
        bytes: &[u8],
        limits: &Limits,
        resolve: &dyn Fn(&BlobHash) -> Option<(BlobId, u64)>,
    ) -> Result<Self> {
        let (security_descriptors, root_at) = read_security(bytes)?;
        let image = Self {
            security_descriptors: security_descriptors.into_iter().map(<[u8]>::to_vec).collect(),
            ..Self::default()
        };
        let mut reader = TreeReader {
            resolve,
            image,
            links: HashMap::new(),
            warning_bytes: 0,
            is_warning_left_out: false,
        };
        walk_tree(bytes, root_at, limits, &mut reader)?;
        let mut image = reader.image;
        image.dentries.shrink_to_fit();
        image.inodes.shrink_to_fit();
        Ok(image)
    }
}

/// Reads an uncompressed metadata resource without keeping a tree: the errors are those of
/// [`Image::parse_metadata`]. Returns whether every hash in it is known.
pub(super) fn check_metadata(
    bytes: &[u8],
    limits: &Limits,
    is_known: &dyn Fn(&BlobHash) -> bool,
) -> Result<bool> {
    struct Check<'a> {
        is_known: &'a dyn Fn(&BlobHash) -> bool,
        all_known: bool,
    }

    impl Visit for Check<'_> {
        fn entry(&mut self, raw: &RawDentry<'_>, _: DentryId, _: Option<DentryId>) {
            let extra = raw.extra_streams.iter().map(|(hash, _)| hash);
            self.all_known &= std::iter::once(&raw.fixed.main_hash)
                .chain(extra)
                .all(|hash| hash.is_zero() || (self.is_known)(hash));
        }

        fn dropped(&mut self, _: DentryId, _: &str) {}
    }

    let (_, root_at) = read_security(bytes)?;
    let mut check = Check {
        is_known,
        all_known: true,
    };
    walk_tree(bytes, root_at, limits, &mut check)?;
    Ok(check.all_known)
}

/// The descriptors, and where the root entry begins.
fn read_security(bytes: &[u8]) -> Result<(Vec<&[u8]>, usize)> {
    let what = "security data";
    let truncated = |need: u64| Error::Truncated {
        what,
        at: 0,
        need,
        have: bytes.len() as u64,
    };
    let head = bytes.first_chunk::<8>().ok_or_else(|| truncated(8))?;
    let [total, count] = [0, 4].map(|i| u32::from_le_bytes([head[i], head[i + 1], head[i + 2], head[i + 3]]));
    let total = total.max(8);
    let area = bytes
        .get(..total as usize)
        .ok_or_else(|| truncated(u64::from(total)))?;
    let sizes_end = u64::from(count) * 8 + 8;
    let sizes = usize::try_from(sizes_end).ok().and_then(|end| area.get(8..end));
    let corrupt = |found| Error::Corrupt {
        what,
        at: 0,
        found,
        expected: "descriptors within its stated size",
    };
    let sizes = sizes.ok_or_else(|| corrupt(format!("{count} descriptors in {total} bytes")))?;
    let mut rest = area.get(8 + sizes.len()..).unwrap_or_default();
    let mut descriptors = Vec::with_capacity(count as usize);
    for size in sizes.as_chunks::<8>().0 {
        let size = u64::from_le_bytes(*size);
        let (descriptor, tail) = usize::try_from(size)
            .ok()
            .and_then(|size| rest.split_at_checked(size))
            .ok_or_else(|| corrupt(format!("a descriptor of {size} bytes with {} left", rest.len())))?;
        descriptors.push(descriptor);
        rest = tail;
    }
    Ok((descriptors, align8(total as usize).unwrap_or(usize::MAX)))
}

/// A directory whose children are still to be read.
struct Pending {
    parent: DentryId,
    children_at: usize,
    depth: u32,
}

/// Is told of the entries of a tree: parents first, siblings in their order.
trait Visit {
    /// An entry, its number, and the directory that holds it.
    fn entry(&mut self, raw: &RawDentry<'_>, id: DentryId, parent: Option<DentryId>);
    /// Something of an entry was left out.
    fn dropped(&mut self, id: DentryId, what: &str);
}

/// Tells `visit` of all entries.
fn walk_tree(bytes: &[u8], root_at: usize, limits: &Limits, visit: &mut dyn Visit) -> Result<()> {
    let corrupt = |found: &str| Error::Corrupt {
        what: "root entry in metadata",
        at: root_at as u64,
        found: found.to_owned(),
        expected: "a directory without a name",
    };
    let root = read_dentry(bytes, root_at)?.ok_or_else(|| corrupt("an end mark"))?;
    if root.fixed.attributes & 0x10 == 0 {
        return Err(corrupt("no directory"));
    }
    let mut walk = Walk {
        bytes,
        limits,
        visit,
        count: 0,
        visited: HashSet::new(),
        // An entry may end with padding that is not there.
        unread_bytes: bytes.len().saturating_add(7),
    };
    let mut pending = Vec::new();
    let id = walk.entry(&root, None)?;
    if !root.name.is_empty() {
        walk.visit.dropped(id, "the root has a name; dropped");
    }
    walk.queue_children(&root, id, 1, root_at, &mut pending)?;
    while let Some(directory) = pending.pop() {
        walk.read_directory(&directory, &mut pending)?;
    }
    Ok(())
}

struct Walk<'a> {
    bytes: &'a [u8],
    limits: &'a Limits,
    visit: &'a mut dyn Visit,
    /// Number of entries so far.
    count: u32,
    /// Offsets of the child lists seen: each belongs to one directory.
    visited: HashSet<usize>,
    /// What is left for entries that do not overlap: lists within lists would take time and memory without bound.
    unread_bytes: usize,
}

impl Walk<'_> {
    fn entry(&mut self, raw: &RawDentry<'_>, parent: Option<DentryId>) -> Result<DentryId> {
        if self.count >= self.limits.max_dentries {
            return Err(Error::Limit {
                what: "directory entries of an image",
                asked: u64::from(self.count) + 1,
                limit: u64::from(self.limits.max_dentries),
            });
        }
        let id = DentryId(self.count);
        self.count = self.count.saturating_add(1);
        self.visit.entry(raw, id, parent);
        Ok(id)
    }

    fn queue_children(
        &mut self,
        raw: &RawDentry<'_>,
        id: DentryId,
        depth: u32,
        at: usize,
        pending: &mut Vec<Pending>,
    ) -> Result<()> {
        if raw.fixed.subdir_offset == 0 {
            return Ok(());
        }
        if raw.fixed.attributes & 0x10 == 0 {
            self.visit
                .dropped(id, "is no directory and has children; dropped");
            return Ok(());
        }
        let children_at = usize::try_from(raw.fixed.subdir_offset).unwrap_or(usize::MAX);
        if !self.visited.insert(children_at) {
            return Err(Error::Corrupt {
                what: "directory entry in metadata",
                at: at as u64,
                found: format!("children at {children_at:#x}, which another directory has"),
                expected: "a tree",
            });
        }
        if depth > self.limits.max_depth {
            return Err(Error::Limit {
                what: "depth of directories",
                asked: u64::from(depth),
                limit: u64::from(self.limits.max_depth),
            });
        }
        pending.push(Pending {
            parent: id,
            children_at,
            depth,
        });
        Ok(())
    }

    fn read_directory(&mut self, directory: &Pending, pending: &mut Vec<Pending>) -> Result<()> {
        let bytes = self.bytes;
        let mut names: HashSet<&[u8]> = HashSet::new();
        let first_pending = pending.len();
        let mut at = directory.children_at;
        while let Some(raw) = read_dentry(bytes, at)? {
            let here = at;
            at = raw.next;
            self.unread_bytes = self
                .unread_bytes
                .checked_sub(at - here)
                .ok_or_else(|| Error::Corrupt {
                    what: "directory entry in metadata",
                    at: here as u64,
                    found: "an entry that two directories have".to_owned(),
                    expected: "a tree",
                })?;
            let problem = if raw.name.is_empty() {
                Some("an entry without a name")
            } else if raw.name == b".\0" || raw.name == b".\0.\0" {
                Some("an entry named \".\" or \"..\"")
            } else if raw.name.chunks_exact(2).any(|unit| unit == [0, 0]) {
                Some("an entry whose name holds a NUL")
            } else if names.insert(raw.name) {
                None
            } else {
                Some("a second entry of the same name")
            };
            if let Some(problem) = problem {
                self.visit
                    .dropped(directory.parent, &format!("holds {problem}; dropped"));
                continue;
            }
            let id = self.entry(&raw, Some(directory.parent))?;
            self.queue_children(&raw, id, directory.depth + 1, here, pending)?;
        }
        // The last one pushed is read first: keep the order of the siblings.
        pending[first_pending..].reverse();
        Ok(())
    }
}

struct TreeReader<'a> {
    resolve: Resolve<'a>,
    image: Image,
    /// Inodes by hard-link group and hash of the main stream: old writers used group numbers again.
    links: HashMap<(u64, BlobHash), Vec<InodeId>>,
    /// Length of all warnings: paths of deep directories are long.
    warning_bytes: usize,
    is_warning_left_out: bool,
}

impl Visit for TreeReader<'_> {
    fn entry(&mut self, raw: &RawDentry<'_>, id: DentryId, parent: Option<DentryId>) {
        self.image.dentries.push(Dentry {
            name: if parent.is_some() {
                units(raw.name)
            } else {
                Box::default()
            },
            short_name: units(raw.short_name),
            parent: parent.unwrap_or(id),
            inode: InodeId(0),
            children: Vec::new(),
        });
        if let Some(parent) = parent {
            self.image.dentries[parent.0 as usize].children.push(id);
        }
        let inode = self.inode(raw, id);
        self.image.dentries[id.0 as usize].inode = inode;
    }

    fn dropped(&mut self, id: DentryId, what: &str) {
        self.warn_at(id, what);
    }
}

impl TreeReader<'_> {
    /// A new inode, or the one that the entry is another link of.
    fn inode(&mut self, raw: &RawDentry<'_>, id: DentryId) -> InodeId {
        let fixed = &raw.fixed;
        let mut inode = Inode {
            attributes: fixed.attributes,
            creation_time: fixed.creation_time,
            last_access_time: fixed.last_access_time,
            last_write_time: fixed.last_write_time,
            link_count: 1,
            ..Inode::default()
        };
        if let Some(dropped) = assign_streams(&mut inode, raw, self.resolve) {
            self.warn_at(id, dropped);
        }
        if raw.bad_tagged_items {
            self.warn_at(id, "has tagged items that exceed it; dropped");
        }
        let linked = !inode.is_reparse_point() && !inode.is_directory() && fixed.hard_link_group() != 0;
        let group = (
            fixed.hard_link_group(),
            inode.unnamed_data().map_or(BlobHash::ZERO, |s| s.hash),
        );
        if linked && let Some(candidates) = self.links.get(&group) {
            let same = |candidate: &&InodeId| {
                let other = &self.image.inodes[candidate.0 as usize];
                same_streams(&other.streams, &inode.streams)
            };
            if let Some(&found) = candidates.iter().find(same) {
                self.image.inodes[found.0 as usize].link_count += 1;
                return found;
            }
            self.warn_at(
                id,
                "shares a hard-link group with a file of other streams; kept apart",
            );
        }
        if inode.is_reparse_point() {
            let (tag, reserved, flags) = fixed.reparse();
            inode.reparse_tag = tag;
            inode.reparse_reserved = reserved;
            inode.reparse_fixed_up = flags & 1 == 0;
        }
        inode.security = u32::try_from(fixed.security_id).ok();
        if inode
            .security
            .is_some_and(|number| number as usize >= self.image.security_descriptors.len())
        {
            self.warn_at(id, "names a security descriptor that is not there; ignored");
            inode.security = None;
        }
        inode.tagged_items.clone_from(&raw.tagged_items);
        let number = InodeId(u32::try_from(self.image.inodes.len()).unwrap_or(u32::MAX));
        self.image.inodes.push(inode);
        if linked {
            let candidates = self.links.entry(group).or_default();
            if candidates.len() < 16 {
                candidates.push(number);
            }
        }
        number
    }

    fn warn_at(&mut self, id: DentryId, text: &str) {
        let count = self.image.warnings.len();
        if count < MAX_WARNINGS && self.warning_bytes < MAX_WARNING_BYTES {
            let warning = format!("{}: {text}", self.image.path_of(id));
            self.warning_bytes += warning.len();
            self.image.warnings.push(warning);
        } else if !self.is_warning_left_out {
            self.is_warning_left_out = true;
            self.image
                .warnings
                .push("further warnings are left out".to_owned());
        }
    }
}

fn same_streams(a: &[Stream], b: &[Stream]) -> bool {
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .all(|(a, b)| (a.kind, &a.name, a.hash) == (b.kind, &b.name, b.hash))
}

//! A directory of the host as source.

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{CaptureSource, symlink};
use crate::apply::TargetError;
use crate::image::{Dentry, DentryId, Image, Inode, InodeId, Stream, StreamKind};
use crate::path::{name_from_text, to_upper};
use crate::{BlobHash, Error};

const ATTRIBUTE_DIRECTORY: u32 = 0x10;
const ATTRIBUTE_NORMAL: u32 = 0x80;
const ATTRIBUTE_REPARSE_POINT: u32 = 0x400;
/// 100 ns units from 1601 to 1970.
const UNIX_EPOCH_FILETIME: u64 = 116_444_736_000_000_000;

/// Captures a directory of the host.
///
/// Kept: names (those that [`name_to_text`](crate::path::name_to_text) escaped become what they were), data,
/// hard links, symbolic links (as reparse points; absolute targets are put on drive `C:`, and those inside the
/// captured tree are taken relative to it, as wimlib's "rpfix" does), and the time of the
/// last modification, which stands for all three times: others change when a tree is copied or read, and the
/// same tree shall give the same image. Files have the attribute "normal". Owners, modes, extended attributes
/// are not kept; sockets, pipes and devices are left out with a warning.
#[derive(Debug)]
pub struct DirectorySource {
    root: PathBuf,
    /// Where the root will be in the image, from `/`.
    place: PathBuf,
    /// Path of each inode's first name.
    paths: Vec<PathBuf>,
    /// Reparse data by inode.
    links: HashMap<u32, Vec<u8>>,
}

impl DirectorySource {
    /// Of the directory at `root`, or of a single file for [`Edit::Add`](super::Edit::Add); a link is followed there,
    /// and nowhere else.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            place: PathBuf::from("/"),
            paths: Vec::new(),
            links: HashMap::new(),
        }
    }

    /// For [`Edit::Add`](super::Edit::Add): absolute links within the tree lead to where its root will be, a path of
    /// the image.
    #[must_use]
    pub fn placed_at(self, path: &str) -> Self {
        let names = path.split(['\\', '/']).filter(|name| !name.is_empty());
        Self {
            place: std::iter::once("/").chain(names).collect(),
            ..self
        }
    }

    /// An absolute target within the captured tree, as seen from the root of the image.
    fn inside(&self, target: &Path) -> Option<PathBuf> {
        let real = fs::canonicalize(&self.root);
        let roots = [std::path::absolute(&self.root), real];
        let mut below = roots
            .iter()
            .flatten()
            .filter_map(|root| target.strip_prefix(root).ok());
        Some(self.place.join(below.next()?).components().collect())
    }

    fn add(&mut self, image: &mut Image, inode: Inode, path: &Path) -> InodeId {
        let id = InodeId(u32::try_from(image.inodes.len()).unwrap_or(u32::MAX));
        image.inodes.push(inode);
        self.paths.push(path.to_owned());
        id
    }

    fn inode(
        &mut self,
        image: &mut Image,
        path: &Path,
        metadata: &Metadata,
    ) -> Result<Option<InodeId>, TargetError> {
        let time = filetime(metadata);
        let mut inode = Inode {
            creation_time: time,
            last_access_time: time,
            last_write_time: time,
            ..Inode::default()
        };
        let stream = |kind, size_bytes| Stream {
            kind,
            name: Box::default(),
            hash: BlobHash::ZERO,
            blob: None,
            size_bytes,
        };
        let kind = metadata.file_type();
        if kind.is_dir() {
            inode.attributes = ATTRIBUTE_DIRECTORY;
        } else if kind.is_file() {
            inode.attributes = ATTRIBUTE_NORMAL;
            inode.streams.push(stream(StreamKind::Data, metadata.len()));
        } else if kind.is_symlink() {
            let target = fs::read_link(path).map_err(|e| at(path, e))?;
            // Wherever the tree is applied, the link leads to the same file of it.
            let inside = self.inside(&target);
            inode.reparse_fixed_up = inside.is_some();
            let target = inside.unwrap_or(target);
            let data = target.to_str().and_then(symlink::reparse_data).ok_or_else(|| {
                let reason = format!(
                    "{}: its target is no text, or too long for Windows",
                    path.display()
                );
                Error::Invalid {
                    what: "symbolic link",
                    reason,
                }
            })?;
            inode.attributes = ATTRIBUTE_REPARSE_POINT;
            if fs::metadata(path).is_ok_and(|target| target.is_dir()) {
                inode.attributes |= ATTRIBUTE_DIRECTORY;
            }
            inode.reparse_tag = symlink::TAG;
            inode
                .streams
                .push(stream(StreamKind::ReparsePoint, data.len() as u64));
            let id = self.add(image, inode, path);
            self.links.insert(id.0, data);
            return Ok(Some(id));
        } else {
            image.warnings.push(format!(
                "{}: a socket, pipe or device is left out",
                path.display()
            ));
            return Ok(None);
        }
        Ok(Some(self.add(image, inode, path)))
    }
}

impl CaptureSource for DirectorySource {
    fn tree(&mut self) -> Result<Image, TargetError> {
        let mut image = Image::default();
        self.paths.clear();
        self.links.clear();
        let root = self.root.clone();
        let metadata = fs::metadata(&root).map_err(|e| at(&root, e))?;
        let Some(inode) = self.inode(&mut image, &root, &metadata)? else {
            return Ok(image);
        };
        add_name(&mut image, Box::default(), None, inode);
        if !metadata.is_dir() {
            return Ok(image);
        }
        let mut hard_links: HashMap<(u64, u64), InodeId> = HashMap::new();
        let mut pending = vec![(Image::ROOT, root)];
        while let Some((parent, path)) = pending.pop() {
            let first = pending.len();
            for (name, path) in sorted_entries(&path)? {
                let metadata = fs::symlink_metadata(&path).map_err(|e| at(&path, e))?;
                let link = link_key(&metadata);
                let known = link.and_then(|key| hard_links.get(&key).copied());
                let inode = match known {
                    Some(inode) => inode,
                    None => match self.inode(&mut image, &path, &metadata)? {
                        Some(inode) => inode,
                        None => continue,
                    },
                };
                if let Some(key) = link {
                    hard_links.insert(key, inode);
                }
                let id = add_name(&mut image, name, Some(parent), inode);
                if metadata.is_dir() {
                    pending.push((id, path));
                }
            }
            pending[first..].reverse();
        }
        Ok(image)
    }

    fn open(&mut self, inode: InodeId, _: usize) -> Result<Box<dyn Read + '_>, TargetError> {
        if let Some(data) = self.links.get(&inode.0) {
            return Ok(Box::new(Cursor::new(data)));
        }
        let path = self
            .paths
            .get(inode.0 as usize)
            .map_or(self.root.as_path(), PathBuf::as_path);
        Ok(Box::new(File::open(path).map_err(|e| at(path, e))?))
    }

    fn name_of(&self, inode: InodeId) -> String {
        self.paths
            .get(inode.0 as usize)
            .unwrap_or(&self.root)
            .display()
            .to_string()
    }
}

/// A name as Windows has it, and the path on the host.
type HostEntry = (Box<[u16]>, PathBuf);

/// The entries of a directory, ordered as Windows orders names.
fn sorted_entries(path: &Path) -> Result<Vec<HostEntry>, TargetError> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(path).map_err(|e| at(path, e))? {
        let path = entry.map_err(|e| at(path, e))?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .map(name_from_text)
            .ok_or_else(|| {
                let reason = format!("{}: the name is not UTF-8", path.display());
                Error::Invalid { what: "name", reason }
            })?;
        entries.push((name.into_boxed_slice(), path));
    }
    let folded = |name: &[u16]| name.iter().map(|&unit| to_upper(unit)).collect::<Vec<_>>();
    entries.sort_by_cached_key(|(name, _)| (folded(name), name.clone()));
    Ok(entries)
}

fn add_name(image: &mut Image, name: Box<[u16]>, parent: Option<DentryId>, inode: InodeId) -> DentryId {
    let id = DentryId(u32::try_from(image.dentries.len()).unwrap_or(u32::MAX));
    if let Some(parent) = parent {
        image.dentries[parent.0 as usize].children.push(id);
    }
    image.inodes[inode.0 as usize].link_count += 1;
    let parent = parent.unwrap_or(id);
    image.dentries.push(Dentry {
        name,
        short_name: Box::default(),
        parent,
        inode,
        children: Vec::new(),
    });
    id
}

/// What names the same file, when it has several names.
#[cfg(unix)]
fn link_key(metadata: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    (metadata.is_file() && metadata.nlink() > 1).then(|| (metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn link_key(_: &Metadata) -> Option<(u64, u64)> {
    None
}

/// Last modification; times before 1601 become 0.
fn filetime(metadata: &Metadata) -> u64 {
    let ticks = |duration: std::time::Duration| u64::try_from(duration.as_nanos() / 100).unwrap_or(0);
    match metadata
        .modified()
        .map(|time| time.duration_since(SystemTime::UNIX_EPOCH))
    {
        Ok(Ok(after)) => UNIX_EPOCH_FILETIME.saturating_add(ticks(after)),
        Ok(Err(before)) => UNIX_EPOCH_FILETIME.saturating_sub(ticks(before.duration())),
        Err(_) => 0,
    }
}

/// A failure with the host path.
fn at(path: &Path, source: std::io::Error) -> TargetError {
    std::io::Error::new(source.kind(), format!("{}: {source}", path.display())).into()
}

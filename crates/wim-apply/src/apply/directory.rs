//! A directory of the host as target.

use std::collections::HashMap;
use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::reparse::relative_symlink_target;
use super::{ApplyTarget, BlobInfo, BlobSink, Features, Form, TargetError};
use crate::image::{DentryId, Image, Inode, StreamKind};
use crate::path::name_to_text;
use crate::{BlobId, Error};

/// 100 ns units from 1601 to 1970.
const UNIX_EPOCH_FILETIME: u64 = 116_444_736_000_000_000;
/// Largest reparse data that Windows allows.
const MAX_REPARSE_BYTES: u64 = 16 << 10;

/// Applies an image to a directory.
///
/// Kept: names, data, hard links, last-write times, relative symbolic links. A name that the host cannot hold
/// (unpaired surrogates, `/`) is escaped as [`name_to_text`] says. Junctions, absolute links and other reparse
/// points become empty directories or files. Everything else is lost: see [`Features`] and
/// [`loss_report`](super::loss_report).
///
/// Files and directories are made new under the target and links last of all, so nothing is ever written
/// through a link, and nothing outside the target. Existing files are never replaced.
#[derive(Debug)]
pub struct DirectoryTarget {
    root: PathBuf,
    into_existing: bool,
    /// Host path of each dentry that files are made at: one for each inode, by inode.
    paths: Vec<Option<PathBuf>>,
    /// Blobs and the inodes that hold them, sorted.
    uses: Vec<(BlobId, u32)>,
    times: Vec<u64>,
    /// Reparse data by inode.
    reparse: HashMap<u32, Vec<u8>>,
    current: Option<Current>,
}

#[derive(Debug)]
struct Current {
    file: Option<(File, PathBuf)>,
    reparse: Vec<u8>,
    has_reparse: bool,
}

impl DirectoryTarget {
    /// A target that must be an empty directory, or not exist yet.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            into_existing: false,
            paths: Vec::new(),
            uses: Vec::new(),
            times: Vec::new(),
            reparse: HashMap::new(),
            current: None,
        }
    }

    /// Accepts a directory with content. Directories are shared with what is there; a file or link of the
    /// same name is an error.
    #[must_use]
    pub fn into_existing(mut self) -> Self {
        self.into_existing = true;
        self
    }

    fn prepare_root(&self) -> Result<(), TargetError> {
        fs::create_dir_all(&self.root).map_err(|e| at(&self.root, e))?;
        let mut entries = fs::read_dir(&self.root).map_err(|e| at(&self.root, e))?;
        if !self.into_existing && entries.next().is_some() {
            let reason = "it is not empty".to_owned();
            return Err(Error::Invalid {
                what: "target directory",
                reason,
            }
            .into());
        }
        Ok(())
    }

    fn make_directory(&self, path: &Path) -> Result<(), TargetError> {
        match fs::create_dir(path) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && self.into_existing => {
                let real = fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
                if real { Ok(()) } else { Err(at(path, error)) }
            }
            other => other.map_err(|e| at(path, e)),
        }
    }

    fn inodes_of(&self, blob: BlobId) -> impl Iterator<Item = u32> {
        let start = self.uses.partition_point(|(id, _)| *id < blob);
        self.uses[start..]
            .iter()
            .take_while(move |(id, _)| *id == blob)
            .map(|(_, inode)| *inode)
    }

    fn set_time(&self, inode: u32, file: &File) -> std::io::Result<()> {
        match self.times.get(inode as usize).and_then(|time| system_time(*time)) {
            Some(time) => file.set_times(FileTimes::new().set_modified(time)),
            None => Ok(()),
        }
    }

    fn host_path(&self, image: &Image, id: DentryId, directories: &[Option<PathBuf>]) -> Option<PathBuf> {
        let dentry = image.dentries.get(id.0 as usize)?;
        let parent = directories.get(dentry.parent.0 as usize)?.as_ref()?;
        Some(parent.join(name_to_text(&dentry.name)))
    }
}

impl BlobSink for DirectoryTarget {
    fn begin_blob(&mut self, blob: &BlobInfo, _: Form, _: u64) -> Result<(), TargetError> {
        let mut file = None;
        let mut has_reparse = false;
        for inode in self.inodes_of(blob.id) {
            match self.paths.get(inode as usize) {
                Some(Some(path)) if file.is_none() => {
                    let new = OpenOptions::new().write(true).create_new(true).open(path);
                    file = Some((new.map_err(|e| at(path, e))?, path.clone()));
                }
                Some(Some(_)) => {}
                _ => has_reparse = true,
            }
        }
        has_reparse &= blob.size_bytes <= MAX_REPARSE_BYTES;
        self.current = Some(Current {
            file,
            reparse: Vec::new(),
            has_reparse,
        });
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), TargetError> {
        let Some(current) = &mut self.current else {
            return Ok(());
        };
        if current.has_reparse {
            current.reparse.extend_from_slice(bytes);
        }
        if let Some((file, path)) = &mut current.file {
            file.write_all(bytes).map_err(|e| at(path, e))?;
        }
        Ok(())
    }

    fn end_blob(&mut self, blob: &BlobInfo) -> Result<(), TargetError> {
        let Some(current) = self.current.take() else {
            return Ok(());
        };
        let inodes: Vec<u32> = self.inodes_of(blob.id).collect();
        for inode in inodes {
            let Some(Some(path)) = self.paths.get(inode as usize) else {
                self.reparse.insert(inode, current.reparse.clone());
                continue;
            };
            let Some((file, first)) = &current.file else {
                continue;
            };
            if path == first {
                self.set_time(inode, file).map_err(|e| at(path, e))?;
                continue;
            }
            let mut from = File::open(first).map_err(|e| at(first, e))?;
            let to = OpenOptions::new().write(true).create_new(true).open(path);
            let mut to = to.map_err(|e| at(path, e))?;
            std::io::copy(&mut from, &mut to).map_err(|e| at(path, e))?;
            self.set_time(inode, &to).map_err(|e| at(path, e))?;
        }
        Ok(())
    }
}

impl ApplyTarget for DirectoryTarget {
    fn features(&self) -> Features {
        Features {
            hard_links: true,
            symbolic_links: cfg!(unix),
            timestamps: true,
            case_sensitive_names: true,
            ..Features::default()
        }
    }

    fn begin(&mut self, image: &Image) -> Result<(), TargetError> {
        self.prepare_root()?;
        self.times = image.inodes.iter().map(|inode| inode.last_write_time).collect();
        self.paths = vec![None; image.inodes.len()];
        let directories = self.make_directories(image)?;
        for (number, inode) in image.inodes.iter().enumerate() {
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            for stream in inode.streams.iter().filter(|stream| stream.name.is_empty()) {
                if let Some(blob) = stream.blob
                    && is_wanted(inode, stream.kind)
                {
                    self.uses.push((blob, number));
                }
            }
        }
        self.uses.sort_unstable();
        self.uses.dedup();
        // The first name of each file; the others become links to it in the end.
        for (id, dentry) in image.walk(Image::ROOT) {
            let inode = &image.inodes[dentry.inode.0 as usize];
            let path = &mut self.paths[dentry.inode.0 as usize];
            if inode.is_directory() || is_symlink(inode) || path.is_some() {
                continue;
            }
            let host = self.host_path(image, id, &directories);
            self.paths[dentry.inode.0 as usize] = host;
            let has_data = inode
                .streams
                .iter()
                .any(|s| s.name.is_empty() && s.blob.is_some() && is_wanted(inode, s.kind));
            if let (false, Some(Some(path))) = (has_data, self.paths.get(dentry.inode.0 as usize)) {
                let file = OpenOptions::new().write(true).create_new(true).open(path);
                let file = file.map_err(|e| at(path, e))?;
                self.set_time(dentry.inode.0, &file).map_err(|e| at(path, e))?;
            }
        }
        Ok(())
    }

    fn finish(&mut self, image: &Image) -> Result<(), TargetError> {
        let directories = self.directory_paths(image);
        let mut first = vec![true; image.inodes.len()];
        for (id, dentry) in image.walk(Image::ROOT) {
            let number = dentry.inode.0 as usize;
            let inode = &image.inodes[number];
            let Some(path) = self.host_path(image, id, &directories) else {
                continue;
            };
            if is_symlink(inode) && id != Image::ROOT {
                self.make_symlink(dentry.inode.0, inode, &path)?;
            } else if !inode.is_directory()
                && !std::mem::replace(&mut first[number], false)
                && let Some(Some(original)) = self.paths.get(number)
            {
                fs::hard_link(original, &path).map_err(|e| at(&path, e))?;
            }
        }
        // Last, and children before parents: making entries changes the time of a directory.
        for (number, dentry) in image.dentries.iter().enumerate().rev() {
            if let Some(Some(path)) = directories.get(number) {
                let directory = File::open(path).map_err(|e| at(path, e))?;
                self.set_time(dentry.inode.0, &directory)
                    .map_err(|e| at(path, e))?;
            }
        }
        Ok(())
    }
}

impl DirectoryTarget {
    /// Host path of every directory, by dentry; symbolic links to directories are not among them.
    fn directory_paths(&self, image: &Image) -> Vec<Option<PathBuf>> {
        let mut directories: Vec<Option<PathBuf>> = vec![None; image.dentries.len()];
        for (number, dentry) in image.dentries.iter().enumerate() {
            let inode = &image.inodes[dentry.inode.0 as usize];
            if number == 0 {
                directories[0] = Some(self.root.clone());
            } else if inode.is_directory() && !is_symlink(inode) {
                let id = DentryId(u32::try_from(number).unwrap_or(u32::MAX));
                directories[number] = self.host_path(image, id, &directories);
            }
        }
        directories
    }

    fn make_directories(&self, image: &Image) -> Result<Vec<Option<PathBuf>>, TargetError> {
        let directories = self.directory_paths(image);
        for path in directories.iter().skip(1).flatten() {
            self.make_directory(path)?;
        }
        Ok(directories)
    }

    #[cfg(unix)]
    fn make_symlink(&self, number: u32, inode: &Inode, path: &Path) -> Result<(), TargetError> {
        let target = self
            .reparse
            .get(&number)
            .and_then(|data| relative_symlink_target(data));
        let made = match target {
            Some(target) => std::os::unix::fs::symlink(target, path),
            None if inode.is_directory() => fs::create_dir(path),
            None => OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(path)
                .map(|_| ()),
        };
        made.map_err(|e| at(path, e))
    }

    #[cfg(not(unix))]
    fn make_symlink(&self, _: u32, inode: &Inode, path: &Path) -> Result<(), TargetError> {
        let made = if inode.is_directory() {
            fs::create_dir(path)
        } else {
            OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(path)
                .map(|_| ())
        };
        made.map_err(|e| at(path, e))
    }
}

fn is_symlink(inode: &Inode) -> bool {
    inode.is_reparse_point() && inode.reparse_tag == super::loss::IO_REPARSE_TAG_SYMLINK
}

/// Whether a stream becomes a file's content, or a link's target.
fn is_wanted(inode: &Inode, kind: StreamKind) -> bool {
    match kind {
        StreamKind::Data => !inode.is_directory() && !is_symlink(inode),
        StreamKind::ReparsePoint => is_symlink(inode),
        StreamKind::EfsRaw => false,
    }
}

fn system_time(filetime: u64) -> Option<SystemTime> {
    let ticks = filetime.checked_sub(UNIX_EPOCH_FILETIME)?;
    let nanos = u32::try_from(ticks % 10_000_000).ok()? * 100;
    SystemTime::UNIX_EPOCH.checked_add(Duration::new(ticks / 10_000_000, nanos))
}

/// A failure with the host path.
fn at(path: &Path, source: std::io::Error) -> TargetError {
    std::io::Error::new(source.kind(), format!("{}: {source}", path.display())).into()
}

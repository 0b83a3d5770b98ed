//! A directory of the host as target.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::directory_files::{Files, at, new_file, set_time};
use super::reparse::relative_symlink_target;
use super::{ApplyTarget, BlobInfo, BlobSink, Features, Form, ParallelSink, TargetError};
use crate::Error;
use crate::image::{Dentry, Image, Inode, Stream, StreamKind};
use crate::path::name_to_text;

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
    /// Host path of each directory, and its number there, by dentry.
    directories: Arc<Vec<PathBuf>>,
    directory_numbers: Vec<u32>,
    files: Arc<Files>,
    /// The blob that comes now, and how much of it came.
    current: Option<(BlobInfo, u64)>,
}

/// Of what is no directory.
const NO_DIRECTORY: u32 = u32::MAX;

impl DirectoryTarget {
    /// A target that must be an empty directory, or not exist yet.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            into_existing: false,
            directories: Arc::default(),
            directory_numbers: Vec::new(),
            files: Arc::default(),
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

    /// Number of the directory that holds an entry, when it was made.
    fn parent_of(&self, dentry: &Dentry) -> Option<u32> {
        let number = *self.directory_numbers.get(dentry.parent.0 as usize)?;
        (number != NO_DIRECTORY).then_some(number)
    }

    fn host_path(&self, dentry: &Dentry) -> Option<PathBuf> {
        let parent = self.directories.get(self.parent_of(dentry)? as usize)?;
        Some(parent.join(name_to_text(&dentry.name)))
    }
}

impl BlobSink for DirectoryTarget {
    fn parallel(&self) -> Option<Arc<dyn ParallelSink>> {
        Some(Arc::<Files>::clone(&self.files))
    }

    fn begin_blob(&mut self, blob: &BlobInfo, _: Form, _: u64) -> Result<(), TargetError> {
        self.current = Some((*blob, 0));
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), TargetError> {
        let Some((blob, start)) = &mut self.current else {
            return Ok(());
        };
        self.files.put(blob, *start, bytes)?;
        *start = start.saturating_add(bytes.len() as u64);
        Ok(())
    }

    fn end_blob(&mut self, _: &BlobInfo) -> Result<(), TargetError> {
        self.current = None;
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
        self.make_directories(image)?;
        let mut files = Files::new(image.inodes.len(), Arc::clone(&self.directories));
        for (number, inode) in (0_u32..).zip(&image.inodes) {
            let wanted = |stream: &&Stream| stream.name.is_empty() && is_wanted(inode, stream.kind);
            for blob in inode.streams.iter().filter(wanted).filter_map(|s| s.blob) {
                files.add_use(blob, number);
            }
        }
        files.sort_uses();
        // The first name of each file; the others become links to it in the end.
        for (_, dentry) in image.walk(Image::ROOT) {
            let number = dentry.inode.0;
            let inode = &image.inodes[number as usize];
            if inode.is_directory() || is_symlink(inode) || files.has_place(number) {
                continue;
            }
            let Some(parent) = self.parent_of(dentry) else {
                continue;
            };
            files.add_place(number, parent, &name_to_text(&dentry.name), inode.last_write_time);
            let has_data = inode
                .streams
                .iter()
                .any(|s| s.name.is_empty() && s.blob.is_some() && is_wanted(inode, s.kind));
            if !has_data {
                files.write_whole(number, &[])?;
            }
        }
        self.files = Arc::new(files);
        Ok(())
    }

    fn finish(&mut self, image: &Image) -> Result<(), TargetError> {
        let mut first = vec![true; image.inodes.len()];
        for (id, dentry) in image.walk(Image::ROOT) {
            let number = dentry.inode.0;
            let inode = &image.inodes[number as usize];
            let is_symlink = is_symlink(inode) && id != Image::ROOT;
            if !is_symlink && inode.is_directory() {
                continue;
            }
            let Some(path) = self.host_path(dentry) else {
                continue;
            };
            // The first name that has a place is where the data went.
            if !is_symlink && std::mem::replace(&mut first[number as usize], false) {
                continue;
            }
            if is_symlink {
                self.make_symlink(number, inode, &path)?;
            } else if let Some(original) = self.files.path(number) {
                fs::hard_link(original, &path).map_err(|e| at(&path, e))?;
            }
        }
        // Last, and children before parents: making entries changes the time of a directory.
        for (dentry, &number) in image.dentries.iter().zip(&self.directory_numbers).rev() {
            if let Some(path) = self.directories.get(number as usize) {
                let directory = File::open(path).map_err(|e| at(path, e))?;
                let time = image.inodes[dentry.inode.0 as usize].last_write_time;
                set_time(&directory, time).map_err(|e| at(path, e))?;
            }
        }
        Ok(())
    }
}

impl DirectoryTarget {
    /// Makes every directory; symbolic links to directories are not among them.
    fn make_directories(&mut self, image: &Image) -> Result<(), TargetError> {
        let mut directories: Vec<PathBuf> = Vec::new();
        self.directory_numbers = vec![NO_DIRECTORY; image.dentries.len()];
        for (number, dentry) in image.dentries.iter().enumerate() {
            let inode = &image.inodes[dentry.inode.0 as usize];
            let path = if number == 0 {
                self.root.clone()
            } else if inode.is_directory() && !is_symlink(inode) {
                let parent = self.parent_of(dentry).and_then(|n| directories.get(n as usize));
                let Some(parent) = parent else { continue };
                let path = parent.join(name_to_text(&dentry.name));
                self.make_directory(&path)?;
                path
            } else {
                continue;
            };
            self.directory_numbers[number] = u32::try_from(directories.len()).unwrap_or(NO_DIRECTORY);
            directories.push(path);
        }
        self.directories = Arc::new(directories);
        Ok(())
    }

    #[cfg(unix)]
    fn make_symlink(&self, number: u32, inode: &Inode, path: &Path) -> Result<(), TargetError> {
        let target = self.files.reparse_data(number);
        let target = target.and_then(|data| relative_symlink_target(&data));
        let made = match target {
            Some(target) => std::os::unix::fs::symlink(target, path),
            None if inode.is_directory() => fs::create_dir(path),
            None => new_file(path).map(|_| ()),
        };
        made.map_err(|e| at(path, e))
    }

    #[cfg(not(unix))]
    fn make_symlink(&self, _: u32, inode: &Inode, path: &Path) -> Result<(), TargetError> {
        let made = if inode.is_directory() {
            fs::create_dir(path)
        } else {
            new_file(path).map(|_| ())
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

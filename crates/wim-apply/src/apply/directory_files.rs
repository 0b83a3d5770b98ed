//! The files of a directory target: where each is made, and writing their data from several threads.

use std::collections::HashMap;
use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::directory_links::LinkData;
use super::directory_replace::Replacements;
use super::directory_tree::{Place, Tree};
use super::{BlobInfo, ParallelSink, TargetError};
use crate::BlobId;

/// 100 ns units from 1601 to 1970.
const UNIX_EPOCH_FILETIME: u64 = 116_444_736_000_000_000;

/// What is written where.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub(super) tree: Tree,
    /// By inode. `None` for directories and links.
    files: Vec<Option<HostFile>>,
    /// Further names of files, by inode.
    more_names: Vec<(u32, Place)>,
    /// Blobs and the files that hold them.
    uses: Vec<(BlobId, u32)>,
    /// Files without data.
    empty: Vec<u32>,
    pub(super) link_data: LinkData,
    /// When files that are there already are to be replaced.
    pub(super) replacements: Option<Replacements>,
    /// Files whose blob comes in parts.
    open: Mutex<HashMap<BlobId, Arc<OpenFile>>>,
}

#[derive(Clone, Debug)]
struct HostFile {
    /// Of its first name.
    place: Place,
    last_write_time: u64,
}

/// Where a file is made.
#[derive(Debug)]
pub(super) struct Spot {
    pub(super) path: PathBuf,
    /// It is not the path of its name, which is taken.
    pub(super) is_beside: bool,
}

#[derive(Debug)]
struct OpenFile {
    file: File,
    path: PathBuf,
    inode: u32,
    left_bytes: Mutex<u64>,
}

impl Files {
    pub(super) fn new(tree: Tree, inodes: usize) -> Self {
        Self {
            tree,
            files: vec![None; inodes],
            ..Self::default()
        }
    }

    /// A name of a file. With its first name come the blob that it holds and its time.
    pub(super) fn add_name(&mut self, inode: u32, place: Place, blob: Option<BlobId>, last_write_time: u64) {
        match self.files.get_mut(inode as usize) {
            Some(file @ None) => {
                *file = Some(HostFile {
                    place,
                    last_write_time,
                });
                match blob {
                    Some(blob) => self.uses.push((blob, inode)),
                    None => self.empty.push(inode),
                }
            }
            _ => self.more_names.push((inode, place)),
        }
    }

    /// After the last name was added.
    pub(super) fn sort(&mut self) {
        self.tree.shrink();
        self.uses.sort_unstable();
        self.uses.shrink_to_fit();
        // Stable: names are made in the order in which they came.
        self.more_names.sort_by_key(|(inode, _)| *inode);
        self.more_names.shrink_to_fit();
        self.link_data.sort();
    }

    /// Where to make the file of a name: there, or beside the file that it replaces.
    pub(super) fn spot(&self, place: &Place) -> Result<Spot, TargetError> {
        let path = self.tree.path_in_made(place)?;
        let beside = match &self.replacements {
            Some(replacements) => replacements.beside(&path, place)?,
            None => None,
        };
        Ok(Spot {
            is_beside: beside.is_some(),
            path: beside.unwrap_or(path),
        })
    }

    /// A name is made, unless it still waits beside another.
    pub(super) fn is_made(&self, spot: &Spot, place: &Place) -> Result<(), TargetError> {
        if spot.is_beside {
            return Ok(());
        }
        self.tree.entry_is_made(place)
    }

    /// Everything was delivered and made: replaces what was there before.
    pub(super) fn finish(&self) -> Result<(), TargetError> {
        if let Some(replacements) = &self.replacements {
            replacements.finish(&self.tree)?;
        }
        self.tree.finish()
    }

    fn file(&self, inode: u32) -> Option<&HostFile> {
        self.files.get(inode as usize)?.as_ref()
    }

    /// Makes the files that hold nothing.
    pub(super) fn make_empty(&self) -> Result<(), TargetError> {
        self.empty
            .iter()
            .try_for_each(|inode| self.write_whole(*inode, &[]))
    }

    /// Makes the file of an inode, complete.
    fn write_whole(&self, inode: u32, bytes: &[u8]) -> Result<(), TargetError> {
        let Some(file) = self.file(inode) else {
            return Ok(());
        };
        let spot = self.spot(&file.place)?;
        let write = || -> std::io::Result<()> {
            let mut to = new_file(&spot.path)?;
            to.write_all(bytes)?;
            set_time(&to, file.last_write_time)
        };
        write().map_err(|e| at(&spot.path, e))?;
        self.is_made(&spot, &file.place)?;
        self.link_names(inode, &spot.path)
    }

    /// Makes the other names of a file that is complete.
    fn link_names(&self, inode: u32, original: &Path) -> Result<(), TargetError> {
        let start = self.more_names.partition_point(|(other, _)| *other < inode);
        let names = self.more_names[start..]
            .iter()
            .take_while(|(other, _)| *other == inode);
        for (_, place) in names {
            let spot = self.spot(place)?;
            fs::hard_link(original, &spot.path).map_err(|e| at(&spot.path, e))?;
            self.is_made(&spot, place)?;
        }
        Ok(())
    }

    fn inodes_of(&self, blob: BlobId) -> impl Iterator<Item = u32> {
        let start = self.uses.partition_point(|(id, _)| *id < blob);
        self.uses[start..]
            .iter()
            .take_while(move |(id, _)| *id == blob)
            .map(|(_, inode)| *inode)
    }

    /// The file that the parts of a blob go to: the first that holds it.
    fn open_file(&self, blob: &BlobInfo) -> Result<Option<Arc<OpenFile>>, TargetError> {
        let mut open = lock(&self.open);
        if let Some(file) = open.get(&blob.id) {
            return Ok(Some(Arc::clone(file)));
        }
        let first = self.inodes_of(blob.id).next();
        let Some((inode, host)) = first.and_then(|inode| Some((inode, self.file(inode)?))) else {
            return Ok(None);
        };
        let spot = self.spot(&host.place)?;
        let to = new_file(&spot.path).map_err(|e| at(&spot.path, e))?;
        self.is_made(&spot, &host.place)?;
        let file = Arc::new(OpenFile {
            file: to,
            path: spot.path,
            inode,
            left_bytes: Mutex::new(blob.size_bytes),
        });
        open.insert(blob.id, Arc::clone(&file));
        Ok(Some(file))
    }

    /// All parts of a blob were written: the time and names of its file, and the other files that hold it.
    fn complete(&self, blob: BlobId, written: &OpenFile) -> Result<(), TargetError> {
        let first = &written.path;
        let time = self.file(written.inode).map_or(0, |file| file.last_write_time);
        set_time(&written.file, time).map_err(|e| at(first, e))?;
        self.link_names(written.inode, first)?;
        for inode in self.inodes_of(blob).filter(|inode| *inode != written.inode) {
            let Some(file) = self.file(inode) else { continue };
            let spot = self.spot(&file.place)?;
            let mut from = File::open(first).map_err(|e| at(first, e))?;
            let mut copy = || -> std::io::Result<()> {
                let mut to = new_file(&spot.path)?;
                std::io::copy(&mut from, &mut to)?;
                set_time(&to, file.last_write_time)
            };
            copy().map_err(|e| at(&spot.path, e))?;
            self.is_made(&spot, &file.place)?;
            self.link_names(inode, &spot.path)?;
        }
        Ok(())
    }
}

impl ParallelSink for Files {
    fn put(&self, blob: &BlobInfo, start: u64, bytes: &[u8]) -> Result<(), TargetError> {
        self.link_data.put(blob, start, bytes)?;
        if bytes.len() as u64 == blob.size_bytes {
            let mut inodes = self.inodes_of(blob.id);
            return inodes.try_for_each(|inode| self.write_whole(inode, bytes));
        }
        let Some(open) = self.open_file(blob)? else {
            return Ok(());
        };
        open.write_at(bytes, start).map_err(|e| at(&open.path, e))?;
        let mut left = lock(&open.left_bytes);
        *left = left.saturating_sub(bytes.len() as u64);
        if *left == 0 {
            lock(&self.open).remove(&blob.id);
            self.complete(blob.id, &open)?;
        }
        Ok(())
    }
}

impl OpenFile {
    #[cfg(unix)]
    fn write_at(&self, bytes: &[u8], start: u64) -> std::io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(&self.file, bytes, start)
    }

    #[cfg(not(unix))]
    fn write_at(&self, bytes: &[u8], start: u64) -> std::io::Result<()> {
        use std::io::{Seek, SeekFrom};
        // The position of the file is shared.
        let _alone = lock(&self.left_bytes);
        let mut file = &self.file;
        file.seek(SeekFrom::Start(start))?;
        file.write_all(bytes)
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A file that must not be there yet.
pub(super) fn new_file(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// Sets the time of the last write, a FILETIME; one before 1970 is left out.
pub(super) fn set_time(file: &File, filetime: u64) -> std::io::Result<()> {
    match system_time(filetime) {
        Some(time) => file.set_times(FileTimes::new().set_modified(time)),
        None => Ok(()),
    }
}

fn system_time(filetime: u64) -> Option<SystemTime> {
    let ticks = filetime.checked_sub(UNIX_EPOCH_FILETIME)?;
    let nanos = u32::try_from(ticks % 10_000_000).ok()? * 100;
    SystemTime::UNIX_EPOCH.checked_add(Duration::new(ticks / 10_000_000, nanos))
}

/// A failure with the host path.
pub(super) fn at(path: &Path, source: std::io::Error) -> TargetError {
    std::io::Error::new(source.kind(), format!("{}: {source}", path.display())).into()
}

//! The files of a directory target: where each is made, and writing their data from several threads.

use std::collections::HashMap;
use std::fs::{File, FileTimes, OpenOptions};
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::{BlobInfo, ParallelSink, TargetError};
use crate::BlobId;

/// 100 ns units from 1601 to 1970.
const UNIX_EPOCH_FILETIME: u64 = 116_444_736_000_000_000;
/// Largest reparse data that Windows allows.
const MAX_REPARSE_BYTES: u64 = 16 << 10;

/// What is written where.
#[derive(Debug, Default)]
pub(super) struct Files {
    directories: Arc<Vec<PathBuf>>,
    /// By inode: where its first name is made. `None` for directories and symbolic links.
    places: Vec<Option<Place>>,
    /// The names of all places, one after the other.
    names: String,
    /// Blobs and the inodes that hold them, sorted.
    uses: Vec<(BlobId, u32)>,
    /// Reparse data by inode.
    reparse: Mutex<HashMap<u32, Vec<u8>>>,
    /// Files whose blob comes in parts.
    open: Mutex<HashMap<BlobId, Arc<OpenFile>>>,
}

#[derive(Clone, Debug)]
struct Place {
    directory: u32,
    name: Range<u32>,
    last_write_time: u64,
}

#[derive(Debug)]
struct OpenFile {
    file: File,
    inode: u32,
    left_bytes: Mutex<u64>,
}

impl Files {
    pub(super) fn new(inodes: usize, directories: Arc<Vec<PathBuf>>) -> Self {
        Self {
            directories,
            places: vec![None; inodes],
            ..Self::default()
        }
    }

    pub(super) fn add_use(&mut self, blob: BlobId, inode: u32) {
        self.uses.push((blob, inode));
    }

    /// After the last use was added.
    pub(super) fn sort_uses(&mut self) {
        self.uses.sort_unstable();
        self.uses.dedup();
        self.uses.shrink_to_fit();
    }

    pub(super) fn has_place(&self, inode: u32) -> bool {
        self.place(inode).is_some()
    }

    pub(super) fn add_place(&mut self, inode: u32, directory: u32, name: &str, last_write_time: u64) {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let start = offset(self.names.len());
        self.names.push_str(name);
        if let Some(place) = self.places.get_mut(inode as usize) {
            *place = Some(Place {
                directory,
                name: start..offset(self.names.len()),
                last_write_time,
            });
        }
    }

    fn place(&self, inode: u32) -> Option<&Place> {
        self.places.get(inode as usize)?.as_ref()
    }

    /// Host path of the first name of an inode.
    pub(super) fn path(&self, inode: u32) -> Option<PathBuf> {
        let place = self.place(inode)?;
        let directory = self.directories.get(place.directory as usize)?;
        let name = self
            .names
            .get(place.name.start as usize..place.name.end as usize)?;
        Some(directory.join(name))
    }

    /// Reparse data of an inode, when it came.
    pub(super) fn reparse_data(&self, inode: u32) -> Option<Vec<u8>> {
        lock(&self.reparse).get(&inode).cloned()
    }

    /// Makes the file of an inode, complete.
    pub(super) fn write_whole(&self, inode: u32, bytes: &[u8]) -> Result<(), TargetError> {
        let Some((path, place)) = self.path(inode).zip(self.place(inode)) else {
            return Ok(());
        };
        let write = || -> std::io::Result<()> {
            let mut file = new_file(&path)?;
            file.write_all(bytes)?;
            set_time(&file, place.last_write_time)
        };
        write().map_err(|e| at(&path, e))
    }

    fn inodes_of(&self, blob: BlobId) -> impl Iterator<Item = u32> {
        let start = self.uses.partition_point(|(id, _)| *id < blob);
        self.uses[start..]
            .iter()
            .take_while(move |(id, _)| *id == blob)
            .map(|(_, inode)| *inode)
    }

    /// The file that the parts of a blob go to: of the first inode that holds it.
    fn open_file(&self, blob: &BlobInfo) -> Result<Option<Arc<OpenFile>>, TargetError> {
        let mut open = lock(&self.open);
        if let Some(file) = open.get(&blob.id) {
            return Ok(Some(Arc::clone(file)));
        }
        let first = self.inodes_of(blob.id).find(|inode| self.has_place(*inode));
        let Some((inode, path)) = first.and_then(|inode| Some((inode, self.path(inode)?))) else {
            return Ok(None);
        };
        let file = Arc::new(OpenFile {
            file: new_file(&path).map_err(|e| at(&path, e))?,
            inode,
            left_bytes: Mutex::new(blob.size_bytes),
        });
        open.insert(blob.id, Arc::clone(&file));
        Ok(Some(file))
    }

    /// All parts of a blob were written: the time of its file, and the other files that hold it.
    fn complete(&self, blob: BlobId, written: &OpenFile) -> Result<(), TargetError> {
        let Some((first, place)) = self.path(written.inode).zip(self.place(written.inode)) else {
            return Ok(());
        };
        set_time(&written.file, place.last_write_time).map_err(|e| at(&first, e))?;
        for inode in self.inodes_of(blob).filter(|inode| *inode != written.inode) {
            let Some((path, place)) = self.path(inode).zip(self.place(inode)) else {
                continue;
            };
            let mut from = File::open(&first).map_err(|e| at(&first, e))?;
            let mut copy = || -> std::io::Result<()> {
                let mut to = new_file(&path)?;
                std::io::copy(&mut from, &mut to)?;
                set_time(&to, place.last_write_time)
            };
            copy().map_err(|e| at(&path, e))?;
        }
        Ok(())
    }
}

impl ParallelSink for Files {
    fn put(&self, blob: &BlobInfo, start: u64, bytes: &[u8]) -> Result<(), TargetError> {
        for inode in self.inodes_of(blob.id).filter(|inode| !self.has_place(*inode)) {
            let end = start.saturating_add(bytes.len() as u64);
            if end <= blob.size_bytes && blob.size_bytes <= MAX_REPARSE_BYTES {
                let mut reparse = lock(&self.reparse);
                let data = reparse.entry(inode).or_default();
                data.resize(blob.size_bytes as usize, 0);
                data[start as usize..end as usize].copy_from_slice(bytes);
            }
        }
        if bytes.len() as u64 == blob.size_bytes {
            let mut inodes = self.inodes_of(blob.id);
            return inodes.try_for_each(|inode| self.write_whole(inode, bytes));
        }
        let Some(open) = self.open_file(blob)? else {
            return Ok(());
        };
        open.write_at(bytes, start).map_err(|e| {
            let path = self.path(open.inode).unwrap_or_default();
            at(&path, e)
        })?;
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
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

//! The directories of a directory target, each made when something in it is needed first.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use super::TargetError;
use super::directory_files::{at, set_time};
use crate::Error;

/// Number of the root directory.
pub(super) const ROOT: u32 = 0;

/// A name in a directory.
#[derive(Clone, Debug)]
pub(super) struct Place {
    directory: u32,
    name: Range<u32>,
}

/// Directories of the host, and all names in them.
#[derive(Debug, Default)]
pub(super) struct Tree {
    root: PathBuf,
    /// Whether directories may be there already.
    into_existing: bool,
    directories: Vec<Directory>,
    /// All names, one after the other.
    names: String,
    /// Held while directories are made.
    making: Mutex<()>,
}

#[derive(Debug)]
struct Directory {
    place: Place,
    /// FILETIME.
    last_write_time: u64,
    is_made: AtomicBool,
    /// Entries that are not made.
    entries_left: AtomicU32,
}

impl Tree {
    /// A tree whose root is there already.
    pub(super) fn new(root: PathBuf, into_existing: bool, last_write_time: u64) -> Self {
        let place = Place {
            directory: ROOT,
            name: 0..0,
        };
        let mut tree = Self {
            root,
            into_existing,
            ..Self::default()
        };
        tree.push(place, last_write_time, true);
        tree
    }

    /// Path of the root, from the root of the host.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// A new name in a directory.
    pub(super) fn add_name(&mut self, directory: u32, name: &str) -> Result<Place, TargetError> {
        let offset = |at: usize| {
            u32::try_from(at).map_err(|_| Error::Limit {
                what: "bytes of all names",
                asked: at as u64,
                limit: u32::MAX.into(),
            })
        };
        let start = offset(self.names.len())?;
        let end = offset(self.names.len() + name.len())?;
        self.names.push_str(name);
        if let Some(directory) = self.directories.get_mut(directory as usize) {
            *directory.entries_left.get_mut() += 1;
        }
        Ok(Place {
            directory,
            name: start..end,
        })
    }

    /// Number of a new directory, which is not made yet.
    pub(super) fn add_directory(&mut self, place: Place, last_write_time: u64) -> u32 {
        let number = u32::try_from(self.directories.len()).unwrap_or(u32::MAX);
        self.push(place, last_write_time, false);
        number
    }

    fn push(&mut self, place: Place, last_write_time: u64, is_made: bool) {
        self.directories.push(Directory {
            place,
            last_write_time,
            is_made: AtomicBool::new(is_made),
            entries_left: AtomicU32::new(0),
        });
    }

    /// After the last name was added.
    pub(super) fn shrink(&mut self) {
        self.directories.shrink_to_fit();
        self.names.shrink_to_fit();
    }

    fn directory(&self, number: u32) -> Option<&Directory> {
        self.directories.get(number as usize)
    }

    fn name(&self, place: &Place) -> &str {
        self.names
            .get(place.name.start as usize..place.name.end as usize)
            .unwrap_or_default()
    }

    /// Path of a name.
    pub(super) fn path(&self, place: &Place) -> PathBuf {
        let mut path = self.directory_path(place.directory);
        path.push(self.name(place));
        path
    }

    fn directory_path(&self, number: u32) -> PathBuf {
        let mut names = Vec::new();
        let mut at = number;
        while at != ROOT
            && let Some(directory) = self.directory(at)
        {
            names.push(self.name(&directory.place));
            at = directory.place.directory;
        }
        let bytes: usize = names.iter().map(|name| name.len() + 1).sum();
        let mut path = PathBuf::with_capacity(self.root.as_os_str().len() + bytes + 256);
        path.push(&self.root);
        path.extend(names.into_iter().rev());
        path
    }

    /// Path of a name whose directory is there now.
    pub(super) fn path_in_made(&self, place: &Place) -> Result<PathBuf, TargetError> {
        self.make(place.directory)?;
        Ok(self.path(place))
    }

    /// Makes a directory and those above it, unless they are made.
    fn make(&self, number: u32) -> Result<(), TargetError> {
        let is_made = |number| {
            self.directory(number)
                .is_none_or(|directory| directory.is_made.load(Ordering::Acquire))
        };
        if is_made(number) {
            return Ok(());
        }
        let _alone = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        let mut missing = Vec::new();
        let mut at = number;
        while !is_made(at)
            && let Some(directory) = self.directory(at)
        {
            missing.push(directory);
            at = directory.place.directory;
        }
        let mut path = self.directory_path(at);
        for directory in missing.into_iter().rev() {
            path.push(self.name(&directory.place));
            self.make_directory(&path)?;
            directory.is_made.store(true, Ordering::Release);
            if directory.entries_left.load(Ordering::Acquire) == 0 {
                directory.set_time(&path)?;
            }
            self.entry_is_made(&directory.place)?;
        }
        Ok(())
    }

    fn make_directory(&self, path: &Path) -> Result<(), TargetError> {
        match fs::create_dir(path) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && self.into_existing => {
                // A link to a directory is not one: nothing is written through it.
                let is_directory = fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
                if is_directory {
                    Ok(())
                } else {
                    Err(at(path, error))
                }
            }
            other => other.map_err(|e| at(path, e)),
        }
    }

    /// To be told of each name when it is made: the last of a directory changes its time for the last time.
    pub(super) fn entry_is_made(&self, place: &Place) -> Result<(), TargetError> {
        match self.directory(place.directory) {
            Some(directory) if directory.entries_left.fetch_sub(1, Ordering::AcqRel) == 1 => {
                directory.set_time(&self.directory_path(place.directory))
            }
            _ => Ok(()),
        }
    }

    /// Makes the directories that nothing needed.
    pub(super) fn make_all(&self) -> Result<(), TargetError> {
        (ROOT..)
            .take(self.directories.len())
            .try_for_each(|number| self.make(number))
    }

    /// After the last entry was made: the time of a root without entries.
    pub(super) fn finish(&self) -> Result<(), TargetError> {
        self.directory(ROOT)
            .map_or(Ok(()), |root| root.set_time(&self.root))
    }
}

impl Directory {
    fn set_time(&self, path: &Path) -> Result<(), TargetError> {
        let set = || set_time(&fs::File::open(path)?, self.last_write_time);
        set().map_err(|e| at(path, e))
    }
}

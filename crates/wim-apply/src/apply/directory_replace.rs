//! New files that wait beside old ones of the same name, until everything was delivered.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::TargetError;
use super::directory_files::{at, lock};
use super::directory_tree::{Place, Tree};

/// The new files. Those that still wait when this is dropped are removed.
#[derive(Debug, Default)]
pub(super) struct Replacements {
    waiting: Mutex<Vec<Replacement>>,
    next: AtomicU64,
}

#[derive(Debug)]
struct Replacement {
    /// Where the new file is.
    beside: PathBuf,
    /// Where it goes.
    path: PathBuf,
    place: Place,
}

impl Replacements {
    /// Where to make the new file of a path that is taken, which waits from here on; `None` for a free path. A directory
    /// is not replaced, and said before anything is.
    pub(super) fn beside(&self, path: &Path, place: &Place) -> Result<Option<PathBuf>, TargetError> {
        match path.symlink_metadata() {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(at(path, error)),
            Ok(found) if found.is_dir() => return Err(at(path, ErrorKind::AlreadyExists.into())),
            Ok(_) => {}
        }
        let beside = loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let beside = path.with_file_name(format!(".wtgctl-{number}.new"));
            if beside.symlink_metadata().is_err() {
                break beside;
            }
        };
        lock(&self.waiting).push(Replacement {
            beside: beside.clone(),
            path: path.to_owned(),
            place: place.clone(),
        });
        Ok(Some(beside))
    }

    /// Puts the new files in the place of the old ones.
    pub(super) fn finish(&self, tree: &Tree) -> Result<(), TargetError> {
        loop {
            let next = lock(&self.waiting).pop();
            let Some(new) = next else { return Ok(()) };
            if let Err(error) = fs::rename(&new.beside, &new.path) {
                let failed = at(&new.path, error);
                lock(&self.waiting).push(new);
                return Err(failed);
            }
            tree.entry_is_made(&new.place)?;
        }
    }
}

impl Drop for Replacements {
    fn drop(&mut self) {
        for new in lock(&self.waiting).drain(..) {
            // Nobody is left to be told; the old file is there.
            let _ = fs::remove_file(&new.beside);
        }
    }
}

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
    /// Where to make the new file of a path that is taken, which waits from here on; `None` for a free path.
    pub(super) fn beside(&self, path: &Path, place: &Place) -> Option<PathBuf> {
        path.symlink_metadata().ok()?;
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
        Some(beside)
    }

    /// Puts the new files in the place of the old ones.
    pub(super) fn finish(&self, tree: &Tree) -> Result<(), TargetError> {
        loop {
            let next = lock(&self.waiting).pop();
            let Some(new) = next else { return Ok(()) };
            let renamed = match fs::rename(&new.beside, &new.path) {
                // A link that became an empty directory.
                Err(error) if error.kind() == ErrorKind::NotADirectory => {
                    fs::remove_file(&new.path).and_then(|()| fs::rename(&new.beside, &new.path))
                }
                other => other,
            };
            if let Err(error) = renamed {
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
            let _ = fs::remove_file(&new.beside).or_else(|_| fs::remove_dir(&new.beside));
        }
    }
}

//! A WIM that is changed in place.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use wim_apply::{Limits, Wim};

use crate::failure::{Failure, REFUSED};
use crate::i18n::Message;

/// The file, for writing, and what it holds.
#[derive(Debug)]
pub(super) struct Existing {
    path: PathBuf,
    /// To be written.
    pub(super) file: File,
    /// What it holds.
    pub(super) wim: Wim,
}

impl Existing {
    /// Opens it, and locks it for as long as it is open: two writers at a time would destroy it.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let io = |error: std::io::Error| Failure::io(path.display(), &error);
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let path = path.display().to_string();
                return Err(Failure::new(REFUSED, Message::InUse { path }).hint(Message::HintWait));
            }
            // Some file systems have no locks.
            Err(TryLockError::Error(_)) => {}
        }
        // A handle of its own: the writer moves the other one.
        let wim = Wim::open(File::open(path).map_err(io)?, &Limits::default())
            .map_err(|error| Failure::from(error).at(path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            wim,
        })
    }

    /// The number of the image that `text` means.
    pub(super) fn find_image(&self, text: &str) -> Result<u32, Failure> {
        self.wim
            .find_image(text)
            .map_err(|error| Failure::from(error).at(self.path.display()))
    }
}

/// An error of the library; what cannot be changed in place can be exported.
pub(super) fn failed(error: wim_apply::Error, path: &Path) -> Failure {
    use wim_apply::Error as E;
    let is_unsupported = matches!(error, E::Unsupported { .. });
    let is_read_only = matches!(
        error,
        E::Invalid {
            what: "changing in place",
            ..
        }
    );
    let mut failure = Failure::from(error).at(path.display());
    if is_read_only {
        failure.code = REFUSED;
    }
    if is_unsupported || is_read_only {
        return failure.hint(Message::HintExportToChange);
    }
    failure
}

/// The failure of a change in place, and that it changed nothing, if that is so.
pub(super) fn as_before(failure: Failure, path: &Path, wim: &Wim) -> Failure {
    let old_bytes = wim.parts().first().map(|part| part.file_bytes);
    if path.metadata().ok().map(|found| found.len()) != old_bytes {
        return failure;
    }
    failure.left(Message::FileAsBefore {
        path: path.display().to_string(),
    })
}

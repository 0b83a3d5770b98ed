//! A WIM that is changed in place.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use wim_apply::layout::header_flag;
use wim_apply::{Error, ErrorKind, Limits, Wim};

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
    /// Opens it, and locks it for as long as it is open: two writers at a time would destroy it. One that is marked
    /// read-only is refused.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let file = OpenOptions::new().read(true).write(true).open(path);
        Self::lock(path, file.map_err(|error| Failure::io(path.display(), &error))?)
    }

    fn lock(path: &Path, file: File) -> Result<Self, Failure> {
        let io = |error: std::io::Error| Failure::io(path.display(), &error);
        let shown = || path.display().to_string();
        let in_use = || Failure::new(REFUSED, Message::InUse { path: shown() }).hint(Message::HintWait);
        match file.try_lock() {
            // Some file systems have no locks.
            Ok(()) | Err(TryLockError::Error(_)) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use()),
        }
        // A handle of its own: the writer moves the other one.
        let reader = File::open(path).map_err(io)?;
        // Before the lock, another program may have put a new file in the place of this one.
        if !is_same_file(&file, &reader).map_err(io)? {
            return Err(in_use());
        }
        let wim =
            Wim::open(reader, &Limits::default()).map_err(|error| Failure::from(error).at(path.display()))?;
        if wim.header().has(header_flag::READ_ONLY) {
            return Err(Failure::new(REFUSED, Message::MarkedReadOnly { path: shown() })
                .hint(Message::HintExportToChange));
        }
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
pub(super) fn failed(error: Error, path: &Path) -> Failure {
    let is_delta = matches!(
        error,
        Error::NotFound {
            what: "data of files",
            ..
        }
    );
    let can_be_exported = is_delta || error.kind() == ErrorKind::Unsupported;
    let failure = Failure::from(error).at(path.display());
    if can_be_exported {
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

#[cfg(unix)]
fn is_same_file(one: &File, other: &File) -> std::io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let (one, other) = (one.metadata()?, other.metadata()?);
    Ok((one.dev(), one.ino()) == (other.dev(), other.ino()))
}

/// A file that is open cannot be replaced there.
#[cfg(not(unix))]
fn is_same_file(_: &File, _: &File) -> std::io::Result<bool> {
    Ok(true)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "what cannot be had fails the test")]

    use super::*;

    #[test]
    fn a_file_that_was_replaced_before_it_was_locked_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let (path, new) = (folder.path().join("a.wim"), folder.path().join("new"));
        std::fs::write(&path, "old").unwrap();
        let file = File::open(&path).unwrap();
        std::fs::write(&new, "new").unwrap();
        std::fs::rename(&new, &path).unwrap();
        let failure = Existing::lock(&path, file).unwrap_err();
        assert_eq!(failure.code, REFUSED, "{failure:?}");
    }
}

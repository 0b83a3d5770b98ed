//! Files that verbs make: under another name until they are complete.

use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::failure::{Failure, REFUSED};
use crate::i18n::Message;

/// A file that takes its name when it is complete.
#[derive(Debug)]
pub(super) struct NewFile {
    file: NamedTempFile,
    path: PathBuf,
    replace: bool,
}

impl NewFile {
    /// Beside `path`. An existing file is refused unless it may be replaced.
    pub(super) fn create(path: &Path, replace: bool) -> Result<Self, Failure> {
        if !replace && path.symlink_metadata().is_ok() {
            return Err(exists(path));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut builder = tempfile::Builder::new();
        builder.prefix(".wtgctl-").suffix(".part");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder
            .tempfile_in(folder.unwrap_or(Path::new(".")))
            .map_err(|error| Failure::io(path.display(), &error))?;
        Ok(Self {
            file,
            path: path.to_owned(),
            replace,
        })
    }

    /// To be written.
    pub(super) fn file(&mut self) -> &mut std::fs::File {
        self.file.as_file_mut()
    }

    /// Gives the file its name.
    pub(super) fn keep(self) -> Result<(), Failure> {
        let kept = if self.replace {
            self.file.persist(&self.path)
        } else {
            self.file.persist_noclobber(&self.path)
        };
        match kept {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Err(exists(&self.path)),
            Err(error) => Err(Failure::io(self.path.display(), &error.error)),
        }
    }
}

fn exists(path: &Path) -> Failure {
    let path = path.display().to_string();
    Failure::new(REFUSED, Message::ExistsAlready { path }).hint(Message::HintOtherName)
}

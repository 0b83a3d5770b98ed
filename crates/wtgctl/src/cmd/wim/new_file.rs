//! Files that verbs make: under another name until they are complete.

use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::Context;
use crate::failure::{Failure, REFUSED, USAGE};
use crate::i18n::Message;

/// A file that takes its name when it is complete.
#[derive(Debug)]
pub(super) struct NewFile {
    file: NamedTempFile,
    path: PathBuf,
    replace: bool,
}

impl NewFile {
    /// Beside `path`. An existing file is refused unless it may be replaced; then the new one gets its permissions,
    /// and where `path` is a link, the file that it leads to is replaced.
    pub(super) fn create(path: &Path, replace: bool, context: &Context) -> Result<Self, Failure> {
        if path.as_os_str() == "-" {
            return Err(Failure::new(USAGE, Message::NoPipe).hint(Message::HintNoPipe));
        }
        if !replace && path.symlink_metadata().is_ok() {
            return Err(exists(path));
        }
        let old = path.metadata().ok();
        if old.as_ref().is_some_and(|old| !old.is_file()) {
            let path = path.display().to_string();
            return Err(Failure::new(REFUSED, Message::NotAFile { path }).hint(Message::HintOtherFile));
        }
        let real = old.as_ref().and_then(|_| path.canonicalize().ok());
        let path = real.as_deref().unwrap_or(path);
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        // Told here, since the error of the unfinished file has a name in it that nobody knows.
        folder
            .metadata()
            .map_err(|error| Failure::io(path.display(), &error))?;
        // From here on Ctrl-C ends the command in order, so that the unfinished file goes away.
        context.interrupt();
        let mut builder = tempfile::Builder::new();
        builder.prefix(".wtgctl-").suffix(".part");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder
            .tempfile_in(folder)
            .map_err(|error| Failure::io(path.display(), &error))?;
        if let Some(old) = old {
            // Best effort: the content is what counts.
            let _ = file.as_file().set_permissions(old.permissions());
        }
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

    /// Where it is until then.
    pub(super) fn unfinished(&self) -> &Path {
        self.file.path()
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

//! Hive files of the host: read with their logs, replaced as a whole.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use regf_hive::{Hive, Limits, WriteOptions};

use crate::cmd::Context;
use crate::failure::Failure;
use crate::i18n::Message;

/// A hive file.
#[derive(Debug, clap::Args)]
pub(crate) struct HiveArgs {
    /// The hive.
    pub(crate) file: PathBuf,
    /// Transaction log (.LOG1, .LOG2) of a hive that was not closed cleanly; may be repeated.
    #[arg(long = "log", value_name = "LOG")]
    logs: Vec<PathBuf>,
}

impl HiveArgs {
    /// The hive, with what its logs add.
    pub(crate) fn read(&self, context: &Context) -> Result<Hive, Failure> {
        let limits = Limits::default();
        let at = |error: regf_hive::Error| Failure::from(error).at(self.file.display());
        let mut bytes = read_file(&self.file)?;
        if !self.logs.is_empty() {
            let logs = self
                .logs
                .iter()
                .map(|log| read_file(log))
                .collect::<Result<Vec<_>, _>>()?;
            let logs: Vec<&[u8]> = logs.iter().map(Vec::as_slice).collect();
            let recovered = regf_hive::recover(&bytes, &logs, &limits).map_err(at)?;
            if recovered.entries_applied > 0 {
                context.output.warning(Message::LogsApplied {
                    path: self.file.display().to_string(),
                    entries: recovered.entries_applied.into(),
                    pages: recovered.pages_applied.into(),
                });
            }
            bytes = recovered.bytes;
        }
        Hive::read(&bytes, &limits).map_err(at)
    }
}

/// A file's bytes.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| Failure::io(path.display(), &error))
}

/// Writes a hive over the file at `path`, or anew.
pub(crate) fn write_hive(hive: &Hive, path: &Path) -> Result<(), Failure> {
    replace(path, &hive.write(&WriteOptions::new())?)
}

/// Replaces a file as a whole: an interrupted run leaves the old one.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let failed = |error: std::io::Error| Failure::io(new.display(), &error);
    let mut file = File::create_new(&new).map_err(failed)?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| match fs::metadata(path) {
            Ok(old) => fs::set_permissions(&new, old.permissions()),
            Err(_) => Ok(()),
        })
        .and_then(|()| fs::rename(&new, path))
        .inspect_err(|_| {
            let _ = fs::remove_file(&new);
        })
        .map_err(failed)
}

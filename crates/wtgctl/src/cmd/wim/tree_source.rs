//! A folder or an NTFS volume as source of a capture or a comparison.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use clap::Args;
use partitioner::Window;
use stick::{ReadFile, VolumeSource};
use wim_apply::ImageInfo;
use wim_apply::apply::TargetError;
use wim_apply::write::{CaptureSource, DEFAULT_EXCLUDE, DirectorySource, parse_capture_config};

use super::Context;
use crate::cmd::paths::expand_lists;
use crate::failure::Failure;
use crate::i18n::Message;

/// What is left out.
#[derive(Clone, Debug, Args)]
pub(crate) struct ExcludeArgs {
    /// Leave out what fits a path or pattern (`*`, `?`, `**`), or the lines of `@FILE`; `!PATTERN` is kept all the
    /// same.
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,
    /// Take what is left out from the `[ExclusionList]` and `[ExclusionException]` of a file as DISM and wimlib have
    /// it (WimScript.ini), in place of page files, recycle bins and the like.
    #[arg(long, value_name = "FILE", conflicts_with = "everything")]
    config: Option<PathBuf>,
    /// Take page files, recycle bins and the like, too, which are left out otherwise.
    #[arg(long)]
    everything: bool,
}

impl ExcludeArgs {
    /// All patterns.
    pub(crate) fn patterns(&self) -> Result<Vec<String>, Failure> {
        let mut patterns = expand_lists(&self.exclude)?;
        if let Some(config) = &self.config {
            let bytes = std::fs::read(config).map_err(|error| Failure::io(config.display(), &error))?;
            patterns.extend(parse_capture_config(&bytes));
        } else if !self.everything {
            patterns.extend(DEFAULT_EXCLUDE.map(str::to_owned));
        }
        Ok(patterns)
    }
}

/// Where a tree comes from.
#[derive(Clone, Debug, Args)]
pub(crate) struct TreeArgs {
    /// Folder, NTFS volume, or with --partition a disk image.
    pub(crate) source: PathBuf,
    /// Number of the partition of a disk image.
    #[arg(long)]
    partition: Option<u32>,
}

impl TreeArgs {
    /// Opens it.
    pub(crate) fn open(&self) -> Result<Box<dyn CaptureSource>, Failure> {
        open_tree(&self.source, self.partition)
    }

    /// The path within the folder that a file has which lies in it.
    pub(super) fn place_of(&self, file: &Path) -> Option<String> {
        let (file, folder) = (file.canonicalize().ok()?, self.source.canonicalize().ok()?);
        Some(format!("/{}", file.strip_prefix(folder).ok()?.to_str()?))
    }

    /// What the Windows in it says of itself, if there is one.
    pub(crate) fn windows_info(
        &self,
        warnings: &mut Vec<String>,
        context: &Context,
    ) -> Result<Option<ImageInfo>, Failure> {
        let interrupt = context.interrupt();
        let is_interrupted = || interrupt.load(Ordering::Relaxed);
        // A hive takes several times its size while it is read.
        let most_bytes = context.memory_limit_bytes.map_or(u64::MAX, |limit| limit / 4);
        let within = |limit: u64, read: &mut ReadFile<'_>, path: &str| {
            if is_interrupted() {
                return Err("interrupted".into());
            }
            let bytes = read(path, limit.min(most_bytes.saturating_add(1)))?;
            match bytes {
                Some(bytes) if bytes.len() as u64 > most_bytes => {
                    Err(format!("it is larger than a quarter of --memory-limit, {most_bytes} bytes").into())
                }
                bytes => Ok(bytes),
            }
        };
        let info = if self.source.is_dir() {
            let mut read = |path: &str, limit| read_ignoring_case(&self.source, path, limit);
            stick::windows_info(&mut |path, limit| within(limit, &mut read, path), warnings)
        } else {
            let mut volume = open_volume(&self.source, self.partition)?;
            let mut read = |path: &str, limit| volume.read_file(path, limit);
            stick::windows_info(&mut |path, limit| within(limit, &mut read, path), warnings)
        };
        if is_interrupted() {
            return Err(wim_apply::Error::Interrupted.into());
        }
        Ok(info)
    }

    /// Name that an image has when none is given: that of the folder or file.
    pub(crate) fn default_name(&self) -> String {
        let path = self.source.canonicalize().unwrap_or_else(|_| self.source.clone());
        path.file_stem()
            .map_or_else(|| "image".to_owned(), |name| name.to_string_lossy().into_owned())
    }
}

/// Opens a folder, a volume, or a partition.
pub(crate) fn open_tree(path: &Path, partition: Option<u32>) -> Result<Box<dyn CaptureSource>, Failure> {
    if path.is_dir() {
        return Ok(Box::new(DirectorySource::new(path)));
    }
    Ok(Box::new(open_volume(path, partition)?))
}

/// The start of a file below a folder, by a path in which case does not matter; `None` when it is not there. Links
/// are not followed: a capture keeps them as links.
fn read_ignoring_case(folder: &Path, path: &str, limit_bytes: u64) -> Result<Option<Vec<u8>>, TargetError> {
    let mut at = folder.to_owned();
    let mut is_directory = true;
    for name in path.split('\\').filter(|name| !name.is_empty()) {
        if !is_directory {
            return Ok(None);
        }
        let Some(found) = find_ignoring_case(&at, name)? else {
            return Ok(None);
        };
        at.push(found);
        is_directory = at.symlink_metadata()?.is_dir();
    }
    if !at.symlink_metadata()?.is_file() {
        return Err("not a regular file".into());
    }
    let mut bytes = Vec::new();
    File::open(at)?.take(limit_bytes).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// The name in a folder that fits: exactly, or else the first of those in other case.
fn find_ignoring_case(folder: &Path, name: &str) -> io::Result<Option<String>> {
    let mut fitting = Vec::new();
    for entry in folder.read_dir()? {
        if let Ok(found) = entry?.file_name().into_string()
            && found.eq_ignore_ascii_case(name)
        {
            fitting.push(found);
        }
    }
    Ok(fitting
        .into_iter()
        .min_by_key(|found| (found != name, found.clone())))
}

/// Opens a volume, or a partition.
fn open_volume(path: &Path, partition: Option<u32>) -> Result<VolumeSource<Window<File>>, Failure> {
    let mut file = File::open(path).map_err(|error| Failure::io(path.display(), &error))?;
    let limits = ntfs_image::Limits::default();
    let failed = |error| Failure::from(error).at(path.display());
    let (first_byte, size_bytes) = match partition {
        Some(number) => partitioner::find_partition(&mut file, number, &partitioner::Limits::default())
            .map_err(|error| Failure::from(error).at(path.display()))?,
        None => {
            let size = file.seek(SeekFrom::End(0));
            (0, size.map_err(|error| Failure::io(path.display(), &error))?)
        }
    };
    let window = Window::new(file, first_byte, size_bytes);
    let volume = ntfs_image::read::Volume::open(window, &limits).map_err(|error| match partition {
        Some(_) => failed(error),
        None => failed(error).hint(Message::HintTreeSource),
    })?;
    Ok(VolumeSource::new(volume))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "what cannot be had fails the test")]

    use super::*;

    const PATH: &str = "\\Windows\\file";

    fn text(folder: &Path) -> Option<String> {
        let bytes = read_ignoring_case(folder, PATH, 100).unwrap()?;
        Some(String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn of_several_cases_the_exact_one_is_read_or_the_first_by_name() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(text(dir.path()), None);
        for (folder, content) in [
            ("windows", "windows"),
            ("WINDOWS", "WINDOWS"),
            ("Windows", "Windows"),
        ] {
            std::fs::create_dir(dir.path().join(folder)).unwrap();
            std::fs::write(dir.path().join(folder).join("FILE"), content).unwrap();
            // Of `windows` and `WINDOWS` the second comes first.
            assert_eq!(text(dir.path()).as_deref(), Some(content));
        }
    }

    #[test]
    fn only_regular_files_are_opened() {
        let dir = tempfile::tempdir().unwrap();
        let windows = dir.path().join("Windows");
        std::fs::create_dir(&windows).unwrap();
        std::fs::write(dir.path().join("outside"), "secret").unwrap();
        std::os::unix::fs::symlink("../outside", windows.join("file")).unwrap();
        assert!(read_ignoring_case(dir.path(), PATH, 100).is_err());
        std::fs::remove_file(windows.join("file")).unwrap();
        // Opening a socket fails, and a pipe would wait for somebody to write.
        let _socket = std::os::unix::net::UnixListener::bind(windows.join("file")).unwrap();
        let error = read_ignoring_case(dir.path(), PATH, 100).unwrap_err();
        assert_eq!(error.to_string(), "not a regular file");
        // Nor is a folder followed that is a link.
        std::fs::rename(&windows, dir.path().join("elsewhere")).unwrap();
        std::os::unix::fs::symlink("elsewhere", &windows).unwrap();
        assert_eq!(text(dir.path()), None);
    }
}

//! A folder or an NTFS volume as source of a capture or a comparison.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use clap::Args;
use partitioner::Window;
use stick::VolumeSource;
use wim_apply::ImageInfo;
use wim_apply::write::{CaptureSource, DEFAULT_EXCLUDE, DirectorySource};

use super::extract::expand_lists;
use crate::failure::Failure;
use crate::i18n::Message;

/// What is left out.
#[derive(Clone, Debug, Args)]
pub(crate) struct ExcludeArgs {
    /// Leave out what fits a path or pattern (`*`, `?`, `**`), or the lines of `@FILE`.
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,
    /// Take page files, recycle bins and the like, too, which are left out otherwise.
    #[arg(long)]
    everything: bool,
}

impl ExcludeArgs {
    /// All patterns.
    pub(crate) fn patterns(&self) -> Result<Vec<String>, Failure> {
        let mut patterns = expand_lists(self.exclude.clone())?;
        if !self.everything {
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

    /// What the Windows in it says of itself, if there is one.
    pub(crate) fn windows_info(&self, warnings: &mut Vec<String>) -> Result<Option<ImageInfo>, Failure> {
        if self.source.is_dir() {
            let read = &mut |path: &str, limit| read_ignoring_case(&self.source, path, limit);
            return Ok(stick::windows_info(read, warnings));
        }
        Ok(open_volume(&self.source, self.partition)?.windows_info(warnings))
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

/// The start of a file below a folder, by a path in which case does not matter.
fn read_ignoring_case(folder: &Path, path: &str, limit_bytes: u64) -> Option<Vec<u8>> {
    let mut at = folder.to_owned();
    for name in path.split('\\').filter(|name| !name.is_empty()) {
        let mut entries = std::fs::read_dir(&at).ok()?.flatten();
        at = entries
            .find(|entry| {
                entry
                    .file_name()
                    .to_str()
                    .is_some_and(|found| found.eq_ignore_ascii_case(name))
            })?
            .path();
    }
    let mut bytes = Vec::new();
    File::open(at)
        .ok()?
        .take(limit_bytes)
        .read_to_end(&mut bytes)
        .ok()?;
    Some(bytes)
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

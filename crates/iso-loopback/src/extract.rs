//! Files out of an image into a folder, never outside it.

use std::collections::BTreeSet;
use std::fs::{File, FileTimes};
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::{Entry, EntryKind, Error, Extent, IsoImage, Result, Timestamp};

/// Bytes copied between two calls of the progress sink.
const CHUNK_BYTES: usize = 1 << 20;

/// What [`IsoImage::extract`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extracted {
    /// Files written.
    pub files: u64,
    /// Their bytes, holes included.
    pub bytes: u64,
    /// Directories made.
    pub directories: u64,
    /// Symbolic links made.
    pub symlinks: u64,
    /// Paths of what was left out: devices, associated files.
    pub skipped: Vec<String>,
}

impl<R: Read + Seek> IsoImage<R> {
    /// Writes an entry, and all that is below it, into an existing folder: the root's content directly, anything else
    /// under its name. Names, bytes, symbolic links and modification times are kept; holes stay holes.
    ///
    /// Nothing is written outside the folder: names that are not plain are refused, links are made last and never
    /// followed, and nothing that exists is replaced. `progress` gets the number of bytes written so far, and stops the
    /// work when it breaks.
    ///
    /// # Errors
    /// [`Target`](crate::ErrorKind::Target) when writing fails or a file exists,
    /// [`Interrupted`](crate::ErrorKind::Interrupted), [`Corrupt`](crate::ErrorKind::Corrupt) for a name that is no
    /// file name; as [`walk`](Self::walk) and [`open_file`](Self::open_file).
    pub fn extract(
        &mut self,
        entry: &Entry,
        folder: &Path,
        progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> Result<Extracted> {
        let mut job = Job {
            done: Extracted::default(),
            links: Vec::new(),
            folder_times: Vec::new(),
            names: BTreeSet::new(),
            progress,
        };
        if entry.name.is_empty() {
            self.extract_below(entry, folder, &mut job)?;
        } else {
            let target = folder.join(plain_name(entry)?);
            self.extract_one(entry, &entry.name, &target, &mut job)?;
            if entry.is_dir() {
                self.extract_below(entry, &target, &mut job)?;
            }
        }
        for (target, link) in &job.links {
            symlink(target, link).map_err(|source| target_error(link, source))?;
            job.done.symlinks += 1;
        }
        for (path, modified) in job.folder_times.iter().rev() {
            let times = FileTimes::new().set_modified(*modified);
            File::open(path)
                .and_then(|folder| folder.set_times(times))
                .map_err(|source| target_error(path, source))?;
        }
        Ok(job.done)
    }

    fn extract_below(&mut self, directory: &Entry, folder: &Path, job: &mut Job<'_>) -> Result<()> {
        let entries: Vec<(String, Entry)> = self.walk(directory)?.collect::<Result<_>>()?;
        for (path, entry) in entries {
            plain_name(&entry)?;
            self.extract_one(&entry, &path, &folder.join(&path), job)?;
        }
        Ok(())
    }

    fn extract_one(&mut self, entry: &Entry, path: &str, target: &Path, job: &mut Job<'_>) -> Result<()> {
        if entry.associated || entry.kind == EntryKind::Special {
            job.done.skipped.push(path.to_owned());
            return Ok(());
        }
        if !job.names.insert(target.to_owned()) {
            return Err(Error::corrupt(
                "directory",
                entry.location.offset_hint(),
                format!("{path} twice"),
                "one",
            ));
        }
        match &entry.kind {
            EntryKind::Directory => {
                make_folder(target)?;
                job.done.directories += 1;
                if let Some(modified) = entry.modified.and_then(system_time) {
                    job.folder_times.push((target.to_owned(), modified));
                }
            }
            EntryKind::Symlink(link) => job.links.push((link.clone(), target.to_owned())),
            _ => self.extract_file(entry, target, job)?,
        }
        Ok(())
    }

    fn extract_file(&mut self, entry: &Entry, target: &Path, job: &mut Job<'_>) -> Result<()> {
        let extents = self.extents(entry)?;
        let failed = |source| target_error(target, source);
        let mut file = File::create_new(target).map_err(failed)?;
        let mut buffer = vec![0; CHUNK_BYTES];
        let mut at = 0_u64;
        for Extent {
            image_offset,
            length_bytes,
        } in extents
        {
            let mut done = 0_u64;
            while let (Some(offset), true) = (image_offset, done < length_bytes) {
                let len = usize::try_from(length_bytes - done)
                    .unwrap_or(usize::MAX)
                    .min(CHUNK_BYTES);
                let chunk = buffer.get_mut(..len).unwrap_or_default();
                self.source().read_at("file data", offset + done, chunk)?;
                file.write_all(chunk).map_err(failed)?;
                done += len as u64;
                job.done.bytes += len as u64;
                if (job.progress)(job.done.bytes).is_break() {
                    return Err(Error::Interrupted);
                }
            }
            at += length_bytes;
            if image_offset.is_none() {
                file.seek(SeekFrom::Start(at)).map_err(failed)?;
                job.done.bytes += length_bytes;
            }
        }
        // A hole at the end is not written by a seek.
        file.set_len(at).map_err(failed)?;
        if let Some(modified) = entry.modified.and_then(system_time) {
            file.set_times(FileTimes::new().set_modified(modified))
                .map_err(failed)?;
        }
        job.done.files += 1;
        Ok(())
    }
}

struct Job<'a> {
    done: Extracted,
    /// Target of the link, and where it goes.
    links: Vec<(String, PathBuf)>,
    folder_times: Vec<(PathBuf, SystemTime)>,
    names: BTreeSet<PathBuf>,
    progress: &'a mut dyn FnMut(u64) -> ControlFlow<()>,
}

/// The name, when it names one entry of a folder and nothing else.
fn plain_name(entry: &Entry) -> Result<&str> {
    let name = entry.name.as_str();
    if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']) || name.len() > 255 {
        return Err(Error::corrupt(
            "file name",
            entry.location.offset_hint(),
            format!("{name:?}"),
            "a name of at most 255 bytes without '/'",
        ));
    }
    Ok(name)
}

/// A new folder, or one that is there and is no link.
fn make_folder(path: &Path) -> Result<()> {
    match std::fs::create_dir(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let there = std::fs::symlink_metadata(path).map_err(|source| target_error(path, source))?;
            if there.is_dir() {
                Ok(())
            } else {
                Err(target_error(path, error))
            }
        }
        result => result.map_err(|source| target_error(path, source)),
    }
}

#[cfg(unix)]
fn symlink(target: &str, link: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(not(unix))]
fn symlink(_target: &str, _link: &Path) -> std::io::Result<()> {
    Err(std::io::Error::from(std::io::ErrorKind::Unsupported))
}

fn system_time(time: Timestamp) -> Option<SystemTime> {
    let seconds = time.unix_seconds();
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let base = if seconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(whole)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(whole)
    };
    base?.checked_add(Duration::from_nanos(u64::from(time.nanosecond)))
}

fn target_error(path: &Path, source: std::io::Error) -> Error {
    Error::Target {
        path: path.display().to_string(),
        source,
    }
}

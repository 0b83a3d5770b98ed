//! The thing that is written: an image file, or a device after the policy said yes on its open descriptor.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FallocateFlags, Mode, OFlags};

use super::durable::Durable;
use super::host::Host;
use super::model::Device;
use super::parse::DeviceNumber;
use super::request::{
    DeviceRequest, FileRequest, ask, check_target_device, folder_of, is_same_file, look_at_existing_file,
    look_at_file, refused,
};
use crate::error::{Error, Result};

/// Bytes of one write where zeros must be written.
const ZERO_BLOCK_BYTES: u64 = 1 << 20;

/// An opened target. It is `Read + Write + Seek`; `flush` waits until everything written is on the medium, and a write
/// past its end fails, for a file too.
#[derive(Debug)]
pub struct Target {
    file: Arc<File>,
    durable: Durable,
    path: PathBuf,
    size_bytes: u64,
    sector_bytes: u32,
    device: Option<Device>,
    starts_zeroed: bool,
    /// Where the next read or write begins.
    position: u64,
}

impl Target {
    /// Creates an image file: sparse, all zeros. A file that is there is refused without `force`; with it, it is
    /// emptied, unless it is a source or in use as loop device or swap. A symbolic link is never followed. When the
    /// size cannot be had, the old file stays as it was, and no new one stays behind.
    ///
    /// # Errors
    /// As [`check_target_file`](super::check_target_file), and `Refused` with code `changed`.
    pub fn open_file(host: &Host, request: &FileRequest<'_>) -> Result<Self> {
        let (path, size_bytes) = (request.path, request.size_bytes);
        let file = if let Some(found) = look_at_file(host, request)? {
            let file = open_found(path, &found)?;
            empty(&file, found.len(), size_bytes).map_err(Error::path("set the size of", path))?;
            file
        } else {
            create(path, size_bytes)?
        };
        Ok(Self::new(file, path, size_bytes, 512, None))
    }

    /// Opens an image file that is there, to write into a part of it, such as one partition (see
    /// [`Window`](crate::Window) and [`find_partition`](crate::find_partition)). Nothing is emptied, and its size
    /// stays: [`starts_zeroed`](Self::starts_zeroed) is false, and a write past its end fails. What must not be
    /// replaced must not be written in place either: a symbolic link, a file that is no regular one, a source, and
    /// one in use as loop device or swap are refused.
    ///
    /// ```
    /// use std::io::Write;
    /// use partitioner::{Window, device::{Host, Target}};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("disk.img");
    /// std::fs::write(&path, "..........")?;
    /// let mut disk = Target::open_file_in_place(&Host::default(), &path, &[])?;
    /// Window::new(&mut disk, 2, 4).write_all(b"part")?;
    /// disk.finish()?;
    /// assert_eq!(std::fs::read(&path)?, b"..part....");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// `Refused` with codes `target-is-link`, `target-is-no-file`, `target-is-source`, `target-in-use`, `changed`;
    /// `NotFound`; `Io`.
    pub fn open_file_in_place(host: &Host, path: &Path, sources: &[PathBuf]) -> Result<Self> {
        let found = look_at_existing_file(host, path, sources)?;
        let file = open_found(path, &found)?;
        let size_bytes = file.metadata().map_err(Error::path("look at", path))?.len();
        let mut target = Self::new(file, path, size_bytes, 512, None);
        target.starts_zeroed = false;
        Ok(target)
    }

    /// Opens a device for erasing. The policy is asked before anything is opened; then the device is opened
    /// exclusively (the kernel refuses one that is mounted or held), and the policy is asked again about what
    /// the descriptor is, which must be the same disk.
    ///
    /// # Errors
    /// As [`check_target_device`], and `Refused` with the codes `busy` and `changed`.
    pub fn open_device(host: &Host, request: &DeviceRequest<'_>) -> Result<Self> {
        let path = request.path;
        let before = check_target_device(host, request)?;
        // Without following links any more: the node's own path.
        let flags = OFlags::RDWR | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = match rustix::fs::open(&before.path, flags, Mode::empty()) {
            Ok(descriptor) => File::from(descriptor),
            Err(rustix::io::Errno::BUSY) => {
                return Err(refused(path, "busy", "the kernel says that it is in use"));
            }
            Err(e) => return Err(Error::path("open", &before.path)(e.into())),
        };
        let metadata = file.metadata().map_err(Error::path("look at", path))?;
        if !metadata.file_type().is_block_device() {
            return Err(refused(path, "not-a-device", "it is no block device"));
        }
        // What the descriptor is now, with everything that the policy asks.
        let after = ask(host, request, &DeviceNumber::from_raw(metadata.rdev()))?;
        let size_bytes = (&file)
            .seek(SeekFrom::End(0))
            .and_then(|end| (&file).rewind().map(|()| end))
            .map_err(Error::path("find the size of", path))?;
        if !before.is_same_disk(&after) || size_bytes != after.size_bytes {
            return Err(refused(path, "changed", "it is another disk than a moment ago"));
        }
        let sector_bytes = after.logical_sector_bytes;
        Ok(Self::new(file, path, size_bytes, sector_bytes, Some(after)))
    }

    fn new(file: File, path: &Path, size_bytes: u64, sector_bytes: u32, device: Option<Device>) -> Self {
        let file = Arc::new(file);
        Self {
            durable: Durable::new(Arc::clone(&file)),
            file,
            path: path.to_path_buf(),
            size_bytes,
            sector_bytes,
            starts_zeroed: device.is_none(),
            device,
            position: 0,
        }
    }

    /// Its path as given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its size.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Logical sector of a device; 512 for a file, which can stand for either.
    #[must_use]
    pub fn sector_bytes(&self) -> u32 {
        self.sector_bytes
    }

    /// The device, or `None` for a file.
    #[must_use]
    pub fn device(&self) -> Option<&Device> {
        self.device.as_ref()
    }

    /// Whether bytes that were never written read as zero: true for a file that was created or emptied, never
    /// assumed of a device.
    #[must_use]
    pub fn starts_zeroed(&self) -> bool {
        self.starts_zeroed
    }

    /// Bytes that were written and are known to be on the medium.
    #[must_use]
    pub fn durable_bytes(&self) -> u64 {
        self.durable.durable_bytes()
    }

    /// Makes a range read as zeros: by the kernel where the medium can do it, else by writing them. The position
    /// is after the range then.
    ///
    /// # Errors
    /// `Io`.
    pub fn zero_range(&mut self, first_byte: u64, length_bytes: u64) -> Result<()> {
        let failed = |source| Error::Io {
            op: "clear a range of the target",
            at: first_byte,
            source,
        };
        let flags = match self.device {
            Some(_) => FallocateFlags::ZERO_RANGE | FallocateFlags::KEEP_SIZE,
            None => FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE,
        };
        let end = first_byte.saturating_add(length_bytes).min(self.size_bytes);
        let length_bytes = end.saturating_sub(first_byte);
        if length_bytes == 0 || rustix::fs::fallocate(&*self.file, flags, first_byte, length_bytes).is_ok() {
            self.seek(SeekFrom::Start(end)).map_err(failed)?;
            return self.durable.wrote(length_bytes).map_err(failed);
        }
        self.seek(SeekFrom::Start(first_byte)).map_err(failed)?;
        // Straight to the file: a buffer would swallow the error of its last block when it is dropped.
        let zeros = vec![0; ZERO_BLOCK_BYTES.min(length_bytes) as usize];
        let mut left = length_bytes;
        while left > 0 {
            let count = left.min(ZERO_BLOCK_BYTES);
            self.write_all(&zeros[..count as usize]).map_err(failed)?;
            left -= count;
        }
        Ok(())
    }

    /// Drops what the page cache holds, so that reading comes from the medium. Everything is flushed first.
    ///
    /// # Errors
    /// `Io`.
    pub fn forget_cache(&mut self) -> Result<()> {
        self.flush()
            .and_then(|()| {
                rustix::fs::fadvise(&*self.file, 0, None, rustix::fs::Advice::DontNeed).map_err(Into::into)
            })
            .map_err(Error::io("drop the cache of the target", 0))
    }

    /// Asks the kernel to read a device's partition table again, best effort, so that it forgets partitions that
    /// are gone: to be called after [`gpt::wipe`](crate::gpt::wipe). Otherwise their nodes stay, and an automounter
    /// may mount what is about to be overwritten. Whether the kernel did; false for a file, and for a device whose
    /// driver has no partitions.
    pub fn reread_table(&mut self) -> bool {
        self.device.is_some() && super::reread::reread_partition_table(&self.file).is_ok()
    }

    /// Ends the work: everything to the medium, with the size of a file, and its directory entry where the folder
    /// can be synced; the kernel is told to read a device's partition table again (if it will not, the next plug-in
    /// does).
    ///
    /// # Errors
    /// `Io`.
    pub fn finish(mut self) -> Result<()> {
        self.flush()
            .and_then(|()| self.file.sync_all())
            .map_err(Error::path("sync", &self.path))?;
        if self.device.is_some() {
            // Some drivers cannot, and the table is on the medium in any case.
            self.reread_table();
        } else {
            // Best effort: the image is whole and on the medium. A folder may be unreadable or gone, and some file
            // systems cannot sync one.
            let _ = File::open(folder_of(&self.path)).and_then(|folder| folder.sync_all());
        }
        Ok(())
    }
}

impl Read for Target {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = (&*self.file).read(buffer)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Write for Target {
    /// Writes end at the target's size: a file does not grow either.
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let room = self.size_bytes.saturating_sub(self.position);
        let room = usize::try_from(room).map_or(buffer.len(), |room| room.min(buffer.len()));
        if room == 0 && !buffer.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::StorageFull,
                format!("write past the end of a target of {} bytes", self.size_bytes),
            ));
        }
        let count = (&*self.file).write(&buffer[..room])?;
        self.position += count as u64;
        self.durable.wrote(count as u64)?;
        Ok(count)
    }

    /// Waits until everything written is on the medium.
    fn flush(&mut self) -> io::Result<()> {
        self.durable.sync()
    }
}

impl Seek for Target {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = (&*self.file).seek(to)?;
        Ok(self.position)
    }
}

/// Opens the file that was looked at, and no other.
fn open_found(path: &Path, found: &Metadata) -> Result<File> {
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let descriptor =
        rustix::fs::open(path, flags, Mode::empty()).map_err(|e| Error::path("open", path)(e.into()))?;
    let file = File::from(descriptor);
    let opened = file.metadata().map_err(Error::path("look at", path))?;
    if opened.is_file() && is_same_file(&opened, found) {
        Ok(file)
    } else {
        Err(refused(path, "changed", "it is another file than a moment ago"))
    }
}

/// Makes a file all zeros and of that size, or leaves it as it was.
fn empty(file: &File, old_bytes: u64, size_bytes: u64) -> io::Result<()> {
    // The new size first: where it cannot be had (too large for the file system, a quota), nothing is lost yet.
    if let Err(e) = file.set_len(size_bytes) {
        // Some file systems grow in part before they fail.
        let _ = file.set_len(old_bytes);
        return Err(e);
    }
    file.set_len(0)?;
    file.set_len(size_bytes)
}

fn create(path: &Path, size_bytes: u64) -> Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::from_raw_mode(0o666)) {
        Ok(descriptor) => File::from(descriptor),
        Err(rustix::io::Errno::EXIST) => {
            return Err(refused(path, "target-exists", "the file appeared just now"));
        }
        Err(e) => return Err(Error::path("create", path)(e.into())),
    };
    if let Err(e) = file.set_len(size_bytes) {
        // It is ours: take it away again, unless somebody put another in its place.
        if let (Ok(ours), Ok(there)) = (file.metadata(), fs::symlink_metadata(path))
            && is_same_file(&ours, &there)
        {
            let _ = fs::remove_file(path);
        }
        return Err(Error::path("set the size of", path)(e));
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(file: File, size_bytes: u64) -> Target {
        Target::new(file, Path::new("t"), size_bytes, 512, None)
    }

    #[test]
    fn zeros_that_cannot_be_written_are_an_error() {
        // Opened for reading: no hole can be made, and no write works.
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(8192).unwrap();
        for length_bytes in [1, 8192] {
            let read_only = File::open(file.path()).unwrap();
            assert!(target(read_only, 8192).zero_range(0, length_bytes).is_err());
        }
    }

    #[test]
    fn a_failed_sync_is_an_error() {
        // A character device that cannot sync.
        let file = File::options().read(true).write(true).open("/dev/null").unwrap();
        assert!(target(file, 0).finish().is_err());
    }
}

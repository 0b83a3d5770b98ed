//! An NTFS volume filled through ntfs-3g, Windows metadata included: another program writes every structure.

use std::ffi::CString;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{XattrFlags, lsetxattr};
use testkit::manifest::NtfsMount;

use crate::sh::{self, Result};

pub(crate) const READ_ONLY: u32 = 0x1;
pub(crate) const HIDDEN: u32 = 0x2;
pub(crate) const SYSTEM: u32 = 0x4;
pub(crate) const ARCHIVE: u32 = 0x20;
pub(crate) const NOT_CONTENT_INDEXED: u32 = 0x2000;

/// A volume image that is mounted while it is filled. Paths have `/` and start below the root.
pub(crate) struct Volume {
    mount: NtfsMount,
    /// Every path, in the order of creation.
    paths: Vec<String>,
}

impl Volume {
    /// Makes and mounts an empty volume.
    pub(crate) fn create(image: &Path, size_bytes: u64) -> Result<Self> {
        File::create(image)?.set_len(size_bytes)?;
        sh::run(
            Command::new("/usr/sbin/mkntfs")
                .args(["-q", "-F", "-L", "Windows"])
                .arg(image),
        )?;
        Self::open(image)
    }

    /// Mounts a volume that was made before, to add to it.
    pub(crate) fn open(image: &Path) -> Result<Self> {
        let mount = NtfsMount::new(image, "rw,big_writes").ok_or("ntfs-3g is not installed")?;
        Ok(Self {
            mount,
            paths: Vec::new(),
        })
    }

    fn at(&self, path: &str) -> PathBuf {
        self.mount.path().join(path)
    }

    /// A folder, with those above it.
    pub(crate) fn dir(&mut self, path: &str) -> Result {
        if path.is_empty() || self.at(path).exists() {
            return Ok(());
        }
        if let Some((parent, _)) = path.rsplit_once('/') {
            self.dir(parent)?;
        }
        fs::create_dir(self.at(path)).map_err(|e| format!("{path}: {e}"))?;
        self.paths.push(path.to_owned());
        Ok(())
    }

    fn parent(&mut self, path: &str) -> Result {
        path.rsplit_once('/')
            .map_or(Ok(()), |(parent, _)| self.dir(parent))
    }

    /// A file with its content.
    pub(crate) fn file(&mut self, path: &str, content: &[u8]) -> Result {
        self.parent(path)?;
        fs::write(self.at(path), content).map_err(|e| format!("{path}: {e}"))?;
        self.paths.push(path.to_owned());
        Ok(())
    }

    /// A copy of a file of this machine.
    pub(crate) fn copy(&mut self, path: &str, from: &Path) -> Result {
        self.file(
            path,
            &fs::read(from).map_err(|e| format!("{}: {e}", from.display()))?,
        )
    }

    /// A file with data at its end only: the rest is a hole.
    pub(crate) fn sparse(&mut self, path: &str, size_bytes: u64, end: &[u8]) -> Result {
        use std::io::{Seek, SeekFrom};
        self.parent(path)?;
        let mut file = File::create(self.at(path))?;
        file.seek(SeekFrom::Start(size_bytes - end.len() as u64))?;
        file.write_all(end)?;
        self.paths.push(path.to_owned());
        Ok(())
    }

    /// One more name of a file.
    pub(crate) fn link(&mut self, existing: &str, path: &str) -> Result {
        self.parent(path)?;
        fs::hard_link(self.at(existing), self.at(path)).map_err(|e| format!("{path}: {e}"))?;
        self.paths.push(path.to_owned());
        Ok(())
    }

    /// A named stream of a file or folder.
    pub(crate) fn stream(&mut self, path: &str, stream: &str, content: &[u8]) -> Result {
        let place = self.at(path);
        if place.is_dir() {
            // A folder's streams cannot be opened by name.
            return self.set(path, &format!("user.{stream}"), content);
        }
        fs::write(self.at(&format!("{path}:{stream}")), content)
            .map_err(|e| format!("{path}:{stream}: {e}"))?;
        Ok(())
    }

    /// An extended attribute, which ntfs-3g maps onto NTFS metadata.
    fn set(&self, path: &str, name: &str, value: &[u8]) -> Result {
        let place = CString::new(self.at(path).as_os_str().as_bytes())?;
        lsetxattr(&place, name, value, XattrFlags::empty()).map_err(|e| format!("{path}: {name}: {e}"))?;
        Ok(())
    }

    /// The security descriptor, as a self-relative structure.
    pub(crate) fn descriptor(&self, path: &str, value: &[u8]) -> Result {
        self.set(path, "system.ntfs_acl", value)
    }

    pub(crate) fn attributes(&self, path: &str, value: u32) -> Result {
        self.set(path, "system.ntfs_attrib_be", &value.to_be_bytes())
    }

    pub(crate) fn dos_name(&self, path: &str, name: &str) -> Result {
        self.set(path, "system.ntfs_dos_name", name.as_bytes())
    }

    pub(crate) fn object_id(&self, path: &str, id: [u8; 16]) -> Result {
        self.set(path, "system.ntfs_object_id", &id)
    }

    /// A junction: a folder that stands for another folder, by absolute path.
    pub(crate) fn junction(&mut self, path: &str, target: &str) -> Result {
        const TAG_MOUNT_POINT: u32 = 0xa000_0003;
        self.dir(path)?;
        let substitute = format!("\\??\\{target}");
        self.set(
            path,
            "system.ntfs_reparse_data",
            &reparse(TAG_MOUNT_POINT, &substitute, target, None),
        )
    }

    /// A symbolic link as Windows makes it, to a folder or a file; relative when the target has no drive.
    pub(crate) fn symlink(&mut self, path: &str, target: &str, to_dir: bool) -> Result {
        const TAG_SYMLINK: u32 = 0xa000_000c;
        const RELATIVE: u32 = 1;
        if to_dir {
            self.dir(path)?;
        } else {
            self.file(path, b"")?;
        }
        let absolute = target.contains(':');
        let substitute = if absolute {
            format!("\\??\\{target}")
        } else {
            target.to_owned()
        };
        let flags = if absolute { 0 } else { RELATIVE };
        self.set(
            path,
            "system.ntfs_reparse_data",
            &reparse(TAG_SYMLINK, &substitute, target, Some(flags)),
        )
    }

    /// Calls `body` for every path, in the order of creation.
    pub(crate) fn each(&self, mut body: impl FnMut(&Self, &str) -> Result) -> Result {
        self.paths.iter().try_for_each(|path| body(self, path))
    }

    /// Sets every path's times to what its name gives, last of all, children before parents; unmounts.
    pub(crate) fn finish(self) -> Result {
        for path in self.paths.iter().rev() {
            let created = time_of(path);
            let modified = created + u64::from(crc(path.as_bytes())) * 1001 + 7;
            let mut value = Vec::new();
            for time in [created, modified, modified + 10_000_003, modified] {
                value.extend_from_slice(&time.to_be_bytes());
            }
            self.set(path, "system.ntfs_times_be", &value)?;
        }
        self.mount.unmount();
        Ok(())
    }
}

/// Hundreds of nanoseconds since 1601: a second in 2023 that the name chooses.
fn time_of(path: &str) -> u64 {
    const START_OF_2023: u64 = 133_170_048_000_000_000;
    START_OF_2023 + u64::from(crc(path.as_bytes())) % 31_536_000 * 10_000_000 + 1_234_567
}

/// A number that a name gives: not a checksum that anyone else computes.
pub(crate) fn crc(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

/// Reparse data of a junction or symbolic link.
///
/// # Source
/// [MS-FSCC] 2.1.2.4 and 2.1.2.5
fn reparse(tag: u32, substitute: &str, print: &str, flags: Option<u32>) -> Vec<u8> {
    let utf16 = |text: &str| {
        text.encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect::<Vec<u8>>()
    };
    let (substitute, print) = (utf16(substitute), utf16(print));
    let terminator: &[u8] = if flags.is_none() { &[0, 0] } else { &[] };
    let len = |bytes: usize| u16::try_from(bytes).unwrap_or(u16::MAX);
    let mut body = Vec::new();
    for value in [
        0,
        len(substitute.len()),
        len(substitute.len() + terminator.len()),
        len(print.len()),
    ] {
        body.extend_from_slice(&value.to_le_bytes());
    }
    if let Some(flags) = flags {
        body.extend_from_slice(&flags.to_le_bytes());
    }
    for part in [&substitute, terminator, &print, terminator] {
        body.extend_from_slice(part);
    }
    let mut data = tag.to_le_bytes().to_vec();
    data.extend_from_slice(&len(body.len()).to_le_bytes());
    data.extend_from_slice(&[0, 0]);
    data.extend_from_slice(&body);
    data
}

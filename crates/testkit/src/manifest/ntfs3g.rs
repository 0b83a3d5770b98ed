//! A volume image as ntfs-3g sees it.

use std::path::Path;
use std::process::Command;

use super::{Manifest, walk};

/// Mounts a volume image read-only with ntfs-3g and reads everything on it, raw NTFS metadata included.
/// `None` when ntfs-3g is missing and skipping is allowed.
///
/// # Panics
/// When it cannot be mounted, read or unmounted.
#[must_use]
pub fn from_ntfs3g(image: &Path) -> Option<Manifest> {
    let mount = NtfsMount::new(image, "ro")?;
    let manifest = walk(mount.path(), true).unwrap_or_else(|e| panic!("ntfs-3g: {e}"));
    mount.unmount();
    Some(manifest)
}

/// A volume image mounted by ntfs-3g (FUSE) until dropped, security descriptors and streams as on Windows.
#[derive(Debug)]
pub struct NtfsMount {
    dir: Option<tempfile::TempDir>,
}

impl NtfsMount {
    /// Mounts `image` with the options `ro` or `rw`. `None` when ntfs-3g is missing and skipping is allowed.
    ///
    /// # Panics
    /// When it cannot be mounted.
    #[must_use]
    pub fn new(image: &Path, options: &str) -> Option<Self> {
        let mut command = crate::tool("ntfs-3g")?;
        let dir = tempfile::tempdir().expect("mount point");
        let options = format!("{options},efs_raw,streams_interface=windows,compression");
        crate::run(command.arg("-o").arg(options).arg(image).arg(dir.path()));
        Some(Self { dir: Some(dir) })
    }

    /// The mount point.
    ///
    /// # Panics
    /// Never: the folder is there until unmounted.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.as_ref().expect("mounted").path()
    }

    /// Unmounts and waits until ntfs-3g has written everything.
    ///
    /// # Panics
    /// When it cannot be unmounted.
    pub fn unmount(mut self) {
        if let Some(dir) = self.dir.take() {
            crate::run(Command::new("umount").arg(dir.path()));
        }
    }
}

impl Drop for NtfsMount {
    fn drop(&mut self) {
        if let Some(dir) = self.dir.take() {
            let unmounted = Command::new("umount").arg("-l").arg(dir.path()).status();
            if !unmounted.is_ok_and(|status| status.success()) {
                // Never delete through a live mount.
                std::mem::forget(dir);
            }
        }
    }
}

//! Checkers that Debian 12 does not have, as `cargo xtask oracles` puts them into `target/oracles`.
//!
//! Debian unstable's programs run under their own dynamic loader and libraries, straight from the folder they
//! were unpacked into: no root, no chroot, no mount, and the image stays where it is.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::workspace_root;

/// The version of rust-fs-ntfs whose `fsck` is asked.
pub const RUST_FS_NTFS_VERSION: &str = "0.10.2";

/// The folder of the oracles: `WTGCTL_ORACLES`, or `target/oracles`.
#[must_use]
pub fn dir() -> PathBuf {
    std::env::var_os("WTGCTL_ORACLES").map_or_else(|| workspace_root().join("target/oracles"), PathBuf::from)
}

/// Whether `WTGCTL_SKIP_ORACLES=1` allows to go without.
#[must_use]
pub fn may_skip() -> bool {
    std::env::var_os("WTGCTL_SKIP_ORACLES").is_some_and(|v| v == "1")
}

/// A file below [`dir`]. `None` only when it is missing and skipping is allowed.
///
/// # Panics
/// When it is missing and skipping was not asked for.
#[must_use]
pub fn file(relative: &str) -> Option<PathBuf> {
    let path = dir().join(relative);
    if path.exists() {
        return Some(path);
    }
    if may_skip() {
        eprintln!("SKIPPED: oracle {relative} is not there");
        return None;
    }
    panic!(
        "{} is not there: `cargo xtask oracles`, or WTGCTL_SKIP_ORACLES=1 to go without",
        path.display()
    )
}

/// A program of an unpacked root (`checkers` or `newer`), to be run with that root's own libraries.
///
/// # Panics
/// When it is missing and skipping was not asked for.
#[must_use]
pub fn program(root: &str, name: &str) -> Option<Command> {
    let root = file(root)?;
    let binary = binary(&root, name).unwrap_or_else(|| panic!("{} has no {name}", root.display()));
    let mut command = Command::new(root.join("usr/lib64/ld-linux-x86-64.so.2"));
    let libraries = root.join("usr/lib/x86_64-linux-gnu");
    command.arg("--library-path").arg(libraries).arg(binary);
    command.env("PYTHONHOME", root.join("usr"));
    Some(command)
}

/// A program below a root. A script of the same name, which would call the machine's own program, is passed over.
fn binary(root: &Path, name: &str) -> Option<PathBuf> {
    let is_elf = |path: &PathBuf| {
        let mut magic = [0; 4];
        File::open(path).is_ok_and(|mut file| file.read_exact(&mut magic).is_ok()) && magic == *b"\x7fELF"
    };
    ["usr/bin", "usr/sbin", "usr/lib/7zip"]
        .iter()
        .map(|place| root.join(place).join(name))
        .find(is_elf)
}

/// Python with the modules that `cargo xtask setup` installs (regipy, python-registry, hivex).
///
/// # Panics
/// When it is missing and skipping was not asked for.
#[must_use]
pub fn python() -> Option<Command> {
    file("venv/bin/python3").map(Command::new)
}

/// What a checker said about a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Which checker.
    pub checker: &'static str,
    /// Whether it found nothing.
    pub clean: bool,
    /// Everything it printed.
    pub text: String,
}

impl Verdict {
    fn new(checker: &'static str, output: &Output) -> Self {
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.push_str(&String::from_utf8_lossy(&output.stderr));
        Self {
            checker,
            clean: output.status.success(),
            text,
        }
    }

    /// # Panics
    /// When the checker found something.
    pub fn assert_clean(&self, image: &Path) {
        assert!(
            self.clean,
            "{} finds faults in {}:\n{}",
            self.checker,
            image.display(),
            self.text
        );
    }
}

fn ask(checker: &'static str, mut command: Command, image: &Path) -> Verdict {
    let output = command
        .arg(image)
        .output()
        .unwrap_or_else(|e| panic!("{checker}: {e}"));
    Verdict::new(checker, &output)
}

/// ntfsprogs-plus' `ntfsck`, read-only. `None` when skipped.
#[must_use]
pub fn ntfsck(image: &Path) -> Option<Verdict> {
    let mut command = program("checkers", "ntfsck")?;
    command.args(["-n", "-q"]);
    Some(ask("ntfsck (ntfsprogs-plus)", command, image))
}

/// checkdisk, as a dry run. `None` when skipped.
#[must_use]
pub fn checkdisk(image: &Path) -> Option<Verdict> {
    let mut command = program("checkers", "python3")?;
    command
        .env("PYTHONPATH", dir().join("checkers/checkdisk"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .args(["-m", "checkdisk", "fix"]);
    Some(ask("checkdisk", command, image))
}

/// rust-fs-ntfs' `fsck`, read-only. `None` when skipped.
#[must_use]
pub fn rust_fs_ntfs_fsck(image: &Path) -> Option<Verdict> {
    let mut command = Command::new(file("rust-fs-ntfs/bin/rust-fs-ntfs")?);
    command.args(["fsck", "-n"]);
    Some(ask("rust-fs-ntfs fsck", command, image))
}

/// What all three NTFS checkers say, in one go. Empty only when skipped.
///
/// On volumes with 4096-byte sectors rust-fs-ntfs is not asked: it expects an update sequence stride of a sector
/// there, where Windows, ntfs3 and ntfs-3g have 512 bytes.
///
/// # Panics
/// When the image cannot be read, or a checker is missing and skipping was not asked for.
#[must_use]
pub fn ntfs_verdicts(image: &Path) -> Vec<Verdict> {
    let mut boot = [0; 13];
    File::open(image)
        .and_then(|mut file| file.read_exact(&mut boot))
        .unwrap_or_else(|e| panic!("{}: {e}", image.display()));
    let mut verdicts = vec![ntfsck(image), checkdisk(image)];
    if u16::from_le_bytes([boot[11], boot[12]]) == 512 {
        verdicts.push(rust_fs_ntfs_fsck(image));
    }
    verdicts.into_iter().flatten().collect()
}

/// The gate: all three NTFS checkers find nothing in a volume image (a file that starts with the boot sector).
///
/// # Panics
/// When one of them finds something, or is missing and skipping was not asked for.
pub fn ntfs_gate(image: &Path) {
    for verdict in ntfs_verdicts(image) {
        verdict.assert_clean(image);
    }
}

/// Debian unstable's `fsck.exfat`, read-only. `None` when skipped.
#[must_use]
pub fn fsck_exfat(image: &Path) -> Option<Verdict> {
    let mut command = program("checkers", "fsck.exfat")?;
    command.arg("-n");
    Some(ask("fsck.exfat", command, image))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_no_program() {
        let root = tempfile::tempdir().expect("a folder");
        let put = |path: &str, bytes: &[u8]| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(&path, bytes).expect("a file");
            path
        };
        put("usr/bin/7z", b"#!/bin/sh\nexec /usr/lib/7zip/7z\n");
        assert_eq!(binary(root.path(), "7z"), None);
        let real = put("usr/lib/7zip/7z", b"\x7fELF and more");
        assert_eq!(binary(root.path(), "7z"), Some(real));
    }
}

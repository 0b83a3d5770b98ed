//! The foreign programs that tests run, and the Debian package that each comes from.
//!
//! `cargo xtask setup` installs what [`packages`] lists, and [`tool`] gives no program that is not in the table: a test
//! cannot come to need what a new machine does not get.

use std::path::PathBuf;
use std::process::Command;

/// Name of a program, and the package of Debian 12 that has it.
const PROGRAMS: &[(&str, &str)] = &[
    ("7z", "p7zip-full"),
    ("addpart", "util-linux"),
    ("bash", "bash"),
    ("busybox", "busybox-static"),
    ("bzip2", "bzip2"),
    ("fsck.fat", "dosfstools"),
    ("fusermount", "fuse3"),
    ("genisoimage", "genisoimage"),
    ("grub-fstest", "grub-common"),
    ("hivexml", "libhivex-bin"),
    ("hivexregedit", "libwin-hivex-perl"),
    ("hivexsh", "libhivex-bin"),
    ("losetup", "mount"),
    ("mattrib", "mtools"),
    ("mcopy", "mtools"),
    ("mdir", "mtools"),
    ("mkfs.fat", "dosfstools"),
    ("mkntfs", "ntfs-3g"),
    ("mkudffs", "udftools"),
    ("ntfs-3g", "ntfs-3g"),
    ("ntfscat", "ntfs-3g"),
    ("ntfscp", "ntfs-3g"),
    ("ntfsdecrypt", "ntfs-3g"),
    ("ntfsinfo", "ntfs-3g"),
    ("ntfsls", "ntfs-3g"),
    ("ntfsresize", "ntfs-3g"),
    ("openssl", "openssl"),
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("regfexport", "libregf-utils"),
    ("regfinfo", "libregf-utils"),
    ("setfattr", "attr"),
    ("sfdisk", "fdisk"),
    ("sgdisk", "gdisk"),
    ("tar", "tar"),
    ("udfinfo", "udftools"),
    ("wimlib-imagex", "wimtools"),
    ("xorriso", "xorriso"),
    ("xz", "xz-utils"),
];

/// The packages of all programs in the table; some more than once.
pub fn packages() -> impl Iterator<Item = &'static str> {
    PROGRAMS.iter().map(|&(_, package)| package)
}

/// Where a program is: on the search path, or where Debian keeps those of the administrator.
fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|dir| dir.join(name))
        .find(|program| program.is_file())
}

/// The programs of the table that this machine lacks, each with its package.
#[must_use]
pub fn missing() -> Vec<(&'static str, &'static str)> {
    let lacks = |&(name, _): &(&str, &str)| find(name).is_none();
    PROGRAMS.iter().copied().filter(lacks).collect()
}

/// A foreign program to be run as an oracle. `None` only when it is missing and `WTGCTL_SKIP_ORACLES=1`.
///
/// # Panics
/// When the program is not in the table, and when it is missing and skipping was not asked for.
#[must_use]
pub fn tool(name: &str) -> Option<Command> {
    let known = PROGRAMS.iter().find(|(program, _)| *program == name);
    let (_, package) = known.unwrap_or_else(|| panic!("{name} is not in the table of testkit::programs"));
    match find(name) {
        Some(program) => Some(Command::new(program)),
        None if std::env::var_os("WTGCTL_SKIP_ORACLES").is_some_and(|v| v == "1") => {
            eprintln!("SKIPPED: {name} is not installed");
            None
        }
        None => panic!(
            "{name} (package {package}) is not installed: `cargo xtask setup`, or WTGCTL_SKIP_ORACLES=1 to go without"
        ),
    }
}

//! `cargo xtask setup`: the packages that tests, samples and tasks need, from Debian and PyPI.

use std::path::Path;
use std::process::Command;

use crate::apt;
use crate::sh::{self, Result};

/// What Debian 12 has. Programs are run, nothing is linked.
const PACKAGES: &[&str] = &[
    "attr",
    "binutils",
    "bmap-tools",
    "busybox-static",
    "bzip2",
    "dosfstools",
    "fdisk",
    "fuse3",
    "g++",
    "gdisk",
    "genisoimage",
    "grub-common",
    "grub-efi-amd64-bin",
    "grub-pc-bin",
    "libhivex-bin",
    "libregf-utils",
    "mtools",
    "nbdkit",
    "ntfs-3g",
    "openssl",
    "ovmf",
    "p7zip-full",
    "python3-hivex",
    "python3-venv",
    "qemu-system-x86",
    "qemu-utils",
    "strace",
    "time",
    "unzip",
    "valgrind",
    "wimtools",
    "xorriso",
    "xz-utils",
];

/// Python packages of the oracles' environment.
const PYTHON: &[&str] = &["regipy", "python-registry", "dissect.regf"];

/// Installs what is missing and says what that was.
pub(crate) fn run() -> Result {
    let installed = sh::step("Debian packages", || apt::install(PACKAGES))?;
    if !installed.is_empty() {
        println!("installed: {}", installed.join(" "));
    }
    let venv = testkit::oracles::dir().join("venv");
    sh::step("Python packages", || python(&venv))
}

/// Makes the Python environment; the system's own modules (hivex) are visible in it.
fn python(venv: &Path) -> Result {
    let stamp = venv.join("stamp");
    let wanted = PYTHON.join(" ");
    if sh::read_or_empty(&stamp) == wanted {
        return Ok(());
    }
    sh::run(
        Command::new("/usr/bin/python3")
            .args(["-m", "venv", "--clear", "--system-site-packages"])
            .arg(venv),
    )?;
    sh::run(
        Command::new(venv.join("bin/python3"))
            .args(["-m", "pip", "install", "-q", "--retries", "5"])
            .args(PYTHON),
    )?;
    std::fs::write(stamp, &wanted)?;
    println!("installed from PyPI: {wanted}");
    Ok(())
}

//! The free parts of a sample: wine's PE files, GRUB as EFI programs, Windows wheels from PyPI.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::sh::{self, Result};

/// Where wine's package has its programs.
pub(crate) const WINE_PROGRAMS: &str = "usr/lib/x86_64-linux-gnu/wine/x86_64-windows";

/// Wheels for Windows: PE files by another compiler than wine's. Only the large sample has them.
pub(crate) const WHEELS: &[&str] = &[
    "PySide6-Essentials==6.8.1",
    "PySide6-Addons==6.8.1",
    "shiboken6==6.8.1",
    "numpy==2.2.1",
    "scipy==1.15.0",
    "opencv-python-headless==4.10.0.84",
];

/// The modules of the EFI program that stands in for the boot manager.
const GRUB_MODULES: &[&str] = &[
    "part_gpt",
    "fat",
    "ntfs",
    "serial",
    "terminal",
    "echo",
    "cat",
    "search",
    "search_fs_file",
    "hashsum",
    "gcry_sha1",
    "test",
    "halt",
    "normal",
    "minicmd",
    "ls",
    "sleep",
];

/// Downloads wine's package and unpacks it, PE files without debug information; returns the folder.
pub(crate) fn wine(parts: &Path) -> Result<PathBuf> {
    once(parts, "wine", |dir| {
        unpack_package("libwine", &["*/x86_64-windows/*", "./usr/share/wine/*"], dir)?;
        for batch in files_below(&dir.join(WINE_PROGRAMS))?.chunks(64) {
            // Wine's resource-only files are no PE files that strip knows: those stay as they are.
            Command::new("strip")
                .arg("--strip-debug")
                .args(batch)
                .stderr(Stdio::null())
                .status()?;
        }
        Ok(())
    })
}

/// Downloads and unpacks wheels for Windows, given as `NAME==VERSION`; returns the folder called `name`.
pub(crate) fn wheels(parts: &Path, name: &str, wheels: &[&str]) -> Result<PathBuf> {
    once(parts, name, |dir| {
        let downloads = tempfile::tempdir_in(parts)?;
        sh::run(
            Command::new(testkit::oracles::dir().join("venv/bin/python3"))
                .args(["-m", "pip", "download", "-q", "--no-deps", "--retries", "5"])
                .args(["--platform", "win_amd64", "--only-binary=:all:"])
                .args(["--python-version", "3.12", "--implementation", "cp", "-d"])
                .arg(downloads.path())
                .args(wheels),
        )?;
        for wheel in files_below(downloads.path())? {
            sh::run(Command::new("unzip").args(["-q", "-o", "-d"]).arg(dir).arg(wheel))?;
        }
        Ok(())
    })
}

/// Headers and import libraries of MinGW: text, and archives of small objects.
pub(crate) fn mingw(parts: &Path) -> Result<PathBuf> {
    once(parts, "mingw", |dir| {
        unpack_package("mingw-w64-x86-64-dev", &["./usr/*"], dir)
    })
}

/// A folder that is filled once.
fn once(parts: &Path, name: &str, fill: impl FnOnce(&Path) -> Result) -> Result<PathBuf> {
    let dir = parts.join(name);
    let stamp = parts.join(format!("{name}.stamp"));
    if !stamp.exists() {
        std::fs::create_dir_all(&dir)?;
        fill(&dir)?;
        std::fs::write(stamp, "")?;
    }
    Ok(dir)
}

/// Downloads a Debian package and unpacks what has one of these patterns.
fn unpack_package(package: &str, patterns: &[&str], dir: &Path) -> Result {
    let downloads = tempfile::tempdir()?;
    let mut download = Command::new("apt-get");
    download
        .current_dir(downloads.path())
        .args(["download", "-q", "-o", "Acquire::Retries=5", package]);
    if sh::run(&mut download).is_err() {
        // Package lists may be missing or old.
        sh::run(Command::new("apt-get").args(["update", "-q"]))?;
        sh::run(&mut download)?;
    }
    for deb in files_below(downloads.path())? {
        let mut child = Command::new("dpkg-deb")
            .arg("--fsys-tarfile")
            .arg(&deb)
            .stdout(Stdio::piped())
            .spawn()?;
        let tar = child.stdout.take().ok_or("dpkg-deb gives no output")?;
        let status = Command::new("tar")
            .args(["-x", "--no-same-owner", "--wildcards", "-C"])
            .arg(dir)
            .args(patterns)
            .stdin(tar)
            .status()?;
        if !(child.wait()?.success() && status.success()) {
            return Err(format!("cannot unpack {}", deb.display()).into());
        }
    }
    Ok(())
}

/// An EFI program made of GRUB that runs `script`, a list of GRUB commands.
pub(crate) fn efi_program(script: &str, output: &Path) -> Result {
    let config = output.with_extension("cfg");
    std::fs::write(&config, script)?;
    sh::run(
        Command::new("grub-mkimage")
            .args(["-O", "x86_64-efi", "-p", "/", "-c"])
            .arg(&config)
            .arg("-o")
            .arg(output)
            .args(GRUB_MODULES),
    )?;
    std::fs::remove_file(config)?;
    Ok(())
}

/// All files below a folder, sorted by path.
pub(crate) fn files_below(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut queue = vec![dir.to_path_buf()];
    while let Some(dir) = queue.pop() {
        for entry in std::fs::read_dir(&dir).map_err(|e| format!("{}: {e}", dir.display()))? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                queue.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

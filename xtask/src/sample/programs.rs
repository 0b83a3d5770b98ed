//! Programs as published, captured by wimlib from a folder: wine's, wheels for Windows, MinGW's headers and libraries.
//!
//! Fewer and larger files than a Windows image has, and nothing of its metadata: what is measured is decoding.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::parts;
use crate::sh::{self, Result};

/// Changes when what is generated changes.
const RECIPE: &str = "1";

const WHEELS: &[&str] = &[
    "numpy==2.5.5",
    "scipy==1.18.1",
    "pywin32==312",
    "PySide6-Essentials==6.12.0",
    "PySide6-Addons==6.12.0",
    "opencv-python-headless==5.0.0.93",
    "pyarrow==26.0.1",
    "pandas==3.1.1",
];

/// The captured files: name, what of the folder, and wimlib's options.
const CAPTURES: &[(&str, &str, &[&str])] = &[
    ("lzx.wim", ".", &["--compress=LZX"]),
    ("xpress.wim", ".", &["--compress=XPRESS"]),
    ("lzms.wim", "System32", &["--compress=LZMS"]),
    ("solid.esd", "System32", &["--solid"]),
];

/// The folder of the captured files.
pub(crate) fn dir() -> PathBuf {
    testkit::workspace_root().join("target/sample/programs")
}

/// Whether they were made.
pub(crate) fn made() -> bool {
    sh::read_or_empty(&dir().join("stamp")) == RECIPE
}

/// Makes the captured files unless they are there.
pub(super) fn make(parts: &Path, again: bool) -> Result {
    if !again && made() {
        return Ok(());
    }
    let dir = dir();
    if dir.exists() {
        std::fs::remove_dir_all(&dir)?;
    }
    std::fs::create_dir_all(&dir)?;
    let wine = sh::step("wine's PE files", || parts::wine(parts))?;
    let mingw = sh::step("MinGW's files", || parts::mingw(parts))?;
    let wheels = sh::step("PE files from wheels", || {
        parts::wheels(parts, "published-wheels", WHEELS)
    })?;
    let work = tempfile::tempdir_in(&dir)?;
    for (name, from) in [
        ("System32", wine.join(parts::WINE_PROGRAMS)),
        ("Programs", wheels),
        ("Text/mingw", mingw),
        ("Text/wineshare", wine.join("usr/share")),
    ] {
        let to = work.path().join(name);
        std::fs::create_dir_all(to.parent().unwrap_or(&to))?;
        sh::run(Command::new("cp").arg("-a").arg(from).arg(to))?;
    }
    for (name, what, options) in CAPTURES {
        sh::step(name, || {
            sh::run(
                Command::new("wimlib-imagex")
                    .arg("capture")
                    .arg(work.path().join(what))
                    .arg(dir.join(name))
                    .args(["Programs", "--no-acls"])
                    .args(*options),
            )
        })?;
    }
    std::fs::write(dir.join("stamp"), RECIPE)?;
    Ok(())
}

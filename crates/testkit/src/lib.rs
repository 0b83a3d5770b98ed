//! Fixtures, fault disks, foreign-tool oracles and tree compare, for tests only.
//!
//! A test that needs a foreign program calls [`tool`]; without the program it fails, unless
//! `WTGCTL_SKIP_ORACLES=1` says that a skip is wanted. Real sample files lie outside the repository and are
//! found by [`sample_dir`]; a checkout without them skips those tests, and says so.

#![allow(clippy::print_stderr, reason = "tests report skipped parts on stderr")]
#![allow(
    clippy::disallowed_methods,
    reason = "test support runs foreign programs and reads the environment"
)]

pub mod efs;
pub mod fault_disk;
pub mod kernel;
pub mod manifest;
pub mod oracles;
pub mod programs;
pub mod samples;

pub use programs::tool;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The folder of real sample files: `WTGCTL_SAMPLE_DATA`, or `shared/data` beside the checkout.
#[must_use]
pub fn sample_dir() -> Option<PathBuf> {
    let dir = match std::env::var_os("WTGCTL_SAMPLE_DATA") {
        Some(dir) => PathBuf::from(dir),
        None => workspace_root().parent()?.join("shared/data"),
    };
    dir.is_dir().then_some(dir)
}

/// One real sample file as bytes, `.xz` and `.bz2` unpacked; `None` (and a line on stderr) when the samples
/// are not there.
///
/// # Panics
/// When the folder is there and the file is not, or cannot be unpacked.
#[must_use]
pub fn sample(relative: &str) -> Option<Vec<u8>> {
    let Some(dir) = sample_dir() else {
        eprintln!("SKIPPED: sample data not found, wanted {relative}");
        return None;
    };
    Some(read_unpacked(&dir.join(relative)))
}

/// Every sample file directly in a folder, sorted by name; empty when the samples are not there.
///
/// # Panics
/// When the folder cannot be listed.
#[must_use]
pub fn samples_in(relative: &str) -> Vec<PathBuf> {
    let Some(dir) = sample_dir() else {
        eprintln!("SKIPPED: sample data not found, wanted {relative}/*");
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir.join(relative))
        .expect("sample folder")
        .map(|entry| entry.expect("sample entry").path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    files
}

/// A file's bytes; `.xz` and `.bz2` are unpacked by the programs of that name.
///
/// # Panics
/// When it cannot be read or unpacked.
#[must_use]
pub fn read_unpacked(path: &Path) -> Vec<u8> {
    let unpacker = match path.extension().and_then(|e| e.to_str()) {
        Some("xz") => "xz",
        Some("bz2") => "bzip2",
        _ => return std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())),
    };
    let output = Command::new(unpacker)
        .arg("-dc")
        .arg(path)
        .output()
        .expect(unpacker);
    assert!(output.status.success(), "{unpacker} -dc {}", path.display());
    output.stdout
}

/// The root of the workspace.
///
/// # Panics
/// Never: this crate lies two folders below it.
#[must_use]
pub fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("crates/testkit")
        .to_path_buf()
}

/// Runs a command and returns its output; both streams are shown when it fails.
///
/// # Panics
/// When it cannot be started or exits non-zero.
pub fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// Runs a command without input for at most `limit`; returns stdout and stderr together.
///
/// # Errors
/// When it cannot be started, is still running at the end of `limit` (it is killed), or exits non-zero; with what
/// it had printed.
pub fn run_for(command: &mut Command, limit: Duration) -> Result<String, String> {
    let (mut reader, writer) = std::io::pipe().map_err(|e| e.to_string())?;
    command
        .stdin(Stdio::null())
        .stdout(writer.try_clone().map_err(|e| e.to_string())?)
        .stderr(writer);
    let mut child = command.spawn().map_err(|e| format!("{command:?}: {e}"))?;
    // The command holds the write ends, and would keep the reader waiting.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let printed = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = reader.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    });
    let start = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(None) if start.elapsed() < limit => std::thread::sleep(Duration::from_millis(20)),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                break Err(format!("still running after {} s", limit.as_secs()));
            }
            Ok(Some(status)) if status.success() => break Ok(()),
            Ok(Some(status)) => break Err(status.to_string()),
            Err(e) => break Err(e.to_string()),
        }
    };
    let text = printed.join().unwrap_or_default();
    status
        .map_err(|e| format!("{command:?}: {e}\n{text}"))
        .map(|()| text)
}

//! WIM files that are changed where they are: locked, as they were when that fails, and read by wimlib after.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "what cannot be had fails the test")]
#![allow(clippy::disallowed_methods, reason = "runs the program under test")]

mod capture;
mod failure;
mod images;
mod rewritten;

use std::fs;
use std::path::Path;
use std::process::Command;

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wtgctl"));
    command
        .args(["--lang", "en", "--progress", "never", "wim"])
        .args(args);
    command.current_dir(folder);
    command
}

/// Exit code and all text.
fn wim(folder: &Path, args: &[&str]) -> (i32, String) {
    let output = command(folder, args).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

fn done(folder: &Path, args: &[&str]) {
    let (code, text) = wim(folder, args);
    assert_eq!(code, 0, "{args:?}: {text}");
}

/// What wimlib says, if it is there.
fn wimlib(folder: &Path, args: &[&str]) -> String {
    let Some(mut command) = testkit::tool("wimlib-imagex") else {
        return String::new();
    };
    let output = testkit::run(command.args(args).current_dir(folder));
    String::from_utf8(output.stdout).unwrap()
}

/// A folder with `t`, its image in `a.wim`, and `huge`, which takes long to capture.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["t", "huge"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    fs::write(folder.path().join("t/file"), "content").unwrap();
    let huge = fs::File::create(folder.path().join("huge/zeros")).unwrap();
    huge.set_len(1 << 36).unwrap();
    done(folder.path(), &["capture", "t", "a.wim", "--name", "One"]);
    folder
}

fn unfinished(folder: &Path) -> usize {
    let names = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    names
        .filter(|name| name.to_string_lossy().contains("wtgctl"))
        .count()
}

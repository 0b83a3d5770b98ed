//! The binary under test: built optimised, once, and run.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::sh::{self, Result};

/// Builds `wtgctl` in the release profile and returns its path.
pub(crate) fn build() -> Result<PathBuf> {
    let text = sh::read(
        Command::new("cargo")
            .args([
                "build",
                "--quiet",
                "--release",
                "--package",
                "wtgctl",
                "--message-format",
                "json",
            ])
            .current_dir(testkit::workspace_root()),
    )?;
    sh::executable_of(&text)
}

/// A command of it.
pub(crate) fn command(binary: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(binary);
    command.args(args);
    command
}

/// Runs `create` quietly on a new image file.
pub(crate) fn create(
    binary: &Path,
    source: &Path,
    target: &Path,
    size: &str,
    more: &[&str],
) -> Result<Output> {
    sh::run(
        command(binary, &["create", "--quiet"])
            .arg(source)
            .arg("--target")
            .arg(target)
            .args(["--size", size, "--force"])
            .args(more),
    )
}

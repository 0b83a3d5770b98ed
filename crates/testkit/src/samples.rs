//! The Windows-like samples that `cargo xtask sample` makes from free parts.

use std::path::PathBuf;

use crate::{oracles, workspace_root};

/// A file of a sample, such as `small` and `install.wim`. `None` only when it is missing and
/// `WTGCTL_SKIP_ORACLES=1`.
///
/// # Panics
/// When it is missing and skipping was not asked for.
#[must_use]
pub fn generated(size: &str, file: &str) -> Option<PathBuf> {
    let path = workspace_root().join("target/sample").join(size).join(file);
    if path.exists() {
        return Some(path);
    }
    if oracles::may_skip() {
        eprintln!("SKIPPED: sample {size}/{file} is not there");
        return None;
    }
    panic!(
        "{} is not there: `cargo xtask sample {size}`, or WTGCTL_SKIP_ORACLES=1 to go without",
        path.display()
    )
}

//! What tests that make volumes share.

#![allow(dead_code, reason = "each test file uses a part")]
#![allow(clippy::unwrap_used, reason = "a broken fixture is a failed test")]

use std::fs::File;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use stick::{Compact, PreparedVolume, RunOptions, Verify, VolumeOptions};
use wim_apply::Wim;

/// Never set.
static RUNNING: AtomicBool = AtomicBool::new(false);

/// Two threads, nothing else.
pub(crate) fn run_options() -> RunOptions<'static> {
    RunOptions {
        threads: 2,
        memory_limit_bytes: None,
        spool_dir: None,
        interrupt: &RUNNING,
    }
}

/// A plain volume, as large as needed, 4 KiB clusters.
pub(crate) fn plain() -> VolumeOptions {
    VolumeOptions {
        size_bytes: None,
        first_byte: 0,
        sector_bytes: 512,
        cluster_bytes: 4096,
        compact: Compact::Off,
        verify: Verify::Inline,
        recover: false,
        seed: 7,
    }
}

/// Writes a volume to a new file; the check finds it sound.
pub(crate) fn write_volume(prepared: PreparedVolume, wim: &Wim, path: &Path) -> File {
    let mut how = File::options();
    how.read(true).write(true).create(true).truncate(true);
    let mut file = how.open(path).unwrap();
    file.set_len(prepared.size_bytes).unwrap();
    prepared
        .write_to(wim, &mut file, &run_options(), &mut |_| {})
        .unwrap();
    let report = ntfs_image::check::check(&file, &ntfs_image::Limits::default());
    assert!(
        report.findings.is_empty(),
        "{}: {:?}",
        path.display(),
        report.findings
    );
    file
}

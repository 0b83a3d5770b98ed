//! Options of tests that make volumes.

use std::sync::atomic::AtomicBool;

use stick::{Compact, RunOptions, Verify, VolumeOptions};

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

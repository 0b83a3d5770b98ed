//! Progress counts bytes that are on the medium.

#![allow(clippy::unwrap_used, reason = "what cannot be had fails the test")]

mod support;
#[path = "support/volume_options.rs"]
mod volume_options;

use std::cell::Cell;
use std::io::{Cursor, Result, Seek, SeekFrom, Write};

use stick::{Prepared, PreparedVolume, Source};

use crate::volume_options::{plain, run_options};

/// A disk that keeps nothing and counts.
struct Disk<'a> {
    at: Cursor<()>,
    counts: &'a Counts,
}

#[derive(Default)]
struct Counts {
    written: Cell<u64>,
    flushed: Cell<u64>,
}

impl Write for Disk<'_> {
    fn write(&mut self, buffer: &[u8]) -> Result<usize> {
        self.at.set_position(self.at.position() + buffer.len() as u64);
        self.counts
            .written
            .set(self.counts.written.get() + buffer.len() as u64);
        Ok(buffer.len())
    }

    fn flush(&mut self) -> Result<()> {
        self.counts.flushed.set(self.counts.written.get());
        Ok(())
    }
}

impl Seek for Disk<'_> {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        let SeekFrom::Start(at) = to else {
            return Err(std::io::ErrorKind::Unsupported.into());
        };
        self.at.set_position(at);
        Ok(at)
    }
}

impl Counts {
    fn disk(&self) -> Disk<'_> {
        Disk {
            at: Cursor::new(()),
            counts: self,
        }
    }

    fn is_all_flushed(&self) -> bool {
        self.flushed.get() == self.written.get()
    }
}

#[test]
fn a_volume_is_done_as_far_as_it_was_flushed() {
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("tree");
    std::fs::create_dir(&tree).unwrap();
    let put = |name: String, size: usize| {
        let line = format!("{name}\n");
        std::fs::write(tree.join(&name), line.repeat(size / line.len() + 1)).unwrap();
    };
    put("large".into(), 80 << 20);
    for n in 0..60 {
        put(format!("middle {n}"), 1 << 20);
        put(format!("small {n}"), 300);
    }
    let wim = dir.path().join("tree.wim");
    let Some(mut command) = testkit::tool("wimlib-imagex") else {
        return;
    };
    testkit::run(command.arg("capture").args([&tree, &wim]).arg("--compress=none"));

    let wim = Source::open(&wim).unwrap().wim;
    let prepared = PreparedVolume::new(&wim, 1, plain(), &run_options()).unwrap();
    let counts = Counts::default();
    let mut seen = Vec::new();
    prepared
        .write_to(&wim, &mut counts.disk(), &run_options(), &mut |progress| {
            assert!(
                progress.done_bytes <= counts.flushed.get(),
                "{progress:?}, and {} flushed",
                counts.flushed.get()
            );
            assert!(progress.done_bytes < progress.total_bytes || counts.is_all_flushed());
            seen.push((progress.done_bytes, progress.total_bytes));
        })
        .unwrap();
    assert!(seen.is_sorted(), "{seen:?}");
    assert_eq!(seen.first().unwrap().0, 0);
    let (done, total) = seen.last().unwrap();
    assert!(done == total && *total > 140 << 20, "{seen:?}");
    // In the middle of the large file, too.
    assert!(seen.len() > 4, "{seen:?}");
}

#[test]
fn each_phase_of_a_stick_ends_when_all_of_it_is_flushed() {
    let dir = tempfile::tempdir().unwrap();
    let Some(wim) = support::image(dir.path(), "XPRESS") else {
        return;
    };
    let prepared = Prepared::new(support::spec(&wim, dir.path(), 7), &support::options()).unwrap();
    let counts = Counts::default();
    let mut ended = Vec::new();
    prepared
        .write_to(&mut counts.disk(), &support::options(), &mut |progress| {
            if progress.done_bytes == progress.total_bytes {
                assert!(counts.is_all_flushed(), "{progress:?}");
                ended.push(progress.phase);
            }
        })
        .unwrap();
    assert_eq!(ended, ["boot", "windows", "sync"]);
}

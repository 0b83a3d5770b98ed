//! What a run holds in memory, and that it does not show in the bytes.

#![allow(clippy::unwrap_used, reason = "what cannot be had fails the test")]

#[path = "support/volume_options.rs"]
mod volume_options;

use std::io::Cursor;
use std::path::Path;

use stick::{Compact, PreparedVolume, RunOptions, Source, VolumeOptions};

use crate::volume_options::{plain, run_options};

/// A volume of the image, or why there is none.
fn volume(wim: &Path, options: &RunOptions<'_>) -> stick::Result<Vec<u8>> {
    let wim = Source::open(wim)?.wim;
    let mut out = Cursor::new(Vec::new());
    PreparedVolume::new(&wim, 1, plain(), options)?.write_to(&wim, &mut out, options, &mut |_| {})?;
    Ok(out.into_inner())
}

/// How many files of a compact volume are compact.
fn compact_files(wim: &Path, options: &RunOptions<'_>) -> u64 {
    let wim = Source::open(wim).unwrap().wim;
    let compact = VolumeOptions {
        compact: Compact::Xpress4k,
        ..plain()
    };
    let prepared = PreparedVolume::new(&wim, 1, compact, options).unwrap();
    let mut out = Cursor::new(Vec::new());
    let report = prepared.write_to(&wim, &mut out, options, &mut |_| {}).unwrap();
    report.compact_files
}

#[test]
fn data_of_small_files_goes_to_a_file_when_memory_is_tight() {
    let dir = tempfile::tempdir().unwrap();
    // Three megabytes in MFT records.
    let tree = dir.path().join("tree");
    std::fs::create_dir(&tree).unwrap();
    for n in 0..6000 {
        std::fs::write(tree.join(format!("{n}")), format!("{n:0500}")).unwrap();
    }
    let wim = dir.path().join("small.wim");
    let Some(mut command) = testkit::tool("wimlib-imagex") else {
        return;
    };
    testkit::run(command.arg("capture").args([&tree, &wim]).arg("--compress=none"));

    let nowhere = dir.path().join("missing");
    let unlimited = RunOptions {
        spool_dir: Some(&nowhere),
        ..run_options()
    };
    let expected = volume(&wim, &unlimited).unwrap();
    let tight = RunOptions {
        memory_limit_bytes: Some(8 << 20),
        spool_dir: Some(dir.path()),
        ..run_options()
    };
    assert!(
        volume(&wim, &tight).unwrap() == expected,
        "the bytes depend on the memory"
    );
    let without_room = RunOptions {
        spool_dir: Some(&nowhere),
        ..tight
    };
    let error = volume(&wim, &without_room).unwrap_err();
    assert!(
        format!("{error:?}").contains("making a temporary file"),
        "{error:?}"
    );
}

/// A blob just too large for half of what a memory limit leaves, beside a link whose chunk is kept: with many threads
/// there is no room for that chunk.
#[test]
fn forms_of_large_files_do_not_depend_on_threads() {
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("tree");
    std::fs::create_dir(&tree).unwrap();
    std::os::unix::fs::symlink("large", tree.join("link")).unwrap();
    let limit = 216 << 20;
    let size_bytes = (limit - limit / 8) / 2 - 1000;
    std::fs::write(tree.join("large"), vec![b'a'; size_bytes]).unwrap();
    let wim = dir.path().join("solid.wim");
    let Some(mut command) = testkit::tool("wimlib-imagex") else {
        return;
    };
    let solid = [
        "--solid",
        "--solid-compress=XPRESS",
        "--solid-chunk-size=64K",
        "--image-property=WINDOWS/VERSION/BUILD=19045",
    ];
    testkit::run(command.arg("capture").args([&tree, &wim]).args(solid));

    let with = |threads| {
        let options = RunOptions {
            threads,
            memory_limit_bytes: Some(limit as u64),
            ..run_options()
        };
        compact_files(&wim, &options)
    };
    assert_eq!(with(1), with(8));
}

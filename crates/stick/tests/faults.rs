//! A target that fails, or loses power, at each write: never a valid primary table over wrong content.

#![allow(clippy::unwrap_used, reason = "what cannot be had fails the test")]

mod support;

use partitioner::gpt::{self, GptCopy};
use stick::Prepared;
use testkit::fault_disk::{Fault, FaultDisk};

const SIZE_BYTES: u64 = 448 << 20;

/// The disk after a run with that fault, and whether the run said that it succeeded.
fn run(spec: &stick::Spec, fault: Option<(usize, Fault)>) -> (FaultDisk, bool) {
    let mut disk = FaultDisk::sized(SIZE_BYTES, 0);
    if let Some((write, fault)) = fault {
        disk = disk.failing_at(write, fault);
    }
    let prepared = Prepared::new(spec.clone(), &support::options()).unwrap();
    let result = prepared.write_to(&mut disk, &support::options(), &mut |_| {});
    (disk, result.is_ok())
}

fn has_primary_table(disk: &FaultDisk) -> bool {
    let found = gpt::read(
        &mut std::io::Cursor::new(disk.contents()),
        Some(512),
        &partitioner::Limits::default(),
    );
    found.is_ok_and(|found| found.used == GptCopy::Primary)
}

#[test]
fn a_fault_at_any_write_never_leaves_a_finished_looking_disk() {
    let dir = tempfile::tempdir().unwrap();
    let Some(wim) = support::image(dir.path(), "LZX") else {
        return;
    };
    let spec = support::spec(&wim, dir.path(), 7);
    let (whole, finished) = run(&spec, None);
    assert!(finished && has_primary_table(&whole));
    let writes = whole.trace().len();
    assert!(writes > 10, "only {writes} writes");
    for write in 0..writes {
        for fault in [Fault::Error, Fault::Torn { kept: 512 }, Fault::Lost] {
            let (disk, finished) = run(&spec, Some((write, fault)));
            let is_right = disk.contents() == whole.contents();
            if fault != Fault::Lost {
                assert!(!finished, "write {write}, {fault:?}: the failure went unnoticed");
            }
            assert!(
                !has_primary_table(&disk) || is_right,
                "write {write} of {writes}, {fault:?}: a valid primary table over wrong content"
            );
        }
    }
}

#[test]
fn a_corrupt_blob_costs_the_commit_and_names_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let Some(wim) = support::image(dir.path(), "none") else {
        return;
    };
    let mut bytes = std::fs::read(&wim).unwrap();
    let needle = b"file 39\nfile 39\n";
    let at = bytes
        .windows(needle.len())
        .position(|window| window == needle)
        .unwrap();
    bytes[at] ^= 1;
    std::fs::write(&wim, bytes).unwrap();
    let spec = support::spec(&wim, dir.path(), 7);
    let prepared = Prepared::new(spec, &support::options()).unwrap();
    let mut disk = FaultDisk::sized(SIZE_BYTES, 0);
    let error = prepared
        .write_to(&mut disk, &support::options(), &mut |_| {})
        .unwrap_err();
    assert!(error.to_string().contains("small39.txt"), "{error}");
    assert!(!has_primary_table(&disk));
}

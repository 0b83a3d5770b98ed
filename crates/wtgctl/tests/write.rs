//! `wtgctl write` as a user runs it: exit codes and warnings.

#![allow(
    clippy::disallowed_methods,
    reason = "the test runs the program that it tests"
)]

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Exit code and records of `wtgctl write IMAGE DEVICE --erase NAME`.
fn write(image: &Path, device: &str, erase: &str) -> (Option<i32>, Vec<Value>) {
    let output = Command::new(env!("CARGO_BIN_EXE_wtgctl"))
        .arg("write")
        .arg(image)
        .args([device, "--erase", erase, "--json"])
        .output()
        .expect("wtgctl");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let records = text.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    (output.status.code(), records.collect())
}

#[test]
fn a_path_that_is_not_there_is_a_bad_input() {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("disk.img");
    fs::write(&image, [0; 4096]).unwrap();
    for (image, device, code) in [
        (&image, "/dev/no-such-device", 3),
        (&folder.path().join("nowhere"), "/dev/null", 3),
        (&image, "/dev/null", 4),
        (&image, "/etc/hostname", 4),
    ] {
        let (found, records) = write(image, device, "x");
        assert_eq!(found, Some(code), "{device}: {records:?}");
        let last = records.last().unwrap();
        assert_eq!(
            (&last["type"], &last["exit_code"]),
            (&"error".into(), &code.into())
        );
        assert!(code != 3 || !last["message"].as_str().unwrap().is_empty());
    }
    let (_, records) = write(&image, "/dev/no-such-device", "x");
    assert!(records[0]["hint"].as_str().unwrap().contains("wtgctl devices"));
}

#[test]
fn a_table_that_stays_where_it_is_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (image, disk) = (folder.path().join("image"), folder.path().join("disk"));
    for (path, size_bytes) in [(&image, 8 << 20), (&disk, 9 << 20)] {
        File::create_new(path).unwrap().set_len(size_bytes).unwrap();
    }
    let (Some(mut sgdisk), Some(mut losetup)) = (testkit::tool("sgdisk"), testkit::tool("losetup")) else {
        return;
    };
    // The entries at another sector than the second.
    testkit::run(sgdisk.args(["-j", "40", "-n", "1:2048:4095"]).arg(&image));
    let attached = losetup.args(["-f", "--show"]).arg(&disk).output().unwrap();
    if !attached.status.success() {
        eprintln!(
            "SKIPPED: no loop device: {}",
            String::from_utf8_lossy(&attached.stderr)
        );
        return;
    }
    let device = String::from_utf8(attached.stdout).unwrap().trim().to_owned();
    let (code, records) = write(&image, &device, disk.to_str().unwrap());
    testkit::run(testkit::tool("losetup").unwrap().arg("-d").arg(&device));
    assert_eq!(code, Some(0), "{records:?}");
    let warned = records.iter().any(|record| record["type"] == "warning");
    let last = records.last().unwrap();
    assert!(warned && last["gpt_moved"] == false, "{records:?}");
    assert_eq!(last["gpt_kept"]["code"], "gpt-other-layout");
    assert!(fs::read(&disk).unwrap()[..8 << 20] == fs::read(&image).unwrap());
}

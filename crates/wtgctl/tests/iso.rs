//! `wtgctl iso` as a user runs it: output, exit codes, files.

#![allow(
    clippy::disallowed_methods,
    reason = "the test runs the program that it tests"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn wtgctl(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wtgctl"));
    command.arg("iso").args(args).output().expect("wtgctl")
}

fn json_lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// A bridge with a few files, as genisoimage makes it; `None` without genisoimage.
fn image(scratch: &Path) -> Option<PathBuf> {
    let (folder, image) = (scratch.join("in"), scratch.join("windows.iso"));
    std::fs::create_dir_all(folder.join("sources/sub")).expect("folder");
    std::fs::write(folder.join("sources/install.wim"), vec![7; 5000]).expect("file");
    std::fs::write(folder.join("sources/boot.wim"), vec![8; 10]).expect("file");
    std::fs::write(folder.join("sources/sub/a.txt"), "a").expect("file");
    std::fs::write(folder.join("setup.exe"), "MZ").expect("file");
    let mut command = testkit::tool("genisoimage")?;
    testkit::run(
        command
            .args(["-quiet", "-udf", "-V", "WINDOWS", "-o"])
            .arg(&image)
            .arg(&folder),
    );
    Some(image)
}

#[test]
fn a_bridge_is_shown_listed_and_read() {
    let scratch = tempfile::tempdir().expect("folder");
    let Some(image) = image(scratch.path()) else {
        return;
    };
    let iso = image.to_str().expect("path");

    let info = json_lines(&wtgctl(&["info", iso, "--json"]));
    let [info] = info.as_slice() else {
        panic!("{info:?}")
    };
    assert_eq!(
        (&info["type"], &info["view"], &info["label"]),
        (&"result".into(), &"UDF".into(), &"WINDOWS".into())
    );
    assert_eq!(info["boot"]["windows_install_image"], "sources/install.wim");

    let listed = json_lines(&wtgctl(&["ls", iso, "-R", "--json"]));
    let entries = listed.iter().filter(|record| record["type"] == "entry");
    let mut paths: Vec<&str> = entries
        .map(|record| record["path"].as_str().expect("path"))
        .collect();
    paths.sort_unstable();
    assert_eq!(
        paths,
        [
            "setup.exe",
            "sources",
            "sources/boot.wim",
            "sources/install.wim",
            "sources/sub",
            "sources/sub/a.txt"
        ]
    );
    assert_eq!(listed.last().expect("result")["size_bytes"], 5013);

    let bytes = wtgctl(&["cat", iso, "SOURCES/INSTALL.WIM"]);
    assert_eq!((bytes.status.code(), bytes.stdout), (Some(0), vec![7; 5000]));
    let extents = json_lines(&wtgctl(&["extents", iso, "sources/install.wim", "--json"]));
    let offset = extents[0]["image_offset_bytes"].as_u64().expect("offset") as usize;
    assert_eq!(
        std::fs::read(&image).expect("image")[offset..offset + 5000],
        [7; 5000]
    );
}

#[test]
fn patterns_are_extracted_below_the_folder() {
    let scratch = tempfile::tempdir().expect("folder");
    let Some(image) = image(scratch.path()) else {
        return;
    };
    let (iso, to) = (image.to_str().expect("path"), scratch.path().join("out"));
    let to_text = to.to_str().expect("path");
    let output = wtgctl(&["extract", iso, "sources/**", "SETUP.*", "--to", to_text]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(
        std::fs::read(to.join("sources/install.wim")).expect("file"),
        [7; 5000]
    );
    assert_eq!(std::fs::read(to.join("sources/sub/a.txt")).expect("file"), b"a");
    assert_eq!(std::fs::read(to.join("setup.exe")).expect("file"), b"MZ");
    let again = wtgctl(&["extract", iso, "setup.exe", "--to", to_text]);
    assert_ne!(again.status.code(), Some(0), "what exists is not replaced");
}

#[test]
fn exit_codes_tell_bad_input_from_a_bad_request() {
    let scratch = tempfile::tempdir().expect("folder");
    let Some(image) = image(scratch.path()) else {
        return;
    };
    let iso = image.to_str().expect("path");
    assert_eq!(wtgctl(&["verify", iso]).status.code(), Some(0));
    assert_eq!(wtgctl(&["cat", iso, "missing"]).status.code(), Some(2));
    assert_eq!(wtgctl(&["cat", iso, "sources"]).status.code(), Some(2));
    assert_eq!(
        wtgctl(&["ls", iso, "--view", "rock-ridge"]).status.code(),
        Some(2)
    );
    assert_eq!(wtgctl(&["ls", "/missing.iso"]).status.code(), Some(3));

    let mut bytes = std::fs::read(&image).expect("image");
    let cut = scratch.path().join("cut.iso");
    std::fs::write(&cut, &bytes[..bytes.len() - 4096]).expect("file");
    let output = wtgctl(&["ls", cut.to_str().expect("path")]);
    assert_eq!(output.status.code(), Some(3));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("truncated"),
        "{output:?}"
    );

    // Damage in the file entry of install.wim: a finding, the ISO 9660 side is verified all the same, exit code 1.
    let is_entry =
        |at: &usize| bytes[*at..*at + 2] == [5, 1] && bytes[*at + 56..*at + 64] == 5000_u64.to_le_bytes();
    let at = (0..bytes.len() - 2048)
        .step_by(2048)
        .find(is_entry)
        .expect("file entry");
    bytes[at + 60] ^= 0xff;
    let damaged = scratch.path().join("damaged.iso");
    std::fs::write(&damaged, &bytes).expect("file");
    let output = wtgctl(&["verify", damaged.to_str().expect("path"), "--json"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(json_lines(&output).last().expect("result")["sound"], false);
}

//! What Windows' boot loader reads is compact in clusters only: its NTFS reader is its own, and nobody promises that it
//! looks for a compressed stream in an MFT record.

use std::collections::BTreeMap;
use std::path::Path;

use stick::{Compact, VolumeOptions};

use crate::volume::make;
use crate::volume_options::plain;

/// Of two clusters, and a few hundred bytes when compressed: the line differs, so that no two are one blob.
fn long_file(line: &str) -> Vec<u8> {
    line.repeat(8000 / line.len()).into_bytes()
}

/// Files of several clusters whose compressed form would fit their records, of both kinds.
const BOOT_FILES: [&str; 3] = [
    "Windows/INF/long.inf",
    "Windows/System32/drivers/long.sys",
    "Windows/System32/c_long.nls",
];
const OTHER_FILES: [&str; 2] = ["Windows/System32/long.dll", "Users/Public/long.txt"];

/// Whether the compressed stream of a file lies in its record, as `ntfsinfo` sees it.
fn lies_in_record(volume: &Path, file: &str) -> Option<bool> {
    let mut command = testkit::tool("ntfsinfo")?;
    command.arg("-F").arg(format!("/{file}")).arg(volume);
    let text = String::from_utf8(testkit::run(&mut command).stdout).unwrap();
    let attributes = text.split("Dumping attribute ").skip(1);
    let mut streams = attributes.filter(|attribute| attribute.contains("'WofCompressedData'"));
    let stream = streams
        .next()
        .unwrap_or_else(|| panic!("{file} is not compact:\n{text}"));
    let resident = stream
        .lines()
        .find_map(|line| line.trim().strip_prefix("Resident:"));
    match resident.map(str::trim) {
        Some("Yes") => Some(true),
        Some("No") => Some(false),
        other => panic!("{file}: resident is {other:?}:\n{stream}"),
    }
}

/// As LZX of the image itself and as XPRESS made anew, for Windows whose loader reads every format, and for one that
/// reads XPRESS 4K only.
#[test]
fn long_boot_files_are_compact_in_clusters() {
    for (build, compact) in [
        ("22621", Compact::Auto),
        ("22621", Compact::Xpress16k),
        ("17134", Compact::Auto),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("tree");
        for file in BOOT_FILES.iter().chain(&OTHER_FILES) {
            let path = tree.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, long_file(&format!("a line of {file}\r\n"))).unwrap();
        }
        let wim = dir.path().join("long.wim");
        let Some(mut command) = testkit::tool("wimlib-imagex") else {
            return;
        };
        command
            .arg("capture")
            .arg(&tree)
            .arg(&wim)
            .args(["1", "--compress=LZX"]);
        for (property, value) in [
            ("MAJOR", "10"),
            ("MINOR", "0"),
            ("BUILD", build),
            ("SPBUILD", "1"),
        ] {
            command.args(["--image-property", &format!("WINDOWS/VERSION/{property}={value}")]);
        }
        testkit::run(&mut command);

        let volume = dir.path().join("volume.img");
        make(&wim, VolumeOptions { compact, ..plain() }, &volume);
        testkit::oracles::ntfs_gate(&volume);
        let found: Option<BTreeMap<&str, bool>> = (BOOT_FILES.iter().chain(&OTHER_FILES))
            .map(|file| Some((*file, lies_in_record(&volume, file)?)))
            .collect();
        let Some(found) = found else { return };
        for file in BOOT_FILES {
            assert!(!found[file], "{file} lies in its record: {build} {compact:?}");
        }
        // Had these no room there, the others would show nothing.
        for file in OTHER_FILES {
            assert!(found[file], "{file} lies in clusters: {build} {compact:?}");
        }
    }
}

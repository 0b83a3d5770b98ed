//! `wtgctl wim apply --ntfs --recover`: what a damaged image leaves on a volume, beside what wimlib makes of it.

#![allow(clippy::unwrap_used, reason = "what cannot be had fails the test")]
#![allow(clippy::disallowed_methods, reason = "runs the program under test")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use testkit::manifest::NtfsMount;
use wim_apply::{Limits, Wim};

fn wtgctl(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wtgctl"));
    command.args(["--lang", "en", "wim"]).args(args);
    command.current_dir(folder).output().unwrap()
}

/// The last record of a command that ends with `code`.
fn record(folder: &Path, code: i32, args: &[&str]) -> Value {
    let output = wtgctl(folder, &[args, &["--json"]].concat());
    assert_eq!(output.status.code(), Some(code), "{args:?}: {output:?}");
    let out = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(out.lines().last().unwrap()).unwrap()
}

/// wimlib-imagex; `None` when it is missing and that is allowed.
fn wimlib(folder: &Path, args: &[&str]) -> Option<Output> {
    let mut command = testkit::tool("wimlib-imagex")?;
    Some(testkit::run(command.args(args).current_dir(folder)))
}

fn text(mut seed: u32, size: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(size + 16);
    while out.len() < size {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        out.extend(format!("{} {:x}\n", seed % 1000, seed >> 20).bytes());
    }
    out.truncate(size);
    out
}

/// Files that are damaged later, and others.
fn tree(folder: &Path) {
    let write = |path: &str, bytes: &[u8]| {
        let path = folder.join("t").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    write("large", &text(1, 1_700_001));
    write("d/middle", &text(2, 150_000));
    write("d/copy of middle", &text(2, 150_000));
    write("small", &text(3, 300));
    write("whole", &text(4, 900_000));
    for number in 0..20 {
        write(
            &format!("d/sound {number:02}"),
            &text(100 + number, 3000 + 997 * number as usize),
        );
    }
    std::os::unix::fs::symlink("a target", folder.join("t/link")).unwrap();
}

const DAMAGED: [&str; 3] = ["large", "d/middle", "small"];

/// Changes bytes in the middle of what the image holds of the damaged files, and of the link's target.
fn damage(wim: &Path) {
    let opened = Wim::open(fs::File::open(wim).unwrap(), &Limits::default()).unwrap();
    let image = opened.image(1).unwrap();
    let mut bytes = fs::read(wim).unwrap();
    let mut change = |at: u64, count: u64| {
        for byte in &mut bytes[at as usize..(at + count) as usize] {
            *byte ^= 0x5a;
        }
    };
    if let Some(resource) = opened.solid_resources().first() {
        // Within two chunks of it.
        change(resource.offset + resource.stored_bytes / 3, 9);
        change(resource.offset + resource.stored_bytes - 200, 9);
    } else {
        for path in DAMAGED {
            let id = image.lookup(path).unwrap();
            let blob = image.inode_of(id).unwrap().unnamed_data().unwrap().blob.unwrap();
            let blob = opened.blob(blob).unwrap();
            let stored_bytes = blob.stored_bytes().unwrap_or(blob.size_bytes);
            change(blob.offset() + stored_bytes * 2 / 3, 4);
        }
    }
    let link = image.inode_of(image.lookup("link").unwrap()).unwrap();
    let link = opened.blob(link.streams[0].blob.unwrap()).unwrap();
    if !link.is_solid() {
        // The first character of the target.
        change(link.offset() + 12, 1);
    }
    fs::write(wim, bytes).unwrap();
}

/// Every file and link below a folder, with its content.
fn contents(root: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().display().to_string();
            if path.is_symlink() {
                found.push((
                    name,
                    fs::read_link(&path)
                        .unwrap()
                        .into_os_string()
                        .into_encoded_bytes(),
                ));
            } else if path.is_dir() {
                folders.push(path);
            } else {
                found.push((name, fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// Whether files are those of wimlib's recovery. Of a chunk that does not decode it leaves the bytes up to the fault and
/// whatever its buffer held before; those are zeros here.
fn is_wimlibs(found: &[u8], wimlibs: &[u8]) -> bool {
    let mut pairs = found.iter().zip(wimlibs);
    found.len() == wimlibs.len() && pairs.all(|(found, wimlibs)| found == wimlibs || *found == 0)
}

/// What wimlib's own recovery of the image leaves in a folder.
fn by_wimlib(folder: &Path, wim: &str) -> Vec<(String, Vec<u8>)> {
    let to = format!("{wim} by wimlib");
    wimlib(folder, &["apply", wim, "1", &to, "--recover-data"]).unwrap();
    contents(&folder.join(to))
}

fn recovered(capture: &[&str], apply: &[&str], has_compact: bool) {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    tree(folder);
    let args = ["capture", "t", "a.wim", "N", "--no-acls"];
    if wimlib(folder, &[&args, capture].concat()).is_none() {
        return;
    }
    // Compact storage wants to know of a Windows that has it.
    let build = "WINDOWS/VERSION/BUILD=19041";
    wimlib(folder, &["info", "a.wim", "1", "--image-property", build]).unwrap();
    // Of a sound image the option changes nothing.
    let sound = |volume: &str, option: &[&str]| {
        let args = ["apply", "a.wim", "1", "--ntfs", volume, "--seed", "7"];
        let report = record(folder, 0, &[&args, apply, option].concat());
        assert!(report["damaged"].as_array().unwrap().is_empty(), "{report}");
        let bytes = fs::read(folder.join(volume)).unwrap();
        fs::remove_file(folder.join(volume)).unwrap();
        bytes
    };
    assert!(sound("v0.img", &[]) == sound("v1.img", &["--recover"]));

    damage(&folder.join("a.wim"));
    let to_volume = ["apply", "a.wim", "1", "--ntfs", "v.img"];
    let refused = wtgctl(folder, &[&to_volume, apply].concat());
    assert_eq!(refused.status.code(), Some(3), "{refused:?}");
    fs::remove_file(folder.join("v.img")).ok();

    let report = record(folder, 1, &[&to_volume, apply, &["--recover"]].concat());
    let damaged = report["damaged"].as_array().unwrap();
    let named = damaged
        .iter()
        .map(|line| line.as_str().unwrap())
        .collect::<Vec<_>>()
        .join("\n");
    testkit::oracles::ntfs_gate(&folder.join("v.img"));
    assert_eq!(
        report["compact_files"].as_u64().unwrap() > 0,
        has_compact,
        "{report}"
    );

    // What the volume holds, by another program: captured, and applied to a folder.
    let expected = by_wimlib(folder, "a.wim");
    assert!(wtgctl(folder, &["capture", "v.img", "v.wim"]).status.success());
    let found = by_wimlib(folder, "v.wim");
    let original = contents(&folder.join("t"));
    let mount = NtfsMount::new(&folder.join("v.img"), "ro");
    for ((want, got), before) in expected.iter().zip(&found).zip(&original) {
        assert_eq!(want.0, got.0);
        assert!(
            is_wimlibs(&got.1, &want.1),
            "{}: other bytes than wimlib's",
            want.0
        );
        let path = format!("\\{}", want.0.replace('/', "\\"));
        assert_eq!(want != before, named.contains(&path), "{path}: {named}");
        // A driver without Windows' compact files reads what is damaged.
        if want != before && !folder.join("t").join(&want.0).is_symlink() {
            let read = fs::read(mount.as_ref().unwrap().path().join(&want.0)).unwrap();
            assert!(read == got.1, "{path}");
        }
    }
    assert_eq!((expected.len(), found.len()), (original.len(), original.len()));
    if let Some(mount) = mount {
        mount.unmount();
    }
    // The same to a folder, and in words.
    let to_folder = record(folder, 1, &["apply", "a.wim", "1", "folder", "--recover"]);
    assert_eq!(to_folder["damaged"], report["damaged"]);
    assert!(
        contents(&folder.join("folder")) == found,
        "other bytes than in a folder"
    );
    let words = wtgctl(folder, &[&to_volume, apply, &["--recover", "--force"]].concat());
    assert_eq!(words.status.code(), Some(1));
    let words = String::from_utf8(words.stdout).unwrap();
    assert!(words.starts_with(damaged[0].as_str().unwrap()), "{words}");
    assert!(
        !words
            .trim_end()
            .ends_with(damaged.last().unwrap().as_str().unwrap()),
        "{words}"
    );
}

#[test]
fn from_resources_of_their_own() {
    recovered(&["--compress=LZX"], &[], false);
}

#[test]
fn from_stored_bytes() {
    recovered(&["--compress=none"], &[], false);
}

#[test]
fn compact_files_as_they_lie_in_the_image() {
    recovered(&["--compress=LZX"], &["--compact", "auto"], true);
}

#[test]
fn files_compressed_anew() {
    recovered(
        &["--compress=XPRESS"],
        &["--compact", "xpress4k", "--verify", "deferred"],
        true,
    );
}

#[test]
fn from_a_solid_image() {
    let solid = ["--solid", "--solid-chunk-size=64K"];
    recovered(&solid, &[], false);
    recovered(&solid, &["--compact", "xpress16k"], true);
}

#[test]
fn a_partition_of_a_disk() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    tree(folder);
    let Some(_) = wimlib(folder, &["capture", "t", "a.wim", "N", "--no-acls"]) else {
        return;
    };
    damage(&folder.join("a.wim"));
    fs::File::create(folder.join("disk"))
        .unwrap()
        .set_len(80 << 20)
        .unwrap();
    let Some(mut sgdisk) = testkit::tool("sgdisk") else {
        return;
    };
    testkit::run(
        sgdisk
            .args(["-n", "1:2048:+64M", "-t", "1:0700", "disk"])
            .current_dir(folder),
    );
    let args = [
        "apply",
        "a.wim",
        "1",
        "--ntfs",
        "disk",
        "--partition",
        "1",
        "--force",
    ];
    let failed = wtgctl(folder, &args);
    assert_eq!(failed.status.code(), Some(3), "{failed:?}");
    let report = record(folder, 1, &[&args[..], &["--recover"]].concat());
    assert!(
        report["damaged"].as_array().unwrap().len() >= DAMAGED.len(),
        "{report}"
    );
    let disk = fs::read(folder.join("disk")).unwrap();
    let volume = folder.join("volume");
    fs::write(&volume, &disk[1 << 20..65 << 20]).unwrap();
    testkit::oracles::ntfs_gate(&volume);
    let Some(mount) = NtfsMount::new(&volume, "ro") else {
        return;
    };
    let expected = by_wimlib(folder, "a.wim");
    for (path, bytes) in expected.iter().filter(|(path, _)| path != "link") {
        let found = fs::read(mount.path().join(path)).unwrap();
        assert!(is_wimlibs(&found, bytes), "{path}");
    }
    mount.unmount();
}

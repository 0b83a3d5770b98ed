//! `wtgctl wim apply` to a folder: the times that files get; and folders that cannot take the image, or not all of it:
//! exit code, sentence, and what it says is there.

#![allow(clippy::unwrap_used, reason = "what cannot be had fails the test")]
#![allow(clippy::disallowed_methods, reason = "runs the program under test")]

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use testkit::manifest::NtfsMount;

fn wtgctl(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wtgctl"));
    command.args(["--lang", "en"]).args(args);
    command
}

/// Captures `count` files of `size_bytes` that do not compress.
fn image_of_files(dir: &Path, count: u32, size_bytes: usize) -> String {
    let tree = dir.join("tree");
    let mut n = 1_u64;
    for number in 0..count {
        let folder = tree.join(format!("folder {}", number % 16));
        fs::create_dir_all(&folder).unwrap();
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            n ^= n << 13;
            n ^= n >> 7;
            n ^= n << 17;
            (n >> 32) as u8
        })
        .take(size_bytes)
        .collect();
        fs::write(folder.join(format!("file {number}")), noise).unwrap();
    }
    let wim = dir.join("a.wim").to_str().unwrap().to_owned();
    let captured = wtgctl(&[
        "wim",
        "capture",
        tree.to_str().unwrap(),
        &wim,
        "--compress",
        "none",
    ])
    .output()
    .unwrap();
    assert!(captured.status.success(), "{captured:?}");
    wim
}

/// An NTFS volume, mounted; `None` without ntfs-3g.
fn volume(dir: &Path, size_mib: u64, options: &str) -> Option<NtfsMount> {
    let image = dir.join("volume");
    fs::File::create(&image).unwrap().set_len(size_mib << 20).unwrap();
    testkit::run(testkit::tool("mkntfs")?.args(["-Q", "-F"]).arg(&image));
    NtfsMount::new(&image, options)
}

/// It must end soon, with this code; gives what it said.
fn fails(mut command: Command, code: i32) -> String {
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if began.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
            panic!("it hangs");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{text}");
    text
}

const PART_ONLY: &str = "holds a part of the image only";
const HINT: &str = "hint: make room if it is short, empty the folder";

#[test]
fn no_space() {
    let dir = tempfile::tempdir().unwrap();
    // Small files, and one that comes in parts.
    for (count, size_bytes) in [(3000, 6000), (1, 20 << 20)] {
        let wim = image_of_files(dir.path(), count, size_bytes);
        let Some(volume) = volume(dir.path(), 8, "rw") else {
            return;
        };
        let target = volume.path().join("target");
        for threads in ["1", "2"] {
            let args = [
                "wim",
                "apply",
                &wim,
                "1",
                target.to_str().unwrap(),
                "--threads",
                threads,
            ];
            let text = fails(wtgctl(&args), 5);
            for part in ["\\folder ", "No space left on device", PART_ONLY, HINT] {
                assert!(text.contains(part), "{part:?} is not in {text}");
            }
            assert!(fs::read_dir(&target).unwrap().count() > 0);
            fs::remove_dir_all(&target).unwrap();
        }
        volume.unmount();
        fs::remove_file(&wim).unwrap();
        fs::remove_dir_all(dir.path().join("tree")).unwrap();
    }
}

#[test]
fn read_only() {
    let dir = tempfile::tempdir().unwrap();
    let wim = image_of_files(dir.path(), 2, 10);
    let Some(volume) = volume(dir.path(), 8, "ro") else {
        return;
    };
    for target in [volume.path().join("target"), volume.path().to_owned()] {
        let text = fails(wtgctl(&["wim", "apply", &wim, "1", target.to_str().unwrap()]), 5);
        assert!(text.contains("Read-only file system"), "{text}");
        assert!(text.contains(target.to_str().unwrap()), "{text}");
        assert!(!text.contains(PART_ONLY), "{text}");
    }
    volume.unmount();
}

#[test]
fn interrupted() {
    let dir = tempfile::tempdir().unwrap();
    let wim = image_of_files(dir.path(), 4000, 1000);
    // A file system that takes its time, with room for everything: only the signal can end it early.
    let Some(volume) = volume(dir.path(), 128, "rw") else {
        return;
    };
    let target = volume.path().join("target");
    let mut child = wtgctl(&["wim", "apply", &wim, "1", target.to_str().unwrap()])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while fs::read_dir(&target).map_or(0, Iterator::count) == 0 {
        assert!(
            child.try_wait().unwrap().is_none(),
            "it ended before anything was there"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
    testkit::run(Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]));
    let status = child.wait().unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut text).unwrap();
    assert_eq!(status.code(), Some(130), "{text}");
    for part in [PART_ONLY, HINT] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    volume.unmount();
}

/// Files with data of their own, with the same data, without any, and directories, one of them empty.
#[test]
fn files_and_directories_have_their_times() {
    let dir = tempfile::tempdir().unwrap();
    let (tree, wim, out) = (
        dir.path().join("t"),
        dir.path().join("a.wim"),
        dir.path().join("out"),
    );
    fs::create_dir_all(tree.join("d/empty")).unwrap();
    let files = [
        ("own", "own"),
        ("d/same", "same"),
        ("same too", "same"),
        ("nothing", ""),
    ];
    for (name, content) in files {
        fs::write(tree.join(name), content).unwrap();
    }
    let paths = ["own", "d/same", "same too", "nothing", "d/empty", "d", ""];
    let time = |number: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000 + number);
    for (number, path) in (0..).zip(paths) {
        let file = File::open(tree.join(path)).unwrap();
        file.set_modified(time(number)).unwrap();
    }
    for args in [
        ["wim", "capture", tree.to_str().unwrap(), wim.to_str().unwrap()].as_slice(),
        &["wim", "apply", wim.to_str().unwrap(), "1", out.to_str().unwrap()],
    ] {
        let output = wtgctl(args).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    for (number, path) in (0..).zip(paths) {
        let found = fs::metadata(out.join(path)).unwrap().modified().unwrap();
        assert_eq!(found, time(number), "{path:?}");
    }
}

//! Pipable and solid files as a user makes them: through pipes, and when a pipe, a disk or the memory ends early.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "what cannot be had fails the test")]
#![allow(clippy::disallowed_methods, reason = "runs the program under test")]

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn wim(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wtgctl"));
    command
        .args(["--lang", "en", "--progress", "never", "wim"])
        .args(args);
    command.current_dir(folder);
    command
}

fn done(folder: &Path, args: &[&str]) -> Output {
    let output = wim(folder, args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {output:?}");
    output
}

/// What the command ends with, and says on stderr.
fn fails(command: &mut Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!text.contains("panicked"), "{text}");
    (output.status.code(), text)
}

fn wimlib(folder: &Path, args: &[&str]) {
    if let Some(mut command) = testkit::tool("wimlib-imagex") {
        testkit::run(command.args(args).current_dir(folder));
    }
}

/// A folder with `t`: text in two kinds of files, and bytes that do not compress.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let t = folder.path().join("t");
    fs::create_dir(&t).unwrap();
    for n in 0..9_u32 {
        let text: String = (0..2000).map(|m| format!("{} {n}\n", m * n)).collect();
        fs::write(t.join(format!("{n}.txt")), text).unwrap();
        let noise: Vec<u8> = (0..9999_u32)
            .map(|m| (m.wrapping_mul(0x9e37_79b1 ^ n) >> 13) as u8)
            .collect();
        fs::write(t.join(format!("{n}.bin")), noise).unwrap();
    }
    folder
}

fn is_tree(folder: &Path, name: &str) {
    let mut diff = Command::new("diff");
    let output = diff.args(["-r", "t", name]).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    fs::remove_dir_all(folder.join(name)).unwrap();
}

#[test]
fn through_pipes() {
    let folder = folder();
    let folder = folder.path();
    let args = ["capture", "t", "-", "--pipable", "--check", "--compress", "lzx"];
    let piped = done(folder, &args).stdout;
    assert!(piped.starts_with(b"WLPWM\0\0\0"));
    done(
        folder,
        &[
            "capture",
            "t",
            "p.wim",
            "--pipable",
            "--check",
            "--compress",
            "lzx",
        ],
    );
    assert!(fs::read(folder.join("p.wim")).unwrap() == piped);
    wimlib(folder, &["verify", "p.wim"]);
    wimlib(folder, &["info", "p.wim", "--check"]);
    for pipable in ["p.wim", "q.wim"] {
        // Ours into ours, and into wimlib's.
        done(folder, &["export", "p.wim", "all", "n.wim", "--force"]);
        done(
            folder,
            &["export", "n.wim", "all", "q.wim", "--pipable", "--force"],
        );
        let mut from = wim(folder, &["export", pipable, "all", "-", "--pipable"]);
        let mut from = from.stdout(Stdio::piped()).spawn().unwrap();
        let mut to = wim(folder, &["apply", "-", "1", "out"]);
        assert!(to.stdin(from.stdout.take().unwrap()).status().unwrap().success());
        assert!(from.wait().unwrap().success());
        is_tree(folder, "out");
        if let Some(mut command) = testkit::tool("wimlib-imagex") {
            command.args(["apply", "-", "1", "out"]).current_dir(folder);
            testkit::run(command.stdin(File::open(folder.join(pipable)).unwrap()));
            is_tree(folder, "out");
        }
        wimlib(folder, &["verify", "n.wim"]);
    }
    // Copied there and back, no chunk is compressed anew.
    assert!(fs::read(folder.join("q.wim")).unwrap().len() <= piped.len());
    let json = wim(
        folder,
        &["optimize", "p.wim", "--out", "-", "--pipable", "--json"],
    )
    .output()
    .unwrap();
    assert!(json.stdout == piped);
    let record: serde_json::Value = serde_json::from_slice(&json.stderr).unwrap();
    assert_eq!(record["file_bytes"], piped.len());
    let (code, text) = fails(&mut wim(folder, &["export", "p.wim", "1", "-"]));
    assert!(code == Some(2) && text.contains("--pipable"), "{text}");
}

#[test]
fn solid_files() {
    let folder = folder();
    let folder = folder.path();
    for (compress, limit) in [("xpress", "1G"), ("lzx", "1G"), ("lzms", "40M")] {
        let mut args = vec![
            "capture",
            "t",
            "s.esd",
            "--solid",
            "--compress",
            compress,
            "--check",
            "--force",
        ];
        if compress == "lzms" {
            args.extend(["--chunk-size", "128K"]);
        }
        args.extend(["--memory-limit", limit]);
        done(folder, &args);
        let once = fs::read(folder.join("s.esd")).unwrap();
        args.extend(["--threads", "1"]);
        done(folder, &args);
        assert!(fs::read(folder.join("s.esd")).unwrap() == once);
        fs::write(folder.join("t/new.txt"), "new").unwrap();
        done(folder, &["append", "t", "s.esd", "--name", "Two"]);
        let delta = [
            "capture",
            "t",
            "d.esd",
            "--solid",
            "--delta-from",
            "s.esd",
            "--force",
        ];
        done(folder, &delta);
        for file in ["s.esd", "d.esd"] {
            wimlib(folder, &["verify", file, "--ref=s.esd"]);
        }
        done(folder, &["apply", "d.esd", "1", "out", "--ref", "s.esd"]);
        is_tree(folder, "out");
        done(folder, &["delete", "s.esd", "Two", "--soft"]);
        fs::remove_file(folder.join("t/new.txt")).unwrap();
        done(
            folder,
            &["export", "s.esd", "1", "n.wim", "--compress", "xpress", "--force"],
        );
        done(folder, &["export", "n.wim", "1", "s2.esd", "--solid", "--force"]);
        for file in ["s.esd", "n.wim", "s2.esd"] {
            wimlib(folder, &["verify", file]);
            done(folder, &["apply", file, "1", "out"]);
            is_tree(folder, "out");
        }
    }
    let (code, text) = fails(&mut wim(
        folder,
        &["capture", "t", "x.esd", "--solid", "--memory-limit", "100K"],
    ));
    assert!(
        code == Some(2) && text.contains("--chunk-size") && !folder.join("x.esd").exists(),
        "{text}"
    );
    let (code, _) = fails(&mut wim(
        folder,
        &["capture", "t", "x.esd", "--solid", "--pipable"],
    ));
    assert_eq!(code, Some(2));
}

#[test]
fn what_ends_early() {
    let folder = folder();
    let folder = folder.path();
    fs::write(folder.join("t/large"), vec![7; 9 << 20]).unwrap();
    let to_stdout = ["capture", "t", "-", "--pipable", "--compress", "none"];
    // Nobody reads.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let (code, text) = fails(wim(folder, &to_stdout).stdout(writer).stderr(Stdio::piped()));
    assert_eq!(code, Some(5), "{text}");
    // There is no room.
    let full = File::options().write(true).open("/dev/full").unwrap();
    let (code, text) = fails(wim(folder, &to_stdout).stdout(full).stderr(Stdio::piped()));
    assert!(code == Some(5) && text.contains("No space"), "{text}");
    for form in ["--pipable", "--solid"] {
        let mut limited = Command::new("sh");
        limited.args([
            "-c",
            "trap '' XFSZ; ulimit -f 8; exec \"$@\"",
            "sh",
            env!("CARGO_BIN_EXE_wtgctl"),
        ]);
        limited.args([
            "--lang",
            "en",
            "wim",
            "capture",
            "t",
            "full.wim",
            form,
            "--compress",
            "xpress",
        ]);
        let (code, text) = fails(limited.current_dir(folder));
        assert_eq!(code, Some(5), "{text}");
        // Killed, it leaves no file of that name.
        fs::create_dir_all(folder.join("huge")).unwrap();
        File::create(folder.join("huge/zeros"))
            .unwrap()
            .set_len(1 << 40)
            .unwrap();
        let mut capture = wim(folder, &["capture", "huge", "full.wim", form])
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        let is_begun = || {
            let mut names = fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().file_name());
            names.any(|name| name.to_string_lossy().contains(".part"))
        };
        while !is_begun() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
        capture.kill().unwrap();
        capture.wait().unwrap();
        assert!(is_begun() && !folder.join("full.wim").exists());
    }
    // What is read ends.
    let bytes = done(folder, &["capture", "t", "-", "--pipable"]).stdout;
    fs::write(folder.join("cut"), &bytes[..bytes.len() / 2]).unwrap();
    let mut apply = wim(folder, &["apply", "-", "1", "out"]);
    let (code, text) = fails(apply.stdin(File::open(folder.join("cut")).unwrap()));
    assert_eq!(code, Some(3), "{text}");
}

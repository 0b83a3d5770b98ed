//! What is left behind when a change is interrupted or fails.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{command, done, folder, unfinished, wim, wimlib};

/// Starts a command, and waits until it has written something.
fn start(folder: &Path, args: &[&str], is_under_way: &dyn Fn() -> bool) -> Child {
    let mut command = command(folder, args);
    let child = command
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while !is_under_way() {
        assert!(started.elapsed() < Duration::from_secs(60), "{args:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
    child
}

/// Presses Ctrl-C.
fn interrupt(child: Child) -> (i32, String) {
    let press = format!("kill -INT {}", child.id());
    assert!(
        Command::new("sh")
            .args(["-c", &press])
            .status()
            .unwrap()
            .success()
    );
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), text)
}

#[test]
fn an_interrupted_capture_leaves_nothing_behind() {
    let folder = folder();
    let folder = folder.path();
    let child = start(folder, &["capture", "huge", "b.wim"], &|| unfinished(folder) == 1);
    let (code, text) = interrupt(child);
    assert_eq!(code, 130, "{text}");
    assert_eq!(unfinished(folder), 0);
    assert!(!folder.join("b.wim").exists());
}

#[test]
fn an_interrupted_append_leaves_the_file_as_it_was_and_others_wait() {
    let folder = folder();
    let folder = folder.path();
    let before = fs::read(folder.join("a.wim")).unwrap();
    let length = || fs::metadata(folder.join("a.wim")).unwrap().len();
    let append = ["append", "huge", "a.wim"];
    let child = start(folder, &append, &|| length() > before.len() as u64);
    for args in [
        &["set", "a.wim", "1", "--name", "Two"][..],
        &["append", "t", "a.wim", "--name", "Three"],
        &["delete", "a.wim", "1"],
        &["optimize", "a.wim"],
    ] {
        let (code, text) = wim(folder, args);
        assert_eq!(code, 4, "{args:?}: {text}");
        assert!(text.contains("another program is changing it"), "{text}");
    }
    let (code, text) = interrupt(child);
    assert_eq!(code, 130, "{text}");
    assert!(text.contains("a.wim is as it was"), "{text}");
    assert!(fs::read(folder.join("a.wim")).unwrap() == before);
    // Killed, it has unused bytes at its end.
    let mut child = start(folder, &append, &|| length() > before.len() as u64);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(length() > before.len() as u64);
    wimlib(folder, &["verify", "a.wim"]);
    done(folder, &["verify", "a.wim"]);
}

#[test]
fn an_export_that_ends_early_leaves_the_images_as_they_were() {
    let folder = folder();
    let folder = folder.path();
    fs::create_dir(folder.join("noise")).unwrap();
    let mut n = 1_u64;
    let mut noise = Vec::with_capacity(96 << 20);
    while noise.len() < 96 << 20 {
        n ^= n << 13;
        n ^= n >> 7;
        n ^= n << 17;
        noise.extend(n.to_le_bytes());
    }
    fs::write(folder.join("noise/noise"), noise).unwrap();
    done(folder, &["capture", "noise", "noise.wim", "--compress", "none"]);
    let before = fs::read(folder.join("a.wim")).unwrap();
    let length = || fs::metadata(folder.join("a.wim")).unwrap().len();
    // All of it has to be compressed.
    let export = ["export", "noise.wim", "1", "a.wim", "--append", "--threads", "1"];
    let child = start(folder, &export, &|| length() > before.len() as u64);
    let (code, text) = interrupt(child);
    assert_eq!(code, 130, "{text}");
    assert!(text.contains("a.wim is as it was"), "{text}");
    assert!(fs::read(folder.join("a.wim")).unwrap() == before);

    let mut child = start(folder, &export, &|| length() > before.len() as u64);
    assert!(
        child.try_wait().unwrap().is_none(),
        "it ended before it was killed"
    );
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(length() > before.len() as u64);
    wimlib(folder, &["verify", "a.wim"]);
    done(folder, &["verify", "a.wim"]);
    done(folder, &["diff", "a.wim", "1", "t"]);
    let (_, text) = wim(folder, &["ls", "a.wim"]);
    assert_eq!(text, "\\file\n", "there is one image");
    // What it left is no obstacle, and goes with the next rewriting.
    done(folder, &export);
    wimlib(folder, &["verify", "a.wim"]);
    done(folder, &["diff", "a.wim", "2", "noise"]);
    done(folder, &["delete", "a.wim", "2"]);
    assert!(length() < 2 * before.len() as u64);
}

#[test]
fn an_error_names_the_file_that_failed() {
    use std::os::unix::ffi::OsStrExt;
    let folder = folder();
    let folder = folder.path();
    // Nothing can be written beyond the limit of a file's size, as on a full disk.
    let mut limited = Command::new("sh");
    limited.args([
        "-c",
        "trap '' XFSZ; ulimit -f 8; exec \"$@\"",
        "sh",
        env!("CARGO_BIN_EXE_wtgctl"),
    ]);
    fs::write(folder.join("t/more"), vec![7; 1 << 20]).unwrap();
    limited.args([
        "--lang",
        "en",
        "wim",
        "capture",
        "t",
        "full.wim",
        "--compress",
        "none",
    ]);
    let output = limited.current_dir(folder).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(5), "{text}");
    assert!(text.starts_with("error: full.wim: writing the target"), "{text}");
    assert!(!folder.join("full.wim").exists() && unfinished(folder) == 0);
    let odd = std::ffi::OsStr::from_bytes(b"t/\xff");
    fs::write(folder.join(odd), "").unwrap();
    let (code, text) = wim(folder, &["capture", "t", "odd.wim"]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("the name is not UTF-8"), "{text}");
}

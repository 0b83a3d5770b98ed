//! What users stumble over: exit code, sentence and hint.

#![allow(clippy::unwrap_used, reason = "what cannot be had fails the test")]
#![allow(clippy::disallowed_methods, reason = "runs the program under test")]

use std::path::Path;
use std::process::Command;

/// Exit code, and what people read.
fn wtgctl(dir: &Path, args: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wtgctl"));
    command.current_dir(dir).args(["--lang", "en"]).args(args);
    let output = command.output().unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn each_error_has_its_code_sentence_and_hint() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    std::fs::create_dir_all(dir.join("tree/folder")).unwrap();
    std::fs::write(dir.join("tree/file"), "content").unwrap();
    std::fs::write(dir.join("text"), "no image").unwrap();
    for args in [
        &["capture", "tree", "a.wim", "--name", "One"][..],
        &["append", "tree", "a.wim", "--name", "Two"],
        &["apply", "a.wim", "1", "--ntfs", "v.img", "--seed", "1"],
    ] {
        let (code, text) = wtgctl(dir, &[&["wim"], args].concat());
        assert_eq!(code, 0, "{args:?}: {text}");
    }
    let bytes = std::fs::read(dir.join("a.wim")).unwrap();
    std::fs::write(dir.join("short.wim"), &bytes[..bytes.len() / 2]).unwrap();
    for (args, code, parts) in [
        (
            &["wim", "info", "nothing.wim"][..],
            3,
            &["nothing.wim", "hint: check the path"][..],
        ),
        (&["wim", "info", "tree"], 3, &["tree", "hint: check the path"]),
        (
            &["wim", "info", "text"],
            3,
            &[
                "text: neither a Windows image file nor",
                "hint: give a Windows ISO",
            ],
        ),
        (
            &["wim", "verify", "short.wim"],
            3,
            &["bytes, only", "hint: the file is shorter"],
        ),
        (
            &["wim", "ls", "a.wim"],
            2,
            &["1 (One), 2 (Two)", "hint: name one"],
        ),
        (&["wim", "ls", "a.wim", "--image", "3"], 2, &["1 (One), 2 (Two)"]),
        (
            &["wim", "ls", "a.wim", "--image", "1", "x*"],
            2,
            &["nothing fits"],
        ),
        (
            &["wim", "cat", "a.wim", "folder", "--image", "1"],
            2,
            &["folder: it is a directory"],
        ),
        (
            &["wim", "cat", "a.wim", "file:x", "--image", "1"],
            2,
            &["no such stream", "hint:"],
        ),
        (
            &["wim", "append", "tree", "a.wim", "--name", "One"],
            2,
            &["image 1 has the name \"One\"", "--name"],
        ),
        (
            &["wim", "export", "a.wim", "all", "a.wim", "--append"],
            2,
            &["has the name"],
        ),
        (
            &["wim", "capture", "tree", "a.wim"],
            4,
            &["exists already", "--force"],
        ),
        (
            &["wim", "split", "a.wim", "a.swm", "100"],
            2,
            &["parts of", "hint: sizes are bytes", "100M"],
        ),
        (
            &["wim", "apply", "a.wim", "1", "text"],
            4,
            &["text: it exists already, and is no folder"],
        ),
        (
            &[
                "wim", "extract", "a.wim", "file", "--image", "1", "--dest", "text",
            ],
            4,
            &["text: it exists already, and is no folder"],
        ),
        (
            &["wim", "capture", "tree", "nowhere/x.wim"],
            3,
            &["nowhere/x.wim: No such file or directory (os error 2)\nhint: check the path"],
        ),
        (
            &["wim", "append", "tree", "nothing.wim"],
            3,
            &["nothing.wim", "hint: check the path"],
        ),
        (
            &["wim", "ls", "a.wim", "--image", "1", "folder/x"],
            2,
            &["no x in \\folder", "hint: `wtgctl wim ls` lists"],
        ),
        (
            &["wim", "capture", "text", "b.wim"],
            3,
            &["hint: give a folder, an NTFS volume"],
        ),
        (
            &["wim", "apply", "a.wim", "1", "tree"],
            4,
            &["tree: the folder is not empty", "hint:"],
        ),
        (
            &["wim", "apply", "a.wim", "1", "--ntfs", "v.img"],
            4,
            &["v.img", "--force"],
        ),
        (
            &["wim", "apply", "a.wim", "1", "--ntfs", "w.img", "--size", "1M"],
            3,
            &["volume size"],
        ),
        (
            &["ntfs", "ls", "v.img", "nothing"],
            2,
            &["file not found: nothing"],
        ),
        (&["ntfs", "ls", "text"], 3, &["hint: if it is a disk image"]),
        (
            &["ntfs", "cat", "v.img", "folder"],
            2,
            &["folder: it is a directory"],
        ),
        (
            &["ntfs", "format", "n.img", "--size", "1M"],
            2,
            &["32 MiB to 2 TiB"],
        ),
        (
            &[
                "ntfs",
                "format",
                "n.img",
                "--size",
                "64M",
                "--cluster-size",
                "3000",
            ],
            2,
            &["cluster size"],
        ),
    ] {
        let (found, text) = wtgctl(dir, args);
        assert_eq!(found, code, "{args:?}: {text}");
        for part in parts {
            assert!(text.contains(part), "{args:?}: {part:?} is not in {text}");
        }
    }
    assert!(!dir.join("b.wim").exists() && !dir.join("n.img").exists() && !dir.join("w.img").exists());
}

#[test]
fn a_plan_has_a_seed_of_its_own() {
    let Some(wim) = testkit::samples::generated("small", "install.wim") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let wim = wim.to_str().unwrap();
    let plan = [
        "plan",
        wim,
        "--index",
        "1",
        "--target",
        "stick.img",
        "--size",
        "1G",
        "--seed",
        "7",
        "--out",
        "plan.json",
    ];
    assert_eq!(wtgctl(dir.path(), &plan).0, 0);
    let (code, text) = wtgctl(dir.path(), &["apply", "plan.json", "--seed", "8"]);
    assert_eq!(code, 2, "{text}");
    assert!(
        text.contains("a seed of its own, 7") && text.contains("hint: "),
        "{text}"
    );
    assert!(!dir.path().join("stick.img").exists());
}

/// Records never get among the bytes of a file on stdout, errors neither.
#[test]
fn beside_the_bytes_of_a_file_errors_go_to_stderr() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    std::fs::create_dir(dir.join("tree")).unwrap();
    std::fs::write(dir.join("tree/file"), "content").unwrap();
    let capture = ["wim", "capture", "tree", "a.wim", "--compress", "none"];
    let (code, text) = wtgctl(dir, &capture);
    assert_eq!(code, 0, "{text}");
    let mut bytes = std::fs::read(dir.join("a.wim")).unwrap();
    let at = bytes.windows(7).position(|found| found == b"content").unwrap();
    bytes[at] = b'C';
    std::fs::write(dir.join("a.wim"), bytes).unwrap();
    for (args, code, data) in [
        (&["wim", "cat", "a.wim", "file"][..], 3, "Content"),
        (&["iso", "cat", "nothing.iso", "file"], 3, ""),
        (&["ntfs", "cat", "nothing.img", "file"], 3, ""),
        (&["fat", "cat", "nothing.img", "file"], 3, ""),
        (&["hive", "export", "nothing"], 3, ""),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wtgctl"));
        let output = command
            .current_dir(dir)
            .arg("--json")
            .args(args)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), data, "{args:?}");
        let record: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
        assert_eq!(record["type"], "error", "{args:?}: {record}");
    }
}

#[test]
fn a_result_is_only_recorded_when_stdout_took_the_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    std::fs::create_dir(dir.join("tree")).unwrap();
    std::fs::write(dir.join("tree/file"), "no line end").unwrap();
    for args in [
        &["wim", "capture", "tree", "a.wim"][..],
        &["wim", "apply", "a.wim", "1", "--ntfs", "v.img", "--seed", "1"],
    ] {
        let (code, text) = wtgctl(dir, args);
        assert_eq!(code, 0, "{args:?}: {text}");
    }
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_wtgctl"));
    command
        .current_dir(dir)
        .args(["--json", "ntfs", "cat", "v.img", "file"]);
    let output = command.stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    let record: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(record["type"], "error", "{record}");
}

//! The verbs of `wtgctl wim` that write, and `diff`, as a user runs them.

#![allow(clippy::unwrap_used, reason = "what cannot be had fails the test")]
#![allow(clippy::disallowed_methods, reason = "runs the program under test")]

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Runs `wtgctl wim ...` in a folder; gives the exit code and the records.
fn wim(folder: &Path, args: &[&str]) -> (i32, Vec<Value>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wtgctl"));
    command
        .args(["--json", "--progress", "never", "wim"])
        .args(args)
        .current_dir(folder);
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let records = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    (output.status.code().unwrap(), records)
}

/// Runs it; it must succeed. Gives the result.
fn done(folder: &Path, args: &[&str]) -> Value {
    let (code, records) = wim(folder, args);
    assert_eq!(code, 0, "{args:?}: {records:?}");
    let last = records.last().unwrap().clone();
    assert_eq!(last["type"], "result");
    last
}

fn make_tree(folder: &Path) {
    fs::create_dir_all(folder.join("t/System Volume Information")).unwrap();
    fs::create_dir_all(folder.join("t/a")).unwrap();
    let text: String = (0..40_000).map(|n| format!("line {n}\n")).collect();
    fs::write(folder.join("t/a/text"), &text).unwrap();
    fs::write(folder.join("t/x.tmp"), "x").unwrap();
    fs::create_dir(folder.join("u")).unwrap();
    fs::write(folder.join("u/text"), &text).unwrap();
    fs::write(folder.join("u/more"), &text[1..]).unwrap();
}

fn accepted(folder: &Path, name: &str) {
    for (tool, verb) in [("wimlib-imagex", "verify"), ("7z", "t")] {
        if let Some(mut command) = testkit::tool(tool) {
            testkit::run(command.args([verb, name]).current_dir(folder));
        }
    }
}

#[test]
fn from_folders_to_parts_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make_tree(folder);
    let result = done(
        folder,
        &["capture", "t", "x.wim", "--exclude", "**\\*.tmp", "--check"],
    );
    assert_eq!(
        (&result["name"], &result["files"], &result["images"]),
        (&"t".into(), &1.into(), &1.into())
    );
    accepted(folder, "x.wim");
    // Nothing is replaced unasked, and nothing is left behind.
    let (code, records) = wim(folder, &["capture", "u", "x.wim"]);
    assert_eq!((code, &records.last().unwrap()["exit_code"]), (4, &4.into()));
    let before = fs::read(folder.join("x.wim")).unwrap();
    done(
        folder,
        &[
            "capture",
            "t",
            "x.wim",
            "--exclude",
            "**\\*.tmp",
            "--check",
            "--force",
        ],
    );
    assert!(fs::read(folder.join("x.wim")).unwrap() == before);

    done(
        folder,
        &[
            "append",
            "u",
            "x.wim",
            "--name",
            "second",
            "--description",
            "d",
            "--boot",
        ],
    );
    accepted(folder, "x.wim");
    let parts = done(folder, &["split", "x.wim", "p.swm", "60K"]);
    assert!(parts["parts"].as_array().unwrap().len() > 1, "{parts}");
    done(folder, &["join", "p.swm", "joined.wim"]);
    accepted(folder, "joined.wim");
    assert_eq!(
        done(folder, &["diff", "x.wim", "2", "joined.wim", "second"])["holds"],
        true
    );

    done(
        folder,
        &[
            "export",
            "joined.wim",
            "second",
            "none.wim",
            "--compress",
            "none",
            "--name",
            "third",
        ],
    );
    done(folder, &["export", "joined.wim", "1", "none.wim", "--append"]);
    accepted(folder, "none.wim");
    assert_eq!(done(folder, &["diff", "none.wim", "third", "u"])["holds"], true);
    done(folder, &["delete", "none.wim", "third", "--soft"]);
    let optimized = done(folder, &["optimize", "none.wim", "--compress", "xpress"]);
    assert!(optimized["file_bytes"].as_u64() < optimized["old_file_bytes"].as_u64());
    done(folder, &["delete", "joined.wim", "2"]);
    accepted(folder, "joined.wim");
    assert_eq!(
        done(folder, &["diff", "none.wim", "1", "joined.wim"])["holds"],
        true
    );
    let rest: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        rest.iter().all(|name| !name.to_string_lossy().contains("wtgctl")),
        "{rest:?}"
    );
}

#[test]
fn differences_are_the_output() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make_tree(folder);
    done(folder, &["capture", "t", "x.wim"]);
    fs::write(folder.join("t/new"), "n").unwrap();
    fs::write(folder.join("t/x.tmp"), "y").unwrap();
    let (code, records) = wim(folder, &["diff", "x.wim", "1", "t", "--data-only"]);
    assert_eq!(code, 1);
    let found: Vec<(&str, &str)> = records
        .iter()
        .filter_map(|record| Some((record["path"].as_str()?, record["change"].as_str()?)))
        .collect();
    assert_eq!(found, [("\\new", "added"), ("\\x.tmp", "changed")]);
    assert_eq!(records[1]["fields"][0]["field"], "data");
    assert_eq!(records.last().unwrap()["holds"], false);
    let (code, _) = wim(folder, &["capture", "nowhere", "y.wim"]);
    assert_eq!(code, 3);
    assert!(!folder.join("y.wim").exists());
}

#[test]
fn a_volume_is_captured_and_compared() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make_tree(folder);
    done(folder, &["capture", "t", "x.wim", "--everything"]);
    done(folder, &["apply", "x.wim", "1", "--ntfs", "v.img"]);
    done(
        folder,
        &[
            "capture",
            "v.img",
            "v.wim",
            "--compress",
            "xpress",
            "--chunk-size",
            "4K",
        ],
    );
    accepted(folder, "v.wim");
    assert_eq!(done(folder, &["diff", "v.wim", "1", "v.img"])["holds"], true);
    let (code, records) = wim(folder, &["diff", "x.wim", "1", "v.img", "--data-only"]);
    assert_eq!(
        (code, records.len()),
        (1, 2),
        "the folder that captures leave out: {records:?}"
    );
}

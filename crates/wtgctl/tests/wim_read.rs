//! The verbs of `wtgctl wim` that read, as a user runs them.

#![allow(clippy::unwrap_used, reason = "what cannot be had fails the test")]
#![allow(clippy::disallowed_methods, reason = "runs the program under test")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn run(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wtgctl"));
    command.args(["--lang", "en", "wim"]).args(args);
    command.current_dir(folder).output().unwrap()
}

/// Exit code, stdout and stderr.
fn text(folder: &Path, args: &[&str]) -> (i32, String, String) {
    let output = run(folder, args);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// The last record of a command that ends with `code`.
fn record(folder: &Path, code: i32, args: &[&str]) -> Value {
    let (found, out, err) = text(folder, &[args, &["--json"]].concat());
    assert_eq!(found, code, "{args:?}: {out}{err}");
    serde_json::from_str(out.lines().last().unwrap()).unwrap()
}

/// A folder with `t` and its image in `a.wim`.
fn captured(more: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("t/d/e")).unwrap();
    fs::write(folder.path().join("t/d/e/one.txt"), "one").unwrap();
    fs::write(folder.path().join("t/d/two.txt"), vec![b'2'; 90_000]).unwrap();
    fs::write(folder.path().join("t/\u{1b}[2Jname\nforged"), "x").unwrap();
    let (code, _, err) = text(folder.path(), &[&["capture", "t", "a.wim"], more].concat());
    assert_eq!(code, 0, "{err}");
    folder
}

#[test]
fn info_of_parts_alone() {
    let folder = captured(&["--compress", "none"]);
    let folder = folder.path();
    let split = record(folder, 0, &["split", "a.wim", "p.swm", "40K"]);
    let count = split["parts"].as_array().unwrap().len();
    assert!(count > 1, "{split}");
    let first = record(folder, 0, &["info", "p.swm"]);
    let second = record(folder, 0, &["info", "p2.swm"]);
    assert_eq!(second["guid"], first["guid"]);
    assert_eq!(
        (&second["part_number"], &second["part_count"]),
        (&2.into(), &count.into())
    );
    assert_eq!(
        second["file_bytes"],
        fs::metadata(folder.join("p2.swm")).unwrap().len()
    );
    assert_eq!(first["parts"].as_array().unwrap().len(), count);
    // The first one without the others, too, and it says so.
    fs::remove_file(folder.join("p2.swm")).unwrap();
    let (code, out, err) = text(folder, &["info", "p.swm"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains(&format!("part         1 of {count}")), "{out}");
    assert!(err.contains("part 2 of") && err.contains("missing"), "{err}");
    assert_eq!(run(folder, &["verify", "p.swm"]).status.code(), Some(3));
}

#[test]
fn info_of_one_image_and_of_blobs() {
    let folder = captured(&["--name", "One", "--check"]);
    let folder = folder.path();
    record(folder, 0, &["append", "t", "a.wim", "--name", "Two"]);
    let info = record(folder, 0, &["info", "a.wim", "--image", "Two"]);
    assert_eq!(info["images"].as_array().unwrap().len(), 1, "{info}");
    assert_eq!(
        (&info["images"][0]["index"], &info["integrity_table"]),
        (&2.into(), &true.into())
    );
    let (code, out, _) = text(folder, &["info", "a.wim", "--blobs"]);
    assert_eq!((code, out.lines().count()), (0, 3), "{out}");
    assert!(out.contains("       90000 "), "{out}");
    for name in ["", "three"] {
        let (code, _, err) = text(folder, &["ls", "a.wim", "--image", name]);
        assert_eq!(code, 2);
        let expected = format!("image not found: {name:?}; there are 1 (One), 2 (Two)");
        assert!(err.contains(&expected), "{err}");
    }
}

#[test]
fn no_name_moves_the_cursor_or_forges_a_line() {
    let folder = captured(&[]);
    let folder = folder.path();
    for args in [&["ls", "a.wim"][..], &["ls", "a.wim", "--long"]] {
        let (_, out, _) = text(folder, args);
        assert!(out.contains("\\u{1b}[2Jname\\nforged"), "{out}");
        assert!(
            !out.contains('\u{1b}') && !out.lines().any(|line| line == "forged"),
            "{out}"
        );
    }
    let (_, out, _) = text(folder, &["diff", "a.wim", "1", "t/d"]);
    assert!(!out.contains('\u{1b}'), "{out}");
    let (_, _, err) = text(folder, &["cat", "a.wim", "\u{1b}[2J"]);
    assert!(err.contains("not found") && !err.contains('\u{1b}'), "{err}");
}

#[test]
fn extracted_files_replace_nothing_unasked() {
    let folder = captured(&[]);
    let folder = folder.path();
    let extract = ["extract", "a.wim", "d", "--dest", "out"];
    assert_eq!(record(folder, 0, &extract)["entries"], 4);
    fs::write(folder.join("out/d/e/one.txt"), "mine").unwrap();
    fs::remove_file(folder.join("out/d/two.txt")).unwrap();
    let (code, _, err) = text(folder, &extract);
    assert_eq!(code, 4, "{err}");
    assert!(
        err.contains("out/d/e/one.txt: it exists already") && err.contains("--force"),
        "{err}"
    );
    assert!(!folder.join("out/d/two.txt").exists(), "nothing was written");
    record(folder, 0, &[&extract[..], &["--force"]].concat());
    assert_eq!(fs::read(folder.join("out/d/e/one.txt")).unwrap(), b"one");
    assert_eq!(fs::read(folder.join("out/d/two.txt")).unwrap().len(), 90_000);
    let names: Vec<_> = fs::read_dir(folder.join("out")).unwrap().collect();
    assert_eq!(names.len(), 1, "{names:?}");
}

#[test]
fn a_failed_extraction_replaces_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::create_dir_all(folder.join("t/d")).unwrap();
    let large: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    fs::write(folder.join("t/d/large"), &large).unwrap();
    fs::write(folder.join("t/first"), "first").unwrap();
    fs::hard_link(folder.join("t/first"), folder.join("t/second")).unwrap();
    fs::write(folder.join("t/empty"), "").unwrap();
    std::os::unix::fs::symlink("first", folder.join("t/link")).unwrap();
    record(folder, 0, &["capture", "t", "a.wim", "--compress", "none"]);
    let mut bytes = fs::read(folder.join("a.wim")).unwrap();
    let end = large.len() - 8;
    let at = bytes.windows(8).position(|found| *found == large[end..]).unwrap();
    bytes[at] ^= 1;
    fs::write(folder.join("bad.wim"), bytes).unwrap();

    let out = folder.join("out");
    fs::create_dir_all(out.join("d")).unwrap();
    let names = ["d/large", "empty", "first", "link", "second"];
    for name in names {
        fs::write(out.join(name), format!("mine: {name}")).unwrap();
    }
    let listed = |folder: &Path| {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let args = ["extract", "bad.wim", "*", "--dest", "out", "--force"];
    let (code, _, err) = text(folder, &args);
    assert_eq!(code, 3, "{err}");
    for name in names {
        assert_eq!(
            fs::read_to_string(out.join(name)).unwrap(),
            format!("mine: {name}")
        );
    }
    assert_eq!(listed(&out), ["d", "empty", "first", "link", "second"]);
    assert_eq!(listed(&out.join("d")), ["large"]);

    record(folder, 0, &["extract", "a.wim", "*", "--dest", "out", "--force"]);
    assert!(fs::read(out.join("d/large")).unwrap() == large);
    assert_eq!(fs::read_link(out.join("link")).unwrap(), Path::new("first"));
    assert_eq!(fs::read(out.join("empty")).unwrap(), b"");
    let inode = |name| std::os::unix::fs::MetadataExt::ino(&fs::metadata(out.join(name)).unwrap());
    assert_eq!(fs::read(out.join("second")).unwrap(), b"first");
    assert_eq!(inode("first"), inode("second"));
    assert_eq!(listed(&out), ["d", "empty", "first", "link", "second"]);
    let time = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
    for path in ["", "d"] {
        // FILETIME counts 100 ns.
        let (was, is) = (time(&folder.join("t").join(path)), time(&out.join(path)));
        assert!(was.duration_since(is).unwrap().as_nanos() < 100, "{path}");
    }
}

#[test]
fn a_folder_and_a_file_do_not_replace_each_other() {
    let folder = captured(&[]);
    let folder = folder.path();
    let args = ["extract", "a.wim", "d", "--dest", "out", "--force"];
    let out = folder.join("out");
    // A file, and a link to a folder, where the image has a folder.
    fs::create_dir_all(out.join("d")).unwrap();
    fs::create_dir(folder.join("elsewhere")).unwrap();
    fs::write(out.join("d/e"), "mine").unwrap();
    let (code, _, err) = text(folder, &args);
    assert_eq!(code, 4, "{err}");
    assert!(err.contains("out/d/e: it exists already"), "{err}");
    assert_eq!(fs::read(out.join("d/e")).unwrap(), b"mine");
    fs::remove_file(out.join("d/e")).unwrap();
    std::os::unix::fs::symlink(folder.join("elsewhere"), out.join("d/e")).unwrap();
    assert_eq!(text(folder, &args).0, 4);
    assert!(out.join("d/e").is_symlink());
    fs::remove_file(out.join("d/e")).unwrap();
    // A folder where it has a file.
    fs::create_dir(out.join("d/two.txt")).unwrap();
    let (code, _, err) = text(folder, &args);
    assert_eq!(code, 4, "{err}");
    assert!(err.contains("out/d/two.txt: it exists already"), "{err}");
    assert_eq!(
        fs::read_dir(out.join("d")).unwrap().count(),
        1,
        "nothing was written"
    );
    assert_eq!(fs::read_dir(folder.join("elsewhere")).unwrap().count(), 0);
}

#[test]
fn a_name_can_have_a_colon() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::create_dir_all(folder.join("t/d:e")).unwrap();
    fs::write(folder.join("t/a"), "a").unwrap();
    fs::write(folder.join("t/a:b"), "a:b").unwrap();
    fs::write(folder.join("t/d:e/f"), "f").unwrap();
    record(folder, 0, &["capture", "t", "a.wim"]);
    for (path, content) in [("a", "a"), ("a:b", "a:b"), ("\\d:e\\f", "f")] {
        assert_eq!(text(folder, &["cat", "a.wim", path]).1, content, "{path}");
    }
    for path in ["a:c", "a:b:c", "c:b"] {
        assert_eq!(text(folder, &["cat", "a.wim", path]).0, 2, "{path}");
    }
}

#[test]
fn extracted_files_go_right_into_the_folder() {
    let folder = captured(&[]);
    let folder = folder.path();
    record(
        folder,
        0,
        &["extract", "a.wim", "**\\*.txt", "--flat", "--dest", "f"],
    );
    record(folder, 0, &["extract", "a.wim", "d/e", "--flat", "--dest", "f"]);
    assert!(folder.join("f/one.txt").is_file() && folder.join("f/two.txt").is_file());
    assert!(folder.join("f/e/one.txt").is_file());
    fs::write(folder.join("t/one.txt"), "1").unwrap();
    record(folder, 0, &["capture", "t", "b.wim"]);
    let (code, _, err) = text(
        folder,
        &["extract", "b.wim", "**/one.txt", "--flat", "--dest", "g"],
    );
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("\\one.txt") && err.contains("same name"), "{err}");
    assert!(!folder.join("g").exists());
}

#[test]
fn damaged_files_are_extracted_when_that_is_asked_for() {
    let folder = captured(&["--compress", "none"]);
    let folder = folder.path();
    let mut bytes = fs::read(folder.join("a.wim")).unwrap();
    let at = bytes.windows(9).position(|found| found == b"222222222").unwrap();
    bytes[at] = b'3';
    fs::write(folder.join("a.wim"), bytes).unwrap();
    let (code, _, err) = text(folder, &["extract", "a.wim", "d", "--dest", "bad"]);
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("\\d\\two.txt"), "{err}");
    let result = record(
        folder,
        1,
        &["extract", "a.wim", "d", "--dest", "all", "--recover"],
    );
    assert!(
        result["damaged"][0].as_str().unwrap().contains("\\d\\two.txt"),
        "{result}"
    );
    assert_eq!(fs::read(folder.join("all/d/two.txt")).unwrap().len(), 90_000);
}

#[test]
fn a_damaged_size_is_not_filled_with_zeros() {
    let folder = captured(&[]);
    let folder = folder.path();
    let Some(mut wimlib) = testkit::tool("wimlib-imagex") else {
        return;
    };
    testkit::run(
        wimlib
            .args(["capture", "t", "s.esd", "--solid"])
            .current_dir(folder),
    );
    let mut bytes = fs::read(folder.join("s.esd")).unwrap();
    let u64_at = |bytes: &[u8], at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let table = usize::try_from(u64_at(&bytes, 0x38)).unwrap();
    let entries = (0..5).map(|entry| table + 50 * entry);
    // Entries of solid resources have a mark where others have their size; the last blob has room behind it.
    let (resources, blobs): (Vec<usize>, Vec<usize>) = entries
        .filter(|&at| bytes[at + 7] & 0x10 != 0)
        .partition(|&at| u64_at(&bytes, at + 16) == 1 << 32);
    let resource = usize::try_from(u64_at(&bytes, resources[0] + 8)).unwrap();
    let last = blobs
        .into_iter()
        .max_by_key(|&at| u64_at(&bytes, at + 8))
        .unwrap();
    let huge = 1_u64 << 45;
    bytes[resource..resource + 8].copy_from_slice(&huge.to_le_bytes());
    bytes[last..last + 7].copy_from_slice(&(huge / 2).to_le_bytes()[..7]);
    fs::write(folder.join("s.esd"), bytes).unwrap();
    for args in [
        &["apply", "s.esd", "1", "out", "--recover"][..],
        &["apply", "s.esd", "1", "--ntfs", "out", "--recover"],
        &["extract", "s.esd", "*", "--dest", "out", "--recover"],
    ] {
        let (code, _, err) = text(folder, args);
        assert_eq!(code, 3, "{err}");
        assert!(
            err.contains("claims 16.0 TiB") || err.contains("claims 16 TiB"),
            "{err}"
        );
        assert!(!folder.join("out").exists());
    }
}

#[test]
fn help_and_a_wrong_command_line_are_readable() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for verb in [
        "info", "ls", "cat", "verify", "extract", "apply", "capture", "append", "set", "update", "export",
        "split", "join", "optimize", "delete", "diff",
    ] {
        let (code, out, _) = text(folder, &[verb, "--help"]);
        assert_eq!(code, 0);
        let (own, everywhere) = out.split_once("Options of every command:").unwrap();
        assert!(!own.contains("--json") && everywhere.contains("--json"), "{out}");
        assert!(
            everywhere.contains(&format!("Examples:\n  wtgctl wim {verb} ")),
            "{out}"
        );
    }
    let failed = record(folder, 2, &["apply", "a.wim", "1"]);
    let message = failed["message"].as_str().unwrap();
    assert!(
        message.contains("<DIRECTORY>") && !message.contains('\n'),
        "{failed}"
    );
    assert!(failed["hint"].as_str().unwrap().contains("--help"), "{failed}");
}

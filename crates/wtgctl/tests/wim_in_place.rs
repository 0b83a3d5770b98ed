//! WIM files that are changed where they are: locked, as they were when that fails, and read by wimlib after.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "what cannot be had fails the test")]
#![allow(clippy::disallowed_methods, reason = "runs the program under test")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wtgctl"));
    command
        .args(["--lang", "en", "--progress", "never", "wim"])
        .args(args);
    command.current_dir(folder);
    command
}

/// Exit code and all text.
fn wim(folder: &Path, args: &[&str]) -> (i32, String) {
    let output = command(folder, args).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

fn done(folder: &Path, args: &[&str]) {
    let (code, text) = wim(folder, args);
    assert_eq!(code, 0, "{args:?}: {text}");
}

/// What wimlib says, if it is there.
fn wimlib(folder: &Path, args: &[&str]) -> String {
    let Some(mut command) = testkit::tool("wimlib-imagex") else {
        return String::new();
    };
    let output = testkit::run(command.args(args).current_dir(folder));
    String::from_utf8(output.stdout).unwrap()
}

/// A folder with `t`, its image in `a.wim`, and `huge`, which takes long to capture.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["t", "huge"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    fs::write(folder.path().join("t/file"), "content").unwrap();
    let huge = fs::File::create(folder.path().join("huge/zeros")).unwrap();
    huge.set_len(1 << 36).unwrap();
    done(folder.path(), &["capture", "t", "a.wim", "--name", "One"]);
    folder
}

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

fn unfinished(folder: &Path) -> usize {
    let names = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    names
        .filter(|name| name.to_string_lossy().contains("wtgctl"))
        .count()
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
fn a_capture_does_not_hold_its_own_file() {
    let folder = folder();
    let t = folder.path().join("t");
    fs::create_dir(t.join("backup")).unwrap();
    for everything in [&[][..], &["--everything"]] {
        done(
            &t,
            &[&["capture", ".", "backup/b.wim", "--force"], everything].concat(),
        );
        let (_, text) = wim(&t, &["ls", "backup/b.wim"]);
        assert_eq!(text, "\\backup\n\\file\n", "{everything:?}");
        fs::remove_file(t.join("backup/b.wim")).unwrap();
    }
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
fn texts_and_the_boot_image_are_set() {
    let folder = folder();
    let folder = folder.path();
    done(folder, &["append", "t", "a.wim", "--name", "Two"]);
    let set = [
        "set",
        "a.wim",
        "2",
        "--name",
        "New & <new>",
        "--description",
        "d",
        "--flags",
        "Pro",
        "--boot",
    ];
    done(folder, &set);
    let info = wimlib(folder, &["info", "a.wim"]);
    for line in ["New & <new>", "Boot Index:     2", "Description:            d"] {
        assert!(info.contains(line) || info.is_empty(), "{line}: {info}");
    }
    wimlib(folder, &["verify", "a.wim"]);
    done(
        folder,
        &["set", "a.wim", "New & <new>", "--description", "", "--no-boot"],
    );
    let (_, text) = wim(folder, &["info", "a.wim"]);
    assert!(
        !text.contains("description") && !text.contains("bootable"),
        "{text}"
    );
    let before = fs::read(folder.join("a.wim")).unwrap();
    for (args, expected) in [
        (
            &["set", "a.wim", "2", "--name", "One"][..],
            "image 1 has the name",
        ),
        (&["set", "a.wim", "3", "--boot"], "image not found"),
        (&["set", "a.wim", "2"], "required"),
    ] {
        let (code, text) = wim(folder, args);
        assert_eq!(code, 2, "{args:?}: {text}");
        assert!(text.contains(expected), "{text}");
    }
    assert!(fs::read(folder.join("a.wim")).unwrap() == before);
    // Marked read-only by a bit of the header.
    let mut bytes = before;
    bytes[16] |= 4;
    fs::write(folder.join("a.wim"), bytes).unwrap();
    let marked = fs::read(folder.join("a.wim")).unwrap();
    for args in [
        &["set", "a.wim", "1", "--boot"][..],
        &["append", "t", "a.wim", "--name", "Three"],
        &["update", "a.wim", "1", "--delete", "file"],
        &["delete", "a.wim", "1"],
        &["delete", "a.wim", "1", "--soft"],
        &["optimize", "a.wim"],
    ] {
        let (code, text) = wim(folder, args);
        assert_eq!(code, 4, "{args:?}: {text}");
        assert!(
            text.contains("marked read-only") && text.contains("hint: `wtgctl wim export"),
            "{args:?}: {text}"
        );
    }
    assert!(fs::read(folder.join("a.wim")).unwrap() == marked);
    done(folder, &["optimize", "a.wim", "--out", "b.wim"]);
}

#[test]
fn the_tree_of_an_image_is_changed() {
    let folder = folder();
    let folder = folder.path();
    fs::create_dir_all(folder.join("more/Dir/deep")).unwrap();
    fs::write(folder.join("more/Dir/deep/x"), "x").unwrap();
    fs::write(folder.join("more/FILE"), "other").unwrap();
    fs::write(folder.join("single"), "alone").unwrap();
    done(folder, &["append", "more", "a.wim", "--name", "Two", "--boot"]);
    let update = [
        "update",
        "a.wim",
        "Two",
        "--delete",
        "dir/*",
        "--rename",
        "file",
        "Dir\\renamed",
        "--add",
        "t",
        "new/place",
        "--add",
        "single",
        "\\one",
        "--add",
        "more",
        "/",
    ];
    done(folder, &update);
    let listed = wimlib(folder, &["dir", "a.wim", "2"]);
    let expected = [
        "/",
        "/Dir",
        "/Dir/deep",
        "/Dir/deep/x",
        "/Dir/renamed",
        "/FILE",
        "/new",
        "/new/place",
        "/new/place/file",
        "/one",
    ];
    if !listed.is_empty() {
        assert_eq!(
            listed.lines().filter(|line| !line.is_empty()).collect::<Vec<_>>(),
            expected
        );
    }
    let info = wimlib(folder, &["info", "a.wim", "2"]);
    assert!(
        info.is_empty() || info.contains("File Count:             5"),
        "{info}"
    );
    wimlib(folder, &["verify", "a.wim"]);
    for (path, content) in [
        ("one", "alone"),
        ("dir/RENAMED", "other"),
        ("New/Place/file", "content"),
    ] {
        let (code, text) = wim(folder, &["cat", "a.wim", path, "--image", "2"]);
        assert_eq!((code, text.as_str()), (0, content));
    }
    let (_, text) = wim(folder, &["ls", "a.wim", "--image", "1"]);
    assert_eq!(text, "\\file\n", "the other image stays");
    let before = fs::read(folder.join("a.wim")).unwrap();
    for (change, code, expected) in [
        (&["--delete", "nothing"][..], 2, "path not found"),
        (&["--delete", "/"], 2, "root of an image"),
        (&["--rename", "new", "new/place/below"], 2, "is below"),
        (&["--rename", "one", "FILE"], 2, "exists already"),
        (&["--rename", "one", "new/.."], 2, "\"..\" is no name"),
        (&["--add", "single", "./one"], 2, "\".\" is no name"),
        (&["--add", "t", "../t"], 2, "\"..\" is no name"),
        (&["--add", "single", "new"], 2, "is no directory"),
        (&["--add", "t", "one"], 2, "is no directory"),
        (&["--add", "nowhere", "x"], 3, "nowhere"),
        (&[], 2, "required"),
    ] {
        let (found, text) = wim(folder, &[&["update", "a.wim", "2"], change].concat());
        assert_eq!(found, code, "{change:?}: {text}");
        assert!(text.contains(expected), "{change:?}: {text}");
        assert!(fs::read(folder.join("a.wim")).unwrap() == before, "{change:?}");
    }
    done(folder, &["optimize", "a.wim"]);
    wimlib(folder, &["apply", "a.wim", "2", "out"]);
    wimlib(folder, &["verify", "a.wim"]);
}

#[test]
fn links_within_an_added_folder_lead_to_where_it_went() {
    let folder = folder();
    let folder = folder.path();
    fs::create_dir(folder.join("u")).unwrap();
    fs::write(folder.join("u/file"), "added").unwrap();
    std::os::unix::fs::symlink(folder.join("u/file"), folder.join("u/link")).unwrap();
    done(folder, &["update", "a.wim", "1", "--add", "u", "new\\place"]);
    done(folder, &["apply", "a.wim", "1", "out"]);
    wimlib(folder, &["apply", "a.wim", "1", "foreign"]);
    for out in ["out", "foreign"] {
        let link = folder.join(out).join("new/place/link");
        if link.is_symlink() || out == "out" {
            assert_eq!(fs::read_to_string(link).unwrap(), "added", "{out}");
        }
    }
}

#[test]
fn a_blob_stays_that_another_image_needs() {
    let folder = folder();
    let folder = folder.path();
    done(folder, &["append", "t", "a.wim", "--name", "Two"]);
    done(folder, &["append", "t", "a.wim", "--name", "Three"]);
    // The blob table says that there is one use.
    let mut bytes = fs::read(folder.join("a.wim")).unwrap();
    let table = usize::try_from(u64::from_le_bytes(bytes[0x38..0x40].try_into().unwrap())).unwrap();
    assert_eq!(bytes[table + 26..table + 30], [3, 0, 0, 0]);
    bytes[table + 26] = 1;
    fs::write(folder.join("a.wim"), bytes).unwrap();
    done(folder, &["delete", "a.wim", "1", "--soft"]);
    done(folder, &["update", "a.wim", "1", "--delete", "file"]);
    wimlib(folder, &["verify", "a.wim"]);
    let (code, text) = wim(folder, &["cat", "a.wim", "file", "--image", "Three"]);
    assert_eq!((code, text.as_str()), (0, "content"));
}

#[test]
fn a_delta_has_what_its_base_has_not() {
    let folder = folder();
    let folder = folder.path();
    fs::create_dir(folder.join("u")).unwrap();
    fs::write(folder.join("u/same"), vec![1; 6 << 20]).unwrap();
    fs::write(folder.join("u/file"), "content").unwrap();
    done(folder, &["capture", "u", "base.wim", "--compress", "none"]);
    fs::write(folder.join("u/new"), "new").unwrap();
    done(
        folder,
        &[
            "capture",
            "u",
            "delta.wim",
            "--compress",
            "none",
            "--delta-from",
            "base.wim",
        ],
    );
    assert!(fs::metadata(folder.join("delta.wim")).unwrap().len() < 10_000);
    wimlib(folder, &["verify", "delta.wim", "--ref=base.wim"]);
    wimlib(folder, &["apply", "delta.wim", "1", "out", "--ref=base.wim"]);
    done(folder, &["verify", "delta.wim", "--ref", "base.wim"]);
    done(folder, &["diff", "delta.wim", "1", "u", "--ref", "base.wim"]);
    let (code, text) = wim(folder, &["verify", "delta.wim"]);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("\\same") && text.contains("none of the given files"),
        "{text}"
    );
    let (code, text) = wim(folder, &["optimize", "delta.wim"]);
    assert_eq!(code, 2, "{text}");
    assert!(
        text.contains("delta.wim is as it was") && text.contains("hint: `wtgctl wim export"),
        "{text}"
    );
    // From one whole file to another.
    done(
        folder,
        &["export", "delta.wim", "1", "whole.wim", "--ref", "base.wim"],
    );
    done(
        folder,
        &[
            "export",
            "whole.wim",
            "1",
            "again.wim",
            "--delta-from",
            "base.wim",
        ],
    );
    wimlib(folder, &["verify", "again.wim", "--ref=base.wim"]);
}

#[test]
fn a_configuration_of_dism_says_what_is_left_out() {
    let folder = folder();
    let folder = folder.path();
    for name in ["a.tmp", "keep.tmp", "pagefile.sys"] {
        fs::write(folder.join("t").join(name), name).unwrap();
    }
    let config = "[ExclusionList]\r\n*.tmp\r\n[ExclusionException]\r\n\\keep.tmp\r\n[CompressionExclusionList]\r\nfile\r\n";
    fs::write(folder.join("WimScript.ini"), config).unwrap();
    done(folder, &["capture", "t", "b.wim", "--config", "WimScript.ini"]);
    let (_, text) = wim(folder, &["ls", "b.wim"]);
    assert_eq!(text, "\\file\n\\keep.tmp\n\\pagefile.sys\n");
    done(
        folder,
        &["capture", "t", "c.wim", "--exclude", "*.tmp", "--exclude", "!a*"],
    );
    let (_, text) = wim(folder, &["ls", "c.wim"]);
    assert_eq!(text, "\\a.tmp\n\\file\n");
}

#[test]
fn what_lzms_made_small_does_not_grow_unasked() {
    let folder = folder();
    let folder = folder.path();
    if testkit::tool("wimlib-imagex").is_none() {
        return;
    }
    wimlib(folder, &["capture", "t", "s.esd", "One", "--solid"]);
    wimlib(folder, &["append", "t", "s.esd", "Two"]);
    let (code, text) = wim(folder, &["append", "t", "s.esd", "--name", "Three"]);
    assert_eq!(code, 3);
    assert!(
        text.contains("LZMS") && text.contains("hint: `wtgctl wim export"),
        "{text}"
    );
    let before = fs::read(folder.join("s.esd")).unwrap();
    for (args, hint) in [
        (&["optimize", "s.esd"][..], "--out"),
        (&["delete", "s.esd", "1"], "--soft"),
    ] {
        let (code, text) = wim(folder, args);
        assert_eq!(code, 4, "{args:?}: {text}");
        assert!(text.contains("LZMS") && text.contains(hint), "{text}");
    }
    assert!(fs::read(folder.join("s.esd")).unwrap() == before);
    done(folder, &["set", "s.esd", "2", "--name", "New"]);
    done(folder, &["delete", "s.esd", "One", "--soft"]);
    let info = wimlib(folder, &["info", "s.esd"]);
    assert!(info.contains("New") && info.contains("LZMS"), "{info}");
    wimlib(folder, &["verify", "s.esd"]);
    done(folder, &["optimize", "s.esd", "--compress", "xpress"]);
    wimlib(folder, &["verify", "s.esd"]);
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

#[test]
fn a_replaced_file_keeps_its_place_and_permissions() {
    let folder = folder();
    let folder = folder.path();
    fs::set_permissions(folder.join("a.wim"), fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("a.wim", folder.join("link.wim")).unwrap();
    done(folder, &["optimize", "link.wim"]);
    assert!(folder.join("link.wim").is_symlink());
    let mode = fs::metadata(folder.join("a.wim")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    let (code, text) = wim(folder, &["capture", "t", "-"]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("cannot be written to a pipe"), "{text}");
    let (code, text) = wim(folder, &["capture", "t", "/dev/null", "--force"]);
    assert_eq!(code, 4, "{text}");
}

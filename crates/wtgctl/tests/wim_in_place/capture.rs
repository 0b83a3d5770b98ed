//! What a capture takes, and what it leaves out.

use std::fs;

use super::{done, folder, wim, wimlib};

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

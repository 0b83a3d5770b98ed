//! Files that are written anew and replaced.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::{done, folder, wim, wimlib};

#[test]
fn lzms_and_solid_files_stay_what_they_are() {
    let folder = folder();
    let folder = folder.path();
    if testkit::tool("wimlib-imagex").is_none() {
        return;
    }
    wimlib(folder, &["capture", "t", "s.esd", "One", "--solid"]);
    let solid_resources = || {
        let (_, text) = wim(folder, &["info", "s.esd"]);
        text.lines().filter(|line| line.contains("solid")).count()
    };
    done(folder, &["optimize", "s.esd"]);
    assert_eq!(solid_resources(), 1);
    fs::write(folder.join("t/two"), "two".repeat(999)).unwrap();
    done(folder, &["append", "t", "s.esd", "--name", "Two"]);
    let (code, text) = wim(
        folder,
        &["append", "t", "s.esd", "--name", "Three", "--compress", "lzx"],
    );
    assert_eq!(code, 2, "{text}");
    done(folder, &["set", "s.esd", "2", "--name", "New"]);
    done(folder, &["delete", "s.esd", "One", "--soft"]);
    let info = wimlib(folder, &["info", "s.esd"]);
    assert!(info.contains("New") && info.contains("LZMS"), "{info}");
    wimlib(folder, &["verify", "s.esd"]);
    done(folder, &["append", "t", "s.esd", "--name", "Three"]);
    done(folder, &["delete", "s.esd", "New"]);
    wimlib(folder, &["verify", "s.esd"]);
    assert_eq!(solid_resources(), 1);
    done(folder, &["optimize", "s.esd", "--compress", "xpress"]);
    wimlib(folder, &["verify", "s.esd"]);
    assert_eq!(solid_resources(), 0);
    // What is added to a pipable file would have to come before its end.
    wimlib(folder, &["capture", "t", "p.wim", "One", "--pipable"]);
    let (code, text) = wim(folder, &["append", "t", "p.wim", "--name", "Two"]);
    assert!(code == 3 && text.contains("hint: `wtgctl wim export"), "{text}");
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

#[test]
fn a_pipable_file_stays_one() {
    let folder = folder();
    let folder = folder.path();
    if wimlib(folder, &["capture", "t", "p.wim", "One", "--pipable"]).is_empty() {
        return;
    }
    wimlib(folder, &["append", "t", "p.wim", "Two"]);
    for args in [&["delete", "p.wim", "2"][..], &["optimize", "p.wim"]] {
        done(folder, args);
        assert_eq!(
            fs::read(folder.join("p.wim")).unwrap()[..5],
            *b"WLPWM",
            "{args:?}"
        );
        wimlib(folder, &["verify", "p.wim"]);
        done(folder, &["diff", "p.wim", "1", "t"]);
    }
}

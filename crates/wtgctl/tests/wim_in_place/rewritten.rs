//! Files that are written anew and replaced.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::{done, folder, wim, wimlib};

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

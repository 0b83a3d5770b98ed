//! Names, marks and trees of the images in a file, and images that go.

use std::fs;

use super::{done, folder, wim, wimlib};

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
fn a_device_that_is_named_is_refused_and_one_in_a_folder_left_out() {
    let folder = folder();
    let folder = folder.path();
    let before = fs::read(folder.join("a.wim")).unwrap();
    for args in [
        &["update", "a.wim", "1", "--add", "/dev/null", "null"][..],
        &[
            "update",
            "a.wim",
            "1",
            "--delete",
            "file",
            "--add",
            "/dev/null",
            "null",
        ],
        &["capture", "/dev/null", "b.wim"],
    ] {
        let (code, text) = wim(folder, args);
        assert_eq!(code, 3, "{args:?}: {text}");
        assert!(text.contains("/dev/null"), "{text}");
    }
    assert!(fs::read(folder.join("a.wim")).unwrap() == before);
    assert!(!folder.join("b.wim").exists());
    fs::create_dir(folder.join("run")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(folder.join("run/socket")).unwrap();
    for args in [
        &["update", "a.wim", "1", "--add", "run", "\\"][..],
        &["capture", "run", "b.wim"],
    ] {
        let (code, text) = wim(folder, args);
        assert_eq!(code, 0, "{args:?}: {text}");
        assert!(text.contains("socket, pipe or device is left out"), "{text}");
    }
    let (_, text) = wim(folder, &["ls", "a.wim"]);
    assert_eq!(text, "\\file\n");
}

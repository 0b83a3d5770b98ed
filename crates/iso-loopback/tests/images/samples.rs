//! Every sample image: it reads with the content that 7-Zip and xorriso see, or the error says what is unsupported.

use std::io::Cursor;
use std::path::Path;

use crate::tree::{Node, Paths, read_folder, read_image};
use iso_loopback::{ErrorKind, IsoImage, Limits, ReadOptions, View};

/// Who sees the same tree as we do.
#[derive(Clone, Copy, Debug)]
enum Oracle {
    /// 7-Zip extracts the same.
    SevenZip,
    /// xorriso extracts the same through Rock Ridge (devices left out: they need root).
    Xorriso,
    /// 7-Zip cannot list it (an empty root or 4096-byte blocks are errors to it); udfinfo counts the same files and directories.
    UdfinfoCounts,
    /// The volume opens and reading a file is refused: zisofs.
    Zisofs,
    /// Opening is refused with that kind, and these words.
    Refused(ErrorKind, &'static str),
}

const EXPECTED: &[(&str, View, Oracle)] = &[
    ("iso/copying-rr.iso", View::RockRidge, Oracle::Xorriso),
    ("iso/deep-directory.iso", View::RockRidge, Oracle::Xorriso),
    ("iso/isolyzer-is9660_udf_imgburn.iso", View::Udf, Oracle::SevenZip),
    ("iso/isolyzer-iso9660_apple.iso", View::RockRidge, Oracle::Xorriso),
    ("iso/isolyzer-iso9660_udf.iso", View::Udf, Oracle::SevenZip),
    ("iso/isolyzer-udf.iso", View::Udf, Oracle::SevenZip),
    ("iso/joliet.iso", View::Joliet, Oracle::SevenZip),
    (
        "iso/la-test_read_format_iso_rockridge.iso",
        View::RockRidge,
        Oracle::Xorriso,
    ),
    (
        "iso/la-test_read_format_iso_zisofs.iso",
        View::RockRidge,
        Oracle::Zisofs,
    ),
    ("iso/multi_extent_8k_joliet.iso", View::Joliet, Oracle::SevenZip),
    ("iso/rufus-casper_test.iso", View::RockRidge, Oracle::Xorriso),
    ("iso/rufus-esp_test.iso", View::RockRidge, Oracle::Xorriso),
    ("iso/test-udf1.iso", View::Udf, Oracle::SevenZip),
    ("iso/udf102.iso", View::Udf, Oracle::SevenZip),
    (
        "iso/udf/iso-different-iso-joliet-label.img",
        View::Joliet,
        Oracle::SevenZip,
    ),
    (
        "iso/udf/iso-multi-0-174-348-genisoimage.img",
        View::Iso9660,
        Oracle::SevenZip,
    ),
    (
        "iso/udf/iso-unicode-long-label.img",
        View::Joliet,
        Oracle::SevenZip,
    ),
    ("iso/udf/udf-bdr-2.60-nero.img", View::Udf, Oracle::UdfinfoCounts),
    ("iso/udf/udf-cd-nero-6.img", View::Udf, Oracle::SevenZip),
    ("iso/udf/udf-hdd-mkudffs-1.0.0-1.img", View::Udf, Oracle::SevenZip),
    ("iso/udf/udf-hdd-mkudffs-1.3-1.img", View::Udf, Oracle::SevenZip),
    ("iso/udf/udf-hdd-mkudffs-1.3-3.img", View::Udf, Oracle::SevenZip),
    (
        "iso/udf/udf-hdd-mkudffs-1.3-5.img",
        View::Udf,
        Oracle::UdfinfoCounts,
    ),
    (
        "iso/udf/udf-hdd-mkudffs-1.3-7.img",
        View::Udf,
        Oracle::UdfinfoCounts,
    ),
    ("iso/udf/udf-hdd-mkudffs-2.2.img", View::Udf, Oracle::SevenZip),
    (
        "iso/udf/udf-hdd-udfclient-0.7.7.img",
        View::Udf,
        Oracle::UdfinfoCounts,
    ),
    (
        "iso/udf/udf-multi-0-320-640-mkudffs.img",
        View::Udf,
        Oracle::Refused(ErrorKind::Unsupported, "more than one session"),
    ),
    ("iso/udf/udf.img", View::Udf, Oracle::UdfinfoCounts),
];

#[test]
fn each_sample_reads_as_others_see_it_or_says_why_not() {
    for (name, view, oracle) in EXPECTED {
        let Some(bytes) = testkit::sample(&format!("{name}.xz")) else {
            return;
        };
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("image.iso");
        std::fs::write(&file, &bytes).expect("image");
        let opened = IsoImage::open(Cursor::new(&bytes), &Limits::default());
        if let Oracle::Refused(kind, words) = oracle {
            let error = opened.expect_err(name);
            assert_eq!(error.kind(), *kind, "{name}: {error}");
            assert!(error.to_string().contains(words), "{name}: {error}");
            continue;
        }
        let mut image = opened.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(image.view(), *view, "{name}");
        let read = read_image(&mut image);
        if matches!(oracle, Oracle::Zisofs) {
            let error = read.expect_err(name);
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{name}");
            assert!(error.to_string().contains("zisofs"), "{name}: {error}");
            continue;
        }
        let ours = read.unwrap_or_else(|error| panic!("{name}: {error}"));
        let theirs = folder.path().join("out");
        match oracle {
            Oracle::SevenZip => seven_zip(&file, &theirs),
            Oracle::Xorriso => xorriso(&file, &theirs),
            _ => {
                assert_eq!(counts(&ours), udfinfo_counts(&file), "{name}");
                continue;
            }
        }
        assert_eq!(
            without_devices(ours),
            without_devices(read_folder(&theirs)),
            "{name}"
        );
    }
}

/// The table above names each file that is there.
#[test]
fn the_table_is_complete() {
    let mut listed: Vec<_> = EXPECTED.iter().map(|(name, ..)| format!("{name}.xz")).collect();
    listed.sort();
    let mut found = Vec::new();
    for folder in ["iso", "iso/udf"] {
        for path in testkit::samples_in(folder) {
            let name = path
                .file_name()
                .expect("name")
                .to_str()
                .expect("UTF-8")
                .to_owned();
            found.push(format!("{folder}/{name}"));
        }
    }
    found.sort();
    if !found.is_empty() {
        assert_eq!(listed, found);
    }
}

/// Each session of a disc is read when its start is given.
#[test]
fn later_sessions_open_at_their_start() {
    let Some(iso) = testkit::sample("iso/udf/iso-multi-0-174-348-genisoimage.img.xz") else {
        return;
    };
    let label = |bytes: &[u8], session_start| {
        let options = ReadOptions {
            session_start,
            ..ReadOptions::default()
        };
        IsoImage::open_with(Cursor::new(bytes), None, &options).map(|image| image.volume_info().label)
    };
    assert_eq!(label(&iso, 0).expect("first"), "first session");
    assert_eq!(label(&iso, 174).expect("second"), "second session");
    assert_eq!(label(&iso, 348).expect("third"), "third session");
    let udf = testkit::sample("iso/udf/udf-multi-0-320-640-mkudffs.img.xz").expect("sample");
    assert_eq!(label(&udf, 640).expect("third"), "third session");
}

/// Both sides of a bridge hold the same files.
#[test]
fn the_sides_of_a_bridge_agree() {
    for name in ["iso/isolyzer-iso9660_udf.iso.xz", "iso/test-udf1.iso.xz"] {
        let Some(bytes) = testkit::sample(name) else {
            return;
        };
        let read = |view| {
            let image = IsoImage::open_view(Cursor::new(&bytes), view, &ReadOptions::default());
            read_image(&mut image.expect(name)).expect(name)
        };
        let udf = read(View::Udf);
        assert!(!udf.is_empty());
        assert_eq!(udf, read(View::RockRidge), "{name}");
        assert_eq!(udf, read(View::Joliet), "{name}");
    }
}

/// A damaged UDF side is an error, not a change to the ISO 9660 side.
#[test]
fn no_silent_fallback_from_a_damaged_udf_side() {
    let Some(mut bytes) = testkit::sample("iso/test-udf1.iso.xz") else {
        return;
    };
    // Both volume descriptor sequences: sectors 32 to 63.
    bytes[32 * 2048..64 * 2048].fill(0);
    let error = IsoImage::open(Cursor::new(&bytes), &Limits::default()).expect_err("UDF is gone");
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    let chosen = IsoImage::open_view(Cursor::new(&bytes), View::Joliet, &ReadOptions::default());
    assert_eq!(read_image(&mut chosen.expect("Joliet")).expect("files").len(), 2);
}

/// A cut image is refused before anything is read from it, with both sizes.
#[test]
fn a_cut_image_is_refused_with_both_sizes() {
    for name in ["iso/test-udf1.iso.xz", "iso/joliet.iso.xz"] {
        let Some(bytes) = testkit::sample(name) else {
            return;
        };
        let cut = &bytes[..bytes.len() - 2048];
        let error = IsoImage::open(Cursor::new(cut), &Limits::default()).expect_err(name);
        assert_eq!(error.kind(), ErrorKind::Truncated);
        let text = error.to_string();
        assert!(text.contains(&cut.len().to_string()), "{text}");
        assert!(text.contains(&bytes.len().to_string()), "{text}");
    }
}

fn seven_zip(image: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("folder");
    if let Some(mut command) = testkit::tool("7z") {
        testkit::run(
            command
                .arg("x")
                .arg("-y")
                .arg(format!("-o{}", to.display()))
                .arg(image),
        );
    }
}

fn xorriso(image: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("folder");
    if let Some(mut command) = testkit::tool("xorriso") {
        command
            .args(["-osirrox", "on", "-indev"])
            .arg(image)
            .args(["-extract", "/"])
            .arg(to);
        testkit::run(&mut command);
    }
}

fn without_devices(mut paths: Paths) -> Paths {
    paths.retain(|_, node| *node != Node::Special);
    paths
}

/// Files and directories, the root included.
fn counts(paths: &Paths) -> (usize, usize) {
    let files = paths
        .values()
        .filter(|node| matches!(node, Node::File(_)))
        .count();
    (files, paths.len() - files + 1)
}

fn udfinfo_counts(image: &Path) -> (usize, usize) {
    let Some(mut command) = testkit::tool("udfinfo") else {
        return (0, 1);
    };
    let output = String::from_utf8_lossy(&testkit::run(command.arg(image)).stdout).into_owned();
    let number = |key: &str| {
        let value = output.lines().find_map(|line| line.strip_prefix(key)).expect(key);
        value.parse().expect("number")
    };
    (number("numfiles="), number("numdirs="))
}

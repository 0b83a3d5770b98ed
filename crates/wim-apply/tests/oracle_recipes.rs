//! Files of every kind that wimlib makes: all verify, and applied to a directory give the captured tree.

mod support;

use std::fs::{self, File};
use std::io::Cursor;
use std::path::Path;

use support::{list_tree, make_tree, open, options, wimlib};
use wim_apply::apply::{Control, DirectoryTarget, VerifyReport, apply_image, verify};
use wim_apply::codec::Codec;
use wim_apply::{Limits, Wim};

fn verified(wim: &Wim) -> VerifyReport {
    Control::silent(wim, |control| verify(wim, &options(2), control)).expect("verification")
}

fn check_applies(wim: &Wim, index: u32, tree: &Path, scratch: &Path, what: &str) {
    let report = verified(wim);
    assert!(report.is_ok(), "{what}: {report:?}");
    assert_eq!(report.blobs.blobs, wim.blobs().len(), "{what}");
    let mut target = DirectoryTarget::new(scratch);
    Control::silent(wim, |control| {
        apply_image(wim, index, &mut target, &options(2), control)
    })
    .unwrap_or_else(|e| panic!("{what}: {e}"));
    let (found, expected) = (list_tree(scratch), list_tree(tree));
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!((&found.0, &found.1), (&expected.0, &expected.1), "{what}");
        assert!(found.2 == expected.2, "{what}: {} differs", found.0);
    }
    assert_eq!(found.len(), expected.len(), "{what}");
    fs::remove_dir_all(scratch).expect("scratch");
}

type Recipe = (&'static str, Option<(Codec, u32)>, &'static [&'static str]);

const RECIPES: &[Recipe] = &[
    ("stored", None, &["--compress=none"]),
    (
        "xpress 4K",
        Some((Codec::Xpress, 4096)),
        &["--compress=XPRESS", "--chunk-size=4096"],
    ),
    (
        "xpress 32K",
        Some((Codec::Xpress, 32_768)),
        &["--compress=XPRESS", "--check"],
    ),
    (
        "xpress 64K",
        Some((Codec::Xpress, 65_536)),
        &["--compress=XPRESS", "--chunk-size=64K"],
    ),
    ("lzx 32K", Some((Codec::Lzx, 32_768)), &["--compress=LZX"]),
    (
        "lzx 2M",
        Some((Codec::Lzx, 2 << 20)),
        &["--compress=LZX", "--chunk-size=2M"],
    ),
    (
        "lzms 32K",
        Some((Codec::Lzms, 32_768)),
        &["--compress=LZMS", "--chunk-size=32K"],
    ),
    (
        "lzms 1M",
        Some((Codec::Lzms, 1 << 20)),
        &["--compress=LZMS", "--chunk-size=1M"],
    ),
    (
        "solid xpress",
        Some((Codec::Lzms, 131_072)),
        &["--solid", "--solid-compress=XPRESS", "--solid-chunk-size=64K"],
    ),
    (
        "solid lzx",
        Some((Codec::Lzms, 131_072)),
        &["--solid", "--solid-compress=LZX", "--solid-chunk-size=2M"],
    ),
    (
        "solid lzms",
        Some((Codec::Lzms, 131_072)),
        &["--solid", "--solid-chunk-size=1M"],
    ),
    ("wimboot", Some((Codec::Xpress, 4096)), &["--wimboot"]),
    ("pipable", Some((Codec::Lzx, 32_768)), &["--pipable", "--check"]),
    ("pipable stored", None, &["--pipable", "--compress=none"]),
];

#[test]
fn every_kind_of_file() {
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("tree");
    make_tree(&tree);
    for (what, compression, args) in RECIPES {
        let all = [&["capture", "tree", "x.wim", "Name", "--no-acls"], *args].concat();
        if wimlib(&all, dir.path()).is_none() {
            return;
        }
        let path = dir.path().join("x.wim");
        let wim = open(&path);
        assert_eq!(wim.compression(), *compression, "{what}");
        assert_eq!(wim.images()[0].name.as_deref(), Some("Name"));
        assert_eq!(wim.images()[0].wim_boot, *what == "wimboot");
        assert_eq!(
            wim.blobs().iter().all(wim_apply::Blob::is_solid),
            what.starts_with("solid"),
            "{what}"
        );
        check_applies(&wim, 1, &tree, &dir.path().join("out"), what);

        let mut stream: &[u8] = &fs::read(&path).unwrap();
        let spooled = Wim::open_spooled(&mut stream, Cursor::new(Vec::new()), &Limits::default()).unwrap();
        assert_eq!(spooled.blobs(), wim.blobs());
    }
}

#[test]
fn several_images_and_several_solid_runs() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    make_tree(&one);
    fs::create_dir(&two).unwrap();
    fs::write(two.join("only here"), support::text(77, 900_000)).unwrap();
    fs::write(two.join("shared"), support::text(4, 32_768)).unwrap();
    for args in [&["--solid", "--solid-chunk-size=1M"][..], &["--check"]] {
        let capture = [&["capture", "one", "x.wim", "First", "--no-acls"], args].concat();
        if wimlib(&capture, dir.path()).is_none() {
            return;
        }
        let append = [
            &["append", "two", "x.wim", "Second", "Its description", "--no-acls"],
            &args[..1],
        ]
        .concat();
        wimlib(&append, dir.path());
        let wim = open(&dir.path().join("x.wim"));
        assert_eq!(wim.find_image("second").unwrap(), 2);
        assert_eq!(wim.find_image("1").unwrap(), 1);
        assert!(
            wim.find_image("third")
                .unwrap_err()
                .to_string()
                .contains("2 (Second)")
        );
        assert_eq!(wim.images()[1].description.as_deref(), Some("Its description"));
        assert!(wim.solid_resources().len() == if args.len() == 2 { 2 } else { 0 });
        check_applies(&wim, 1, &one, &dir.path().join("out"), "first");
        check_applies(&wim, 2, &two, &dir.path().join("out"), "second");
        if args.len() == 1 {
            assert!(wim.integrity_table().unwrap().is_some());
        }
        fs::remove_file(dir.path().join("x.wim")).unwrap();
    }
}

#[test]
fn split_and_delta() {
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("tree");
    make_tree(&tree);
    let Some(_) = wimlib(
        &["capture", "tree", "x.wim", "N", "--no-acls", "--compress=XPRESS"],
        dir.path(),
    ) else {
        return;
    };
    wimlib(&["split", "x.wim", "s.swm", "0.3"], dir.path());
    let mut wim = open(&dir.path().join("s.swm"));
    let missing = wim.missing_parts();
    assert!(missing.len() > 1);
    let scratch = dir.path().join("out");
    let mut target = DirectoryTarget::new(&scratch);
    let error = Control::silent(&wim, |control| {
        apply_image(&wim, 1, &mut target, &options(1), control)
    });
    assert!(
        error.unwrap_err().to_string().contains("part 2"),
        "says which parts are missing"
    );
    assert!(!scratch.exists(), "and writes nothing");
    for part in missing {
        wim.add_part(File::open(dir.path().join(format!("s{part}.swm"))).unwrap())
            .unwrap();
    }
    check_applies(&wim, 1, &tree, &scratch, "split");

    fs::write(tree.join("new file"), support::text(9, 10_000)).unwrap();
    let args = ["capture", "tree", "d.wim", "N", "--no-acls", "--delta-from=x.wim"];
    wimlib(&args, dir.path());
    let mut delta = open(&dir.path().join("d.wim"));
    assert_eq!(delta.blobs().len(), 1);
    assert!(!verified(&delta).missing.is_empty());
    delta
        .add_part(File::open(dir.path().join("x.wim")).unwrap())
        .unwrap();
    check_applies(&delta, 1, &tree, &scratch, "delta");
}

//! Split, join, optimize, diff: with wimlib as judge.

mod support;
mod write_support;

use std::fs::{self, File};
use std::io::Cursor;
use std::path::Path;

use support::{make_tree, open, text, wimlib};
use wim_apply::write::{
    Change, Compare, Compression, DirectorySource, ExportImage, FileForm, SplitPlan, WimWriter, WriteOptions,
    diff, hash_tree, rewrite,
};
use wim_apply::{ErrorKind, Limits, Wim};
use write_support::{accepted, capture, control, create, foreign_listing, info, options};

/// Writes `p.swm`, `p2.swm`, ...
fn split(wim: &Wim, dir: &Path, part_bytes: u64) -> Vec<String> {
    let plan = SplitPlan::new(wim, part_bytes).expect("a plan");
    let options = WriteOptions {
        integrity_table: true,
        ..WriteOptions::like(wim)
    };
    let mut names = Vec::new();
    for number in 1..=u16::try_from(plan.part_count()).expect("few") {
        let name = if number == 1 {
            "p.swm".to_owned()
        } else {
            format!("p{number}.swm")
        };
        let mut out = create(&dir.join(&name));
        plan.write_part(wim, number, &mut out, &options, &mut control())
            .expect("a part");
        names.push(name);
    }
    names
}

#[test]
fn wimlib_reads_the_parts_and_joins_them() {
    let dir = tempfile::tempdir().unwrap();
    make_tree(&dir.path().join("t"));
    capture(
        &dir.path().join("t"),
        &dir.path().join("x.wim"),
        &options(Compression::Xpress, 2),
    );
    let wim = open(&dir.path().join("x.wim"));
    let names = split(&wim, dir.path(), 400_000);
    assert!(names.len() > 3, "{names:?}");
    for name in &names[1..] {
        let size = fs::metadata(dir.path().join(name)).unwrap().len();
        // A single resource may be larger.
        let single = open(&dir.path().join(name)).blobs().len() == 1;
        assert!(size <= 400_000 || single, "{name} has {size} bytes");
    }
    wimlib(&["verify", "p.swm", "--ref=p*.swm"], dir.path());
    wimlib(&["apply", "p.swm", "1", "out", "--ref=p*.swm"], dir.path());
    if dir.path().join("out").exists() {
        assert_eq!(
            support::list_tree(&dir.path().join("out")),
            support::list_tree(&dir.path().join("t"))
        );
    }
    let mut join = vec!["join", "theirs.wim"];
    join.extend(names.iter().map(String::as_str));
    wimlib(&join, dir.path());
    // Joined again it is the file that was split, byte for byte: nothing depends on the way.
    let mut joined = open(&dir.path().join("p.swm"));
    for name in &names[1..] {
        joined
            .add_part(File::open(dir.path().join(name)).unwrap())
            .unwrap();
    }
    let mut file = Cursor::new(Vec::new());
    let options = WriteOptions {
        integrity_table: false,
        ..WriteOptions::like(&joined)
    };
    rewrite(&joined, &mut file, &options, &mut control()).unwrap();
    assert!(file.into_inner() == fs::read(dir.path().join("x.wim")).unwrap());
}

#[test]
fn what_cannot_be_split_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    make_tree(&dir.path().join("t"));
    if wimlib(
        &["capture", "t", "solid", "--compress=LZX", "--solid"],
        dir.path(),
    )
    .is_none()
    {
        return;
    }
    let error = SplitPlan::new(&open(&dir.path().join("solid")), 1 << 20).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("export"), "{error}");
}

#[test]
fn a_pipable_file_has_pipable_parts() {
    let dir = tempfile::tempdir().unwrap();
    make_tree(&dir.path().join("t"));
    let pipable = WriteOptions {
        form: FileForm::Pipable,
        ..options(Compression::Lzx, 2)
    };
    capture(&dir.path().join("t"), &dir.path().join("x.wim"), &pipable);
    let wim = open(&dir.path().join("x.wim"));
    let plan = SplitPlan::new(&wim, 500_000).unwrap();
    assert!(plan.part_count() > 1);
    let mut names = Vec::new();
    for number in 1..=plan.part_count() {
        let name = format!("p{number}.swm");
        let mut out = create(&dir.path().join(&name));
        let checked = WriteOptions {
            integrity_table: true,
            ..WriteOptions::like(&wim)
        };
        plan.write_part(&wim, number as u16, &mut out, &checked, &mut control())
            .unwrap();
        names.push(name);
    }
    let mut joined = open(&dir.path().join(&names[0]));
    for name in &names[1..] {
        joined
            .add_part(File::open(dir.path().join(name)).unwrap())
            .unwrap();
    }
    let options = WriteOptions {
        integrity_table: false,
        ..WriteOptions::like(&joined)
    };
    let mut file = Cursor::new(Vec::new());
    rewrite(&joined, &mut file, &options, &mut control()).unwrap();
    assert!(file.into_inner() == fs::read(dir.path().join("x.wim")).unwrap());
    if wimlib(&["apply", "p1.swm", "1", "out", "--ref=p*.swm"], dir.path()).is_some() {
        let (found, expected) = (dir.path().join("out"), dir.path().join("t"));
        assert_eq!(support::list_tree(&found), support::list_tree(&expected));
    }
}

#[test]
fn unused_data_goes_when_a_file_is_rewritten() {
    let dir = tempfile::tempdir().unwrap();
    make_tree(&dir.path().join("t"));
    fs::create_dir(dir.path().join("u")).unwrap();
    fs::write(dir.path().join("u/new"), text(77, 100_000)).unwrap();
    let path = dir.path().join("x.wim");
    capture(&dir.path().join("u"), &path, &options(Compression::Xpress, 2));
    let alone = fs::read(&path).unwrap();
    let mut out = File::options().read(true).write(true).open(&path).unwrap();
    let mut writer = WimWriter::append(&mut out, &open(&path), &options(Compression::None, 2)).unwrap();
    writer
        .capture(
            &mut DirectorySource::new(dir.path().join("t")),
            &info(),
            &[],
            &mut control(),
        )
        .unwrap();
    writer.set_boot_image(1).unwrap();
    writer.finish().unwrap();
    let wim = open(&path);
    let mut writer = WimWriter::append(&mut out, &wim, &options(Compression::None, 2)).unwrap();
    writer.remove_image(&wim, 2).unwrap();
    writer.set_boot_image(0).unwrap();
    writer.finish().unwrap();
    accepted(dir.path(), "x.wim");
    let wim = open(&path);
    let mut file = Cursor::new(Vec::new());
    rewrite(&wim, &mut file, &WriteOptions::like(&wim), &mut control()).unwrap();
    assert!(file.into_inner() == alone && fs::read(&path).unwrap().len() > 10 * alone.len());
}

#[test]
fn exporting_twice_stores_once() {
    let Some(path) = testkit::samples::generated("small", "install.wim") else {
        return;
    };
    let from = open(&path);
    let dir = tempfile::tempdir().unwrap();
    let mut out = create(&dir.path().join("all.wim"));
    let mut writer = WimWriter::create(&mut out, &WriteOptions::like(&from)).unwrap();
    writer
        .export(&from, &[ExportImage::new(2), ExportImage::new(1)], &mut control())
        .unwrap();
    let more = ExportImage {
        name: Some("again".to_owned()),
        ..ExportImage::new(1)
    };
    writer.export(&from, &[more], &mut control()).unwrap();
    let report = writer.finish().unwrap();
    assert_eq!((report.images, report.blobs), (3, from.blobs().len()));
    let size = fs::metadata(&path).unwrap().len();
    assert!(
        report.file_bytes < size + 150_000,
        "{} of {size}",
        report.file_bytes
    );
    accepted(dir.path(), "all.wim");
    let theirs = path.to_str().unwrap();
    assert_eq!(
        foreign_listing(dir.path(), "all.wim", "3"),
        foreign_listing(dir.path(), theirs, "1")
    );
}

#[test]
fn differences_are_found() {
    let dir = tempfile::tempdir().unwrap();
    make_tree(&dir.path().join("t"));
    capture(
        &dir.path().join("t"),
        &dir.path().join("x.wim"),
        &options(Compression::Xpress, 2),
    );
    let image = open(&dir.path().join("x.wim")).image(1).unwrap();
    let tree = |name: &str| {
        hash_tree(
            &mut DirectorySource::new(dir.path().join(name)),
            &[],
            &mut control(),
        )
        .unwrap()
    };
    assert_eq!(diff(&image, &tree("t"), &Compare::EVERYTHING), []);
    if wimlib(&["apply", "x.wim", "1", "out"], dir.path()).is_none() {
        return;
    }
    assert_eq!(diff(&image, &tree("out"), &Compare::HOST_DIRECTORY), []);
    let file = |name: &str| dir.path().join("out").join(name);
    fs::write(file("Windows/one"), [8]).unwrap();
    fs::remove_dir_all(file("empty dir")).unwrap();
    fs::write(file("new"), []).unwrap();
    fs::remove_file(file("Users/link")).unwrap();
    fs::copy(file("Windows/chunk+1"), file("Users/link")).unwrap();
    let compare = Compare {
        last_write_time: false,
        ..Compare::HOST_DIRECTORY
    };
    let found: Vec<String> = diff(&image, &tree("out"), &compare)
        .into_iter()
        .map(|difference| match difference.change {
            Change::Removed => format!("-{}", difference.path),
            Change::Added => format!("+{}", difference.path),
            Change::Changed(fields) => format!("{} {}", difference.path, fields[0].field),
        })
        .collect();
    let expected = [
        "\\Users\\link first_link",
        "\\Windows\\chunk+1 first_link",
        "\\Windows\\one data",
        "-\\empty dir",
        "-\\empty dir\\inner",
        "+\\new",
    ];
    assert_eq!(found, expected);
}

#[test]
fn every_cut_of_an_append_leaves_the_old_file() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a"), text(1, 70_000)).unwrap();
    let old = {
        let mut file = Cursor::new(Vec::new());
        let mut writer = WimWriter::create(&mut file, &options(Compression::Xpress, 1)).unwrap();
        writer
            .capture(
                &mut DirectorySource::new(dir.path()),
                &info(),
                &[],
                &mut control(),
            )
            .unwrap();
        writer.finish().unwrap();
        file.into_inner()
    };
    fs::write(dir.path().join("b"), text(2, 300_000)).unwrap();
    let wim = Wim::open(Cursor::new(old.clone()), &Limits::default()).unwrap();
    for writes in 0.. {
        let mut out = write_support::PowerCut {
            inner: Cursor::new(old.clone()),
            writes,
        };
        let mut append = || -> wim_apply::Result<()> {
            let mut writer = WimWriter::append(&mut out, &wim, &options(Compression::Xpress, 1))?;
            writer.capture(
                &mut DirectorySource::new(dir.path()),
                &info(),
                &[],
                &mut control(),
            )?;
            writer.finish().map(|_| ())
        };
        let done = append().is_ok();
        let after = Wim::open(out.inner, &Limits::default()).unwrap();
        assert_eq!(after.images().len(), if done { 2 } else { 1 });
        assert_eq!(after.image(1).unwrap().dentries.len(), 2);
        if done {
            assert!(writes > 1);
            break;
        }
    }
}

//! What is captured: read by wimlib and 7-Zip, equal to wimlib's own capture, and the same bytes every time.

mod support;
mod write_support;

use std::fs;

use support::{make_tree, text, wimlib};
use wim_apply::write::{Compression, DEFAULT_EXCLUDE, DirectorySource, WimWriter};
use wim_apply::{Image, ImageInfo, Limits};
use write_support::{accepted, capture, control, foreign_listing, info, options};

#[test]
fn foreign_readers_accept_every_compression() {
    let dir = tempfile::tempdir().unwrap();
    make_tree(&dir.path().join("t"));
    // Larger than what is held in memory: one that shrinks, twice, and one that does not.
    let large = text(9, 5_000_000);
    fs::write(dir.path().join("t/large"), &large).unwrap();
    fs::write(dir.path().join("t/large again"), &large).unwrap();
    fs::write(dir.path().join("t/large noise"), support::noise(5, 5_000_001)).unwrap();
    for (compression, integrity_table) in [
        (Compression::None, false),
        (Compression::Xpress, true),
        (Compression::Lzx, true),
    ] {
        let mut options = options(compression, 2);
        options.integrity_table = integrity_table;
        let name = format!("{compression:?}.wim");
        capture(&dir.path().join("t"), &dir.path().join(&name), &options);
        accepted(dir.path(), &name);
        let out = format!("out {name}");
        if wimlib(&["apply", &name, "1", &out], dir.path()).is_some() {
            assert_eq!(
                support::list_tree(&dir.path().join(&out)),
                support::list_tree(&dir.path().join("t"))
            );
        }
    }
    let size = |name: &str| fs::metadata(dir.path().join(name)).unwrap().len();
    assert!(size("Lzx.wim") < size("Xpress.wim") && size("Xpress.wim") < size("None.wim") / 10 * 9);
    // Eight duplicates of large files would show.
    assert!(size("None.wim") < 14_500_000, "{}", size("None.wim"));
}

#[test]
fn equals_what_wimlib_captures() {
    let dir = tempfile::tempdir().unwrap();
    make_tree(&dir.path().join("t"));
    let link = |target: &std::path::Path, name: &str| {
        std::os::unix::fs::symlink(target, dir.path().join("t").join(name)).unwrap();
    };
    link("/etc/hostname".as_ref(), "absolute");
    // Links into the tree, to be taken relative to it.
    let tree = dir.path().canonicalize().unwrap().join("t");
    link(&tree.join("Windows"), "to a folder");
    link(&tree.join("no such file"), "to nothing");
    capture(
        &dir.path().join("t"),
        &dir.path().join("ours.wim"),
        &options(Compression::Xpress, 2),
    );
    let arguments = [
        "capture",
        "t",
        "theirs.wim",
        "N",
        "D",
        "--compress=XPRESS",
        "--no-acls",
    ];
    if wimlib(&arguments, dir.path()).is_none() {
        return;
    }
    // The first capture reads the files; the time of that is in the second one.
    let listing = |name| -> Vec<String> {
        let lines = foreign_listing(dir.path(), name, "1").into_iter();
        lines
            .filter(|line| !line.starts_with("Last Access Time"))
            .collect()
    };
    assert_eq!(listing("ours.wim"), listing("theirs.wim"));
    let (ours, theirs) = (
        support::open(&dir.path().join("ours.wim")),
        support::open(&dir.path().join("theirs.wim")),
    );
    let fixed = |wim: &wim_apply::Wim| {
        let image = wim.image(1).unwrap();
        let names = ["\\absolute", "\\to a folder", "\\to nothing"];
        let inodes = names.map(|name| {
            let at = image.lookup(name).unwrap();
            image.inodes[image.dentries[at.0 as usize].inode.0 as usize].clone()
        });
        let flags = wim.header().flags & 0x80;
        (
            flags,
            inodes.map(|inode| (inode.reparse_fixed_up, inode.attributes, inode.streams[0].hash)),
        )
    };
    assert_eq!(fixed(&ours), fixed(&theirs));
    let counts = |info: &ImageInfo| {
        (
            info.directory_count,
            info.file_count,
            info.total_bytes,
            info.hard_link_bytes,
        )
    };
    assert_eq!(counts(&ours.images()[0]), counts(&theirs.images()[0]));
    let references = |wim: &wim_apply::Wim| {
        let mut all: Vec<_> = wim
            .blobs()
            .iter()
            .map(|blob| (blob.hash, blob.reference_count))
            .collect();
        all.sort();
        all
    };
    assert_eq!(references(&ours), references(&theirs));
}

#[test]
fn the_same_bytes_whatever_the_threads() {
    let dir = tempfile::tempdir().unwrap();
    make_tree(&dir.path().join("t"));
    fs::write(dir.path().join("t/large"), text(9, 5_000_000)).unwrap();
    let mut files = Vec::new();
    for threads in [1, 4, 1] {
        let file = dir.path().join("x.wim");
        capture(
            &dir.path().join("t"),
            &file,
            &options(Compression::Xpress, threads),
        );
        files.push(fs::read(&file).unwrap());
    }
    assert!(files[0] == files[1] && files[0] == files[2]);
}

#[test]
fn what_is_excluded_is_not_there() {
    let dir = tempfile::tempdir().unwrap();
    make_tree(dir.path());
    for name in ["pagefile.sys", "x.tmp", "Windows/y.TMP"] {
        fs::write(dir.path().join(name), name).unwrap();
    }
    let mut exclude: Vec<String> = DEFAULT_EXCLUDE.map(str::to_owned).to_vec();
    exclude.extend(["**\\*.tmp".to_owned(), "\\Users".to_owned()]);
    let mut file = std::io::Cursor::new(Vec::new());
    let mut writer = WimWriter::create(&mut file, &options(Compression::Xpress, 1)).unwrap();
    let report = writer
        .capture(
            &mut DirectorySource::new(dir.path()),
            &info(),
            &exclude,
            &mut control(),
        )
        .unwrap();
    assert_eq!((report.index, report.warnings.len()), (1, 0));
    writer.finish().unwrap();
    let image = wim_apply::Wim::open(file, &Limits::default())
        .unwrap()
        .image(1)
        .unwrap();
    for gone in ["pagefile.sys", "x.tmp", "Windows\\y.TMP", "Users\\link", "Users"] {
        assert!(image.lookup(gone).is_err(), "{gone}");
    }
    let kept = image.lookup("Windows\\chunk+1").unwrap();
    assert_eq!(
        image.inodes[image.dentries[kept.0 as usize].inode.0 as usize].link_count,
        1
    );
}

/// Sets the hard-link groups of all entries that are no reparse points to zero: any numbers do.
fn without_group_numbers(mut metadata: Vec<u8>) -> Vec<u8> {
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |n, &byte| n << 8 | usize::from(byte));
    let mut at = number(&metadata[..4]).next_multiple_of(8);
    while at < metadata.len() {
        let length = number(&metadata[at..at + 8]);
        if length <= 8 {
            at += 8;
            continue;
        }
        if number(&metadata[at + 8..at + 12]) & 0x400 == 0 {
            metadata[at + 88..at + 96].fill(0);
        }
        let streams = number(&metadata[at + 96..at + 98]);
        at += length.next_multiple_of(8);
        for _ in 0..streams {
            at += number(&metadata[at..at + 8]).next_multiple_of(8);
        }
    }
    metadata
}

#[test]
fn metadata_of_wimlib_is_written_as_it_was() {
    let Some(path) = testkit::samples::generated("small", "install.wim") else {
        return;
    };
    let wim = support::open(&path);
    for index in 1..=2 {
        let image = wim.image(index).unwrap();
        let written = image.encode_metadata().unwrap();
        let back = Image::parse_metadata(&written, &Limits::default(), &|_| None).unwrap();
        let links = |image: &Image| {
            image
                .dentries
                .iter()
                .map(|dentry| dentry.inode)
                .collect::<Vec<_>>()
        };
        assert!(links(&back) == links(&image));
        let stored = without_group_numbers(wim.metadata_resource(index).unwrap());
        let written = without_group_numbers(written);
        let differs = stored.iter().zip(&written).position(|(a, b)| a != b);
        assert!(
            stored == written,
            "image {index}: first difference at {differs:x?}"
        );
    }
}

#[test]
fn a_file_is_read_by_its_path() {
    use std::io::{Read, Seek, SeekFrom};
    let dir = tempfile::tempdir().unwrap();
    make_tree(&dir.path().join("t"));
    let path = dir.path().join("x.wim");
    capture(&dir.path().join("t"), &path, &options(Compression::Lzx, 1));
    let wim = support::open(&path);
    let image = wim.image(1).unwrap();
    let mut file = wim.open_file(&image, r"\windows\CHUNK+1").unwrap();
    let mut bytes = Vec::new();
    file.seek(SeekFrom::End(-2)).unwrap();
    file.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, text(5, 32_769)[32_767..]);
    bytes.clear();
    let mut empty = wim.open_file(&image, "Windows/zero").unwrap();
    assert_eq!(
        (empty.size_bytes(), empty.read_to_end(&mut bytes).unwrap()),
        (0, 0)
    );
    for (path, kind) in [
        (r"\Windows", wim_apply::ErrorKind::Invalid),
        ("nothing", wim_apply::ErrorKind::NotFound),
    ] {
        assert_eq!(wim.open_file(&image, path).unwrap_err().kind(), kind);
    }
}

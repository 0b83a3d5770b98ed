//! Export and append: from every kind of file, with wimlib as judge.

mod support;
mod write_support;

use std::fs;
use std::io::Cursor;
use std::path::Path;

use support::{make_tree, open, wimlib};
use wim_apply::write::{Compression, DirectorySource, ExportImage, FileForm, WimWriter, WriteOptions};
use wim_apply::{ErrorKind, Limits, Wim};
use write_support::{accepted, control, create, foreign_listing, info, options};

fn export(dir: &Path, from: &Wim, to: &str, compression: Compression) {
    let mut out = create(&dir.join(to));
    let mut writer = WimWriter::create(&mut out, &options(compression, 2)).expect("a writer");
    let images: Vec<ExportImage> = from
        .images()
        .iter()
        .map(|info| ExportImage {
            index: info.index,
            ..ExportImage::default()
        })
        .collect();
    writer.export(from, &images, &mut control()).expect("an export");
    writer.finish().expect("a file");
}

#[test]
fn from_every_compression_to_every_other() {
    let dir = tempfile::tempdir().unwrap();
    make_tree(&dir.path().join("t"));
    fs::write(dir.path().join("t/large"), support::text(9, 5_000_000)).unwrap();
    fs::write(dir.path().join("t/large noise"), support::noise(5, 5_000_001)).unwrap();
    let recipes: [(&str, &[&str]); 5] = [
        ("none", &["--compress=none"]),
        ("xpress", &["--compress=XPRESS"]),
        ("lzx", &["--compress=LZX"]),
        ("solid", &["--solid", "--solid-chunk-size=1M"]),
        ("pipable", &["--pipable", "--compress=XPRESS"]),
    ];
    for (name, arguments) in recipes {
        let mut command = vec![
            "capture",
            "t",
            name,
            "name & <x>",
            "text",
            "--no-acls",
            "--threads=2",
        ];
        command.extend(arguments);
        if wimlib(&command, dir.path()).is_none() {
            return;
        }
        let from = open(&dir.path().join(name));
        let listing = foreign_listing(dir.path(), name, "1");
        for compression in [Compression::None, Compression::Xpress, Compression::Lzx] {
            let to = format!("{name} {compression:?}");
            export(dir.path(), &from, &to, compression);
            accepted(dir.path(), &to);
            assert_eq!(foreign_listing(dir.path(), &to, "1"), listing, "{to}");
            let to = open(&dir.path().join(to));
            assert_eq!(to.images(), from.images());
            assert_eq!(to.metadata_hash(1), from.metadata_hash(1));
        }
    }
    // Resources of the same compression are copied as they are.
    let (from, to) = (
        open(&dir.path().join("xpress")),
        open(&dir.path().join("xpress Xpress")),
    );
    for blob in from.blobs() {
        let copy = to.blobs()[to.blob_by_hash(&blob.hash).unwrap().0 as usize];
        assert_eq!(
            (copy.stored_bytes(), copy.reference_count),
            (blob.stored_bytes(), blob.reference_count)
        );
    }
}

#[test]
fn what_the_xml_says_is_kept() {
    let Some(path) = testkit::samples::generated("small", "install.wim") else {
        return;
    };
    let from = open(&path);
    let mut file = Cursor::new(Vec::new());
    let mut writer = WimWriter::create(&mut file, &options(Compression::Lzx, 2)).unwrap();
    let name = Some("Another".to_owned());
    writer
        .export(
            &from,
            &[ExportImage {
                index: 2,
                name,
                description: None,
            }],
            &mut control(),
        )
        .unwrap();
    writer.set_boot_image(1).unwrap();
    assert!(writer.set_boot_image(2).is_err());
    writer.finish().unwrap();
    let to = Wim::open(file, &Limits::default()).unwrap();
    let mut expected = from.images()[1].clone();
    (expected.index, expected.name) = (1, Some("Another".to_owned()));
    assert_eq!(to.images(), [expected]);
    assert_eq!(
        (to.header().boot_index, to.header().boot_metadata.is_absent()),
        (1, false)
    );
    let text = to.xml_text();
    assert!(text.contains("<SPLEVEL>0</SPLEVEL>") && text.contains("<WINDOWS>"));
}

#[test]
fn damaged_blobs_are_not_recompressed() {
    let dir = tempfile::tempdir().unwrap();
    make_tree(&dir.path().join("t"));
    write_support::capture(
        &dir.path().join("t"),
        &dir.path().join("x"),
        &options(Compression::Xpress, 1),
    );
    let whole = fs::read(dir.path().join("x")).unwrap();
    // One is stored; of the other the codes of the first chunk, which follow the chunk table, are damaged.
    for (name, within) in [("noise.bin", 100_000..100_001), ("System32\\big.bin", 204..460)] {
        let wim = open(&dir.path().join("x"));
        let image = wim.image(1).unwrap();
        let entry = image.lookup(&format!("\\Windows\\{name}")).unwrap();
        let id = image.inodes[image.dentries[entry.0 as usize].inode.0 as usize]
            .unnamed_data()
            .unwrap()
            .blob
            .unwrap();
        let at = usize::try_from(wim.blobs()[id.0 as usize].offset()).unwrap();
        let mut bytes = whole.clone();
        bytes[at + within.start..at + within.end]
            .iter_mut()
            .for_each(|byte| *byte = !*byte);
        let wim = Wim::open(Cursor::new(bytes), &Limits::default()).unwrap();
        for form in [FileForm::Plain, FileForm::solid(Compression::Lzx)] {
            let mut file = Cursor::new(Vec::new());
            let options = WriteOptions {
                form,
                ..options(Compression::Lzx, 1)
            };
            let mut writer = WimWriter::create(&mut file, &options).unwrap();
            let images = [ExportImage::new(1)];
            let error = writer.export(&wim, &images, &mut control()).unwrap_err();
            let is_named = error.to_string().contains(name);
            assert!(
                error.kind() == ErrorKind::Corrupt && is_named,
                "{form:?}: {error}"
            );
        }
    }
}

#[test]
fn append_keeps_the_old_file_until_the_end() {
    let dir = tempfile::tempdir().unwrap();
    make_tree(&dir.path().join("t"));
    fs::create_dir(dir.path().join("u")).unwrap();
    fs::write(dir.path().join("u/new"), support::text(77, 100_000)).unwrap();
    fs::write(dir.path().join("u/old"), support::text(4, 32_768)).unwrap();
    let recipes: [(&str, &[&str]); 4] = [
        ("xpress", &["--compress=XPRESS"]),
        ("lzx", &["--compress=LZX", "--check"]),
        ("none", &["--compress=none"]),
        (
            "solid",
            &["--compress=LZX", "--solid", "--solid-chunk-size=64K", "--check"],
        ),
    ];
    for (name, arguments) in recipes {
        let mut command = vec!["capture", "t", name, "first", "--no-acls"];
        command.extend(arguments);
        if wimlib(&command, dir.path()).is_none() {
            return;
        }
        let path = dir.path().join(name);
        let before = fs::read(&path).unwrap();
        let wim = open(&path);
        let mut out = fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
        let mut append = |finish: bool| {
            let mut writer = WimWriter::append(&mut out, &wim, &options(Compression::None, 2)).unwrap();
            writer
                .capture(
                    &mut DirectorySource::new(dir.path().join("u")),
                    &info(),
                    &[],
                    &mut control(),
                )
                .unwrap();
            if finish {
                writer.finish().unwrap();
            }
        };
        append(false);
        assert!(fs::read(&path).unwrap() == before, "{name}");
        append(true);
        accepted(dir.path(), name);
        let after = open(&path);
        assert_eq!(after.blobs().len(), wim.blobs().len() + 1, "{name}");
        assert_eq!(after.images()[1].name.as_deref(), Some("N"));
        assert_eq!(
            after.header().integrity.is_absent(),
            wim.header().integrity.is_absent()
        );
        let listing = foreign_listing(dir.path(), name, "2").join("\n");
        assert!(listing.contains("/new") && listing.contains("/old"), "{listing}");
        // Removing the first one again leaves the second, and nothing that only the first one used.
        let mut writer = WimWriter::append(&mut out, &after, &options(Compression::None, 2)).unwrap();
        writer.remove_image(&after, 1).unwrap();
        writer.finish().unwrap();
        accepted(dir.path(), name);
        assert_eq!(open(&path).blobs().len(), 2, "{name}");
        assert_eq!(
            foreign_listing(dir.path(), name, "1").join("\n"),
            listing,
            "{name}"
        );
    }
}

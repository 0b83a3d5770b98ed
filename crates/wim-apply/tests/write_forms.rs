//! Pipable, solid and LZMS files: written, judged by wimlib and 7-Zip, and turned into each other.

#![allow(clippy::unwrap_used, reason = "what cannot be had fails the test")]

mod support;
mod write_support;

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;

use support::{list_tree, make_tree, noise, open, text, wimlib};
use wim_apply::apply::{ApplyOptions, Control, verify};
use wim_apply::write::{Compression, DirectorySource, FileForm, Pipe, WimWriter, WriteOptions, rewrite};
use wim_apply::{ErrorKind, Wim};
use write_support::{capture, control, create, info, options};

/// Solid, in chunks that the tree of the tests fills several times.
fn solid(compression: Compression) -> FileForm {
    FileForm::Solid {
        compression,
        chunk_bytes: match compression {
            Compression::Lzms => 1 << 20,
            _ => 32 << 10,
        },
    }
}

/// Every form, with a name.
fn forms() -> Vec<(String, WriteOptions)> {
    let mut forms = vec![(Compression::Lzms, FileForm::Plain)];
    for compression in [
        Compression::None,
        Compression::Xpress,
        Compression::Lzx,
        Compression::Lzms,
    ] {
        forms.push((compression, FileForm::Pipable));
        if compression != Compression::None {
            forms.push((compression, solid(compression)));
        }
    }
    let named = |(compression, form): (Compression, FileForm)| {
        let kind = match form {
            FileForm::Plain => "plain",
            FileForm::Pipable => "pipable",
            FileForm::Solid { .. } => "solid",
        };
        let options = WriteOptions {
            form,
            chunk_bytes: compression.default_chunk_bytes(),
            integrity_table: true,
            ..options(compression, 2)
        };
        (format!("{kind} {compression:?}"), options)
    };
    forms.into_iter().map(named).collect()
}

/// Beside the usual tree: blobs that are not held in memory, one twice, one that does not shrink.
fn make_large_tree(root: &Path) {
    make_tree(root);
    fs::write(root.join("large"), text(9, 4_300_000)).unwrap();
    fs::copy(root.join("large"), root.join("large again")).unwrap();
    fs::write(root.join("large noise"), noise(5, 4_194_305)).unwrap();
}

fn is_sound(wim: &Wim) -> bool {
    let report = Control::silent(wim, |control| verify(wim, &ApplyOptions::default(), control));
    report.is_ok_and(|report| report.is_ok())
}

/// wimlib and 7-Zip read all of it, wimlib from a pipe too, and it is the tree `t`.
fn judged(dir: &Path, name: &str, is_pipable: bool) {
    assert!(is_sound(&open(&dir.join(name))), "{name}");
    if wimlib(&["verify", name], dir).is_none() {
        return;
    }
    wimlib(&["info", name, "--check"], dir);
    let out = dir.join("out");
    if is_pipable {
        let mut command = testkit::tool("wimlib-imagex").unwrap();
        command.args(["apply", "-", "1", "out"]).current_dir(dir);
        testkit::run(command.stdin(Stdio::from(File::open(dir.join(name)).unwrap())));
    } else {
        wimlib(&["apply", name, "1", "out"], dir);
        if let Some(mut command) = testkit::tool("7z") {
            testkit::run(command.args(["t", name]).current_dir(dir));
        }
    }
    assert!(list_tree(&out) == list_tree(&dir.join("t")), "{name}");
    fs::remove_dir_all(out).unwrap();
}

#[test]
fn others_read_every_form_and_its_bytes_do_not_depend_on_threads() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    make_tree(&dir.join("t"));
    for (name, options) in forms() {
        is_written(dir, &name, &options);
    }
    every_form_becomes_every_other(dir);
}

#[test]
fn blobs_that_are_not_held_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    make_large_tree(&dir.join("t"));
    for (name, options) in forms() {
        if options.compression == Compression::Xpress {
            is_written(dir, &name, &options);
            let wim = open(&dir.join(&name));
            let large = wim.blobs().iter().filter(|blob| blob.size_bytes > 4 << 20);
            assert_eq!(large.count(), 2, "{name}");
        }
    }
    let wim = open(&dir.join("pipable Xpress"));
    let plain = options(Compression::Xpress, 2);
    rewrite(&wim, &mut create(&dir.join("plain")), &plain, &mut control()).unwrap();
    judged(dir, "plain", false);
}

fn is_written(dir: &Path, name: &str, options: &WriteOptions) {
    capture(&dir.join("t"), &dir.join(name), options);
    judged(dir, name, options.form == FileForm::Pipable);
    // On one thread, and through a pipe, where nothing can be read back or written twice.
    let one = WriteOptions {
        threads: 1.try_into().unwrap(),
        ..*options
    };
    let mut bytes = Vec::new();
    if options.form == FileForm::Pipable {
        let mut pipe = Pipe::new(&mut bytes);
        let mut writer = WimWriter::create(&mut pipe, &one).unwrap();
        let mut source = DirectorySource::new(dir.join("t"));
        writer.capture(&mut source, &info(), &[], &mut control()).unwrap();
        let again = writer.capture(&mut source, &info(), &[], &mut control());
        assert_eq!(again.unwrap_err().kind(), ErrorKind::Invalid);
        writer.finish().unwrap();
    } else {
        capture(&dir.join("t"), &dir.join("again"), &one);
        bytes = fs::read(dir.join("again")).unwrap();
    }
    assert!(bytes == fs::read(dir.join(name)).unwrap(), "{name}");
}

fn every_form_becomes_every_other(dir: &Path) {
    for (from, _) in forms() {
        let wim = open(&dir.join(&from));
        for (to, options) in forms() {
            // The encoders are the same each time.
            if options.compression == Compression::Xpress {
                rewrite(&wim, &mut create(&dir.join("new")), &options, &mut control()).unwrap();
                assert!(is_sound(&open(&dir.join("new"))), "{from} to {to}");
            }
        }
        // In its own form it stays as it is, byte for byte: chunks are copied.
        rewrite(
            &wim,
            &mut create(&dir.join("new")),
            &WriteOptions::like(&wim),
            &mut control(),
        )
        .unwrap();
        let (old, new) = (
            fs::read(dir.join(&from)).unwrap(),
            fs::read(dir.join("new")).unwrap(),
        );
        assert!(old == new, "{from}");
    }
}

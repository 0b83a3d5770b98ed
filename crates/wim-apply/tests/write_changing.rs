//! A source that changes while it is captured: the capture fails and names the file, in every form. An interruption
//! after the last byte was read.

#![allow(clippy::unwrap_used, reason = "what cannot be had fails the test")]

mod support;
mod write_support;

use std::fs;
use std::io::{Cursor, Read};
use std::sync::atomic::{AtomicBool, Ordering};

use support::noise;
use wim_apply::apply::TargetError;
use wim_apply::write::{
    CaptureSource, Compression, DirectorySource, FileForm, WimWriter, WriteControl, WriteOptions, hash_tree,
};
use wim_apply::{Error, ErrorKind, Image, InodeId, Result};
use write_support::{control, info, options};

/// A folder whose files have `later` content from the time on that they are opened so often.
struct Changing {
    folder: DirectorySource,
    from: usize,
    later: Vec<u8>,
    opened: usize,
}

impl CaptureSource for Changing {
    fn tree(&mut self) -> std::result::Result<Image, TargetError> {
        self.folder.tree()
    }

    fn open(
        &mut self,
        inode: InodeId,
        stream: usize,
    ) -> std::result::Result<Box<dyn Read + '_>, TargetError> {
        self.opened += 1;
        if self.opened < self.from {
            self.folder.open(inode, stream)
        } else {
            Ok(Box::new(Cursor::new(self.later.clone())))
        }
    }

    fn name_of(&self, inode: InodeId) -> String {
        self.folder.name_of(inode)
    }
}

fn capture(source: &mut Changing, options: &WriteOptions) -> Result<()> {
    let mut out = Cursor::new(Vec::new());
    let mut writer = WimWriter::create(&mut out, options)?;
    writer.capture(source, &info(), &[], &mut control()).map(|_| ())
}

fn is_named(error: &Error) -> bool {
    error.kind() == ErrorKind::Io && error.to_string().contains("victim")
}

#[test]
fn the_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let forms = [
        FileForm::Plain,
        FileForm::Pipable,
        FileForm::solid(Compression::Xpress),
    ];
    // Large ones that do not shrink are read again.
    for size in [1000, (4 << 20) + 9] {
        let first = noise(3, size);
        fs::write(dir.path().join("victim"), &first).unwrap();
        let mut other = first.clone();
        other[size / 2] ^= 1;
        let longer = [&first[..], b"!"].concat();
        for (later, sized_as_before) in [(other, true), (longer, false), (first[1..].to_vec(), false)] {
            for form in forms {
                let is_plain = form == FileForm::Plain;
                for from in 1..=2 {
                    let mut source = Changing {
                        folder: DirectorySource::new(dir.path()),
                        from,
                        later: later.clone(),
                        opened: 0,
                    };
                    let options = WriteOptions {
                        form,
                        ..options(Compression::Xpress, 1)
                    };
                    let result = capture(&mut source, &options);
                    // What is read once, or the same each time, is what is captured.
                    let is_steady = sized_as_before && from == 1 || source.opened < from;
                    match result {
                        Ok(()) => assert!(is_steady, "{form:?} {size} {from}"),
                        Err(error) => assert!(
                            !is_steady && is_named(&error),
                            "{form:?} {size} {from}: {error:?}"
                        ),
                    }
                    assert!(is_plain && size < 4 << 20 || source.opened >= 2 || from == 1);
                }
            }
            if !sized_as_before {
                let mut source = Changing {
                    folder: DirectorySource::new(dir.path()),
                    from: 1,
                    later,
                    opened: 0,
                };
                let error = hash_tree(&mut source, &[], &mut control()).unwrap_err();
                assert!(is_named(&error), "{error:?}");
            }
        }
    }
}

#[test]
fn an_interruption_while_the_last_chunk_is_compressed() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a"), noise(3, 1000)).unwrap();
    let interrupt = AtomicBool::new(false);
    let options = WriteOptions {
        form: FileForm::solid(Compression::Xpress),
        ..options(Compression::Xpress, 1)
    };
    let mut out = Cursor::new(Vec::new());
    let mut writer = WimWriter::create(&mut out, &options).unwrap();
    // The last call is made when everything was handed over.
    let mut progress = |progress: wim_apply::apply::Progress| {
        interrupt.store(progress.blobs_done == progress.blobs_total, Ordering::Relaxed);
    };
    let mut control = WriteControl {
        interrupt: &interrupt,
        progress: &mut progress,
    };
    let captured = writer.capture(&mut DirectorySource::new(dir.path()), &info(), &[], &mut control);
    assert_eq!(captured.unwrap_err().kind(), ErrorKind::Interrupted);
}

//! One operation of the output fails, and all others work, tidying up included: an existing file stays valid.

#![allow(clippy::unwrap_used, reason = "what cannot be had fails the test")]

mod support;
mod write_support;

use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::path::Path;

use support::make_tree;
use wim_apply::apply::{ApplyOptions, Control, verify};
use wim_apply::write::{Compression, DirectorySource, Edit, ImageTexts, Output, WimWriter};
use wim_apply::{ImageInfo, Limits, Result, Wim};
use write_support::{control, info, options};

/// Fails at one operation: writes, cuts and syncs count.
struct FailsOnce {
    inner: Cursor<Vec<u8>>,
    /// Operations until then.
    left: u32,
}

impl FailsOnce {
    fn step(&mut self) -> io::Result<()> {
        self.left = self.left.wrapping_sub(1);
        if self.left == u32::MAX {
            Err(io::ErrorKind::StorageFull.into())
        } else {
            Ok(())
        }
    }
}

impl Write for FailsOnce {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.step()?;
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for FailsOnce {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer)
    }
}

impl Seek for FailsOnce {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

impl Output for FailsOnce {
    fn set_len(&mut self, size_bytes: u64) -> io::Result<()> {
        self.step()?;
        self.inner.set_len(size_bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.step()
    }
}

/// A file with the image of a tree, twice if asked for.
fn file_of(tree: &Path, images: u32) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    let mut writer = WimWriter::create(&mut file, &options(Compression::Xpress, 1)).unwrap();
    for _ in 0..images {
        let mut source = DirectorySource::new(tree);
        writer.capture(&mut source, &info(), &[], &mut control()).unwrap();
    }
    writer.finish().unwrap();
    file.into_inner()
}

/// Makes the change once for each of its operations, which fails, and then once more, to its end. What a file says
/// of itself is as before when its header is: then nothing else of the file counts.
fn fails_everywhere(old: &[u8], mut change: impl FnMut(&mut WimWriter<'_>, &Wim) -> Result<()>) -> Wim {
    let mut unchanged = 0;
    for left in 0.. {
        let mut out = FailsOnce {
            inner: Cursor::new(old.to_vec()),
            left,
        };
        let wim = Wim::open(Cursor::new(old.to_vec()), &Limits::default()).unwrap();
        let mut run = || {
            let mut writer = WimWriter::edit(&mut out, &wim, &options(Compression::Xpress, 1))?;
            change(&mut writer, &wim)?;
            writer.finish()
        };
        let result = run();
        let bytes = out.inner.into_inner();
        if result.is_err() && bytes[..208] == old[..208] {
            assert!(bytes.starts_with(old), "operation {left}");
            unchanged += 1;
        }
        let after = Wim::open(Cursor::new(bytes), &Limits::default()).unwrap();
        let report = Control::silent(&after, |control| {
            verify(&after, &ApplyOptions::default(), control)
        })
        .unwrap();
        assert!(report.is_ok(), "operation {left}: {report:?}");
        if result.is_ok() {
            assert!(unchanged > 2, "{unchanged}");
            return after;
        }
    }
    unreachable!("some operation is the last")
}

#[test]
fn a_failed_append_leaves_a_valid_file_wherever_it_fails() {
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("t");
    make_tree(&tree);
    let old = file_of(&tree, 1);
    std::fs::write(tree.join("new"), vec![7; 3 << 20]).unwrap();
    let second = ImageInfo {
        name: Some("second".to_owned()),
        ..info()
    };
    let after = fails_everywhere(&old, |writer, _| {
        let mut source = DirectorySource::new(&tree);
        writer.capture(&mut source, &second, &[], &mut control())?;
        Ok(())
    });
    assert_eq!(after.images().len(), 2);
}

#[test]
fn failed_texts_and_a_failed_deletion_leave_a_valid_file_wherever_they_fail() {
    let dir = tempfile::tempdir().unwrap();
    make_tree(&dir.path().join("t"));
    let old = file_of(&dir.path().join("t"), 2);
    let texts = ImageTexts {
        name: Some("new".to_owned()),
        ..ImageTexts::default()
    };
    let after = fails_everywhere(&old, |writer, _| {
        writer.set_texts(2, &texts)?;
        writer.set_boot_image(2)
    });
    assert_eq!(after.images()[1].name, texts.name);
    assert_eq!(after.header().boot_index, 2);
    let after = fails_everywhere(&old, |writer, wim| writer.remove_image(wim, 1));
    assert_eq!(after.images().len(), 1);
}

#[test]
fn a_failed_update_leaves_a_valid_file_wherever_it_fails() {
    let dir = tempfile::tempdir().unwrap();
    make_tree(&dir.path().join("t"));
    let old = file_of(&dir.path().join("t"), 2);
    let more = dir.path().join("more");
    std::fs::create_dir(&more).unwrap();
    for (name, size) in [("small", 9), ("several chunks", 3 << 20), ("large", 5 << 20)] {
        std::fs::write(more.join(name), vec![7; size]).unwrap();
    }
    let after = fails_everywhere(&old, |writer, wim| {
        let mut source = DirectorySource::new(&more);
        let edits = &mut [
            Edit::Delete {
                pattern: "small".to_owned(),
            },
            Edit::Rename {
                from: "Windows/noise.bin".to_owned(),
                to: "noise".to_owned(),
            },
            Edit::Add {
                source: &mut source,
                exclude: &[],
                to: "more".to_owned(),
            },
        ];
        writer.update(wim, 1, edits, &mut control())?;
        Ok(())
    });
    let image = after.image(1).unwrap();
    assert!(image.lookup("more/large").is_ok() && image.lookup("noise").is_ok());
    assert!(image.lookup("small").is_err() && after.image(2).unwrap().lookup("small").is_ok());
}

//! One operation of the output fails, and all others work, tidying up included: an existing file stays valid.

mod support;
mod write_support;

use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};

use support::make_tree;
use wim_apply::apply::{ApplyOptions, Control, verify};
use wim_apply::write::{Compression, DirectorySource, Output, WimWriter};
use wim_apply::{ImageInfo, Limits, Wim};
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

#[test]
fn a_failed_append_leaves_a_valid_file_wherever_it_fails() {
    let dir = tempfile::tempdir().unwrap();
    make_tree(&dir.path().join("t"));
    let mut old = Cursor::new(Vec::new());
    let mut writer = WimWriter::create(&mut old, &options(Compression::Xpress, 1)).unwrap();
    let mut tree = DirectorySource::new(dir.path().join("t"));
    writer.capture(&mut tree, &info(), &[], &mut control()).unwrap();
    writer.finish().unwrap();
    let old = old.into_inner();
    std::fs::write(dir.path().join("t/new"), vec![7; 3 << 20]).unwrap();
    let mut failures = 0;
    for left in 0.. {
        let mut out = FailsOnce {
            inner: Cursor::new(old.clone()),
            left,
        };
        let wim = Wim::open(Cursor::new(old.clone()), &Limits::default()).unwrap();
        let mut append = || {
            let mut writer = WimWriter::append(&mut out, &wim, &options(Compression::Xpress, 1))?;
            let second = ImageInfo {
                name: Some("second".to_owned()),
                ..info()
            };
            writer.capture(&mut tree, &second, &[], &mut control())?;
            writer.finish()
        };
        let result = append();
        let after = Wim::open(out.inner, &Limits::default()).unwrap();
        let report = Control::silent(&after, |control| {
            verify(&after, &ApplyOptions::default(), control)
        })
        .unwrap();
        assert!(report.is_ok(), "operation {left}: {report:?}");
        match result {
            Ok(_) => {
                assert_eq!(after.images().len(), 2);
                break;
            }
            Err(_) => failures += 1,
        }
    }
    assert!(failures > 4, "{failures}");
}

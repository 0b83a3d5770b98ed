//! What the tests of writing share.

#![allow(dead_code, reason = "each test file uses a part")]

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use wim_apply::ImageInfo;
use wim_apply::write::{Compression, DirectorySource, Output, WimWriter, WriteControl, WriteOptions};

use crate::support::wimlib;

static GO_ON: AtomicBool = AtomicBool::new(false);

/// Says nothing, and never interrupts.
pub(crate) fn control() -> WriteControl<'static> {
    WriteControl {
        interrupt: &GO_ON,
        progress: Box::leak(Box::new(|_| {})),
    }
}

pub(crate) fn options(compression: Compression, threads: usize) -> WriteOptions {
    WriteOptions {
        compression,
        threads: threads.try_into().expect("not zero"),
        ..WriteOptions::default()
    }
}

pub(crate) fn info() -> ImageInfo {
    ImageInfo {
        name: Some("N".to_owned()),
        description: Some("D & <d>".to_owned()),
        creation_time: Some(0x01d0_0000_1234_5678),
        last_modification_time: Some(0x01d0_0000_1234_5678),
        ..ImageInfo::default()
    }
}

/// A new file, open for all that an output does.
pub(crate) fn create(path: &Path) -> File {
    let mut how = OpenOptions::new();
    how.read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)
        .expect("a new file")
}

/// Captures a directory into a new file.
pub(crate) fn capture(tree: &Path, file: &Path, options: &WriteOptions) {
    let mut out = create(file);
    let mut writer = WimWriter::create(&mut out, options).expect("a writer");
    writer
        .capture(&mut DirectorySource::new(tree), &info(), &[], &mut control())
        .expect("a capture");
    let report = writer.finish().expect("a file");
    assert_eq!(report.file_bytes, out.metadata().expect("metadata").len());
}

/// wimlib and 7-Zip read all of it.
pub(crate) fn accepted(dir: &Path, name: &str) {
    wimlib(&["verify", name], dir);
    wimlib(&["info", name, "--check"], dir);
    if let Some(mut command) = testkit::tool("7z") {
        testkit::run(command.args(["t", name]).current_dir(dir));
    }
}

/// What wimlib lists of an image, without what depends on where its resources lie.
pub(crate) fn foreign_listing(dir: &Path, name: &str, image: &str) -> Vec<String> {
    let Some(output) = wimlib(&["dir", name, image, "--detailed"], dir) else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let place = [
        "Compressed size",
        "Offset in",
        "Reference Count",
        "Flags",
        "Part Number",
        "WIM_RESHDR",
        "Link Group ID",
        "Solid",
        "Raw",
    ];
    text.lines()
        .filter(|line| {
            !place.iter().any(|start| line.trim_start().starts_with(start)) && !line.trim().is_empty()
        })
        .map(str::to_owned)
        .collect()
}

/// Loses power at a write: nothing that comes after is done, not even tidying up.
pub(crate) struct PowerCut {
    pub(crate) inner: std::io::Cursor<Vec<u8>>,
    /// Writes until then.
    pub(crate) writes: u32,
}

impl Write for PowerCut {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(left) = self.writes.checked_sub(1) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        self.writes = left;
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for PowerCut {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer)
    }
}

impl Seek for PowerCut {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

impl Output for PowerCut {
    fn set_len(&mut self, size_bytes: u64) -> io::Result<()> {
        if self.writes == 0 {
            Err(io::ErrorKind::BrokenPipe.into())
        } else {
            self.inner.set_len(size_bytes)
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

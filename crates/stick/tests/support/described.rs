//! An image whose files are described in a test, encrypted ones as raw forms.

#![allow(dead_code, reason = "each test file uses a part")]
#![allow(clippy::unwrap_used, reason = "a broken fixture is a failed test")]

use std::io::{Cursor, Read};
use std::sync::atomic::AtomicBool;

use wim_apply::apply::TargetError;
use wim_apply::write::{CaptureSource, Compression, WimWriter, WriteControl, WriteOptions};
use wim_apply::{BlobHash, Dentry, DentryId, Image, ImageInfo, Inode, InodeId, Stream, StreamKind};

static GO_ON: AtomicBool = AtomicBool::new(false);
/// `FILE_ATTRIBUTE_ENCRYPTED`.
pub(crate) const ENCRYPTED: u32 = 0x4000;
/// `FILE_ATTRIBUTE_DIRECTORY`.
pub(crate) const DIRECTORY: u32 = 0x10;

fn control() -> WriteControl<'static> {
    WriteControl {
        interrupt: &GO_ON,
        progress: Box::leak(Box::new(|_| {})),
    }
}

/// A tree of files that are described in a test.
#[derive(Default)]
pub(crate) struct Described {
    image: Image,
    contents: Vec<Vec<u8>>,
}

impl Described {
    pub(crate) fn new() -> Self {
        let mut new = Self::default();
        new.add(0, "", DIRECTORY, None);
        new
    }

    /// Adds a file to the directory that was added as number `parent`; gives its own number.
    pub(crate) fn add(&mut self, parent: u32, name: &str, attributes: u32, content: Option<Vec<u8>>) -> u32 {
        let number = self.image.dentries.len() as u32;
        let kind = if attributes & ENCRYPTED == 0 {
            StreamKind::Data
        } else {
            StreamKind::EfsRaw
        };
        let streams = content.iter().map(|content| Stream {
            kind,
            name: Box::default(),
            hash: BlobHash::ZERO,
            blob: None,
            size_bytes: content.len() as u64,
        });
        self.image.inodes.push(Inode {
            attributes,
            link_count: 1,
            streams: streams.collect(),
            ..Inode::default()
        });
        self.contents.push(content.unwrap_or_default());
        self.image.dentries.push(Dentry {
            name: name.encode_utf16().collect(),
            short_name: Box::default(),
            parent: DentryId(parent),
            inode: InodeId(number),
            children: Vec::new(),
        });
        if number != 0 {
            self.image.dentries[parent as usize]
                .children
                .push(DentryId(number));
        }
        number
    }
}

impl CaptureSource for Described {
    fn tree(&mut self) -> Result<Image, TargetError> {
        Ok(self.image.clone())
    }

    fn open(&mut self, inode: InodeId, _stream: usize) -> Result<Box<dyn Read + '_>, TargetError> {
        Ok(Box::new(Cursor::new(&self.contents[inode.0 as usize])))
    }

    fn name_of(&self, inode: InodeId) -> String {
        inode.0.to_string()
    }
}

/// The tree, captured.
pub(crate) fn wim_of(source: &mut dyn CaptureSource) -> Vec<u8> {
    captured(source, Compression::default())
}

/// The tree, captured in the given compression.
pub(crate) fn captured(source: &mut dyn CaptureSource, compression: Compression) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    let options = WriteOptions {
        compression,
        ..WriteOptions::default()
    };
    let mut writer = WimWriter::create(&mut file, &options).unwrap();
    let info = ImageInfo {
        name: Some("N".to_owned()),
        ..ImageInfo::default()
    };
    let report = writer.capture(source, &info, &[], &mut control()).unwrap();
    assert_eq!(report.warnings, Vec::<String>::new());
    writer.finish().unwrap();
    file.into_inner()
}

//! A small tree with every kind of entry, captured into a WIM file for the target wim_file to change.

use std::io::{Cursor, Read};
use std::sync::atomic::AtomicBool;

use wim_apply::apply::TargetError;
use wim_apply::write::{CaptureSource, Compression, WimWriter, WriteControl, WriteOptions};
use wim_apply::{
    BlobHash, Dentry, DentryId, Image, ImageInfo, Inode, InodeId, Stream, StreamKind, TaggedItem,
};

struct Tree(Image);

/// The file, with two images of the tree and an integrity table.
pub(crate) fn file(compression: Compression) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    let options = WriteOptions {
        compression,
        chunk_bytes: 4096,
        integrity_table: true,
        ..WriteOptions::default()
    };
    let mut control = WriteControl {
        interrupt: &AtomicBool::new(false),
        progress: &mut |_| {},
    };
    let mut writer = WimWriter::create(&mut out, &options).expect("sound options");
    for name in ["first", "second"] {
        let info = ImageInfo {
            name: Some(name.to_owned()),
            ..ImageInfo::default()
        };
        writer
            .capture(&mut Tree(tree(name)), &info, &[], &mut control)
            .expect("a sound tree");
    }
    writer.finish().expect("room in memory");
    out.into_inner()
}

fn tree(name: &str) -> Image {
    let mut image = Image {
        security_descriptors: vec![vec![1, 0, 4, 0x80], vec![2; 20]],
        ..Image::default()
    };
    let root = entry(&mut image, None, "", 0x10, &[]);
    let folder = entry(&mut image, Some(root), "folder", 0x10, &[]);
    let link = entry(
        &mut image,
        Some(root),
        name,
        0x20,
        &[(StreamKind::Data, "", 9000)],
    );
    entry(
        &mut image,
        Some(folder),
        "empty",
        0x20,
        &[(StreamKind::Data, "", 0)],
    );
    let streams = [
        (StreamKind::Data, "", 5),
        (StreamKind::Data, "one", 100),
        (StreamKind::Data, "two", 0),
    ];
    entry(&mut image, Some(folder), "streams", 0x20, &streams);
    entry(
        &mut image,
        Some(folder),
        "reparse",
        0x420,
        &[(StreamKind::ReparsePoint, "", 30)],
    );
    entry(
        &mut image,
        Some(folder),
        "encrypted",
        0x4020,
        &[(StreamKind::EfsRaw, "", 40)],
    );
    let linked = image.dentries[link.0 as usize].inode;
    let again = dentry(&mut image, Some(folder), "linked", linked);
    image.dentries[again.0 as usize].short_name = "LINKED~1".encode_utf16().collect();
    image.inodes[linked.0 as usize].link_count = 2;
    image.inodes[linked.0 as usize].tagged_items = vec![
        TaggedItem {
            tag: 1,
            data: vec![7; 64],
        },
        TaggedItem {
            tag: 2,
            data: vec![9; 12],
        },
    ];
    image
}

fn entry(
    image: &mut Image,
    parent: Option<DentryId>,
    name: &str,
    attributes: u32,
    streams: &[(StreamKind, &str, u64)],
) -> DentryId {
    let streams = streams.iter().map(|(kind, name, size_bytes)| Stream {
        kind: *kind,
        name: name.encode_utf16().collect(),
        hash: BlobHash::ZERO,
        blob: None,
        size_bytes: *size_bytes,
    });
    let inode = InodeId(u32::try_from(image.inodes.len()).expect("few"));
    image.inodes.push(Inode {
        attributes,
        security: Some(inode.0 % 2),
        link_count: 1,
        reparse_tag: if attributes & 0x400 == 0 { 0 } else { 0xa000_000c },
        streams: streams.collect(),
        ..Inode::default()
    });
    dentry(image, parent, name, inode)
}

fn dentry(image: &mut Image, parent: Option<DentryId>, name: &str, inode: InodeId) -> DentryId {
    let id = DentryId(u32::try_from(image.dentries.len()).expect("few"));
    image.dentries.push(Dentry {
        name: name.encode_utf16().collect(),
        short_name: Box::default(),
        parent: parent.unwrap_or(id),
        inode,
        children: Vec::new(),
    });
    if let Some(parent) = parent {
        image.dentries[parent.0 as usize].children.push(id);
    }
    id
}

impl CaptureSource for Tree {
    fn tree(&mut self) -> Result<Image, TargetError> {
        Ok(self.0.clone())
    }

    fn open(&mut self, inode: InodeId, stream: usize) -> Result<Box<dyn Read + '_>, TargetError> {
        let size = self.0.inodes[inode.0 as usize].streams[stream].size_bytes;
        // Compresses, and differs for each stream.
        let bytes: Vec<u8> = (0..size)
            .map(|n| (n / 7) as u8 ^ (inode.0 as u8) ^ stream as u8)
            .collect();
        Ok(Box::new(Cursor::new(bytes)))
    }

    fn name_of(&self, inode: InodeId) -> String {
        format!("inode {}", inode.0)
    }
}

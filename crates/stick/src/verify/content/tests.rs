//! A volume is compared with trees that differ from its own in one thing each.

#![allow(clippy::unwrap_used, reason = "a broken fixture is a failed test")]

use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use ntfs_image::read::Volume;
use ntfs_image::{StreamForm, StreamKey, VolumeSpec};
use wim_apply::BlobId;
use wim_apply::efs_raw::{RawFile, RawStream};

use super::compare_tree;
use crate::RunOptions;
use crate::apply::volume::describe;
use crate::raw_streams::SectorHasher;
use crate::tree::{Content, Encrypted, EncryptedFile, Node, NodeId, Reparse, Stream, Tree, utf16};
use crate::verify::VerifyReport;

const KEYS: [u8; 100] = [0xEF; 100];
const CIPHERTEXT: [u8; 1024] = [0xC1; 1024];
/// Owner and group SYSTEM, and no list of access.
const DESCRIPTOR: &[u8] = &[
    1, 0, 0, 0x80, 20, 0, 0, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // header
    1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0,
];
/// Entry and node of the file of everything.
const FILE: usize = 1;
/// Entry of its second name.
const SECOND_NAME: usize = 2;
/// Node of the reparse point.
const REPARSE_POINT: usize = 2;
/// Entry of the other file.
const OTHER_FILE: usize = 4;

/// What is found when `expected` is compared with a volume.
fn found(bytes: Vec<u8>, expected: &Tree) -> Vec<&'static str> {
    let interrupt = AtomicBool::new(false);
    let options = RunOptions {
        threads: 1,
        memory_limit_bytes: None,
        spool_dir: None,
        interrupt: &interrupt,
    };
    let builder = describe(expected, VolumeSpec::new(32 << 20)).unwrap();
    let mut volume = Volume::open(Cursor::new(bytes), &ntfs_image::Limits::default()).unwrap();
    let mut report = VerifyReport::default();
    compare_tree(
        expected,
        &builder,
        &mut volume,
        &options,
        &mut report,
        &mut |_| {},
    )
    .unwrap();
    report.findings.iter().map(|finding| finding.code).collect()
}

fn data(name: &str, bytes: &[u8]) -> Stream {
    Stream {
        name: utf16(name).into_boxed_slice(),
        content: Content::Bytes(Arc::new(bytes.to_vec())),
    }
}

/// A second name, in the root, of what entry `of` names.
fn link(tree: &mut Tree, of: usize, name: &str) {
    let node = tree.entries[of].node;
    let entry = tree.add(tree.root(), name, Node::default());
    tree.nodes.pop();
    tree.entries[entry.0 as usize].node = node;
}

/// A file of everything with a second name, a link, and a file like the first.
fn everything() -> Tree {
    let mut tree = Tree::empty();
    let file = Node {
        attributes: 0x20,
        creation_time: 1 << 56,
        modification_time: 2 << 56,
        access_time: 3 << 56,
        security: Some(tree.add_security_descriptor(DESCRIPTOR)),
        object_id: Some(vec![7; 16]),
        extended_attributes: Some(b"\0\0\0\0\0\x01\x02\0A\0bc".to_vec()),
        streams: vec![data("", b"content"), data("named", b"more")],
        ..Node::default()
    };
    tree.add(tree.root(), "file", file.clone());
    link(&mut tree, FILE, "second name");
    let reparse = Reparse {
        tag: 0xA000_000C,
        reserved: 0,
        data: Content::Bytes(Arc::new(vec![0; 20])),
    };
    let node = Node {
        attributes: 0x400,
        reparse: Some(reparse),
        ..Node::default()
    };
    tree.add(tree.root(), "reparse point", node);
    tree.add(
        tree.root(),
        "other file",
        Node {
            object_id: None,
            ..file
        },
    );
    tree
}

/// The bytes of a volume that holds a tree.
fn volume(tree: &Tree) -> Vec<u8> {
    let mut builder = describe(tree, VolumeSpec::new(32 << 20)).unwrap();
    builder.plan().unwrap();
    let writer = builder.writer(Cursor::new(vec![0; 32 << 20])).unwrap();
    writer.finish().unwrap().0.into_inner()
}

#[test]
fn each_difference_is_found() {
    type Change = fn(&mut Tree);
    let changes: [(&str, Change); 19] = [
        ("missing", |t| _ = t.add(t.root(), "new", Node::default())),
        ("extra", |t| _ = t.entries[0].children.pop()),
        ("extra", |t| _ = t.nodes[FILE].streams.pop()),
        ("size-differs", |t| t.nodes[FILE].streams.push(data("new", b"x"))),
        ("size-differs", |t| t.nodes[FILE].streams[0] = data("", b"conten")),
        ("data-differs", |t| {
            t.nodes[FILE].streams[0] = data("", b"c0ntent");
        }),
        ("data-differs", |t| {
            t.nodes[FILE].streams[1] = data("named", b"m0re");
        }),
        ("metadata-differs", |t| t.nodes[FILE].attributes = 0x22),
        ("metadata-differs", |t| t.nodes[FILE].creation_time += 1),
        ("metadata-differs", |t| t.nodes[FILE].modification_time += 1),
        ("metadata-differs", |t| t.nodes[0].access_time += 1),
        ("security-differs", |t| t.security_descriptors[0][16] = 1),
        ("reparse-differs", |t| t.nodes[REPARSE_POINT].reparse = None),
        ("reparse-differs", |t| {
            t.nodes[REPARSE_POINT].reparse.as_mut().unwrap().tag += 1;
        }),
        ("object-id-differs", |t| t.nodes[FILE].object_id = None),
        ("extended-attributes-differ", |t| {
            t.nodes[FILE].extended_attributes = None;
        }),
        ("extended-attributes-differ", |t| {
            t.nodes[FILE].extended_attributes.as_mut().unwrap()[11] = b'd';
        }),
        ("hard-link-broken", |t| t.entries[OTHER_FILE].node = NodeId(1)),
        ("hard-link-extra", |t| {
            let node = t.nodes[FILE].clone();
            t.nodes.push(node);
            t.entries[SECOND_NAME].node = NodeId(4);
        }),
    ];
    let bytes = volume(&everything());
    assert_eq!(found(bytes.clone(), &everything()), Vec::<&str>::new());
    for (number, (code, change)) in changes.into_iter().enumerate() {
        let mut expected = everything();
        change(&mut expected);
        let mut codes = found(bytes.clone(), &expected);
        codes.dedup();
        assert_eq!(codes, [code], "change {number}");
    }
}

#[test]
fn what_cannot_be_read_is_found() {
    let tree = everything();
    let bytes = volume(&tree);
    let mut volume = Volume::open(Cursor::new(bytes.clone()), &ntfs_image::Limits::default()).unwrap();
    let file = volume.lookup("file").unwrap();
    let mut damaged = bytes;
    damaged[file.at as usize] = b'B';
    assert_eq!(found(damaged, &tree), ["record-unreadable"]);
}

/// A tree of one encrypted file of 700 bytes.
fn encrypted() -> Tree {
    let mut hasher = SectorHasher::default();
    hasher.update(0, &CIPHERTEXT);
    let file = EncryptedFile {
        raw: RawFile {
            metadata: KEYS.to_vec(),
            streams: vec![RawStream::encrypted(&[], 700, 700)],
        },
        hashes: vec![hasher.finish()],
    };
    let mut encrypted = Encrypted::new(BlobId(0), 2000);
    encrypted.file = Some(Arc::new(file));
    let node = Node {
        attributes: 0x4020,
        encrypted: Some(encrypted),
        ..Node::default()
    };
    let mut tree = Tree::empty();
    tree.add(tree.root(), "secret", node);
    tree
}

#[test]
fn other_keys_and_other_ciphertext_are_found() {
    let tree = encrypted();
    let mut builder = describe(&tree, VolumeSpec::new(32 << 20)).unwrap();
    builder.plan().unwrap();
    let mut writer = builder.writer(Cursor::new(vec![0; 32 << 20])).unwrap();
    writer
        .begin_stream(StreamKey(1 << 32), StreamForm::Plain, 1024)
        .unwrap();
    writer.write(&CIPHERTEXT).unwrap();
    writer.end_stream().unwrap();
    let bytes = writer.finish().unwrap().0.into_inner();
    assert_eq!(found(bytes.clone(), &tree), Vec::<&str>::new());
    for (old, code) in [
        (&CIPHERTEXT[..], "data-differs"),
        (&KEYS[..], "encryption-differs"),
    ] {
        let mut bytes = bytes.clone();
        let at = bytes.windows(old.len()).position(|found| found == old).unwrap();
        bytes[at + 50] ^= 1;
        assert_eq!(found(bytes, &tree), [code]);
    }
}

//! Writing from files that state what is not so: sizes whose sums overflow, counts that are too low, resources of other
//! files.

#![allow(clippy::unwrap_used, reason = "what cannot be had fails the test")]

#[path = "hard_cases/draft.rs"]
#[allow(dead_code, reason = "hard_cases uses the rest")]
mod draft;
mod support;

use std::io::Cursor;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use draft::{Draft, Metadata, data_file, fixed};
use support::options;
use wim_apply::apply::{Control, verify};
use wim_apply::layout::{
    BlobEntry, DentryFixed, ResourceHeader, SOLID_RESOURCE_MAGIC, SolidFormat, SolidHeader, VERSION_SOLID,
    resource_flag,
};
use wim_apply::write::{WimWriter, WriteControl, WriteOptions, rewrite};
use wim_apply::{BlobHash, ErrorKind, Limits, Wim};

/// Three solid resources of 2^63 bytes, by what they say, each with 128 blobs of nearly 2^56 bytes.
#[test]
fn sums_of_stated_sizes_do_not_overflow() {
    const BLOB_BYTES: u64 = (1 << 56) - 1;
    let hash = |resource: u8, blob: u8| BlobHash([resource + 1, blob].repeat(10).try_into().unwrap());
    let places = (0..3).flat_map(|resource| (0..128).map(move |blob| (resource, blob)));
    let mut metadata = Metadata::new();
    for (resource, blob) in places {
        let file = DentryFixed {
            main_hash: hash(resource, blob),
            ..fixed(0x20)
        };
        metadata = metadata.with(&format!("{resource} {blob}"), file);
    }
    let mut draft = Draft::of(&metadata.end());
    draft.header.version = VERSION_SOLID;
    for resource in 0..3 {
        let solid = SolidHeader {
            size_bytes: 1 << 63,
            chunk_bytes: 32_768,
            format: SolidFormat::Lzx,
        };
        draft.blob(&solid.encode(), resource_flag::SOLID);
        draft.blobs.last_mut().unwrap().resource.size_bytes = SOLID_RESOURCE_MAGIC;
        draft.blobs.extend((0..128).map(|blob| BlobEntry {
            resource: ResourceHeader {
                stored_bytes: BLOB_BYTES,
                flags: resource_flag::SOLID,
                offset: u64::from(blob) * BLOB_BYTES,
                size_bytes: 0,
            },
            part_number: 1,
            reference_count: 1,
            hash: hash(resource, blob),
        }));
        // The run ends.
        draft.blob(&[resource], 0);
    }
    let file = draft.finish();
    let wim = Wim::open(Cursor::new(file.clone()), &Limits::default()).unwrap();
    let mut out = Cursor::new(Vec::new());
    let mut control = WriteControl {
        interrupt: &AtomicBool::new(false),
        progress: &mut |_| {},
    };
    let error = rewrite(&wim, &mut out, &WriteOptions::default(), &mut control).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated, "{error}");
    let appended = WimWriter::append(&mut Cursor::new(file), &wim, &WriteOptions::default()).map(|_| ());
    assert_eq!(appended.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn solid_resources_of_other_files_are_not_entered_in_a_table() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("tree")).unwrap();
    std::fs::write(dir.path().join("tree/file"), support::text(1, 20_000)).unwrap();
    let args = [
        "capture",
        "tree",
        "x.wim",
        "N",
        "--no-acls",
        "--solid",
        "--solid-compress=XPRESS",
    ];
    if support::wimlib(&args, dir.path()).is_none() {
        return;
    }
    let file = Draft::new().finish();
    let mut wim = Wim::open(Cursor::new(file.clone()), &Limits::default()).unwrap();
    wim.add_part(std::fs::File::open(dir.path().join("x.wim")).unwrap())
        .unwrap();
    assert_eq!(wim.solid_resources().len(), 1);
    let mut out = Cursor::new(file);
    let writer = WimWriter::append(&mut out, &wim, &WriteOptions::default()).unwrap();
    writer.finish().unwrap();
    let again = Wim::open(out, &Limits::default()).unwrap();
    assert!(again.solid_resources().is_empty());
    let report = Control::silent(&again, |control| verify(&again, &options(1), control)).unwrap();
    assert!(report.is_ok(), "{report:?}");
}

/// The table says that a blob of two images is used once. Without one image the other still has it.
#[test]
fn stated_uses_that_are_too_few_cost_no_data() {
    let mut draft = Draft::new();
    let second = Metadata::new().with("other name", data_file()).end();
    draft.blob(&second.0, resource_flag::METADATA);
    draft.header.image_count = 2;
    let xml = "\u{feff}<WIM><IMAGE INDEX=\"1\"><NAME>1</NAME></IMAGE><IMAGE INDEX=\"2\"><NAME>2</NAME></IMAGE></WIM>";
    draft.xml = xml.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let file = draft.finish();
    let wim = Wim::open(Cursor::new(file.clone()), &Limits::default()).unwrap();
    let mut out = Cursor::new(file);
    let mut writer = WimWriter::append(&mut out, &wim, &WriteOptions::default()).unwrap();
    writer.remove_image(&wim, 1).unwrap();
    writer.finish().unwrap();
    let left = Wim::open(out, &Limits::default()).unwrap();
    assert_eq!(left.images().len(), 1);
    let report = Control::silent(&left, |control| verify(&left, &options(1), control)).unwrap();
    assert!(report.is_ok(), "{report:?}");
}

/// Many images, all of one metadata resource. What the document says of each is not looked up in the whole of it.
#[test]
fn the_document_of_many_images_is_read_once() {
    const IMAGES: u32 = 8000;
    let mut draft = Draft::new();
    draft.header.image_count = IMAGES;
    let metadata = draft.blobs[1];
    draft.blobs.extend((1..IMAGES).map(|_| metadata));
    let images = (1..=IMAGES).map(|index| format!("<IMAGE INDEX=\"{index}\"><NAME>{index}</NAME></IMAGE>"));
    let xml = format!("\u{feff}<WIM>{}</WIM>", images.collect::<String>());
    draft.xml = xml.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let file = draft.finish();
    let wim = Wim::open(Cursor::new(file.clone()), &Limits::default()).unwrap();
    let mut out = Cursor::new(file);
    let start = Instant::now();
    let writer = WimWriter::append(&mut out, &wim, &WriteOptions::default()).unwrap();
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    writer.finish().unwrap();
    let again = Wim::open(out, &Limits::default()).unwrap();
    assert_eq!(again.images(), wim.images());
}

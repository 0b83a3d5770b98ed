//! Small files that would cost much time or memory: what they cost is bounded by their size.

#![allow(clippy::unwrap_used, reason = "what cannot be had fails the test")]

#[path = "hard_cases/draft.rs"]
#[allow(dead_code, reason = "hard_cases uses the rest")]
mod draft;
mod support;

use std::io::{Cursor, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use draft::{Draft, Metadata, fixed, hash};
use support::options;
use wim_apply::apply::{Control, verify};
use wim_apply::layout::{DentryFixed, ResourceHeader, header_flag, resource_flag};
use wim_apply::{BlobHash, BlobId, ErrorKind, Image, Limits, Wim};

fn parse(metadata: &Metadata) -> Result<Image, wim_apply::Error> {
    let blob = |hash: &BlobHash| (hash.0[0] == 1).then_some((BlobId(0), 5));
    Image::parse_metadata(&metadata.0, &Limits::default(), &blob)
}

/// Directories whose lists begin at each entry of one list of entries without names, which are dropped.
#[test]
fn entries_are_read_once() {
    const COUNT: u64 = 3000;
    let mut metadata = Metadata::new();
    let list = metadata.at() + COUNT * 112 + 8;
    for number in 0..COUNT {
        metadata = metadata.directory(&format!("{number:04}"), list + number * 104);
    }
    metadata = metadata.end();
    for _ in 0..COUNT {
        metadata = metadata.file("");
    }
    let error = parse(&metadata.end()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("expected a tree"), "{error}");
}

/// `count` entries, all of `hash` and half of them of names that are there already, `depth` directories down.
fn deep(depth: usize, count: usize, hash: BlobHash) -> Metadata {
    let mut metadata = Metadata::new();
    for _ in 0..depth {
        let next = metadata.at() + 112 + 8;
        metadata = metadata.directory("dir", next).end();
    }
    for number in 0..count {
        let file = DentryFixed {
            main_hash: hash,
            ..fixed(0x20)
        };
        metadata = metadata
            .with(&format!("{number}"), file)
            .with(&format!("{number}"), file);
    }
    metadata.end()
}

fn text_bytes(lines: &[String]) -> usize {
    lines.iter().map(String::len).sum()
}

#[test]
fn paths_in_deep_directories_are_bounded() {
    let image = parse(&deep(10_000, 2000, BlobHash([1; 20]))).unwrap();
    let paths = image.paths_of_blob(BlobId(0));
    assert!(text_bytes(&paths) < 200 << 10, "{}", text_bytes(&paths));
    assert_eq!(paths.last().unwrap(), &format!("and {} more", 2001 - paths.len()));
    assert!(
        text_bytes(&image.warnings) < 2 << 20,
        "{}",
        text_bytes(&image.warnings)
    );
    assert_eq!(image.warnings.last().unwrap(), "further warnings are left out");

    let missing = parse(&deep(10_000, 2000, BlobHash([2; 20]))).unwrap();
    let paths = missing.paths_of_missing_blobs();
    assert!(text_bytes(&paths) < 5 << 20, "{}", text_bytes(&paths));
    assert_eq!(paths.last().unwrap(), &format!("and {} more", 2001 - paths.len()));
}

/// Counts the reads of one place.
struct Counted {
    file: Cursor<Vec<u8>>,
    place: u64,
    reads: Arc<AtomicUsize>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.file.position() == self.place {
            self.reads.fetch_add(1, Ordering::Relaxed);
        }
        self.file.read(buffer)
    }
}

impl Seek for Counted {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.file.seek(to)
    }
}

#[test]
fn many_damaged_blobs_are_named_together() {
    let contents: Vec<Vec<u8>> = (0..300).map(|n: u32| n.to_le_bytes().repeat(20)).collect();
    let mut metadata = Metadata::new();
    for (number, content) in contents.iter().enumerate() {
        let file = DentryFixed {
            main_hash: hash(content),
            ..fixed(0x20)
        };
        metadata = metadata.with(&format!("file {number}"), file);
    }
    let mut draft = Draft::of(&metadata.end());
    let place = draft.blobs[1].resource.offset;
    for content in &contents {
        draft.blob(content, 0);
        *draft.data.last_mut().unwrap() ^= 0xff;
    }
    let reads = Arc::new(AtomicUsize::new(0));
    let file = Counted {
        file: Cursor::new(draft.finish()),
        place,
        reads: Arc::clone(&reads),
    };
    let wim = Wim::open(file, &Limits::default()).unwrap();
    let report = Control::silent(&wim, |control| verify(&wim, &options(1), control)).unwrap();
    assert_eq!(report.blobs.failures.len(), 300);
    for (number, failure) in report.blobs.failures.iter().enumerate() {
        let text = failure.error.to_string();
        assert!(text.ends_with(&format!("(used by \\file {number})")), "{text}");
    }
    assert!(reads.load(Ordering::Relaxed) <= 3, "{reads:?}");
}

/// A resource of 1,000 bytes that is said to hold 64 MiB, which LZX in large chunks could; `place` makes it known.
fn with_resource(place: impl FnOnce(&mut Draft, ResourceHeader)) -> wim_apply::Result<Wim> {
    let mut draft = Draft::new();
    draft.header.flags |= header_flag::COMPRESSED | header_flag::LZX;
    draft.header.chunk_bytes = 1 << 21;
    draft.blob(&[0; 1000], 0);
    let stored = draft.blobs.pop().unwrap().resource;
    let resource = ResourceHeader {
        flags: resource_flag::COMPRESSED | resource_flag::METADATA,
        size_bytes: 64 << 20,
        ..stored
    };
    place(&mut draft, resource);
    Wim::open(Cursor::new(draft.finish()), &Limits::default())
}

#[test]
fn tables_are_bounded_by_the_size_of_the_file() {
    let metadata = with_resource(|draft, resource| draft.blobs[1].resource = resource).unwrap();
    assert_eq!(metadata.image(1).unwrap_err().kind(), ErrorKind::Limit);
    let xml = with_resource(|draft, resource| draft.header.xml = resource);
    assert_eq!(xml.unwrap_err().kind(), ErrorKind::Limit);
    let table = with_resource(|draft, resource| {
        draft.header.blob_table = ResourceHeader {
            size_bytes: 160 << 10,
            ..resource
        };
    });
    assert_eq!(table.unwrap_err().kind(), ErrorKind::Limit);
}

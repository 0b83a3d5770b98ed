//! Damaged and hostile files: an error or a warning, never a panic, never an endless loop.

mod support;

use std::fs;
use std::io::Cursor;

use proptest::prelude::*;
use support::{make_tree, options, wimlib};
use wim_apply::apply::{Control, verify};
use wim_apply::layout::{DentryFixed, ExtraStreamFixed, HEADER_BYTES, Header, header_flag};
use wim_apply::{BlobHash, ErrorKind, Image, Limits, Wim, select};

/// Reads everything there is to read.
fn exercise(bytes: Vec<u8>) {
    let mut limits = Limits::default();
    limits.max_chunk_bytes = 4 << 20;
    limits.max_metadata_bytes = 16 << 20;
    let Ok(wim) = Wim::open(Cursor::new(bytes), &limits) else {
        return;
    };
    // Reading may fail; ending otherwise is what matters.
    let _ = Control::silent(&wim, |control| verify(&wim, &options(2), control));
    for info in wim.images() {
        if let Ok(image) = wim.image(info.index) {
            let _ = select(&image, &["**/*a*", "*/?"], true);
            let _ = image.paths_of_missing_blobs();
        }
    }
}

fn samples() -> Vec<Vec<u8>> {
    testkit::samples_in("wim")
        .iter()
        .map(|path| fs::read(path).expect("sample"))
        .collect()
}

#[test]
fn cut_anywhere() {
    for sample in samples().into_iter().filter(|sample| sample.len() < 10_000) {
        for len in (0..sample.len()).step_by(7) {
            exercise(sample[..len].to_vec());
        }
    }
}

#[test]
fn every_header_byte_flipped() {
    for sample in samples().into_iter().filter(|sample| sample.len() < 10_000) {
        for at in 0..HEADER_BYTES {
            for flip in [0x01, 0x80, 0xff] {
                let mut bytes = sample.clone();
                bytes[at] ^= flip;
                exercise(bytes);
            }
        }
    }
}

#[test]
fn damaged_files_of_every_kind() {
    let dir = tempfile::tempdir().unwrap();
    make_tree(&dir.path().join("tree"));
    let recipes: [&[&str]; 5] = [
        &["--compress=XPRESS", "--check"],
        &["--compress=LZX"],
        &["--solid", "--solid-compress=XPRESS", "--solid-chunk-size=64K"],
        &["--solid", "--solid-chunk-size=512K"],
        &["--pipable"],
    ];
    for args in recipes {
        let capture = [&["capture", "tree", "x.wim", "N", "--no-acls"], args].concat();
        if wimlib(&capture, dir.path()).is_none() {
            return;
        }
        let file = fs::read(dir.path().join("x.wim")).unwrap();
        let header = Header::decode(file.last_chunk().unwrap())
            .or_else(|| Header::decode(file.first_chunk().unwrap()))
            .unwrap();
        let table = usize::try_from(header.blob_table.offset).unwrap();
        // Within the blob table, where every byte matters, and across the file.
        for n in 0..60 {
            let at = if n % 2 == 0 { table + n * 29 } else { n * 7919 * 13 };
            let mut bytes = file.clone();
            let at = at % bytes.len();
            bytes[at] ^= [0xff, 0x10, 0x01][n % 3];
            exercise(bytes);
        }
    }
}

/// A metadata resource built by hand.
#[derive(Default)]
struct Metadata {
    bytes: Vec<u8>,
}

impl Metadata {
    fn new() -> Self {
        Self {
            bytes: vec![8, 0, 0, 0, 0, 0, 0, 0],
        }
    }

    fn dentry(&mut self, name: &str, attributes: u32, subdir_offset: u64) -> &mut Self {
        self.raw(
            name,
            DentryFixed {
                attributes,
                subdir_offset,
                security_id: -1,
                ..DentryFixed::default()
            },
            &[],
        )
    }

    fn raw(&mut self, name: &str, mut fixed: DentryFixed, streams: &[(&str, [u8; 20])]) -> &mut Self {
        let utf16 = |text: &str| {
            text.encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect::<Vec<u8>>()
        };
        let with_nul = |mut name: Vec<u8>| {
            if !name.is_empty() {
                name.extend([0, 0]);
            }
            name
        };
        let name = utf16(name);
        fixed.name_bytes = u16::try_from(name.len()).expect("short");
        let name = with_nul(name);
        fixed.length = ((DentryFixed::SIZE + name.len() + 7) & !7) as u64;
        fixed.extra_stream_count = u16::try_from(streams.len()).expect("few");
        self.bytes.extend(fixed.encode());
        self.bytes.extend(name);
        self.align();
        for (name, hash) in streams {
            let name = utf16(name);
            let name_bytes = u16::try_from(name.len()).expect("short");
            let name = with_nul(name);
            let length = (ExtraStreamFixed::SIZE + name.len()) as u64;
            self.bytes.extend(
                ExtraStreamFixed {
                    length,
                    hash: BlobHash(*hash),
                    name_bytes,
                }
                .encode(),
            );
            self.bytes.extend(name);
            self.align();
        }
        self
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
    }

    fn end(&mut self) -> &mut Self {
        self.bytes.extend([0; 8]);
        self
    }

    fn at(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn parse(&self) -> Result<Image, wim_apply::Error> {
        Image::parse_metadata(&self.bytes, &Limits::default(), &|_| None)
    }
}

const DIRECTORY: u32 = 0x10;

/// A root whose children begin right after it.
fn with_root() -> Metadata {
    let mut metadata = Metadata::new();
    metadata.dentry("", DIRECTORY, 8 + 104 + 8).end();
    metadata
}

#[test]
fn cycles_are_refused() {
    let mut metadata = with_root();
    let children = metadata.at();
    metadata.dentry("loop", DIRECTORY, children).end();
    let error = metadata.parse().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("expected a tree"), "{error}");
}

#[test]
fn root_is_a_directory() {
    for metadata in [Metadata::new().dentry("", 0x20, 0), Metadata::new().end()] {
        assert_eq!(metadata.parse().unwrap_err().kind(), ErrorKind::Corrupt);
    }
    assert_eq!(Metadata::new().parse().unwrap_err().kind(), ErrorKind::Truncated);
}

#[test]
fn odd_names_are_dropped_and_said() {
    let mut metadata = with_root();
    for name in ["a", "", ".", "..", "b\0c", "a", "A", "CON", "trailing. "] {
        metadata.dentry(name, 0x20, 0);
    }
    metadata.end();
    let image = metadata.parse().unwrap();
    let names: Vec<String> = image.walk(Image::ROOT).map(|(id, _)| image.path_of(id)).collect();
    assert_eq!(names, ["\\", "\\a", "\\A", "\\CON", "\\trailing. "]);
    assert_eq!(image.warnings.len(), 5);
}

#[test]
fn files_have_no_children_and_security_ids_are_checked() {
    let mut metadata = with_root();
    metadata.dentry("file", 0x20, 8);
    metadata.raw(
        "bad id",
        DentryFixed {
            security_id: 7,
            ..DentryFixed::default()
        },
        &[],
    );
    metadata.end();
    let image = metadata.parse().unwrap();
    assert_eq!(image.dentries.len(), 3);
    assert_eq!(image.warnings.len(), 2);
    assert!(image.inodes.iter().all(|inode| inode.security.is_none()));
}

#[test]
fn hard_links_need_the_same_group_and_the_same_data() {
    let mut metadata = with_root();
    let link = |hash: u8| DentryFixed {
        link: 5_u64.to_le_bytes(),
        main_hash: BlobHash([hash; 20]),
        security_id: -1,
        ..DentryFixed::default()
    };
    metadata
        .raw("a", link(1), &[])
        .raw("b", link(1), &[])
        .raw("c", link(2), &[]);
    metadata
        .raw("d", link(0), &[("", [1; 20])])
        .raw("e", link(0), &[("", [1; 20]), ("s", [3; 20])]);
    metadata.end();
    let image = metadata.parse().unwrap();
    let inodes: Vec<u32> = image.dentries.iter().map(|d| d.inode.0).collect();
    assert_eq!(inodes, [0, 1, 1, 2, 1, 3]);
    assert_eq!(image.inodes[1].link_count, 3);
    assert_eq!(image.warnings.len(), 1, "{:?}", image.warnings);
}

#[test]
fn depth_is_limited() {
    let mut metadata = Metadata::new();
    metadata.dentry("", DIRECTORY, 8 + 104 + 8).end();
    for _ in 0..20_000 {
        let next = metadata.at() + 112 + 8;
        metadata.dentry("d", DIRECTORY, next).end();
    }
    metadata.end();
    assert_eq!(metadata.parse().unwrap_err().kind(), ErrorKind::Limit);
}

#[test]
fn chunk_sizes_are_checked_before_anything_is_allocated() {
    let Some(sample) = testkit::sample("wim/mwl-LZMS.wim") else {
        return;
    };
    let header = Header::decode(sample.first_chunk().unwrap()).unwrap();
    for (chunk_bytes, kind) in [
        (1 << 31, ErrorKind::Limit),
        (100_000, ErrorKind::Corrupt),
        (256, ErrorKind::Corrupt),
        (1 << 30, ErrorKind::Limit),
    ] {
        let mut bytes = sample.clone();
        bytes[..HEADER_BYTES].copy_from_slice(
            &Header {
                chunk_bytes,
                ..header
            }
            .encode(),
        );
        let wim = Wim::open(Cursor::new(bytes), &Limits::default()).unwrap();
        assert_eq!(wim.image(1).unwrap_err().kind(), kind, "{chunk_bytes}");
    }
    let mut bytes = sample.clone();
    let flags = header.flags & !header_flag::LZMS;
    bytes[..HEADER_BYTES].copy_from_slice(&Header { flags, ..header }.encode());
    let wim = Wim::open(Cursor::new(bytes), &Limits::default()).unwrap();
    assert_eq!(wim.image(1).unwrap_err().kind(), ErrorKind::Corrupt);
    for (change, kind) in [
        (
            Header {
                version: 0x10e00,
                ..header
            },
            ErrorKind::Unsupported,
        ),
        (
            Header {
                header_bytes: 212,
                ..header
            },
            ErrorKind::Corrupt,
        ),
        (
            Header {
                part_number: 3,
                ..header
            },
            ErrorKind::Corrupt,
        ),
        (
            Header {
                image_count: 70_000,
                ..header
            },
            ErrorKind::Limit,
        ),
    ] {
        let mut bytes = sample.clone();
        bytes[..HEADER_BYTES].copy_from_slice(&change.encode());
        assert_eq!(
            Wim::open(Cursor::new(bytes), &Limits::default())
                .unwrap_err()
                .kind(),
            kind
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn metadata_of_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..600), at in 0..400_usize) {
        let _ = Image::parse_metadata(&bytes, &Limits::default(), &|_| None);
        let mut metadata = with_root();
        metadata.dentry("a", 0x420, 0).raw("b", DentryFixed::default(), &[("s", [1; 20]), ("", [2; 20])]).end();
        for (byte, change) in metadata.bytes.iter_mut().skip(at).zip(&bytes) {
            *byte ^= change;
        }
        let _ = metadata.parse();
    }
}

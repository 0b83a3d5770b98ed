//! Delivery: the same calls whatever the number of workers, compact forms, damage, and ends before the end.

mod support;

use std::fs;
use std::io::{Cursor, Read};
use std::sync::atomic::{AtomicBool, Ordering};

use sha1::{Digest, Sha1};
use support::{Recorder, make_tree, options, wimlib};
use wim_apply::apply::{
    ApplyOptions, CompactFormat, Control, Form, Progress, VerifyVerbatim, Want, deliver, verify,
};
use wim_apply::layout::{BlobEntry, HEADER_BYTES, Header, ResourceHeader, header_flag, resource_flag};
use wim_apply::{BlobHash, BlobId, BlobStorage, Error, ErrorKind, Limits, Wim};

/// A file that wimlib captures from the tree; `None` without wimlib.
fn captured(args: &[&str]) -> Option<Vec<u8>> {
    let dir = tempfile::tempdir().expect("directory");
    make_tree(&dir.path().join("tree"));
    wimlib(
        &[&["capture", "tree", "x.wim", "N", "--no-acls"], args].concat(),
        dir.path(),
    )?;
    Some(fs::read(dir.path().join("x.wim")).expect("file"))
}

fn open(bytes: Vec<u8>) -> Wim {
    Wim::open(Cursor::new(bytes), &Limits::default()).expect("a WIM")
}

fn all(wim: &Wim) -> Vec<BlobId> {
    (0..u32::try_from(wim.blobs().len()).expect("few"))
        .map(BlobId)
        .collect()
}

fn record(wim: &Wim, want: Want, options: &ApplyOptions) -> Result<Recorder, Error> {
    let mut sink = Recorder {
        want: Some(want),
        ..Recorder::default()
    };
    Control::silent(wim, |control| {
        deliver(wim, &all(wim), &mut sink, options, control)
    })
    .map(|_| sink)
}

const COMPACT: Want = Want::Compact {
    verbatim: 0xf,
    recompress: None,
    cluster_bytes: 512,
    record_bytes: 0,
};

#[test]
fn number_of_workers_does_not_show() {
    for args in [
        &["--compress=LZX"][..],
        &["--solid", "--solid-chunk-size=1M"],
        &["--compress=none"],
    ] {
        let Some(bytes) = captured(args) else { return };
        let wim = open(bytes);
        let one = record(&wim, COMPACT, &options(1)).unwrap();
        for (info, form, _, bytes) in &one.blobs {
            if *form == Form::Decoded {
                assert_eq!(BlobHash(Sha1::digest(bytes).into()), info.hash);
            }
        }
        for threads in [2, 4, 7] {
            let other = record(&wim, COMPACT, &options(threads)).unwrap();
            let calls = |r: &Recorder| {
                r.blobs
                    .iter()
                    .map(|(i, f, n, b)| (i.id, *f, *n, b.clone()))
                    .collect::<Vec<_>>()
            };
            assert!(calls(&one) == calls(&other), "{args:?} with {threads} workers");
        }
    }
}

#[test]
fn compact_forms_are_the_resources_as_they_lie_in_the_file() {
    let formats = [
        (
            CompactFormat::Xpress4K,
            &["--compress=XPRESS", "--chunk-size=4096"][..],
        ),
        (
            CompactFormat::Xpress8K,
            &["--compress=XPRESS", "--chunk-size=8192"],
        ),
        (
            CompactFormat::Xpress16K,
            &["--compress=XPRESS", "--chunk-size=16384"],
        ),
        (CompactFormat::Lzx32K, &["--compress=LZX"]),
    ];
    for (format, args) in formats {
        let Some(file) = captured(args) else { return };
        let wim = open(file.clone());
        for verify_verbatim in [VerifyVerbatim::Inline, VerifyVerbatim::Deferred] {
            let recorder = record(
                &wim,
                COMPACT,
                &ApplyOptions {
                    verify_verbatim,
                    ..options(2)
                },
            )
            .unwrap();
            let mut compact = 0;
            for (info, form, stored, bytes) in &recorder.blobs {
                let blob = wim.blob(info.id).unwrap();
                match (form, blob.storage) {
                    (Form::Compact(f), BlobStorage::Compressed { offset, stored_bytes }) => {
                        assert_eq!((*f, *stored), (format, stored_bytes));
                        assert!(stored_bytes.div_ceil(512) < info.size_bytes.div_ceil(512));
                        let start = usize::try_from(offset).unwrap();
                        assert!(bytes == &file[start..][..bytes.len()]);
                        let mut raw = Vec::new();
                        wim.raw_resource(info.id)
                            .unwrap()
                            .unwrap()
                            .read_to_end(&mut raw)
                            .unwrap();
                        assert!(*bytes == raw);
                        compact += 1;
                    }
                    (Form::Decoded, _) => assert_eq!(BlobHash(Sha1::digest(bytes).into()), info.hash),
                    other => panic!("{other:?}"),
                }
            }
            assert!(compact > 30, "{format:?}: {compact}");
        }
        let other = Want::Compact {
            verbatim: !(1 << format.wof_algorithm()),
            recompress: None,
            cluster_bytes: 512,
            record_bytes: 0,
        };
        let recorder = record(&wim, other, &options(2)).unwrap();
        assert!(recorder.blobs.iter().all(|(_, form, ..)| *form == Form::Decoded));
    }
}

/// The path of a blob that several jobs decode, and of a small one.
const VICTIMS: [&str; 2] = ["\\Windows\\System32\\big.bin", "\\Windows\\chunk"];

#[test]
fn damage_is_found_and_every_path_named() {
    for args in [
        &["--compress=LZX"][..],
        &["--compress=none"],
        &["--compress=XPRESS", "--chunk-size=4096"],
    ] {
        let Some(file) = captured(args) else { return };
        for victim in VICTIMS {
            let wim = open(file.clone());
            let image = wim.image(1).unwrap();
            let inode = image.dentries[image.lookup(victim).unwrap().0 as usize].inode;
            let id = image.inodes[inode.0 as usize]
                .unnamed_data()
                .unwrap()
                .blob
                .unwrap();
            let blob = *wim.blob(id).unwrap();
            let mut damaged = file.clone();
            let at = usize::try_from(blob.offset() + blob.stored_bytes().unwrap() * 2 / 3).unwrap();
            for byte in &mut damaged[at..at + 4] {
                *byte ^= 0x5a;
            }
            let wim = open(damaged);
            for want in [Want::Decoded, COMPACT] {
                for threads in [1, 3] {
                    let Err(error) = record(&wim, want, &options(threads)) else {
                        panic!("{args:?} {victim}")
                    };
                    assert_eq!(error.kind(), ErrorKind::Corrupt);
                    let text = error.to_string();
                    assert!(
                        text.contains(victim) && text.contains(&blob.hash.to_string()),
                        "{text}"
                    );
                    if victim == VICTIMS[1] {
                        assert!(text.contains("\\Windows\\copy of chunk"), "{text}");
                    }
                }
                let recovered = record(
                    &wim,
                    want,
                    &ApplyOptions {
                        recover: true,
                        ..options(2)
                    },
                )
                .unwrap();
                assert_eq!(recovered.ended, wim.blobs().len());
                let bad = recovered.blobs.iter().filter(|(info, form, _, bytes)| {
                    *form == Form::Decoded && BlobHash(Sha1::digest(bytes).into()) != info.hash
                });
                assert_eq!(bad.map(|(info, ..)| info.id).collect::<Vec<_>>(), [id]);
                // Only the damaged one changes its form.
                let sound = record(&open(file.clone()), want, &options(2)).unwrap();
                for (now, before) in recovered.blobs.iter().zip(&sound.blobs) {
                    let form = if now.0.id == id { Form::Decoded } else { before.1 };
                    assert_eq!((now.0.id, now.1), (before.0.id, form));
                }
            }
            let report = Control::silent(&wim, |control| verify(&wim, &options(2), control)).unwrap();
            assert!(!report.is_ok());
            assert_eq!(
                report.blobs.failures.iter().map(|f| f.id).collect::<Vec<_>>(),
                [id]
            );
        }
    }
}

#[test]
fn damage_in_a_solid_resource_hits_the_blobs_of_its_chunk_only() {
    let Some(file) = captured(&["--solid", "--solid-chunk-size=512K"]) else {
        return;
    };
    let wim = open(file.clone());
    let resource = wim.solid_resources()[0];
    let mut damaged = file;
    // Within the last chunk.
    let at = usize::try_from(resource.offset + resource.stored_bytes - 100).unwrap();
    damaged[at] ^= 0xff;
    let wim = open(damaged);
    let report = Control::silent(&wim, |control| verify(&wim, &options(2), control)).unwrap();
    let failures = &report.blobs.failures;
    assert!(!failures.is_empty() && failures.len() < wim.blobs().len());
    assert_eq!(report.blobs.blobs, wim.blobs().len());
    assert!(
        failures
            .iter()
            .all(|failure| failure.error.to_string().contains("used by \\"))
    );
}

#[test]
fn ends_with_the_sink_and_with_the_caller() {
    for args in [&["--compress=LZX"][..], &["--solid", "--solid-chunk-size=512K"]] {
        let Some(file) = captured(args) else { return };
        let wim = open(file);
        let total: u64 = wim.blobs().iter().map(|blob| blob.size_bytes).sum();
        for part in 0..5 {
            let fail_after = usize::try_from(total * part / 5).unwrap();
            let mut sink = Recorder {
                fail_after: Some(fail_after),
                ..Recorder::default()
            };
            let result = Control::silent(&wim, |c| deliver(&wim, &all(&wim), &mut sink, &options(3), c));
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Target);
            assert!(error.to_string().contains('\\'), "{error}");
        }
        let interrupt = AtomicBool::new(false);
        let mut seen = Progress::default();
        let mut progress = |progress: Progress| {
            assert!(progress.bytes_done >= seen.bytes_done && progress.bytes_done <= progress.bytes_total);
            seen = progress;
            interrupt.store(progress.bytes_done > total / 2, Ordering::Relaxed);
        };
        let mut control = Control {
            interrupt: &interrupt,
            progress: &mut progress,
            paths: &|_| Vec::new(),
        };
        let error = deliver(
            &wim,
            &all(&wim),
            &mut Recorder::default(),
            &options(2),
            &mut control,
        )
        .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Interrupted);
        assert!(seen.blobs_done > 0 && seen.blobs_done < wim.blobs().len());
    }
}

#[test]
fn blobs_open_at_random_places() {
    for args in [
        &["--compress=LZX"][..],
        &["--solid", "--solid-chunk-size=512K"],
        &["--pipable"],
    ] {
        let Some(file) = captured(args) else { return };
        let wim = open(file);
        let recorder = record(&wim, Want::Decoded, &options(2)).unwrap();
        for (info, _, _, bytes) in recorder
            .blobs
            .iter()
            .filter(|(info, ..)| info.size_bytes > 100_000)
        {
            let mut reader = wim.open_blob(info.id).unwrap();
            for at in [
                0,
                1,
                32_767,
                32_768,
                info.size_bytes - 10,
                info.size_bytes,
                info.size_bytes + 5,
            ] {
                std::io::Seek::seek(&mut reader, std::io::SeekFrom::Start(at)).unwrap();
                let mut piece = Vec::new();
                reader.by_ref().take(40_000).read_to_end(&mut piece).unwrap();
                let at = usize::try_from(at).unwrap().min(bytes.len());
                assert!(piece == bytes[at..(at + 40_000).min(bytes.len())]);
            }
        }
    }
}

/// A blob of just over 4 GiB: zeros, text in one chunk, and a few bytes. Returns the file and the resource.
fn beyond_4_gib() -> (Vec<u8>, Vec<u8>) {
    let mut encoder = wim_apply::codec::lzx::Encoder::new(32_768).expect("a chunk size");
    let mut chunks = [Vec::new(), Vec::new()];
    for (plain, packed) in [vec![0; 32_768], support::text(1, 32_768)]
        .iter()
        .zip(&mut chunks)
    {
        encoder.compress(plain, packed).expect("it becomes smaller");
    }
    let (mut table, mut data) = (Vec::new(), Vec::new());
    for number in 0..FULL_CHUNKS {
        data.extend_from_slice(&chunks[usize::from(number == TEXT_CHUNK)]);
        table.extend(u64::try_from(data.len()).expect("short").to_le_bytes());
    }
    data.extend(b"abcde");
    let resource = [table, data].concat();
    let place = |offset: usize, bytes: usize, flags, size_bytes| ResourceHeader {
        stored_bytes: bytes as u64,
        flags,
        offset: offset as u64,
        size_bytes,
    };
    let entry = BlobEntry {
        resource: place(
            HEADER_BYTES,
            resource.len(),
            resource_flag::COMPRESSED,
            FULL_CHUNKS * 32_768 + 5,
        ),
        part_number: 1,
        reference_count: 1,
        hash: BlobHash([1; 20]),
    };
    let header = Header {
        flags: header_flag::COMPRESSED | header_flag::LZX,
        chunk_bytes: 32_768,
        blob_table: place(
            HEADER_BYTES + resource.len(),
            BlobEntry::SIZE,
            0,
            BlobEntry::SIZE as u64,
        ),
        ..Header::default()
    };
    let file = [&header.encode()[..], &resource, &entry.encode()].concat();
    (file, resource)
}

const FULL_CHUNKS: u64 = 1 << 17;
const TEXT_CHUNK: u64 = 100_000;

#[test]
fn chunk_tables_have_eight_bytes_from_4_gib_on() {
    let (file, resource) = beyond_4_gib();
    let wim = open(file);
    let mut reader = wim.open_blob(BlobId(0)).unwrap();
    let mut read_at = |at: u64, count: usize| {
        std::io::Seek::seek(&mut reader, std::io::SeekFrom::Start(at)).unwrap();
        let mut bytes = Vec::new();
        reader
            .by_ref()
            .take(count as u64)
            .read_to_end(&mut bytes)
            .unwrap();
        bytes
    };
    assert_eq!(read_at((1 << 32) - 3, 100), b"\0\0\0abcde");
    let text = support::text(1, 32_768);
    assert!(read_at(TEXT_CHUNK * 32_768, 32_768) == text);
    assert!(read_at(TEXT_CHUNK * 32_768 - 2, 4) == [0, 0, text[0], text[1]]);

    let deferred = ApplyOptions {
        verify_verbatim: VerifyVerbatim::Deferred,
        ..options(2)
    };
    let recorder = record(&wim, COMPACT, &deferred).unwrap();
    let (_, form, _, bytes) = &recorder.blobs[0];
    assert_eq!(*form, Form::Compact(CompactFormat::Lzx32K));
    assert!(*bytes == resource);
}

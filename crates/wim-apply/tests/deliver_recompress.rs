//! Blobs that are compressed anew for a sink: what comes is a `WofCompressedData` stream, or the plain bytes.

mod support;

use std::fs;
use std::io::Cursor;

use sha1::{Digest, Sha1};
use support::{Recorder, noise, options, text, wimlib};
use wim_apply::apply::{ApplyOptions, CompactFormat, Control, DeliverReport, Form, Want, deliver};
use wim_apply::layout::{BlobEntry, HEADER_BYTES, Header, ResourceHeader, header_flag, resource_flag};
use wim_apply::{BlobHash, BlobId, Error, ErrorKind, Limits, Wim, codec};

/// Text and noise in turn, neither at a chunk border.
fn mixed(seed: u32, size: usize) -> Vec<u8> {
    let some = text(seed, 70_000);
    let mut out = Vec::with_capacity(size + 140_000);
    while out.len() < size {
        out.extend_from_slice(&some);
        out.extend(noise(out.len() as u64, 65_000));
    }
    out.truncate(size);
    out
}

const SMALL: usize = 400_001;
const MIDDLE: usize = 3_000_001;
const LARGE: usize = 40_000_003;

/// What compresses, and what does not, each below a job's size, of several jobs, and beyond the trial. In a
/// solid resource they lie one behind the other, so odd sizes move their chunks across those of the resource.
fn capture(args: &[&str]) -> Option<Wim> {
    let file = capture_file(args)?;
    Some(Wim::open(Cursor::new(file), &Limits::default()).expect("a WIM"))
}

fn capture_file(args: &[&str]) -> Option<Vec<u8>> {
    let dir = tempfile::tempdir().expect("directory");
    let tree = dir.path().join("tree");
    fs::create_dir_all(&tree).expect("directory");
    let write = |name: &str, bytes: &[u8]| fs::write(tree.join(name), bytes).expect("file");
    for size in [SMALL, MIDDLE, LARGE] {
        write(
            &format!("{size}.mix"),
            &mixed(u32::try_from(size).expect("a small number"), size),
        );
    }
    for size in [SMALL, MIDDLE, 9_000_001] {
        write(&format!("{size}.noise"), &noise(size as u64, size));
    }
    write("small.txt", &text(1, 5000));
    write("one cluster", &text(2, 4096));
    wimlib(
        &[&["capture", "tree", "x.wim", "N", "--no-acls"], args].concat(),
        dir.path(),
    )?;
    Some(fs::read(dir.path().join("x.wim")).expect("file"))
}

fn recompress(format: CompactFormat, cluster_bytes: u32) -> Want {
    Want::Compact {
        verbatim: 0,
        recompress: Some(format),
        cluster_bytes,
        record_bytes: 0,
    }
}

fn record(wim: &Wim, want: Want, options: &ApplyOptions) -> Result<(Recorder, DeliverReport), Error> {
    let all: Vec<BlobId> = (0..u32::try_from(wim.blobs().len()).expect("few"))
        .map(BlobId)
        .collect();
    let mut sink = Recorder {
        want: Some(want),
        ..Recorder::default()
    };
    let report = Control::silent(wim, |control| deliver(wim, &all, &mut sink, options, control))?;
    Ok((sink, report))
}

/// Decodes a compact form: a chunk table and chunks.
fn unpack(format: CompactFormat, packed: &[u8], size: usize) -> Vec<u8> {
    let chunk_bytes = format.chunk_bytes();
    let codec = match format {
        CompactFormat::Lzx32K => codec::Codec::Lzx,
        _ => codec::Codec::Xpress,
    };
    let mut decoder = codec::Decoder::new(codec, chunk_bytes).expect("a chunk size");
    let table_bytes = (size.div_ceil(chunk_bytes as usize) - 1) * 4;
    let (table, chunks) = packed.split_at(table_bytes);
    let ends = table
        .as_chunks::<4>()
        .0
        .iter()
        .map(|e| u32::from_le_bytes(*e) as usize);
    let mut out = vec![0; size];
    let mut start = 0;
    for (end, chunk) in ends
        .chain([chunks.len()])
        .zip(out.chunks_mut(chunk_bytes as usize))
    {
        let input = &chunks[start..end];
        if input.len() == chunk.len() {
            chunk.copy_from_slice(input);
        } else {
            decoder.decompress(input, chunk).expect("a chunk");
        }
        start = end;
    }
    assert_eq!(start, chunks.len());
    out
}

/// Checks everything that was handed over; returns the sizes of the blobs that were compact.
fn check(recorder: &Recorder, format: CompactFormat, cluster_bytes: u64) -> Vec<usize> {
    let mut compact = Vec::new();
    for (info, form, stored, bytes) in &recorder.blobs {
        let size = usize::try_from(info.size_bytes).expect("it fits");
        let unpacked;
        let plain = match form {
            Form::Decoded => bytes,
            Form::Compact(f) => {
                assert_eq!(*f, format);
                assert!(stored.div_ceil(cluster_bytes) < info.size_bytes.div_ceil(cluster_bytes));
                compact.push(size);
                unpacked = unpack(format, bytes, size);
                &unpacked
            }
        };
        assert_eq!(BlobHash(Sha1::digest(plain).into()), info.hash);
    }
    compact.sort_unstable();
    compact
}

fn same_calls(one: &Recorder, other: &Recorder) -> bool {
    let calls = |r: &Recorder| -> Vec<_> { r.blobs.iter().map(|(i, f, n, _)| (i.id, *f, *n)).collect() };
    calls(one) == calls(other) && one.blobs.iter().zip(&other.blobs).all(|(a, b)| a.3 == b.3)
}

/// Formats of all chunk sizes, and numbers of workers, for one kind of source.
fn check_source(args: &[&str], formats: &[CompactFormat]) {
    let Some(wim) = capture(args) else { return };
    for &format in formats {
        let (recorder, report) = record(&wim, recompress(format, 4096), &options(3)).expect("a right WIM");
        assert_eq!(check(&recorder, format, 4096), [5000, SMALL, MIDDLE, LARGE]);
        assert_eq!(report.compact_blobs, 4);
    }
    let want = recompress(CompactFormat::Xpress8K, 4096);
    let (one, _) = record(&wim, want, &options(1)).expect("a right WIM");
    assert_eq!(
        check(&one, CompactFormat::Xpress8K, 4096),
        [5000, SMALL, MIDDLE, LARGE]
    );
    for threads in [2, 4] {
        let (other, _) = record(&wim, want, &options(threads)).expect("a right WIM");
        assert!(same_calls(&one, &other), "{args:?} {threads}");
    }
}

#[test]
fn from_lzx() {
    check_source(&["--compress=LZX:5"], &[CompactFormat::Xpress4K]);
}

#[test]
fn from_stored() {
    check_source(&["--compress=none"], &[CompactFormat::Xpress16K]);
}

#[test]
fn from_solid() {
    check_source(
        &["--solid", "--solid-compress=LZX:5", "--solid-chunk-size=1M"],
        &[
            CompactFormat::Xpress4K,
            CompactFormat::Xpress16K,
            CompactFormat::Lzx32K,
        ],
    );
}

#[test]
fn what_saves_no_cluster_is_handed_over_decoded() {
    let Some(wim) = capture(&["--compress=none"]) else {
        return;
    };
    let format = CompactFormat::Xpress16K;
    for (cluster_bytes, expected) in [
        (64 << 10, &[SMALL, MIDDLE, LARGE][..]),
        // The first 4 MiB cannot make up for a whole cluster.
        (4 << 20, &[]),
    ] {
        let (recorder, _) = record(&wim, recompress(format, cluster_bytes), &options(2)).unwrap();
        assert_eq!(check(&recorder, format, cluster_bytes.into()), expected);
    }
}

#[test]
fn what_lies_in_a_record_takes_no_cluster() {
    let Some(wim) = capture(&["--compress=none"]) else {
        return;
    };
    let format = CompactFormat::Xpress4K;
    let sizes_of_small = |record_bytes| {
        let want = Want::Compact {
            verbatim: 0,
            recompress: Some(format),
            cluster_bytes: 4096,
            record_bytes,
        };
        let (recorder, _) = record(&wim, want, &options(1)).unwrap();
        let compact = recorder
            .blobs
            .iter()
            .filter(|(_, form, ..)| *form != Form::Decoded);
        let small = compact.filter(|(info, ..)| info.size_bytes <= 4096);
        small.map(|(_, _, _, bytes)| bytes.len()).collect::<Vec<_>>()
    };
    let stored = match sizes_of_small(4095)[..] {
        [one] => u32::try_from(one).expect("small"),
        ref others => panic!("{others:?}"),
    };
    assert_eq!(sizes_of_small(stored), [stored as usize]);
    assert_eq!(sizes_of_small(stored - 1), []);
    assert_eq!(sizes_of_small(0), []);
}

#[test]
fn more_than_half_the_memory_limit_is_handed_over_decoded() {
    let Some(wim) = capture(&["--compress=LZX:5"]) else {
        return;
    };
    let format = CompactFormat::Xpress8K;
    for (limit, expected) in [
        (79 << 20, &[5000, SMALL, MIDDLE, LARGE][..]),
        (70 << 20, &[5000, SMALL, MIDDLE]),
        (5 << 20, &[5000, SMALL]),
        (0, &[5000, SMALL]),
    ] {
        let limited = |threads| ApplyOptions {
            memory_limit_bytes: Some(limit),
            ..options(threads)
        };
        let (one, _) = record(&wim, recompress(format, 4096), &limited(1)).unwrap();
        assert_eq!(check(&one, format, 4096), expected);
        let (other, _) = record(&wim, recompress(format, 4096), &limited(8)).unwrap();
        assert!(same_calls(&one, &other));
    }
}

#[test]
fn damage_is_found_before_a_compact_form_is_handed_over() {
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("tree");
    fs::create_dir_all(&tree).unwrap();
    fs::write(tree.join("large"), mixed(1, 6_000_000)).unwrap();
    if wimlib(
        &["capture", "tree", "x.wim", "N", "--no-acls", "--compress=none"],
        dir.path(),
    )
    .is_none()
    {
        return;
    }
    let mut file = fs::read(dir.path().join("x.wim")).unwrap();
    file[5_000_000] ^= 1;
    let wim = Wim::open(Cursor::new(file), &Limits::default()).unwrap();
    let mut sink = Recorder {
        want: Some(recompress(CompactFormat::Xpress4K, 4096)),
        ..Recorder::default()
    };
    let result = Control::silent(&wim, |c| deliver(&wim, &[BlobId(0)], &mut sink, &options(3), c));
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Corrupt);
    assert!(sink.blobs.is_empty());
}

/// A compact form is laid out as a resource of a WIM is: put into one, wimlib reads it.
#[test]
fn wimlib_reads_what_was_made() {
    let Some(mut file) = capture_file(&["--compress=none"]) else {
        return;
    };
    let header = Header::decode(file.first_chunk().unwrap()).unwrap();
    let wim = Wim::open(Cursor::new(file.clone()), &Limits::default()).unwrap();
    for (format, flag) in [
        (CompactFormat::Xpress4K, header_flag::XPRESS),
        (CompactFormat::Lzx32K, header_flag::LZX),
    ] {
        let (recorder, _) = record(&wim, recompress(format, 4096), &options(2)).unwrap();
        file.truncate(usize::try_from(wim_end(&header)).unwrap());
        let table_at = usize::try_from(header.blob_table.offset).unwrap();
        let mut table = Vec::new();
        let mut replaced = 0;
        for entry in file[table_at..][..usize::try_from(header.blob_table.size_bytes).unwrap()]
            .as_chunks::<{ BlobEntry::SIZE }>()
            .0
            .to_vec()
        {
            let mut entry = BlobEntry::decode(&entry);
            let made = recorder
                .blobs
                .iter()
                .find(|(info, form, ..)| info.hash == entry.hash && *form != Form::Decoded);
            if let Some((_, _, stored_bytes, bytes)) = made {
                entry.resource.offset = file.len() as u64;
                entry.resource.stored_bytes = *stored_bytes;
                entry.resource.flags |= resource_flag::COMPRESSED;
                file.extend(bytes);
                replaced += 1;
            }
            table.extend(entry.encode());
        }
        assert_eq!(replaced, 4);
        let changed = Header {
            flags: header.flags | header_flag::COMPRESSED | flag,
            chunk_bytes: format.chunk_bytes(),
            blob_table: ResourceHeader {
                offset: file.len() as u64,
                ..header.blob_table
            },
            ..header
        };
        file.extend(table);
        file[..HEADER_BYTES].copy_from_slice(&changed.encode());
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("x.wim"), &file).unwrap();
        wimlib(&["verify", "x.wim"], dir.path());
    }
}

/// Where a file without an integrity table ends.
fn wim_end(header: &Header) -> u64 {
    let end = |resource: ResourceHeader| resource.offset + resource.stored_bytes;
    end(header.blob_table).max(end(header.xml))
}

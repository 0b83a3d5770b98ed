//! Decoders on the chunks of a WIM file, for counting instructions and for timing.
//!
//! ```text
//! codec_instructions ours|libwim|both FILE [CHUNKS]
//! ```
//!
//! The first compressed chunks of the file (all of them, unless `CHUNKS` says how many) are decoded by this project,
//! by the libwim of the system, or by both in turns. Each prints the bytes it made, and the seconds of CPU time: the sum over
//! groups of chunks of the least time of several rounds. One round with `ours` or `libwim` is the same work
//! every time; count its instructions with
//!
//! ```text
//! valgrind --tool=callgrind --toggle-collect='*measured*' PROGRAM ours FILE CHUNKS
//! ```
#![allow(clippy::disallowed_methods, reason = "a benchmark reads its arguments")]
#![allow(clippy::print_stdout, reason = "it reports to people")]

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use wim_apply::codec::{Codec, Decoder};
use wim_apply::layout::SolidFormat;
use wim_apply::{BlobStorage, Limits, Wim};
use wtg_benches::{cpu_time, libwim};

/// Rounds of which the best time of each group counts.
const ROUNDS: usize = 15;
/// Uncompressed bytes of a group.
const GROUP_BYTES: usize = 1 << 20;

struct Chunk {
    compressed: Vec<u8>,
    size_bytes: usize,
}

struct Chunks {
    codec: Codec,
    chunk_bytes: u32,
    chunks: Vec<Chunk>,
}

/// A function that decodes one chunk.
type Decode = Box<dyn FnMut(&[u8], &mut [u8])>;

fn main() {
    let arguments: Vec<_> = std::env::args()
        .skip(1)
        .filter(|text| text != "--bench")
        .collect();
    let (who, path, count) = match arguments.as_slice() {
        [who, path] => (who, path, usize::MAX),
        [who, path, count] => (who, path, count.parse().expect("a number of chunks")),
        _ => {
            println!("usage: codec_instructions ours|libwim|both FILE [CHUNKS]");
            return;
        }
    };
    let input = read(Path::new(path), count);
    let ours = || {
        let mut decoder = Decoder::new(input.codec, input.chunk_bytes).expect("a chunk size of the format");
        let decode = move |from: &[u8], to: &mut [u8]| decoder.decompress(from, to).expect("a valid chunk");
        ("ours", Box::new(decode) as Decode)
    };
    let theirs = || {
        let decode = libwim::decoder(input.codec, input.chunk_bytes);
        ("libwim", Box::new(decode) as Decode)
    };
    let (mut decoders, rounds) = match who.as_str() {
        "ours" => (vec![ours()], 1),
        "libwim" => (vec![theirs()], 1),
        "both" => (vec![ours(), theirs()], ROUNDS),
        other => panic!("neither ours nor libwim nor both: {other}"),
    };
    let bytes: usize = input.chunks.iter().map(|chunk| chunk.size_bytes).sum();
    let times = times(&input.chunks, &mut decoders, rounds);
    println!("{:?}, {} chunks, {bytes} bytes", input.codec, input.chunks.len());
    for ((name, _), time) in decoders.iter().zip(&times) {
        let seconds = time.as_secs_f64();
        println!("{name}: {seconds:.4} s, {:.1} MB/s", bytes as f64 / 1e6 / seconds);
    }
    if let [ours, theirs] = times.as_slice() {
        println!("ratio: {:.3}", theirs.as_secs_f64() / ours.as_secs_f64());
    }
}

/// The least time of each decoder for each group, summed.
fn times(chunks: &[Chunk], decoders: &mut [(&str, Decode)], rounds: usize) -> Vec<Duration> {
    let largest = chunks.iter().map(|chunk| chunk.size_bytes).max().unwrap_or(0);
    let group_chunks = (GROUP_BYTES / largest.max(1)).max(1);
    let mut outputs = vec![vec![0; largest]; decoders.len()];
    let mut sums = vec![Duration::ZERO; decoders.len()];
    for group in chunks.chunks(group_chunks) {
        let mut best = vec![Duration::MAX; decoders.len()];
        for _ in 0..rounds {
            for (((_, decode), best), output) in decoders.iter_mut().zip(&mut best).zip(&mut outputs) {
                let start = cpu_time::now();
                measured(group, decode, output);
                *best = (*best).min(cpu_time::now() - start);
            }
        }
        for (sum, best) in sums.iter_mut().zip(best) {
            *sum += best;
        }
        assert!(
            outputs.iter().all(|output| *output == outputs[0]),
            "outputs differ"
        );
    }
    sums
}

#[inline(never)]
fn measured(group: &[Chunk], decode: &mut Decode, output: &mut [u8]) {
    for chunk in group {
        decode(&chunk.compressed, &mut output[..chunk.size_bytes]);
    }
}

/// The first chunks of a file: of its solid resources, if it has any, else of its blobs.
fn read(path: &Path, count: usize) -> Chunks {
    let mut file = File::open(path).expect("a WIM file");
    let wim = Wim::open(file.try_clone().expect("another handle"), &Limits::default()).expect("a WIM file");
    let (mut codec, mut chunk_bytes) = wim.compression().expect("a compressed file");
    let mut chunks = Vec::new();
    for solid in wim.solid_resources() {
        codec = match solid.header.format {
            SolidFormat::Xpress => Codec::Xpress,
            SolidFormat::Lzx => Codec::Lzx,
            SolidFormat::Lzms => Codec::Lzms,
            other => panic!("a solid resource of format {other:?}"),
        };
        chunk_bytes = solid.header.chunk_bytes;
        let (size, full) = (solid.header.size_bytes, u64::from(chunk_bytes));
        let mut at = solid.offset + 16;
        let sizes = bytes_at(&mut file, at, 4 * size.div_ceil(full));
        at += sizes.len() as u64;
        for (index, stored) in (0..).zip(sizes.as_chunks::<4>().0) {
            let stored = u64::from(u32::from_le_bytes(*stored));
            let chunk = bytes_at(&mut file, at, stored);
            at += stored;
            add(&mut chunks, chunk, (size - index * full).min(full));
        }
    }
    if wim.solid_resources().is_empty() {
        for blob in wim.blobs() {
            let BlobStorage::Compressed { offset, .. } = blob.storage else {
                continue;
            };
            let id = wim.blob_by_hash(&blob.hash).expect("it is in the table");
            let resource = wim
                .raw_resource(id)
                .expect("a valid resource")
                .expect("compressed");
            let all = usize::try_from(resource.chunk_count()).expect("fits in memory");
            let extents = resource.chunk_extents(0, all).expect("a valid chunk table");
            let full = u64::from(resource.chunk_bytes);
            for (index, (at, stored)) in (0..).zip(extents) {
                let chunk = bytes_at(&mut file, offset + at, stored as u64);
                add(&mut chunks, chunk, (resource.size_bytes - index * full).min(full));
            }
            if chunks.len() >= count {
                break;
            }
        }
    }
    chunks.truncate(count);
    Chunks {
        codec,
        chunk_bytes,
        chunks,
    }
}

/// Adds a chunk, unless it is stored.
fn add(chunks: &mut Vec<Chunk>, compressed: Vec<u8>, size_bytes: u64) {
    let size_bytes = usize::try_from(size_bytes).expect("a chunk fits in memory");
    if compressed.len() < size_bytes {
        chunks.push(Chunk {
            compressed,
            size_bytes,
        });
    }
}

fn bytes_at(file: &mut File, at: u64, count: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(at)).expect("a seekable file");
    file.take(count).read_to_end(&mut bytes).expect("a readable file");
    bytes
}

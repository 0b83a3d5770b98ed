//! Codecs against the libwim that the system has, in one process and on the same chunks.
//!
//! ```text
//! wim_codecs [NAME…]
//! ```
//!
//! Prints a table: speed by processor time, both sides in turns, the sum over groups of chunks of the least time of several
//! rounds; and sizes. With names, only of the rows that have one of them in theirs.
//!
//! The data is the programs below `\Windows\System32` of the large sample, or of the WIM file that `WTGCTL_BENCH_WIM` names; and
//! data that hardly compresses: the bitmaps of wine's `shell32.dll` among them, the programs after gzip, and noise.
#![allow(clippy::disallowed_methods, reason = "a benchmark reads its environment")]
#![allow(clippy::print_stdout, reason = "it reports to people")]

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use wim_apply::codec::{Codec, Decoder, Encoder};
use wim_apply::{Limits, Wim};
use wtg_benches::{cpu_time, libwim};

const PROGRAMS: &str = "\\Windows\\System32\\";
const HARD_PROGRAM: &str = "\\Windows\\System32\\shell32.dll";
/// What is decoded at most.
const DECODED_BYTES: usize = 32 << 20;
/// What is encoded at most.
const ENCODED_BYTES: usize = 16 << 20;
const HARD_BYTES: usize = 8 << 20;
/// Uncompressed bytes of a group.
const GROUP_BYTES: usize = 128 << 10;
const DECODE_ROUNDS: usize = 15;
const ENCODE_ROUNDS: usize = 7;
/// LZMS takes several times as long.
const LZMS_ENCODE_ROUNDS: usize = 2;

fn main() {
    let names: Vec<_> = std::env::args()
        .skip(1)
        .filter(|text| text != "--bench")
        .collect();
    let is_asked = |row: &str| names.is_empty() || names.iter().any(|name| row.contains(name.as_str()));
    let programs = programs();
    println!("| | ours MB/s | libwim MB/s | ratio | size beside libwim's |\n|---|---|---|---|---|");
    for (name, codec, chunk_bytes) in [
        ("XPRESS 32K", Codec::Xpress, 32 << 10),
        ("LZX 32K", Codec::Lzx, 32 << 10),
        ("LZMS 128K", Codec::Lzms, 128 << 10),
        ("LZMS solid 64M", Codec::Lzms, 64 << 20),
    ] {
        let row = format!("{name}, decode");
        if is_asked(&row) {
            decode(&row, codec, chunk_bytes, first(&programs.all, DECODED_BYTES));
        }
    }
    let sets: [(&str, &dyn Fn() -> Vec<u8>); 4] = [
        ("programs", &|| first(&programs.all, ENCODED_BYTES).to_vec()),
        ("shell32.dll", &|| first(&programs.hard, HARD_BYTES).to_vec()),
        ("gzipped", &|| first(&gzipped(&programs.all), HARD_BYTES).to_vec()),
        ("noise", &noise),
    ];
    for (set, data) in sets {
        let mut made = None;
        for (name, codec, chunk_bytes) in [
            ("XPRESS 4K", Codec::Xpress, 4 << 10),
            ("XPRESS 8K", Codec::Xpress, 8 << 10),
            ("XPRESS 16K", Codec::Xpress, 16 << 10),
            ("XPRESS 32K", Codec::Xpress, 32 << 10),
            ("XPRESS 64K", Codec::Xpress, 64 << 10),
            ("LZX 32K", Codec::Lzx, 32 << 10),
            ("LZMS 128K", Codec::Lzms, 128 << 10),
            ("LZMS solid 64M", Codec::Lzms, 64 << 20),
        ] {
            let row = format!("{name}, encode {set}");
            if is_asked(&row) {
                encode(&row, codec, chunk_bytes, made.get_or_insert_with(data));
            }
        }
    }
}

fn first(data: &[u8], bytes: usize) -> &[u8] {
    &data[..data.len().min(bytes)]
}

struct Programs {
    all: Vec<u8>,
    hard: Vec<u8>,
}

fn programs() -> Programs {
    let path = match std::env::var_os("WTGCTL_BENCH_WIM") {
        Some(path) => path.into(),
        None => testkit::samples::generated("large", "install.wim").expect("the large sample"),
    };
    let wim = Wim::open(File::open(path).expect("a file"), &Limits::default()).expect("a WIM file");
    let image = wim.image(1).expect("an image");
    let read = |blob| {
        let mut bytes = Vec::new();
        let mut reader = wim.open_blob(blob).expect("a blob");
        reader.read_to_end(&mut bytes).expect("sound data");
        bytes
    };
    let mut all = Vec::new();
    for (id, _) in image.walk(wim_apply::Image::ROOT) {
        let path = image.path_of(id);
        let stream = image.inode_of(id).and_then(|inode| inode.unnamed_data());
        if path.starts_with(PROGRAMS) && path != HARD_PROGRAM && all.len() < DECODED_BYTES.max(ENCODED_BYTES)
        {
            all.extend(
                stream
                    .and_then(|stream| stream.blob)
                    .map(read)
                    .unwrap_or_default(),
            );
        }
    }
    let hard = image.lookup(HARD_PROGRAM).expect("shell32.dll");
    let hard = image.inode_of(hard).and_then(|inode| inode.unnamed_data()?.blob);
    Programs {
        all,
        hard: read(hard.expect("its data")),
    }
}

fn gzipped(data: &[u8]) -> Vec<u8> {
    let mut gzip = Command::new("gzip")
        .arg("-c")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("gzip");
    let mut input = gzip.stdin.take().expect("piped");
    std::thread::scope(|scope| {
        scope.spawn(move || input.write_all(data).expect("gzip reads"));
        gzip.wait_with_output().expect("gzip ends").stdout
    })
}

fn noise() -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as u32
    };
    (0..HARD_BYTES / 8).flat_map(|_| next().to_le_bytes()).collect()
}

fn decode(row: &str, codec: Codec, chunk_bytes: u32, data: &[u8]) {
    let mut compress = libwim::encoder(codec, chunk_bytes);
    let mut chunks = Vec::new();
    for chunk in data.chunks(chunk_bytes as usize) {
        let mut compressed = Vec::new();
        if compress(chunk, &mut compressed).is_some() {
            chunks.push((compressed, chunk));
        }
    }
    let mut ours = Decoder::new(codec, chunk_bytes).expect("a chunk size of the format");
    let mut ours = |from: &[u8], to: &mut [u8]| ours.decompress(from, to).expect("a valid chunk");
    let mut theirs = libwim::decoder(codec, chunk_bytes);
    let largest = data.len().min(chunk_bytes as usize);
    let mut outputs = [vec![0; largest], vec![0; largest]];
    let mut sums = [Duration::ZERO; 2];
    for group in chunks.chunks((GROUP_BYTES / chunk_bytes as usize).max(1)) {
        for (compressed, chunk) in group {
            ours(compressed, &mut outputs[0][..chunk.len()]);
            theirs(compressed, &mut outputs[1][..chunk.len()]);
            assert!(
                outputs.iter().all(|output| output[..chunk.len()] == **chunk),
                "{row}"
            );
        }
        let [our_output, their_output] = &mut outputs;
        let mut our_turn = || {
            group
                .iter()
                .for_each(|(from, to)| ours(from, &mut our_output[..to.len()]));
        };
        let mut their_turn = || {
            group
                .iter()
                .for_each(|(from, to)| theirs(from, &mut their_output[..to.len()]));
        };
        let least = cpu_time::least(DECODE_ROUNDS, [&mut our_turn, &mut their_turn]);
        sums = [sums[0] + least[0], sums[1] + least[1]];
    }
    print_row(row, chunks.iter().map(|(_, chunk)| chunk.len()).sum(), sums, "");
}

fn encode(row: &str, codec: Codec, chunk_bytes: u32, data: &[u8]) {
    let mut encoder = Encoder::new(codec, chunk_bytes).expect("a chunk size of the format");
    let mut ours = |chunk: &[u8], output: &mut Vec<u8>| encoder.compress(chunk, output);
    let mut theirs = libwim::encoder(codec, chunk_bytes);
    let mut back = libwim::decoder(codec, chunk_bytes);
    let mut outputs = [Vec::new(), Vec::new()];
    let mut decoded = vec![0; chunk_bytes as usize];
    let mut sizes = [0_usize; 2];
    let mut sums = [Duration::ZERO; 2];
    let rounds = if codec == Codec::Lzms {
        LZMS_ENCODE_ROUNDS
    } else {
        ENCODE_ROUNDS
    };
    for group in data.chunks(GROUP_BYTES.max(chunk_bytes as usize)) {
        let chunks = || group.chunks(chunk_bytes as usize);
        for chunk in chunks() {
            let [our_output, their_output] = &mut outputs;
            sizes[1] += theirs(chunk, their_output).map_or(chunk.len(), |()| their_output.len());
            sizes[0] += match ours(chunk, our_output) {
                Some(()) => {
                    back(our_output, &mut decoded[..chunk.len()]);
                    assert!(decoded[..chunk.len()] == *chunk, "{row}");
                    our_output.len()
                }
                None => chunk.len(),
            };
        }
        let [our_output, their_output] = &mut outputs;
        let mut our_turn = || chunks().for_each(|chunk| _ = ours(chunk, our_output));
        let mut their_turn = || chunks().for_each(|chunk| _ = theirs(chunk, their_output));
        let least = cpu_time::least(rounds, [&mut our_turn, &mut their_turn]);
        sums = [sums[0] + least[0], sums[1] + least[1]];
    }
    let more = 100.0 * (sizes[0] as f64 / sizes[1] as f64 - 1.0);
    print_row(row, data.len(), sums, &format!("{more:+.2} %"));
}

fn print_row(row: &str, bytes: usize, [ours, theirs]: [Duration; 2], size: &str) {
    let speed = |time: Duration| bytes as f64 / 1e6 / time.as_secs_f64();
    let ratio = theirs.as_secs_f64() / ours.as_secs_f64();
    println!(
        "| {row} | {:.0} | {:.0} | {ratio:.2} | {size} |",
        speed(ours),
        speed(theirs)
    );
}

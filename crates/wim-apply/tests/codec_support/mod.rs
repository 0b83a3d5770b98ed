//! Chunks as other programs wrote them: a minimal WIM reader that shares no code with the crate's own.

#![allow(clippy::unwrap_used, reason = "test support: a failure is a test failure")]
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

pub mod encode;
pub mod libwim;

use sha1::{Digest, Sha1};
use wim_apply::codec::{Codec, DecodeError, Decoder, lzms, lzx, xpress};

/// One blob or metadata resource, or a solid resource with the blobs in it.
pub struct Resource {
    pub codec: Codec,
    pub chunk_bytes: u32,
    /// Compressed chunks with their uncompressed sizes; equal sizes mean stored.
    pub chunks: Vec<(Vec<u8>, usize)>,
    /// (offset in the uncompressed resource, size, SHA-1).
    pub blobs: Vec<(usize, usize, [u8; 20])>,
}

fn number(bytes: &[u8], at: usize, size: usize) -> usize {
    let mut wide = [0; 8];
    wide[..size].copy_from_slice(&bytes[at..at + size]);
    usize::try_from(u64::from_le_bytes(wide)).unwrap()
}

struct Header {
    size_in_file: usize,
    flags: u8,
    offset: usize,
    size: usize,
}

fn header(bytes: &[u8], at: usize) -> Header {
    Header {
        size_in_file: number(bytes, at, 7),
        flags: bytes[at + 7],
        offset: number(bytes, at + 8, 8),
        size: number(bytes, at + 16, 8),
    }
}

const COMPRESSED: u8 = 4;
const SOLID: u8 = 0x10;

/// Every compressed resource of a WIM file.
pub fn resources(wim: &[u8]) -> Vec<Resource> {
    assert_eq!(&wim[..8], b"MSWIM\0\0\0");
    let flags = number(wim, 16, 4);
    let codec = match flags & 0xe_0000 {
        0x2_0000 => Codec::Xpress,
        0x4_0000 => Codec::Lzx,
        0x8_0000 => Codec::Lzms,
        _ => return Vec::new(),
    };
    let chunk_bytes = u32::try_from(number(wim, 20, 4)).unwrap();
    let table = header(wim, 0x30);
    let table = &wim[table.offset..table.offset + table.size];
    let mut found: Vec<Resource> = Vec::new();
    let mut solid = Vec::new();
    for entry in table.chunks_exact(50) {
        let place = header(entry, 0);
        let hash: [u8; 20] = entry[30..50].try_into().unwrap();
        if place.flags & SOLID != 0 {
            solid.push((place, hash));
        } else if place.flags & COMPRESSED != 0 {
            let chunks = plain_chunks(wim, &place, chunk_bytes);
            found.push(Resource {
                codec,
                chunk_bytes,
                chunks,
                blobs: vec![(0, place.size, hash)],
            });
        }
    }
    found.extend(solid_resources(wim, &solid));
    found
}

fn plain_chunks(wim: &[u8], place: &Header, chunk_bytes: u32) -> Vec<(Vec<u8>, usize)> {
    let count = place.size.div_ceil(chunk_bytes as usize);
    let entry_bytes = if place.size > u32::MAX as usize { 8 } else { 4 };
    let data = &wim[place.offset..place.offset + place.size_in_file];
    let start = (count - 1) * entry_bytes;
    let begin = |i: usize| {
        if i == 0 {
            start
        } else {
            start + number(data, (i - 1) * entry_bytes, entry_bytes)
        }
    };
    (0..count)
        .map(|i| {
            let end = if i + 1 == count { data.len() } else { begin(i + 1) };
            let size = (place.size - i * chunk_bytes as usize).min(chunk_bytes as usize);
            (data[begin(i)..end].to_vec(), size)
        })
        .collect()
}

fn solid_resources(wim: &[u8], entries: &[(Header, [u8; 20])]) -> Vec<Resource> {
    let mut found = Vec::new();
    let mut base = 0;
    for (place, _) in entries.iter().filter(|(place, _)| place.size == 1 << 32) {
        let data = &wim[place.offset..place.offset + place.size_in_file];
        let (size, chunk_bytes) = (number(data, 0, 8), number(data, 8, 4));
        let codec = match number(data, 12, 4) {
            1 => Codec::Xpress,
            2 => Codec::Lzx,
            3 => Codec::Lzms,
            other => panic!("solid resource of format {other}"),
        };
        let count = size.div_ceil(chunk_bytes);
        let mut at = 16 + 4 * count;
        let mut chunks = Vec::new();
        for i in 0..count {
            let compressed = number(data, 16 + 4 * i, 4);
            chunks.push((
                data[at..at + compressed].to_vec(),
                (size - i * chunk_bytes).min(chunk_bytes),
            ));
            at += compressed;
        }
        let inside = entries
            .iter()
            .filter(|(place, _)| place.size != 1 << 32 && (base..base + size).contains(&place.offset));
        let blobs = inside
            .map(|(place, hash)| (place.offset - base, place.size_in_file, *hash))
            .collect();
        found.push(Resource {
            codec,
            chunk_bytes: u32::try_from(chunk_bytes).unwrap(),
            chunks,
            blobs,
        });
        base += size;
    }
    found
}

impl Resource {
    /// Decodes every chunk with `decode` and checks every blob's SHA-1.
    pub fn check(&self, mut decode: impl FnMut(&[u8], &mut [u8]) -> Result<(), DecodeError>) -> Vec<u8> {
        let mut all = Vec::new();
        for (compressed, size) in &self.chunks {
            let start = all.len();
            all.resize(start + size, 0xaa);
            if compressed.len() == *size {
                all[start..].copy_from_slice(compressed);
            } else {
                decode(compressed, &mut all[start..]).unwrap_or_else(|e| panic!("{e}"));
            }
        }
        for &(offset, size, hash) in &self.blobs {
            let digest: [u8; 20] = Sha1::digest(&all[offset..offset + size]).into();
            assert_eq!(digest, hash, "{:?} blob at {offset}, {size} bytes", self.codec);
        }
        all
    }
}

/// The fast decoder for a resource.
pub fn decoder(resource: &Resource) -> Decoder {
    Decoder::new(resource.codec, resource.chunk_bytes).unwrap()
}

/// Decodes with the plain decoder.
pub fn reference(resource: &Resource, input: &[u8], output: &mut [u8]) -> Result<(), DecodeError> {
    match resource.codec {
        Codec::Xpress => xpress::reference::decompress(input, output),
        Codec::Lzx => lzx::reference::decompress(resource.chunk_bytes, input, output),
        Codec::Lzms => lzms::reference::decompress(input, output),
    }
}

/// A small deterministic generator (xorshift).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }
}

/// A chunk with one to four bytes changed, one time in four also cut off; the allocation ends where it does.
pub fn mutated(chunk: &[u8], seed: u64) -> Box<[u8]> {
    let mut random = Random((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut damaged = chunk.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(damaged.len());
        damaged[at] = random.next().to_le_bytes()[0];
    }
    if random.below(4) == 0 {
        damaged.truncate(random.below(damaged.len()));
    }
    damaged.into_boxed_slice()
}

/// Bytes with what the formats make use of: text, runs, records with small differences, code with calls to the
/// same places, and noise.
pub fn corpus() -> Vec<(&'static str, Vec<u8>)> {
    let mut random = Random(42);
    let words = [
        "partition",
        "volume ",
        "the ",
        "boot",
        "sector, ",
        "of ",
        "a ",
        "file\r\n",
        "0x",
        "Windows",
    ];
    let text: Vec<u8> = (0..60_000)
        .flat_map(|_| words[random.below(words.len())].bytes())
        .collect();
    let records = (0..40_000_u32).flat_map(|i| [i * 3 + (i % 7), 0x4000_0000 + i * 16].map(u32::to_le_bytes));
    let records: Vec<u8> = records.flatten().collect();
    let noise: Vec<u8> = (0..70_001).map(|_| random.next().to_le_bytes()[0]).collect();
    let runs: Vec<u8> = (0..900).flat_map(|i| vec![noise[i]; random.below(800)]).collect();
    let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let code = own[own.len() / 4..][..1_500_000.min(own.len() / 2)].to_vec();
    let calls = calls(&mut random);
    let short = b"a short file, a short file".to_vec();
    vec![
        ("calls", calls),
        ("code", code),
        ("noise", noise),
        ("records", records),
        ("runs", runs),
        ("short", short),
        ("text", text),
    ]
}

/// Instructions with relative operands, most of them to a few targets.
fn calls(random: &mut Random) -> Vec<u8> {
    const OPCODES: [&[u8]; 12] = [
        &[0xe8],
        &[0xe9],
        &[0xff, 0x15],
        &[0xf0, 0x83, 0x05],
        &[0x48, 0x8b, 0x05],
        &[0x48, 0x8b, 0x0d],
        &[0x48, 0x8b, 0x15],
        &[0x48, 0x8d, 0x0d],
        &[0x4c, 0x8d, 0x3d],
        &[0x4c, 0x8b, 0x05],
        &[0x48, 0x89, 0x05],
        &[0x90],
    ];
    let mut code = Vec::new();
    while code.len() < 300_000 {
        code.extend(OPCODES[random.below(OPCODES.len())]);
        let target = 0x1000 * random.below(16);
        code.extend((target as u32).wrapping_sub(code.len() as u32).to_le_bytes());
        code.extend(std::iter::repeat_n(0xcc, random.below(3)));
        if random.below(200) == 0 {
            code.extend(std::iter::repeat_n(0x41, random.below(1500)));
        }
    }
    code
}

/// A WIM of [`corpus`] that wimlib captured; `None` when tests do without foreign programs.
pub fn captured(options: &[&str]) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    std::fs::create_dir(&source).unwrap();
    for (name, bytes) in corpus() {
        std::fs::write(source.join(name), bytes).unwrap();
    }
    let wim = folder.path().join("captured.wim");
    let mut command = testkit::tool("wimlib-imagex")?;
    testkit::run(
        command
            .arg("capture")
            .arg(&source)
            .arg(&wim)
            .args(["--no-acls", "--threads=1"])
            .args(options),
    );
    Some(std::fs::read(&wim).unwrap())
}

/// A WIM of one image with one file, `file`, stored as these chunks.
pub fn wim_of_one_file(codec: Codec, data: &[u8], chunks: &[Vec<u8>], chunk_bytes: u32) -> Vec<u8> {
    let mut resource = Vec::new();
    let mut end = 0_u32;
    for chunk in &chunks[..chunks.len() - 1] {
        end += u32::try_from(chunk.len()).unwrap();
        resource.extend(end.to_le_bytes());
    }
    resource.extend(chunks.concat());
    let data_hash: [u8; 20] = Sha1::digest(data).into();

    // Security data of no descriptors, then the root, and its one child.
    let mut metadata = [8_u32, 0].map(u32::to_le_bytes).concat();
    let root_bytes = 104;
    metadata.extend(dentry(0x10, 8 + root_bytes + 8, &[0; 20], ""));
    metadata.extend([0; 8]);
    metadata.extend(dentry(0x20, 0, &data_hash, "file"));
    metadata.extend([0; 8]);
    let metadata_hash: [u8; 20] = Sha1::digest(&metadata).into();

    let xml = "\u{feff}<WIM><IMAGE INDEX=\"1\"><NAME>one</NAME></IMAGE></WIM>";
    let xml: Vec<u8> = xml.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut wim = vec![0; 208];
    let mut place = |bytes: &[u8], flags: u64, size: usize| {
        let header = [bytes.len() as u64 | flags << 56, wim.len() as u64, size as u64];
        wim.extend(bytes);
        header.map(u64::to_le_bytes).concat()
    };
    let stored_data = if resource.len() == data.len() { 0 } else { 4 };
    let entry = |place: Vec<u8>, hash: &[u8]| [&place, &[1, 0, 1, 0, 0, 0][..], hash].concat();
    let table = [
        entry(place(&resource, stored_data, data.len()), &data_hash),
        entry(place(&metadata, 2, metadata.len()), &metadata_hash),
    ]
    .concat();
    let table = place(&table, 0, table.len());
    let xml = place(&xml, 0, xml.len());

    wim[..8].copy_from_slice(b"MSWIM\0\0\0");
    let flags = 2 | match codec {
        Codec::Xpress => 0x2_0000,
        Codec::Lzx => 0x4_0000,
        Codec::Lzms => 0x8_0000,
    };
    let words = [208, 0x10d00, flags, chunk_bytes];
    wim[8..24].copy_from_slice(&words.map(u32::to_le_bytes).concat());
    wim[24..40].fill(0x5a);
    wim[40..48].copy_from_slice(&[1, 0, 1, 0, 1, 0, 0, 0]);
    wim[48..72].copy_from_slice(&table);
    wim[72..96].copy_from_slice(&xml);
    wim
}

/// A directory entry: 102 bytes, the name, and padding.
fn dentry(attributes: u32, children: usize, hash: &[u8; 20], name: &str) -> Vec<u8> {
    let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut entry = vec![0; 102];
    entry[8..12].copy_from_slice(&attributes.to_le_bytes());
    entry[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
    entry[16..24].copy_from_slice(&(children as u64).to_le_bytes());
    entry[64..84].copy_from_slice(hash);
    entry[100..102].copy_from_slice(&u16::try_from(name.len()).unwrap().to_le_bytes());
    if !name.is_empty() {
        entry.extend(&name);
        entry.extend([0; 2]);
    }
    entry.resize(entry.len().next_multiple_of(8), 0);
    let bytes = entry.len() as u64;
    entry[..8].copy_from_slice(&bytes.to_le_bytes());
    entry
}

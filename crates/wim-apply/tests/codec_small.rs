//! The decoders on small chunks, whole and damaged, with no file and no other program: for interpreters and checkers of
//! memory accesses, under which everything is slow.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail with the test")]

mod codec_support;

use codec_support::{Random, mutated};
use wim_apply::codec::{Codec, DecodeError, Decoder, Encoder, lzms, lzx, xpress};

const DAMAGED: u64 = 60;

/// Words, calls to one place, and rising numbers: 921 bytes, which libwim 1.13.6 made an LZMS chunk of.
fn data() -> Vec<u8> {
    let words = ["partition ", "volume ", "the ", "boot ", "sector, "];
    let mut data = Vec::new();
    let mut state = 12_345_u32;
    for i in 0..90_u32 {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345) & 0x7fff_ffff;
        data.extend(words[(state >> 16) as usize % words.len()].bytes());
        if i % 9 == 0 {
            let target = 0x1000_u32.wrapping_sub(data.len() as u32);
            data.push(0xe8);
            data.extend(target.to_le_bytes());
        }
        if i % 13 == 0 {
            data.extend((i * 3).to_le_bytes());
        }
    }
    data.extend((0..60_u32).flat_map(|i| (0x4000 + i * 16).to_le_bytes()));
    data
}

const LZMS_CHUNK: &str = "\
    8411bf3acb14c3b0ae9b6077d13d00634c19eec6b2795e898bf7ea1600000040fd59db202bc81b93b541000000018c8661a5\
    26caad7377dfb7f8aaab8bbfa2b262bd476f4eb51286bbd32cc877a37b068a49cdb0ddd69c6357b36c28995ddd364b71548b\
    ed0d5037665e4eb3ae5ce32167a93624d923ab416ced75c2bea2255fccd3062b08000e2b378939724aadb827dd5616b937ba\
    b1b2b92bd2e2aa8b9e3296b5d5b1bdd981b8bd55591a9d5c181c070852864677158a61000ffbe820746f6f62";

/// Both decoders on a chunk, and on damaged ones like it, which may have any size from none to that of the data.
fn check(
    codec: Codec,
    chunk: &[u8],
    data: &[u8],
    plain: impl Fn(&[u8], &mut [u8]) -> Result<(), DecodeError>,
) {
    let mut decoder = Decoder::new(codec, 32_768).unwrap();
    let mut both = |chunk: &[u8], size: usize| {
        let [mut ours, mut theirs] = [0x55, 0xaa].map(|byte| vec![byte; size].into_boxed_slice());
        let [result, plain_result] = [decoder.decompress(chunk, &mut ours), plain(chunk, &mut theirs)];
        assert_eq!(
            result.is_ok(),
            plain_result.is_ok(),
            "{result:?}, {plain_result:?}"
        );
        result.ok().map(|()| {
            assert!(ours == theirs);
            ours
        })
    };
    assert!(both(chunk, data.len()).unwrap()[..] == *data);
    let mut random = Random(7);
    for seed in 0..DAMAGED {
        let damaged = mutated(chunk, seed);
        both(&damaged, data.len());
        both(&damaged, random.below(data.len()));
        both(chunk, random.below(data.len()));
    }
}

#[test]
fn codec_small_xpress() {
    let mut chunk = Vec::new();
    let data = data();
    xpress::Encoder::new().compress(&data, &mut chunk).unwrap();
    check(Codec::Xpress, &chunk, &data, xpress::reference::decompress);
}

#[test]
fn codec_small_lzx() {
    let mut chunk = Vec::new();
    let data = data();
    let mut encoder = Encoder::new(Codec::Lzx, lzx::MIN_WINDOW_BYTES).unwrap();
    encoder.compress(&data, &mut chunk).unwrap();
    check(Codec::Lzx, &chunk, &data, |input, output| {
        lzx::reference::decompress(lzx::MIN_WINDOW_BYTES, input, output)
    });
}

#[test]
fn codec_small_lzms() {
    let digits = LZMS_CHUNK.as_bytes().as_chunks::<2>().0;
    let chunk: Vec<u8> = digits
        .iter()
        .map(|two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap())
        .collect();
    check(Codec::Lzms, &chunk, &data(), lzms::reference::decompress);
}

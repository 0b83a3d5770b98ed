//! The encoder against foreign decoders, and against our own on anything.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail with the test")]

mod codec_support;

use codec_support::corpus;
use codec_support::encode::{check_with_other_programs, compressed, is_as_dense_as_that_of_wimlib};
use proptest::prelude::*;
use wim_apply::codec::{Codec, Decoder, Encoder, lzms, lzx, xpress};

#[test]
fn other_programs_decode_xpress() {
    for chunk_bytes in [4096, 8192, 16_384, 32_768, 65_536] {
        for (name, data) in corpus() {
            check_with_other_programs(Codec::Xpress, chunk_bytes, name, &data);
        }
    }
}

#[test]
fn other_programs_decode_lzx() {
    for (name, data) in corpus() {
        check_with_other_programs(Codec::Lzx, lzx::MIN_WINDOW_BYTES, name, &data);
    }
}

#[test]
fn other_programs_decode_lzx_of_every_window() {
    // Blocks of several kinds, matches from far away, and calls all over the chunk.
    let data: Vec<u8> = corpus().into_iter().flat_map(|(_, data)| data).collect();
    let data = [&data[..1_500_000], &data[400_000..1_200_000]].concat();
    for order in 16..=21 {
        check_with_other_programs(Codec::Lzx, 1 << order, "all", &data);
    }
}

#[test]
fn sizes_that_are_not_compressed() {
    let noise = &corpus()[2].1[..32_768];
    for (codec, chunk_bytes) in [
        (Codec::Xpress, xpress::MAX_CHUNK_BYTES),
        (Codec::Lzx, lzx::MIN_WINDOW_BYTES),
        (Codec::Lzms, 32_768),
    ] {
        let mut encoder = Encoder::new(codec, chunk_bytes).unwrap();
        let chunk_bytes = chunk_bytes as usize;
        let mut output = vec![1, 2, 3];
        assert!(encoder.compress(&[], &mut output).is_none());
        assert!(encoder.compress(&[0], &mut output).is_none());
        assert!(encoder.compress(noise, &mut output).is_none());
        assert!(encoder.compress(&vec![0; chunk_bytes + 1], &mut output).is_none());
        assert!(encoder.compress(&vec![0; chunk_bytes], &mut output).is_some());
        assert!(output.len() < chunk_bytes / 100);
    }
    assert!(
        xpress::Encoder::new()
            .compress(&[0; 256], &mut Vec::new())
            .is_none()
    );
}

#[test]
fn encoders_exist_for_the_chunk_sizes_of_their_format() {
    let exists = |codec, chunk_bytes| Encoder::new(codec, chunk_bytes).map(|encoder| encoder.codec());
    assert_eq!(exists(Codec::Xpress, 65_536), Some(Codec::Xpress));
    assert_eq!(exists(Codec::Xpress, 65_537), None);
    for order in 15..=21 {
        assert_eq!(exists(Codec::Lzx, 1 << order), Some(Codec::Lzx));
    }
    assert_eq!(exists(Codec::Lzx, 1 << 14), None);
    assert_eq!(exists(Codec::Lzx, 40_000), None);
    assert_eq!(exists(Codec::Lzms, 1 << 15), Some(Codec::Lzms));
    assert_eq!(exists(Codec::Lzms, 1 << 26), Some(Codec::Lzms));
    assert_eq!(exists(Codec::Lzms, 1 << 27), None);
}

/// A chunk must not depend on those before it: workers share chunks out as they come.
#[test]
fn equal_input_gives_equal_output() {
    for (codec, chunk_bytes) in [
        (Codec::Xpress, 4096),
        (Codec::Xpress, 32_768),
        (Codec::Xpress, 65_536),
        (Codec::Lzx, 32_768),
        (Codec::Lzx, 1 << 17),
        (Codec::Lzms, 1 << 17),
    ] {
        for (name, data) in corpus() {
            let data = &data[..data.len().min(500_000)];
            let alone = data
                .chunks(chunk_bytes as usize)
                .flat_map(|chunk| compressed(codec, chunk, chunk_bytes));
            assert!(
                compressed(codec, data, chunk_bytes) == alone.collect::<Vec<_>>(),
                "{codec:?} {name}"
            );
        }
    }
}

/// The same when the chunks have many sizes, and the last ones begin as those before did.
#[test]
fn equal_input_gives_equal_output_after_chunks_of_any_size() {
    let data: Vec<u8> = corpus().into_iter().flat_map(|(_, data)| data).collect();
    let mut encoder = Encoder::new(Codec::Xpress, 65_536).unwrap();
    let (mut output, mut alone) = (Vec::new(), Vec::new());
    for size in [
        65_536, 3, 300, 4096, 65_533, 65_534, 65_535, 1000, 40_000, 32_768, 32_767, 257, 65_536,
    ] {
        for chunk in [&data[..size], &data[size..2 * size], &vec![7; size]] {
            let done = encoder.compress(chunk, &mut output);
            let done_alone = xpress::Encoder::new().compress(chunk, &mut alone);
            assert_eq!(done, done_alone, "{size}");
            assert!(done.is_none() || output == alone, "{size}");
            if done.is_some() {
                let mut back = vec![0; size];
                xpress::reference::decompress(&output, &mut back).unwrap();
                assert!(back == chunk, "{size}");
            }
        }
    }
}

/// Long runs of literals are passed over quickly, and what is in them is found all the same.
#[test]
fn repeats_amid_noise_are_found() {
    let noise = &corpus()[2].1[..40_000];
    for at in [0, 1000, 1003, 9001] {
        let mut data = noise.to_vec();
        data.copy_within(at..at + 700, 30_001);
        let chunks = compressed(Codec::Xpress, &data, 65_536);
        assert!(chunks[0].len() + 400 < data.len(), "{at}: {}", chunks[0].len());
    }
}

#[test]
fn lzx_is_as_dense_as_that_of_wimlib() {
    let options = ["--compress=LZX", "--chunk-size=32K"];
    is_as_dense_as_that_of_wimlib(&options, Codec::Lzx, 32_768, 104);
}

/// Literals and repeats of what was before.
fn data() -> impl Strategy<Value = Vec<u8>> {
    let part = (
        any::<bool>(),
        prop::collection::vec(0_u8..20, 1..60),
        1_usize..5000,
        1_usize..2000,
    );
    prop::collection::vec(part, 1..40).prop_map(|parts| {
        let mut data = vec![0_u8];
        for (repeat, literals, offset, length) in parts {
            if repeat {
                for _ in 0..length {
                    data.push(data[data.len() - offset.min(data.len())]);
                }
            } else {
                data.extend(literals);
            }
        }
        data
    })
}

/// Text, calls and numbers, which the codes and the x86 filter of LZX meet.
fn code() -> impl Strategy<Value = Vec<u8>> {
    let part = (0_u8..4, any::<i32>(), 0_u32..24, 1_usize..40);
    prop::collection::vec(part, 1..400).prop_map(|parts| {
        let mut data = Vec::new();
        for (kind, number, shift, count) in parts {
            match kind {
                0 => data.extend(std::iter::repeat_n(0xe8, count % 4)),
                1 => data.extend((number >> shift).to_le_bytes()),
                2 => data.extend(std::iter::repeat_n(shift as u8, count)),
                _ => {
                    data.push(0xe8);
                    data.extend((12_000_000_i32.wrapping_sub(data.len() as i32) + number % 9).to_le_bytes());
                }
            }
        }
        data
    })
}

fn check(codec: Codec, chunk_bytes: u32, data: &[u8]) -> Result<(), TestCaseError> {
    let mut output = Vec::new();
    let mut encoder = Encoder::new(codec, chunk_bytes).unwrap();
    for chunk in data.chunks(chunk_bytes as usize) {
        if encoder.compress(chunk, &mut output).is_some() {
            prop_assert!(output.len() < chunk.len());
            let mut back = vec![0; chunk.len()];
            let mut decoder = Decoder::new(codec, chunk_bytes).unwrap();
            decoder.decompress(&output, &mut back).unwrap();
            prop_assert!(back == chunk);
            back.fill(0);
            match codec {
                Codec::Xpress => xpress::reference::decompress(&output, &mut back),
                Codec::Lzx => lzx::reference::decompress(chunk_bytes, &output, &mut back),
                Codec::Lzms => lzms::reference::decompress(&output, &mut back),
            }
            .unwrap();
            prop_assert!(back == chunk);
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn decoding_xpress_gives_back_what_was_encoded(data in data()) {
        check(Codec::Xpress, 65_536, &data)?;
    }

    #[test]
    fn decoding_lzx_gives_back_what_was_encoded(data in prop_oneof![data(), code()], order in 15_u32..=17) {
        check(Codec::Lzx, 1 << order, &data)?;
    }

    #[test]
    fn decoding_lzms_gives_back_what_was_encoded(data in prop_oneof![data(), code()]) {
        check(Codec::Lzms, 1 << 17, &data)?;
    }
}

//! The LZMS encoder against foreign decoders and against wimlib's encoder.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail with the test")]

mod codec_support;

use codec_support::corpus;
use codec_support::encode::{check_with_other_programs, compressed, is_as_dense_as_that_of_wimlib};
use wim_apply::codec::{Codec, Decoder, Encoder, lzms};

/// Data of every kind that the items of LZMS are for.
fn lzms_data() -> Vec<(&'static str, Vec<u8>)> {
    let samples = (0..70_000_u32).map(|i| (1000 * (i % 500) / 37) as u16);
    let wide = (0..9000_u64).flat_map(|i| [i * 48, 7_000_000_000 + i * i].map(u64::to_le_bytes));
    let mut data = corpus();
    data.push(("zeros", vec![0; 140_000]));
    data.push(("samples", samples.flat_map(u16::to_le_bytes).collect()));
    data.push(("wide records", wide.flatten().collect()));
    data
}

#[test]
fn all_decoders_give_back_what_lzms_encoded_of_any_size() {
    const CHUNK_BYTES: u32 = 1 << 17;
    let mut encoder = Encoder::new(Codec::Lzms, CHUNK_BYTES).unwrap();
    let mut decoder = Decoder::new(Codec::Lzms, CHUNK_BYTES).unwrap();
    let mut libwim = codec_support::libwim::decoder(Codec::Lzms, CHUNK_BYTES);
    let around_powers = (8..=17).flat_map(|log2| [-1, 0, 1].map(|more| ((1_isize << log2) + more) as usize));
    let sizes: Vec<usize> = (1..=200).chain(around_powers).collect();
    let mut output = Vec::new();
    for (name, data) in lzms_data() {
        for &size in sizes
            .iter()
            .filter(|&&size| size <= data.len().min(CHUNK_BYTES as usize))
        {
            let plain = &data[data.len() - size..];
            if encoder.compress(plain, &mut output).is_none() {
                continue;
            }
            assert!(
                output.len() < size && output.len().is_multiple_of(2),
                "{name} {size}"
            );
            let mut back = vec![0x55; size];
            decoder.decompress(&output, &mut back).unwrap();
            assert!(back == plain, "{name} {size}");
            back.fill(0xaa);
            lzms::reference::decompress(&output, &mut back).unwrap();
            assert!(back == plain, "{name} {size}, plain decoder");
            if let Some(libwim) = &mut libwim {
                back.fill(0xaa);
                assert!(libwim(&output, &mut back), "{name} {size}, libwim");
                assert!(back == plain, "{name} {size}, libwim");
            }
        }
    }
}

/// What has regular differences, but hardly a byte twice in a row the same, becomes small by delta matches only.
#[test]
fn regular_differences_become_small() {
    for (name, data) in lzms_data() {
        let share = match name {
            "zeros" => 1000,
            "samples" => 30,
            "records" => 8,
            "wide records" => 5,
            _ => continue,
        };
        let packed: usize = compressed(Codec::Lzms, &data, 1 << 26).iter().map(Vec::len).sum();
        assert!(packed * share < data.len(), "{name} {packed} of {}", data.len());
    }
}

#[test]
fn other_programs_decode_lzms() {
    for (name, data) in lzms_data() {
        check_with_other_programs(Codec::Lzms, 1 << 17, name, &data);
    }
    let data: Vec<u8> = corpus().into_iter().flat_map(|(_, data)| data).collect();
    check_with_other_programs(Codec::Lzms, 1 << 15, "all", &data);
    check_with_other_programs(Codec::Lzms, lzms::MAX_ENCODED_CHUNK_BYTES, "all", &data);
}

#[test]
fn lzms_is_as_dense_as_that_of_wimlib() {
    let options = ["--compress=LZMS", "--chunk-size=128K"];
    is_as_dense_as_that_of_wimlib(&options, Codec::Lzms, 1 << 17, 102);
    is_as_dense_as_that_of_wimlib(&["--solid"], Codec::Lzms, 1 << 26, 102);
}

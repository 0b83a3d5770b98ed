//! The encoder against foreign decoders, and against our own on anything.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail with the test")]

mod codec_support;

use codec_support::{corpus, wim_of_one_file};
use proptest::prelude::*;
use wim_apply::codec::xpress;

/// Compresses in chunks; a chunk that does not shrink is stored.
fn compressed(data: &[u8], chunk_bytes: usize) -> Vec<Vec<u8>> {
    let mut encoder = xpress::Encoder::new();
    let mut output = Vec::new();
    data.chunks(chunk_bytes)
        .map(|chunk| {
            encoder
                .compress(chunk, &mut output)
                .map_or(chunk.to_vec(), |()| output.clone())
        })
        .collect()
}

#[test]
fn other_programs_decode_it() {
    for chunk_bytes in [4096, 8192, 16_384, 32_768, 65_536] {
        for (name, data) in corpus() {
            let chunks = compressed(&data, chunk_bytes);
            let folder = tempfile::tempdir().unwrap();
            let wim = folder.path().join("one.wim");
            std::fs::write(&wim, wim_of_one_file(&data, &chunks, chunk_bytes)).unwrap();
            let Some(mut wimlib) = testkit::tool("wimlib-imagex") else {
                return;
            };
            let got = testkit::run(
                wimlib
                    .arg("extract")
                    .arg(&wim)
                    .args(["1", "/file", "--to-stdout"]),
            );
            assert!(got.stdout == data, "wimlib, {name}, {chunk_bytes}");
            // 7-Zip reads only what Microsoft's tools write.
            let Some(mut sevenzip) = testkit::tool("7z") else {
                return;
            };
            let got = testkit::run(sevenzip.args(["x", "-so"]).arg(&wim).arg("file"));
            assert!(got.stdout == data, "7z, {name}, {chunk_bytes}");
        }
    }
}

#[test]
fn sizes_that_are_not_compressed() {
    let mut encoder = xpress::Encoder::new();
    let mut output = vec![1, 2, 3];
    assert!(encoder.compress(&[], &mut output).is_none());
    assert!(encoder.compress(&[0; 256], &mut output).is_none());
    assert!(encoder.compress(&vec![0; 65_537], &mut output).is_none());
    assert!(encoder.compress(&vec![0; 65_536], &mut output).is_some());
    let noise = &corpus()[2].1[..32_768];
    assert!(encoder.compress(noise, &mut output).is_none());
}

#[test]
fn equal_input_gives_equal_output() {
    for (_, data) in corpus() {
        assert!(compressed(&data, 32_768) == compressed(&data, 32_768));
    }
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
        data.truncate(65_536);
        data
    })
}

proptest! {
    #[test]
    fn decoding_gives_back_what_was_encoded(data in data()) {
        let mut output = Vec::new();
        if xpress::Encoder::new().compress(&data, &mut output).is_some() {
            prop_assert!(output.len() < data.len());
            let mut back = vec![0; data.len()];
            xpress::Decoder::new().decompress(&output, &mut back).unwrap();
            prop_assert!(back == data);
            back.fill(0);
            xpress::reference::decompress(&output, &mut back).unwrap();
            prop_assert!(back == data);
        }
    }
}

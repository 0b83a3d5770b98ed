//! Decoders against chunks that other programs wrote, and against each other on damaged ones.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail with the test")]

mod codec_support;

use codec_support::{Resource, captured, decoder, mutated, reference, resources};
use wim_apply::codec::{Codec, Decoder, Reason, lzx};

/// Checks both decoders of a resource, and that they give the same bytes.
fn check(resource: &Resource) {
    let fast = resource.check(|input, output| decoder(resource).decompress(input, output));
    let plain = resource.check(|input, output| reference(resource, input, output));
    assert!(fast == plain);
}

#[test]
fn sample_files() {
    let files = [
        "dissect-basic4k.wim",
        "dissect-basic16k.wim",
        "mwl-BootLZX.wim",
        "mwl-BootXPRESS.wim",
        "mwl-LZMS.wim",
        "mwl-LZX.wim",
        "mwl-MultiImage.wim",
        "mwl-Split.swm",
        "mwl-Split2.swm",
    ];
    for file in files {
        let Some(wim) = testkit::sample(&format!("wim/{file}")) else {
            continue;
        };
        resources(&wim).iter().for_each(check);
    }
}

#[test]
fn a_damaged_sample_is_refused() {
    let Some(wim) = testkit::sample("wim/mwl-VerifyFail.wim") else {
        return;
    };
    let damaged = resources(&wim).iter().any(|resource| {
        resource.chunks.iter().any(|(chunk, size)| {
            let mut output = vec![0; *size];
            chunk.len() < *size && decoder(resource).decompress(chunk, &mut output).is_err()
        })
    });
    assert!(damaged);
}

#[test]
fn files_of_every_chunk_size_from_wimlib() {
    let recipes: [&[&str]; 13] = [
        &["--compress=XPRESS", "--chunk-size=4096"],
        &["--compress=XPRESS", "--chunk-size=8192"],
        &["--compress=XPRESS", "--chunk-size=16384"],
        &["--compress=XPRESS"],
        &["--compress=XPRESS", "--chunk-size=65536"],
        &["--compress=LZX"],
        &["--compress=LZX", "--chunk-size=64K"],
        &["--compress=LZX", "--chunk-size=2M"],
        &["--compress=LZMS", "--chunk-size=32K"],
        &["--compress=LZMS", "--chunk-size=1M"],
        &["--solid"],
        &["--solid", "--solid-compress=XPRESS", "--solid-chunk-size=64K"],
        &["--solid", "--solid-compress=LZX", "--solid-chunk-size=2M"],
    ];
    for recipe in recipes {
        let Some(wim) = captured(recipe) else { return };
        let resources = resources(&wim);
        assert!(!resources.is_empty(), "{recipe:?}");
        resources.iter().for_each(check);
    }
}

/// Decodes damaged chunks with both decoders: they agree on which are valid, and on their bytes.
fn mutate(recipe: &[&str], count: usize) {
    let Some(wim) = captured(recipe) else { return };
    let resources = resources(&wim);
    let chunks: Vec<_> = resources
        .iter()
        .flat_map(|resource| resource.chunks.iter().map(move |chunk| (resource, chunk)))
        .filter(|(_, (chunk, size))| chunk.len() < *size)
        .collect();
    let mut decoder = decoder(chunks[0].0);
    let mut accepted = 0;
    for i in 0..count {
        let (resource, (chunk, size)) = chunks[i % chunks.len()];
        let damaged = mutated(chunk, i as u64);
        let (mut fast, mut plain) = (vec![0x55; *size], vec![0x55; *size]);
        let fast_result = decoder.decompress(&damaged, &mut fast);
        let plain_result = reference(resource, &damaged, &mut plain);
        assert_eq!(
            fast_result.is_ok(),
            plain_result.is_ok(),
            "{i}: {fast_result:?}, {plain_result:?}"
        );
        if fast_result.is_ok() {
            assert!(fast == plain, "{i}");
            accepted += 1;
        }
        // The decoder is as good as new.
        if i % 64 == 0 {
            decoder.decompress(chunk, &mut fast).unwrap();
        }
    }
    assert!(accepted < count);
}

#[test]
fn damaged_xpress_chunks() {
    mutate(&["--compress=XPRESS"], 2000);
    mutate(&["--compress=XPRESS", "--chunk-size=4096"], 2000);
}

#[test]
fn damaged_lzx_chunks() {
    mutate(&["--compress=LZX"], 4000);
}

#[test]
fn damaged_lzms_chunks() {
    mutate(&["--compress=LZMS", "--chunk-size=32K"], 4000);
}

#[test]
fn sizes_out_of_range() {
    assert!(Decoder::new(Codec::Lzx, 16_384).is_none());
    assert!(Decoder::new(Codec::Lzx, 40_000).is_none());
    assert!(Decoder::new(Codec::Lzx, 1 << 22).is_none());
    assert!(Decoder::new(Codec::Xpress, 1 << 17).is_none());
    assert!(Decoder::new(Codec::Lzms, (1 << 30) + 1).is_none());
    let mut xpress = Decoder::new(Codec::Xpress, 65_536).unwrap();
    assert_eq!(xpress.codec(), Codec::Xpress);
    let error = xpress.decompress(&[0; 300], &mut vec![0; 65_537]).unwrap_err();
    assert_eq!(error.reason, Reason::OutputSize);
    let error = xpress.decompress(&[0; 255], &mut [0; 10]).unwrap_err();
    assert_eq!(error.reason, Reason::InputSize);
    let mut lzms = Decoder::new(Codec::Lzms, 65_536).unwrap();
    for odd in [&[][..], &[0; 2], &[0; 5]] {
        assert_eq!(
            lzms.decompress(odd, &mut [0; 10]).unwrap_err().reason,
            Reason::InputSize
        );
    }
    let mut lzx = Decoder::new(Codec::Lzx, 32_768).unwrap();
    let error = lzx.decompress(&[0; 10], &mut vec![0; 32_769]).unwrap_err();
    assert_eq!(error.reason, Reason::OutputSize);
    assert!(
        error.to_string().contains("LZX chunk at compressed byte 0"),
        "{error}"
    );
}

#[test]
fn output_may_be_at_any_address() {
    for recipe in [&["--compress=XPRESS"], &["--compress=LZX"], &["--compress=LZMS"]] {
        let Some(wim) = captured(recipe) else { return };
        let resources = resources(&wim);
        let resource = resources.iter().find(|r| r.chunks.len() > 1).unwrap();
        let (chunk, size) = &resource.chunks[0];
        let mut expected = vec![0; *size];
        reference(resource, chunk, &mut expected).unwrap();
        for shift in 0..17 {
            let mut buffer = vec![0x77; size + 40];
            decoder(resource)
                .decompress(chunk, &mut buffer[shift..shift + size])
                .unwrap();
            assert!(buffer[shift..shift + size] == expected);
            assert!(
                buffer[..shift]
                    .iter()
                    .chain(&buffer[shift + size..])
                    .all(|&byte| byte == 0x77)
            );
        }
    }
}

/// What is left of the input after the first block is shorter than the reach of the bit reader.
#[test]
fn a_short_uncompressed_lzx_block_ends_the_chunk() {
    let mut encoder = lzx::Encoder::new(lzx::MIN_WINDOW_BYTES).unwrap();
    let mut found = 0;
    for zeros in 2000..2600_usize {
        let mut input = vec![0; zeros];
        // Various bytes, for various ends.
        input[..8].copy_from_slice(&zeros.wrapping_mul(0x1234_5678_9abc_def1).to_le_bytes());
        let mut chunk = Vec::new();
        encoder.compress(&input, &mut chunk).unwrap();
        // Three bits of type, one of the default size, 16 of the size; the rest of the second unit; three offsets;
        // four bytes.
        chunk.extend(0x6000_u16.to_le_bytes());
        chunk.extend(0x4000_u16.to_le_bytes());
        chunk.extend([1, 0, 0, 0].repeat(3));
        chunk.extend(b"last");
        input.extend(b"last");
        // The first block must have ended with its unit, or the second one is not found.
        let mut output = vec![0; input.len()];
        let plain = lzx::reference::decompress(lzx::MIN_WINDOW_BYTES, &chunk, &mut output);
        if plain.is_err() || output != input {
            continue;
        }
        found += 1;
        output.fill(0);
        let mut decoder = lzx::Decoder::new(lzx::MIN_WINDOW_BYTES).unwrap();
        decoder.decompress(&chunk, &mut output).unwrap();
        assert!(output == input, "{zeros}");
    }
    assert!(found > 3, "{found}");
}

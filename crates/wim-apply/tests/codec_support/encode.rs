//! Encoders beside other programs.

use wim_apply::codec::{Codec, Encoder};

use super::{captured, decoder, resources, wim_of_one_file};

/// Compresses in chunks; a chunk that does not shrink is stored.
pub fn compressed(codec: Codec, data: &[u8], chunk_bytes: u32) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new(codec, chunk_bytes).unwrap();
    let mut output = Vec::new();
    data.chunks(chunk_bytes as usize)
        .map(|chunk| {
            encoder
                .compress(chunk, &mut output)
                .map_or(chunk.to_vec(), |()| output.clone())
        })
        .collect()
}

pub fn check_with_other_programs(codec: Codec, chunk_bytes: u32, name: &str, data: &[u8]) {
    let chunks = compressed(codec, data, chunk_bytes);
    let folder = tempfile::tempdir().unwrap();
    let wim = folder.path().join("one.wim");
    std::fs::write(&wim, wim_of_one_file(codec, data, &chunks, chunk_bytes)).unwrap();
    let Some(mut wimlib) = testkit::tool("wimlib-imagex") else {
        return;
    };
    let got = testkit::run(
        wimlib
            .arg("extract")
            .arg(&wim)
            .args(["1", "/file", "--to-stdout"]),
    );
    assert!(got.stdout == data, "wimlib, {codec:?}, {name}, {chunk_bytes}");
    let Some(mut sevenzip) = testkit::tool("7z") else {
        return;
    };
    let got = testkit::run(sevenzip.args(["x", "-so"]).arg(&wim).arg("file"));
    assert!(got.stdout == data, "7z, {codec:?}, {name}, {chunk_bytes}");
}

/// Near what wimlib writes, which is known for its density; a parser that is broken falls behind a lot.
pub fn is_as_dense_as_that_of_wimlib(options: &[&str], codec: Codec, chunk_bytes: u32, percent: usize) {
    let Some(wim) = captured(options) else {
        return;
    };
    let (mut ours, mut theirs) = (0, 0);
    let mut encoder = Encoder::new(codec, chunk_bytes).unwrap();
    let mut output = Vec::new();
    for resource in resources(&wim) {
        let data = resource.check(|input, output| decoder(&resource).decompress(input, output));
        for (chunk, (compressed, size)) in data.chunks(chunk_bytes as usize).zip(&resource.chunks) {
            let done = encoder.compress(chunk, &mut output);
            ours += done.map_or(*size, |()| output.len());
            theirs += compressed.len();
        }
    }
    assert!(ours * 100 < theirs * percent, "{codec:?} {ours} {theirs}");
}

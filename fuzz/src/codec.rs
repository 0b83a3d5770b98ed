//! Fuzz targets: xpress, lzx, lzms.
//!
//! The first bytes choose the sizes, the rest is a chunk. The fast decoder and the plain one must agree.

use wim_apply::codec::{DecodeError, lzms, lzx, xpress};

/// Decodes with both, and compares verdicts and bytes.
fn compare(
    output_bytes: usize,
    fast: impl FnOnce(&mut [u8]) -> Result<(), DecodeError>,
    plain: impl FnOnce(&mut [u8]) -> Result<(), DecodeError>,
) {
    let (mut first, mut second) = (vec![0x55; output_bytes], vec![0xaa; output_bytes]);
    let (fast, plain) = (fast(&mut first), plain(&mut second));
    assert_eq!(fast.is_ok(), plain.is_ok(), "{fast:?}, {plain:?}");
    assert!(fast.is_err() || first == second, "different bytes");
}

/// The size that the first two bytes choose, from 0 to `max`, and what follows them.
fn size_and_chunk(data: &[u8], max: usize) -> Option<(usize, &[u8])> {
    let (size, chunk) = data.split_first_chunk::<2>()?;
    Some((usize::from(u16::from_le_bytes(*size)) % (max + 1), chunk))
}

/// Body of the target `xpress`. A valid chunk is also encoded again.
pub fn xpress(data: &[u8]) {
    let Some((size, chunk)) = size_and_chunk(data, 32_768) else {
        return;
    };
    compare(
        size,
        |output| xpress::Decoder::new().decompress(chunk, output),
        |output| xpress::reference::decompress(chunk, output),
    );
    let mut encoded = Vec::new();
    if xpress::Encoder::new().compress(chunk, &mut encoded).is_some() {
        let mut back = vec![0; chunk.len()];
        xpress::Decoder::new()
            .decompress(&encoded, &mut back)
            .expect("own chunk");
        assert!(back == chunk, "encoding changed the bytes");
    }
}

/// Body of the target `lzx`.
pub fn lzx(data: &[u8]) {
    let Some((size, chunk)) = size_and_chunk(data, 32_768) else {
        return;
    };
    let window = if data[0] & 1 == 0 { 1 << 15 } else { 1 << 16 };
    let mut decoder = lzx::Decoder::new(window).expect("valid window");
    compare(
        size,
        |output| decoder.decompress(chunk, output),
        |output| lzx::reference::decompress(window, chunk, output),
    );
}

/// Body of the target `lzms`. The chunk is also encoded again.
pub fn lzms(data: &[u8]) {
    let Some((size, chunk)) = size_and_chunk(data, 32_768) else {
        return;
    };
    compare(
        size,
        |output| lzms::Decoder::new().decompress(chunk, output),
        |output| lzms::reference::decompress(chunk, output),
    );
    let mut encoder = lzms::Encoder::new(1 << 15).expect("a chunk size of LZMS");
    let mut encoded = Vec::new();
    if encoder.compress(chunk, &mut encoded).is_some() {
        let mut back = vec![0; chunk.len()];
        lzms::Decoder::new()
            .decompress(&encoded, &mut back)
            .expect("own chunk");
        assert!(back == chunk, "encoding changed the bytes");
    }
}

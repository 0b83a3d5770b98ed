//! Chunks of compact files.

use std::io;

use ntfs_image::CompactFormat;
use wim_apply::codec::{Codec, Decoder};

/// Decodes chunks of compact (WOF) files with the codecs of WIM, for
/// [`Volume::open_compact`](ntfs_image::read::Volume::open_compact): format, stored chunk, its content.
///
/// The decoder gives `InvalidData` for a damaged chunk.
pub fn chunk_decoder() -> impl FnMut(CompactFormat, &[u8], &mut [u8]) -> io::Result<()> {
    let mut decoder: Option<(CompactFormat, Decoder)> = None;
    move |format, packed, plain| {
        if decoder.as_ref().is_none_or(|(known, _)| *known != format) {
            let codec = if format == CompactFormat::Lzx32K {
                Codec::Lzx
            } else {
                Codec::Xpress
            };
            decoder = Decoder::new(codec, format.chunk_bytes()).map(|decoder| (format, decoder));
        }
        let (_, decoder) = decoder.as_mut().ok_or(io::ErrorKind::Unsupported)?;
        decoder
            .decompress(packed, plain)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }
}

//! XPRESS with Huffman coding, the default compression of WIM files, also used by WIMBoot and compact OS.
//!
//! A chunk is 256 bytes of codeword lengths (512 symbols, four bits each), then one stream of items: 256
//! literals, or a match whose symbol gives the length (up to 17, more in bytes between the units of the bit
//! stream) and the number of offset bits.
//!
//! # Source
//! MS-XCA 2.2 (decompression), 2.1.4 (the Huffman variant).

mod decode;
mod encode;
mod fast;
pub mod reference;
mod runs;

pub use encode::Encoder;

use super::{Codec, DecodeError, Reason};

/// Largest uncompressed size of a chunk.
pub const MAX_CHUNK_BYTES: u32 = 65_536;

/// Symbols: 256 literals, and 16 offset classes times 16 length headers.
const SYMBOLS: usize = 512;
/// Bytes of the table of codeword lengths.
const TABLE_BYTES: usize = SYMBOLS / 2;
/// Shortest match.
const MIN_MATCH: usize = 3;

/// Decoder with reusable tables.
#[derive(Debug, Default)]
pub struct Decoder {
    state: decode::State,
}

impl Decoder {
    /// A decoder for chunks of any size.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Decodes one chunk into `output`, whose length is the chunk's uncompressed size.
    ///
    /// # Errors
    /// When the input is not valid. The decoder can be used again.
    pub fn decompress(&mut self, input: &[u8], output: &mut [u8]) -> Result<(), DecodeError> {
        self.state.decompress(input, output)
    }
}

fn error(at: usize, reason: Reason) -> DecodeError {
    DecodeError {
        codec: Codec::Xpress,
        at,
        reason,
    }
}

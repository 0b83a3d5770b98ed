//! LZMS, the compression of solid resources (ESD files): LZ77 and delta matches, chosen by a range coder
//! with adaptive probabilities, their values in adaptive Huffman codes, then an x86 filter.
//!
//! Two streams share a chunk: the range coder reads from its front, the Huffman codes and plain bits from its
//! back.
//!
//! # Source
//! There is no public specification; the format as observed with wimlib 1.13.6.

mod adaptive;
mod batch;
mod code;
mod decode;
mod direct;
mod encode;
mod layout;
mod probability;
mod range;
pub mod reference;
mod sink;
mod x86;
mod x86_fast;
mod x86_find;

use super::{Codec, DecodeError, Reason};

pub use encode::Encoder;

/// Largest chunk: wimlib's limit. Microsoft's is 64 MiB.
pub const MAX_CHUNK_BYTES: u32 = 1 << 30;
/// Largest chunk that is written: Microsoft's limit.
pub const MAX_ENCODED_CHUNK_BYTES: u32 = 1 << 26;

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
        codec: Codec::Lzms,
        at,
        reason,
    }
}

//! LZX as WIM files use it: every chunk on its own, 16-bit block sizes in windows below 64 KiB, and the x86
//! filter always on.
//!
//! A chunk is a sequence of blocks: verbatim, aligned-offset (the low three bits of long offsets have a code
//! of their own), or uncompressed. Codeword lengths are sent as differences from the block before.
//!
//! # Source
//! MS-PATCH and the CAB LZX document for the blocks; the differences of the WIM flavour as observed with
//! wimlib 1.13.6 and Microsoft's files.

mod bits;
mod decode;
mod e8;
mod encode;
mod fast;
mod layout;
pub mod reference;

pub use encode::Encoder;

use super::{Codec, DecodeError, Reason};
use layout::Window;

/// Smallest window, and the usual chunk size.
pub const MIN_WINDOW_BYTES: u32 = 1 << 15;
/// Largest window. Microsoft's tools read only 32 KiB; larger ones are an extension of wimlib's.
pub const MAX_WINDOW_BYTES: u32 = 1 << 21;

/// Decoder with reusable tables.
#[derive(Debug)]
pub struct Decoder {
    window: Window,
    state: decode::State,
}

impl Decoder {
    /// A decoder for chunks of up to `window_bytes`: a power of two from [`MIN_WINDOW_BYTES`] to
    /// [`MAX_WINDOW_BYTES`], else `None`.
    #[must_use]
    pub fn new(window_bytes: u32) -> Option<Self> {
        Window::new(window_bytes).map(|window| Self {
            window,
            state: decode::State::default(),
        })
    }

    /// Decodes one chunk into `output`, whose length is the chunk's uncompressed size.
    ///
    /// # Errors
    /// When the input is not valid. The decoder can be used again.
    pub fn decompress(&mut self, input: &[u8], output: &mut [u8]) -> Result<(), DecodeError> {
        self.state.decompress(self.window, input, output)
    }
}

fn error(at: usize, reason: Reason) -> DecodeError {
    DecodeError {
        codec: Codec::Lzx,
        at,
        reason,
    }
}

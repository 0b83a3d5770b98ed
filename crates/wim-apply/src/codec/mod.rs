//! The three compression formats of WIM files: XPRESS (Huffman), LZX, and LZMS.
//!
//! Each format is a module that can be used alone; [`Codec`], [`Decoder`] and [`Encoder`] choose one at run time. A
//! chunk is decoded as a whole: the caller knows its uncompressed size, and gives a buffer of just that size.
//!
//! Damaged input gives an error or wrong bytes, never a panic. Like other decoders of these formats, the
//! ones here read zeros past the end of their input; only the hash of the blob tells that data is intact.
//!
//! ```
//! use wim_apply::codec::xpress;
//!
//! let text = b"the cat sat on the mat, the rat sat on the cat. ".repeat(20);
//! let mut compressed = Vec::new();
//! xpress::Encoder::new().compress(&text, &mut compressed).expect("it shrinks");
//! let mut back = vec![0; text.len()];
//! xpress::Decoder::new().decompress(&compressed, &mut back)?;
//! assert_eq!(back, text);
//! # Ok::<(), wim_apply::codec::DecodeError>(())
//! ```

mod bits;
mod chunk;
mod cpu;
mod error;
mod hash_chains;
mod haste;
mod huffman;
pub mod lzms;
pub mod lzx;
mod memory;
mod mirrored_bits;
mod trees;
pub mod xpress;

pub use error::{DecodeError, Reason};

/// A compression format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// LZ77 with one Huffman code; chunks of 4 KiB to 64 KiB.
    Xpress,
    /// LZ77 with four Huffman codes and an x86 filter; chunks of 32 KiB to 2 MiB.
    Lzx,
    /// LZ77 and delta matches with adaptive Huffman codes, a range coder and an x86 filter; chunks of up to
    /// 64 MiB (wimlib: 1 GiB).
    Lzms,
}

impl std::fmt::Display for Codec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Xpress => "XPRESS",
            Self::Lzx => "LZX",
            Self::Lzms => "LZMS",
        })
    }
}

/// A decoder of any of the formats, with its reusable tables.
#[derive(Debug)]
pub enum Decoder {
    /// XPRESS.
    Xpress(Box<xpress::Decoder>),
    /// LZX.
    Lzx(Box<lzx::Decoder>),
    /// LZMS.
    Lzms(Box<lzms::Decoder>),
}

impl Decoder {
    /// A decoder for chunks of up to `chunk_bytes` (the chunk size that the WIM or the resource states; LZX
    /// needs it to know its alphabets). `None` when the format has no such chunk size.
    #[must_use]
    pub fn new(codec: Codec, chunk_bytes: u32) -> Option<Self> {
        match codec {
            Codec::Xpress => (chunk_bytes <= xpress::MAX_CHUNK_BYTES)
                .then(|| Self::Xpress(Box::new(xpress::Decoder::new()))),
            Codec::Lzx => lzx::Decoder::new(chunk_bytes).map(|decoder| Self::Lzx(Box::new(decoder))),
            Codec::Lzms => {
                (chunk_bytes <= lzms::MAX_CHUNK_BYTES).then(|| Self::Lzms(Box::new(lzms::Decoder::new())))
            }
        }
    }

    /// Which format it decodes.
    #[must_use]
    pub fn codec(&self) -> Codec {
        match self {
            Self::Xpress(_) => Codec::Xpress,
            Self::Lzx(_) => Codec::Lzx,
            Self::Lzms(_) => Codec::Lzms,
        }
    }

    /// Decodes one chunk into `output`, whose length is the chunk's uncompressed size. The decoder can be
    /// used again after an error; what `output` holds then is unspecified.
    ///
    /// # Errors
    /// When the input is not valid, or does not yield `output.len()` bytes.
    pub fn decompress(&mut self, input: &[u8], output: &mut [u8]) -> Result<(), DecodeError> {
        match self {
            Self::Xpress(decoder) => decoder.decompress(input, output),
            Self::Lzx(decoder) => decoder.decompress(input, output),
            Self::Lzms(decoder) => decoder.decompress(input, output),
        }
    }
}

/// An encoder of any of the formats, with its reusable tables.
#[derive(Debug)]
pub enum Encoder {
    /// XPRESS.
    Xpress(Box<xpress::Encoder>),
    /// LZX.
    Lzx(Box<lzx::Encoder>),
    /// LZMS.
    Lzms(Box<lzms::Encoder>),
}

impl Encoder {
    /// An encoder for chunks of up to `chunk_bytes`, the chunk size that the WIM or the resource states. `None`
    /// when the format has no such chunk size.
    #[must_use]
    pub fn new(codec: Codec, chunk_bytes: u32) -> Option<Self> {
        match codec {
            Codec::Xpress => (chunk_bytes <= xpress::MAX_CHUNK_BYTES)
                .then(|| Self::Xpress(Box::new(xpress::Encoder::new()))),
            Codec::Lzx => lzx::Encoder::new(chunk_bytes).map(|encoder| Self::Lzx(Box::new(encoder))),
            Codec::Lzms => lzms::Encoder::new(chunk_bytes).map(|encoder| Self::Lzms(Box::new(encoder))),
        }
    }

    /// Which format it writes.
    #[must_use]
    pub fn codec(&self) -> Codec {
        match self {
            Self::Xpress(_) => Codec::Xpress,
            Self::Lzx(_) => Codec::Lzx,
            Self::Lzms(_) => Codec::Lzms,
        }
    }

    /// Encodes one chunk, in place of what `output` holds. Equal input gives equal output, whatever came before.
    /// `None` when it does not become smaller (or is larger than a chunk may be): then it is to be stored as it
    /// is.
    pub fn compress(&mut self, input: &[u8], output: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::Xpress(encoder) => encoder.compress(input, output),
            Self::Lzx(encoder) => encoder.compress(input, output),
            Self::Lzms(encoder) => encoder.compress(input, output),
        }
    }
}

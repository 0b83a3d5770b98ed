//! The LZMS encoder.
//!
//! The cheapest way through a few KiB at a time is looked for, by what items cost in the state that the decoder is going
//! to be in before them: every position offers a literal, the recent offsets and delta pairs, the LZ matches of a binary
//! tree, and the latest position of each span with the same differences. The state before each position is that of
//! the cheapest way to it. Long matches are taken as they come.
//!
//! # Source
//! The format as its decoder in this crate has it; the search is our own.

mod delta;
mod finders;
mod item;
mod model;
mod output;
mod parse;
mod prices;
mod slots;
mod step;
mod way;

use super::MAX_ENCODED_CHUNK_BYTES;
use super::x86_fast::Filter;
use crate::codec::chunk::Chunk;
use crate::codec::cpu::{self, Hot};
use finders::Finders;
use model::Model;
use output::{BackwardBits, RangeEncoder};
use parse::Parser;
use way::Way;

/// Memory for what does not depend on the size of chunks.
const FIXED_BYTES: u64 = 1 << 20;

/// Encoder with reusable tables. Equal input gives equal output.
///
/// ```
/// use wim_apply::codec::lzms;
///
/// let text = b"the cat sat on the mat, the rat sat on the cat. ".repeat(20);
/// let mut compressed = Vec::new();
/// let mut encoder = lzms::Encoder::new(1 << 17).expect("a chunk size of the format");
/// encoder.compress(&text, &mut compressed).expect("it shrinks");
/// let mut back = vec![0; text.len()];
/// lzms::Decoder::new().decompress(&compressed, &mut back)?;
/// assert_eq!(back, text);
/// # Ok::<(), wim_apply::codec::DecodeError>(())
/// ```
#[derive(Debug)]
pub struct Encoder {
    chunk_bytes: usize,
    filter: Filter,
    chunk: Chunk,
    finders: Finders,
    parser: Parser,
    range: RangeEncoder,
    bits: BackwardBits,
}

impl Encoder {
    /// An encoder for chunks of up to `chunk_bytes`, at most [`MAX_ENCODED_CHUNK_BYTES`], else `None`. It takes memory
    /// when chunks come, as much as their sizes want.
    #[must_use]
    pub fn new(chunk_bytes: u32) -> Option<Self> {
        (chunk_bytes <= MAX_ENCODED_CHUNK_BYTES).then(|| Self {
            chunk_bytes: chunk_bytes as usize,
            filter: Filter::default(),
            chunk: Chunk::default(),
            finders: Finders::new(chunk_bytes as usize),
            parser: Parser::default(),
            range: RangeEncoder::default(),
            bits: BackwardBits::default(),
        })
    }

    /// The most memory, in bytes, that an encoder for chunks of that size takes, without its input and output: 8 for each
    /// byte of a chunk for the binary trees and up to a quarter more for their roots, 1 for the filtered bytes, up to 2 for the
    /// streams, and tables of fixed size. 721 MiB for chunks of 64 MiB.
    #[must_use]
    pub fn memory_bytes(chunk_bytes: u32) -> u64 {
        let roots = 4 << finders::root_bits(chunk_bytes as usize);
        u64::from(chunk_bytes) * 11 + roots + FIXED_BYTES
    }

    /// Encodes one chunk, in place of what `output` holds. `None` when it does not become smaller (or is larger
    /// than a chunk may be): then it is to be stored as it is.
    pub fn compress(&mut self, input: &[u8], output: &mut Vec<u8>) -> Option<()> {
        if input.len() > self.chunk_bytes || input.len() <= 4 {
            return None;
        }
        let filter = &mut self.filter;
        self.chunk.load(input, |data| filter.apply(data));
        self.finders.reset(input.len());
        self.parser.reset();
        self.range.reset();
        self.bits.reset();
        let mut model = Model::new(input.len());
        let mut way = Way::default();
        let mut at = 0;
        while at < input.len() {
            at = cpu::run(Parse {
                encoder: self,
                at,
                way: &mut way,
                model: &mut model,
            });
            if 2 * (self.range.len() + self.bits.len()) >= input.len() {
                return None;
            }
        }
        output::join(&mut self.range, &mut self.bits, output);
        (output.len() < input.len()).then_some(())
    }
}

struct Parse<'a> {
    encoder: &'a mut Encoder,
    at: usize,
    way: &'a mut Way,
    model: &'a mut Model,
}

impl Hot for Parse<'_> {
    type Output = usize;

    /// Parses and writes a block, and returns where it ends.
    #[inline(always)]
    fn run(self) -> usize {
        let Encoder {
            finders,
            chunk,
            parser,
            range,
            bits,
            ..
        } = self.encoder;
        self.model.rebuild_if_due();
        let mut at = self.at;
        for &item in parser.parse(finders, chunk, at, self.way, self.model) {
            self.model.put(range, bits, item);
            at += item.length() as usize;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded() {
        let chunk_bytes = 1 << 20;
        let noise = (0..chunk_bytes).map(|i: u32| (i.wrapping_mul(0x9e37_79b1) >> 25) as u8);
        let noise: Vec<u8> = noise.collect();
        let mut encoder = Encoder::new(chunk_bytes).unwrap();
        let _ = encoder.compress(&noise, &mut Vec::new());
        let held = encoder.chunk.held_bytes()
            + encoder.finders.held_bytes()
            + encoder.parser.held_bytes()
            + encoder.range.held_bytes()
            + encoder.bits.held_bytes();
        // The filter's table of last uses, and the working space of the code builder.
        let fixed = (4 << 16) + (1 << 15);
        assert!(
            (held + fixed) as u64 <= Encoder::memory_bytes(chunk_bytes),
            "{held}"
        );
        assert_eq!(Encoder::memory_bytes(1 << 26) >> 20, 721);
    }
}

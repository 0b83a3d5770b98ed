//! The LZX encoder.
//!
//! Every position of a block gets the matches that begin there; a hasty choice among them tells what symbols
//! are going to cost, and then the cheapest way through the block is looked for.

mod bits;
mod block;
mod items;
mod parse;
mod prices;

use super::e8;
use super::layout::{DEFAULT_BLOCK_BYTES, Window};
use crate::codec::chunk::Chunk;
use crate::codec::cpu::{self, Hot};
use crate::codec::trees::Trees;
use block::BlockWriter;
use parse::Parser;

/// Encoder with reusable tables. Equal input gives equal output.
#[derive(Debug)]
pub struct Encoder {
    window: Window,
    chunk: Chunk,
    trees: Trees,
    parser: Parser,
    writer: BlockWriter,
}

impl Encoder {
    /// An encoder for chunks of up to `window_bytes`: a power of two from
    /// [`MIN_WINDOW_BYTES`](super::MIN_WINDOW_BYTES) to [`MAX_WINDOW_BYTES`](super::MAX_WINDOW_BYTES), else
    /// `None`.
    #[must_use]
    pub fn new(window_bytes: u32) -> Option<Self> {
        Window::new(window_bytes).map(|window| Self {
            window,
            chunk: Chunk::default(),
            trees: Trees::new(window.bytes.ilog2().clamp(14, 18)),
            parser: Parser::default(),
            writer: BlockWriter::new(window),
        })
    }

    /// Encodes one chunk, in place of what `output` holds. `None` when it does not become smaller (or is larger
    /// than a chunk may be): then it is to be stored as it is.
    pub fn compress(&mut self, input: &[u8], output: &mut Vec<u8>) -> Option<()> {
        output.clear();
        if input.len() > self.window.bytes as usize {
            return None;
        }
        self.chunk.load(input, e8::apply);
        self.trees.reset(input.len());
        self.writer.reset();
        let mut recent = [1; 3];
        let mut at = 0;
        while at < input.len() {
            let end = input.len().min(at + DEFAULT_BLOCK_BYTES);
            let after = cpu::run(Parse {
                encoder: self,
                at,
                end,
                recent,
            });
            if after.is_none() && end - at == input.len() {
                return None;
            }
            recent = after.unwrap_or(recent);
            self.writer.write(end - at, self.parser.items(), output);
            if output.len() >= input.len() {
                return None;
            }
            at = end;
        }
        self.writer.finish(output);
        (output.len() < input.len()).then_some(())
    }
}

struct Parse<'a> {
    encoder: &'a mut Encoder,
    at: usize,
    end: usize,
    recent: [u32; 3],
}

impl Hot for Parse<'_> {
    type Output = Option<[u32; 3]>;

    #[inline(always)]
    fn run(self) -> Option<[u32; 3]> {
        let Encoder {
            chunk, trees, parser, ..
        } = self.encoder;
        parser.find_matches(trees, chunk, self.at, self.end);
        parser.parse(chunk, self.at, self.end, self.recent)
    }
}

//! The LZX encoder.
//!
//! Every position of a block gets the matches that begin there; then the cheapest way through the block is
//! looked for, first with the prices of a greedy parse, then with those that the way before had.

mod bits;
mod block;
mod items;
mod parse;
mod prices;
mod trees;

use super::e8;
use super::layout::{DEFAULT_BLOCK_BYTES, Window};
use crate::codec::cpu::{self, Hot};
use block::BlockWriter;
use parse::Parser;
use trees::Trees;

/// Encoder with reusable tables. Equal input gives equal output.
#[derive(Debug)]
pub struct Encoder {
    window: Window,
    /// The input, through the x86 filter.
    filtered: Vec<u8>,
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
            filtered: Vec::new(),
            trees: Trees::new(window.bytes),
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
        self.filtered.clear();
        self.filtered.extend(input);
        e8::apply(&mut self.filtered);
        self.trees.reset();
        self.writer.reset();
        let mut recent = [1; 3];
        let mut at = 0;
        while at < input.len() {
            let end = input.len().min(at + DEFAULT_BLOCK_BYTES);
            recent = cpu::run(Parse {
                encoder: self,
                at,
                end,
                recent,
            });
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
    type Output = [u32; 3];

    #[inline(always)]
    fn run(self) -> [u32; 3] {
        let Encoder {
            filtered,
            trees,
            parser,
            ..
        } = self.encoder;
        parser.find_matches(trees, filtered, self.at, self.end);
        parser.parse(filtered, self.at, self.end, self.recent)
    }
}

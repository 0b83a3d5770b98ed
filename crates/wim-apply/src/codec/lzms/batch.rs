//! Items that are decoded but not yet carried out.
//!
//! A match in a large chunk most often copies from memory that is in no cache. So the decoder fetches the source as
//! soon as it knows the offset, and goes on; the copies follow some hundred items later.

use super::sink::{Sink, Source, carry_out, check};
use crate::codec::Reason;
use crate::codec::cpu::prefetch;

/// Matches in a batch.
const MATCHES: usize = 256;
/// Literals in a batch.
const LITERALS: usize = 2048;

#[derive(Clone, Copy, Debug, Default)]
struct Match {
    /// Literals before the match.
    literals: u32,
    offset: u32,
    length: u32,
    source: Source,
}

/// A batch of items, and the output they go to.
#[derive(Debug)]
pub(super) struct Batch<'a> {
    output: &'a mut [u8],
    /// Where the first item of the batch goes.
    done: usize,
    matches: [Match; MATCHES],
    literals: [u8; LITERALS],
}

/// How far a batch is filled.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fill {
    /// Where the next item goes, without the literals of the batch.
    base: usize,
    literals: usize,
    /// Literals that are before a match.
    matched_literals: usize,
    matches: usize,
}

impl Fill {
    /// Where the next item goes.
    #[inline(always)]
    fn at(self) -> usize {
        self.base + self.literals
    }
}

impl<'a> Batch<'a> {
    pub(super) fn new(output: &'a mut [u8]) -> Self {
        Self {
            output,
            done: 0,
            matches: [Match::default(); MATCHES],
            literals: [0; LITERALS],
        }
    }

    /// Carries out the items of the batch, and returns how far the next one is filled.
    #[inline(never)]
    fn flush(&mut self, fill: Fill) -> Fill {
        let mut at = self.done;
        let mut literals = &self.literals[..];
        for item in &self.matches[..fill.matches] {
            let run = item.literals as usize;
            at = copy_literals(self.output, at, literals, run);
            literals = &literals[run..];
            carry_out(self.output, at, item.source, item.offset, item.length);
            at += item.length as usize;
        }
        self.done = copy_literals(self.output, at, literals, fill.literals - fill.matched_literals);
        Fill {
            base: fill.at(),
            ..Fill::default()
        }
    }
}

impl Sink for Batch<'_> {
    type Fill = Fill;

    #[inline(always)]
    fn is_full(&self, fill: Fill) -> bool {
        fill.at() >= self.output.len()
    }

    #[inline(always)]
    fn literal(&mut self, fill: &mut Fill, byte: u8) {
        self.literals[fill.literals % LITERALS] = byte;
        fill.literals += 1;
        if fill.literals == LITERALS {
            *fill = self.flush(*fill);
        }
    }

    #[inline(always)]
    fn announce(&self, fill: Fill, offset: u32) {
        prefetch(self.output, fill.at().wrapping_sub(offset as usize));
    }

    #[inline(always)]
    fn matched(
        &mut self,
        fill: &mut Fill,
        source: Source,
        offset: u32,
        reach: u64,
        length: u32,
    ) -> Result<(), Reason> {
        check(self.output.len(), fill.at(), reach, length)?;
        let literals = (fill.literals - fill.matched_literals) as u32;
        self.matches[fill.matches % MATCHES] = Match {
            literals,
            offset,
            length,
            source,
        };
        fill.matched_literals = fill.literals;
        fill.base += length as usize;
        fill.matches += 1;
        if fill.matches == MATCHES {
            *fill = self.flush(*fill);
        }
        Ok(())
    }

    fn finish(&mut self, fill: Fill) {
        self.flush(fill);
    }
}

/// Copies the first `count` of `literals`, and returns where they end in the output.
#[inline(always)]
fn copy_literals(output: &mut [u8], at: usize, literals: &[u8], count: usize) -> usize {
    // Most runs are short: a block does, and what it has too much is overwritten.
    let block = literals.first_chunk::<16>();
    let place = output.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<16>);
    if let (true, Some(block), Some(place)) = (count <= 16, block, place) {
        *place = *block;
    } else {
        output[at..at + count].copy_from_slice(&literals[..count]);
    }
    at + count
}

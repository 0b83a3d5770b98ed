//! The plain LZX decoder: the oracle for the fast one.

use super::layout::{
    ALIGNED_SYMBOLS, DEFAULT_BLOCK_BYTES, FIRST_ALIGNED_SLOT, LENGTH_SYMBOLS, LONG_LENGTH, MAX_MAIN_SYMBOLS,
    MIN_MATCH, PRE_SYMBOLS, SLOT_BASE, SLOT_EXTRA_BITS, Window, block_type,
};
use super::{e8, error};
use crate::codec::bits::UnitBits;
use crate::codec::huffman::CountingCode;
use crate::codec::{DecodeError, Reason};

/// Decodes one chunk into `output`, whose length is the chunk's uncompressed size. `window_bytes` as for
/// [`Decoder::new`](super::Decoder::new).
///
/// # Errors
/// When the input is not valid, or there is no such window.
pub fn decompress(window_bytes: u32, input: &[u8], output: &mut [u8]) -> Result<(), DecodeError> {
    let window = Window::new(window_bytes).ok_or(error(0, Reason::OutputSize))?;
    if output.len() > window.bytes as usize {
        return Err(error(0, Reason::OutputSize));
    }
    let mut chunk = Chunk {
        window,
        bits: UnitBits::new(input, 0),
        main_lengths: [0; MAX_MAIN_SYMBOLS],
        length_lengths: [0; LENGTH_SYMBOLS],
        recent: [1; 3],
    };
    let mut at = 0;
    while at < output.len() {
        at = chunk.block(output, at)?;
    }
    e8::undo(output);
    Ok(())
}

struct Chunk<'a> {
    window: Window,
    bits: UnitBits<'a>,
    main_lengths: [u8; MAX_MAIN_SYMBOLS],
    length_lengths: [u8; LENGTH_SYMBOLS],
    recent: [u32; 3],
}

impl Chunk<'_> {
    fn error(&self, reason: Reason) -> DecodeError {
        error(self.bits.position(), reason)
    }

    /// Decodes the block that begins at `at` of the output, and returns where it ends.
    fn block(&mut self, output: &mut [u8], at: usize) -> Result<usize, DecodeError> {
        let kind = self.bits.take(3);
        let size = if self.bits.take(1) == 1 {
            DEFAULT_BLOCK_BYTES
        } else {
            self.bits.take(self.window.size_bits) as usize
        };
        if size == 0 || size > output.len() - at {
            return Err(self.error(Reason::BlockSize));
        }
        let end = at + size;
        match kind {
            block_type::VERBATIM => self.items(&mut output[..end], at, None)?,
            block_type::ALIGNED => {
                let lengths: [u8; ALIGNED_SYMBOLS] =
                    std::array::from_fn(|_| self.bits.take(3).to_le_bytes()[0]);
                let code = CountingCode::new(&lengths).map_err(|_| self.error(Reason::BadCode))?;
                self.items(&mut output[..end], at, Some(&code))?;
            }
            block_type::UNCOMPRESSED => self.raw(&mut output[at..end])?,
            _ => return Err(self.error(Reason::BlockType)),
        }
        Ok(end)
    }

    fn raw(&mut self, output: &mut [u8]) -> Result<(), DecodeError> {
        self.bits.skip_to_boundary();
        for recent in &mut self.recent {
            *recent = u32::from_le_bytes(self.bits.bytes());
        }
        if self.recent.contains(&0) {
            return Err(self.error(Reason::MatchOffset));
        }
        self.bits
            .copy_to(output)
            .map_err(|()| self.error(Reason::InputSize))?;
        if output.len() % 2 == 1 {
            let _ = self.bits.byte();
        }
        Ok(())
    }

    /// Decodes the codes and the items of a block that ends where `output` does.
    fn items(
        &mut self,
        output: &mut [u8],
        mut at: usize,
        aligned: Option<&CountingCode>,
    ) -> Result<(), DecodeError> {
        let main_symbols = self.window.main_symbols;
        read_lengths(&mut self.bits, &mut self.main_lengths[..256])?;
        read_lengths(&mut self.bits, &mut self.main_lengths[256..main_symbols])?;
        read_lengths(&mut self.bits, &mut self.length_lengths)?;
        let code = |lengths: &[u8]| CountingCode::new(lengths).map_err(|_| self.error(Reason::BadCode));
        let main_code = code(&self.main_lengths[..main_symbols])?;
        let length_code = code(&self.length_lengths)?;

        while at < output.len() {
            let symbol = main_code.decode(&mut self.bits);
            if symbol < 256 {
                output[at] = symbol.to_le_bytes()[0];
                at += 1;
                continue;
            }
            let (slot, mut length) = ((symbol - 256) / 8, symbol % 8);
            if length == LONG_LENGTH {
                length += length_code.decode(&mut self.bits);
            }
            length += MIN_MATCH;
            let offset = self.offset(slot, aligned) as usize;
            if offset > at {
                return Err(self.error(Reason::MatchOffset));
            }
            if length > output.len() - at {
                return Err(self.error(Reason::MatchLength));
            }
            for to in at..at + length {
                output[to] = output[to - offset];
            }
            at += length;
        }
        Ok(())
    }

    fn offset(&mut self, slot: usize, aligned: Option<&CountingCode>) -> u32 {
        if slot < 3 {
            self.recent.swap(0, slot);
            return self.recent[0];
        }
        let extra = u32::from(SLOT_EXTRA_BITS[slot]);
        let low = match aligned {
            Some(code) if slot >= FIRST_ALIGNED_SLOT => {
                let high = self.bits.take(extra - 3) << 3;
                high | u32::try_from(code.decode(&mut self.bits)).expect("eight symbols")
            }
            _ => self.bits.take(extra),
        };
        let offset = SLOT_BASE[slot] + low;
        self.recent = [offset, self.recent[0], self.recent[1]];
        offset
    }
}

/// Reads codeword lengths, sent as differences from those in `lengths`, with a code of their own.
fn read_lengths(bits: &mut UnitBits<'_>, lengths: &mut [u8]) -> Result<(), DecodeError> {
    let pre_lengths: [u8; PRE_SYMBOLS] = std::array::from_fn(|_| bits.take(4).to_le_bytes()[0]);
    let pre_code = CountingCode::new(&pre_lengths).map_err(|_| error(bits.position(), Reason::BadCode))?;
    let difference = |old: u8, symbol: usize| (old + 17 - symbol.to_le_bytes()[0]) % 17;
    let mut at = 0;
    while at < lengths.len() {
        let (run, value) = match pre_code.decode(bits) {
            17 => (4 + bits.take(4), 0),
            18 => (20 + bits.take(5), 0),
            19 => {
                let run = 4 + bits.take(1);
                let symbol = pre_code.decode(bits);
                if symbol > 16 {
                    return Err(error(bits.position(), Reason::BadCodeLengths));
                }
                (run, difference(lengths[at], symbol))
            }
            symbol => (1, difference(lengths[at], symbol)),
        };
        let end = at + run as usize;
        let run = lengths
            .get_mut(at..end)
            .ok_or(error(bits.position(), Reason::BadCodeLengths))?;
        run.fill(value);
        at = end;
    }
    Ok(())
}

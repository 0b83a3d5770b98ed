//! The fast LZX decoder.

use super::bits::ReversedUnits;
use super::layout::{
    ALIGNED_SYMBOLS, DEFAULT_BLOCK_BYTES, FIRST_ALIGNED_SLOT, LENGTH_SYMBOLS, LONG_LENGTH, MAX_MAIN_SYMBOLS,
    MIN_MATCH, PRE_SYMBOLS, SLOT_BASE, SLOT_EXTRA_BITS, Window, block_type,
};
use super::{e8, error};
use crate::codec::cpu::{self, Hot};
use crate::codec::huffman::Table;
use crate::codec::memory::copy_exact;
use crate::codec::mirrored_bits::{MirroredBits, Tail};
use crate::codec::{DecodeError, Reason};

/// Marks the entries of literals; their byte is in bits 16 to 23.
pub(super) const LITERAL: u32 = 1 << 31;
/// Marks the entries of matches whose offset ends in an aligned symbol.
pub(super) const WITH_ALIGNED: u32 = 1 << 29;

/// Entries of the main code. Matches: length field in bits 8 to 10, slot in bits 16 to 21, number of extra bits
/// (without those of an aligned symbol) in bits 24 to 28 and in the low bits, where it is added to the codeword's length.
const fn main_payloads(aligned: bool) -> [u32; MAX_MAIN_SYMBOLS] {
    let mut payloads = [0; MAX_MAIN_SYMBOLS];
    let mut symbol = 0;
    while symbol < MAX_MAIN_SYMBOLS {
        payloads[symbol] = if symbol < 256 {
            LITERAL | (symbol as u32) << 16
        } else {
            let (slot, length) = ((symbol - 256) / 8, (symbol % 8) as u32);
            let (extra, mark) = if aligned && slot >= FIRST_ALIGNED_SLOT {
                (SLOT_EXTRA_BITS[slot] as u32 - 3, WITH_ALIGNED)
            } else {
                (SLOT_EXTRA_BITS[slot] as u32, 0)
            };
            mark | extra << 24 | (slot as u32) << 16 | length << 8 | extra
        };
        symbol += 1;
    }
    payloads
}

static VERBATIM_PAYLOADS: [u32; MAX_MAIN_SYMBOLS] = main_payloads(false);
static ALIGNED_PAYLOADS: [u32; MAX_MAIN_SYMBOLS] = main_payloads(true);

/// Entries of the other codes: the symbol, from bit 8 on.
const PLAIN_PAYLOADS: [u32; LENGTH_SYMBOLS] = {
    let mut payloads = [0; LENGTH_SYMBOLS];
    let mut symbol = 0;
    while symbol < LENGTH_SYMBOLS {
        payloads[symbol] = (symbol as u32) << 8;
        symbol += 1;
    }
    payloads
};

/// Least offsets of slots, padded to the range of a slot field.
pub(super) const BASES: [u32; 64] = {
    let mut bases = [0; 64];
    let mut slot = 0;
    while slot < SLOT_BASE.len() {
        bases[slot] = SLOT_BASE[slot];
        slot += 1;
    }
    bases
};

/// Tables and buffers.
#[derive(Debug, Default)]
pub(super) struct State {
    units: ReversedUnits,
    codes: Codes,
    lengths: Lengths,
}

#[derive(Debug, Default)]
pub(super) struct Codes {
    pub(super) main: Table<11, 2048, MAX_MAIN_SYMBOLS>,
    pub(super) length: Table<9, 512, LENGTH_SYMBOLS>,
    pub(super) aligned: Table<7, 128, ALIGNED_SYMBOLS>,
    pre: Table<6, 64, PRE_SYMBOLS>,
}

#[derive(Debug)]
struct Lengths {
    main: [u8; MAX_MAIN_SYMBOLS],
    length: [u8; LENGTH_SYMBOLS],
}

impl Default for Lengths {
    fn default() -> Self {
        Self {
            main: [0; MAX_MAIN_SYMBOLS],
            length: [0; LENGTH_SYMBOLS],
        }
    }
}

impl State {
    /// Decodes one chunk.
    pub(super) fn decompress(
        &mut self,
        window: Window,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<(), DecodeError> {
        if output.len() > window.bytes as usize {
            return Err(error(0, Reason::OutputSize));
        }
        self.units.load(input);
        self.lengths = Lengths::default();
        let tail = self.units.tail();
        let mut chunk = Chunk {
            window,
            input,
            units: &self.units,
            bits: self.units.bits(0),
            tail: &tail,
            codes: &mut self.codes,
            lengths: &mut self.lengths,
            recent: [1; 3],
        };
        let mut at = 0;
        while at < output.len() {
            at = chunk.block(output, at)?;
        }
        e8::undo(output);
        Ok(())
    }
}

struct Chunk<'a> {
    window: Window,
    input: &'a [u8],
    units: &'a ReversedUnits,
    bits: MirroredBits<'a>,
    tail: &'a Tail,
    codes: &'a mut Codes,
    lengths: &'a mut Lengths,
    recent: [u32; 3],
}

impl Chunk<'_> {
    fn error(&self, reason: Reason) -> DecodeError {
        error(self.bits.position() / 8, reason)
    }

    /// Decodes the block that begins at `at` of the output, and returns where it ends.
    fn block(&mut self, output: &mut [u8], at: usize) -> Result<usize, DecodeError> {
        self.bits.refill();
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
            block_type::VERBATIM => {
                self.read_codes(&VERBATIM_PAYLOADS)?;
                self.items::<false>(output, at, end)?;
            }
            block_type::ALIGNED => {
                self.bits.refill();
                let lengths: [u8; ALIGNED_SYMBOLS] =
                    std::array::from_fn(|_| self.bits.take(3).to_le_bytes()[0]);
                let built = self.codes.aligned.build(&lengths, &PLAIN_PAYLOADS);
                built.map_err(|_| self.error(Reason::BadCode))?;
                self.read_codes(&ALIGNED_PAYLOADS)?;
                self.items::<true>(output, at, end)?;
            }
            block_type::UNCOMPRESSED => self.raw(&mut output[at..end])?,
            _ => return Err(self.error(Reason::BlockType)),
        }
        Ok(end)
    }

    fn raw(&mut self, output: &mut [u8]) -> Result<(), DecodeError> {
        let at = 2 * (self.bits.position() / 16 + 1);
        let (header, bytes) = (
            self.input.get(at..at + 12),
            self.input.get(at + 12..at + 12 + output.len()),
        );
        let Some((header, bytes)) = header.zip(bytes) else {
            // As if zeros followed, which are no offsets.
            let reason = if header.is_none() {
                Reason::MatchOffset
            } else {
                Reason::InputSize
            };
            return Err(self.error(reason));
        };
        for (recent, bytes) in self.recent.iter_mut().zip(header.as_chunks::<4>().0) {
            *recent = u32::from_le_bytes(*bytes);
        }
        if self.recent.contains(&0) {
            return Err(self.error(Reason::MatchOffset));
        }
        output.copy_from_slice(bytes);
        self.bits = self.units.bits((at + 12 + output.len()).next_multiple_of(2));
        Ok(())
    }

    fn read_codes(&mut self, main_payloads: &[u32; MAX_MAIN_SYMBOLS]) -> Result<(), DecodeError> {
        let main_symbols = self.window.main_symbols;
        let mut read = |lengths: &mut [u8]| {
            cpu::run(ReadLengths {
                bits: &mut self.bits,
                pre: &mut self.codes.pre,
                lengths,
            })
        };
        let read = read(&mut self.lengths.main[..256])
            .and_then(|()| read(&mut self.lengths.main[256..main_symbols]))
            .and_then(|()| read(&mut self.lengths.length));
        read.map_err(|reason| self.error(reason))?;
        let built = self
            .codes
            .main
            .build(&self.lengths.main[..main_symbols], main_payloads)
            .and_then(|()| self.codes.length.build(&self.lengths.length, &PLAIN_PAYLOADS));
        built.map_err(|_| self.error(Reason::BadCode))
    }

    fn items<const ALIGNED: bool>(
        &mut self,
        output: &mut [u8],
        at: usize,
        end: usize,
    ) -> Result<(), DecodeError> {
        let mut items = Items {
            codes: self.codes,
            tail: self.tail,
            bits: self.bits,
            recent: self.recent,
            at,
        };
        let fast = cpu::run(FastItems::<ALIGNED> {
            items: &mut items,
            output,
            end,
        });
        let done = fast.and_then(|()| items.careful::<ALIGNED>(&mut output[..end]));
        (self.bits, self.recent) = (items.bits, items.recent);
        done.map_err(|reason| self.error(reason))
    }
}

struct FastItems<'a, 'b, 'c, const ALIGNED: bool> {
    items: &'a mut Items<'b, 'c>,
    output: &'a mut [u8],
    end: usize,
}

impl<const ALIGNED: bool> Hot for FastItems<'_, '_, '_, ALIGNED> {
    type Output = Result<(), Reason>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        self.items.fast::<ALIGNED>(self.output, self.end)
    }
}

/// The state of the item loops.
pub(super) struct Items<'a, 'c> {
    pub(super) codes: &'c Codes,
    pub(super) tail: &'a Tail,
    pub(super) bits: MirroredBits<'a>,
    pub(super) recent: [u32; 3],
    pub(super) at: usize,
}

impl Items<'_, '_> {
    /// Decodes to the end of the block, which is that of `output`.
    fn careful<const ALIGNED: bool>(&mut self, output: &mut [u8]) -> Result<(), Reason> {
        let bits = &mut self.bits;
        while self.at < output.len() {
            bits.refill();
            let entry = self.codes.main.decode(bits.peek());
            if entry & LITERAL != 0 {
                bits.consume(entry);
                output[self.at] = (entry >> 16) as u8;
                self.at += 1;
                continue;
            }
            let extra = (entry >> 24) & 31;
            bits.consume(entry - extra);
            let mut length = ((entry >> 8) & 7) as usize;
            if length == LONG_LENGTH {
                let entry = self.codes.length.decode(bits.peek());
                bits.consume(entry);
                length += (entry >> 8) as usize;
            }
            length += MIN_MATCH;
            bits.refill();
            let slot = ((entry >> 16) & 63) as usize;
            if slot < 3 {
                self.recent.swap(0, slot);
            } else {
                let mut low = bits.take(extra);
                if ALIGNED && entry & WITH_ALIGNED != 0 {
                    let entry = self.codes.aligned.decode(bits.peek());
                    bits.consume(entry);
                    low = low << 3 | entry >> 8;
                }
                self.recent = [BASES[slot] + low, self.recent[0], self.recent[1]];
            }
            let offset = self.recent[0] as usize;
            if offset.wrapping_sub(1) >= self.at {
                return Err(Reason::MatchOffset);
            }
            if length > output.len() - self.at {
                return Err(Reason::MatchLength);
            }
            copy_exact(output, self.at, offset, length);
            self.at += length;
        }
        Ok(())
    }
}

/// Codeword lengths to be read, sent as differences from those in `lengths`, with a code of their own.
struct ReadLengths<'a, 'b> {
    bits: &'a mut MirroredBits<'b>,
    pre: &'a mut Table<6, 64, PRE_SYMBOLS>,
    lengths: &'a mut [u8],
}

impl Hot for ReadLengths<'_, '_> {
    type Output = Result<(), Reason>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        let mut bits = *self.bits;
        let done = read_lengths(&mut bits, self.pre, self.lengths);
        *self.bits = bits;
        done
    }
}

/// `new` from the old length and the symbol, by `old + 17 - symbol`.
static NEW_LENGTHS: [u8; 64] = {
    let mut new_lengths = [0; 64];
    let mut sum = 0;
    while sum < 64 {
        new_lengths[sum] = (sum % 17) as u8;
        sum += 1;
    }
    new_lengths
};

#[inline(always)]
fn read_lengths(
    bits: &mut MirroredBits<'_>,
    pre: &mut Table<6, 64, PRE_SYMBOLS>,
    lengths: &mut [u8],
) -> Result<(), Reason> {
    let mut pre_lengths = [0; PRE_SYMBOLS];
    for four in pre_lengths.as_chunks_mut::<4>().0 {
        bits.refill();
        *four = std::array::from_fn(|_| bits.take(4) as u8);
    }
    pre.build(&pre_lengths, &PLAIN_PAYLOADS)
        .map_err(|_| Reason::BadCode)?;
    let symbol = |bits: &mut MirroredBits<'_>| {
        let entry = pre.decode(bits.peek());
        bits.consume(entry);
        (entry >> 8) as u8
    };
    // Lengths and symbols of this kind are at most 16.
    let changed = |old: u8, symbol: u8| NEW_LENGTHS[usize::from(17 + old - symbol) % 64];
    let mut at = 0;
    while let Some(length) = lengths.get_mut(at) {
        bits.refill();
        let first = symbol(bits);
        if first <= 16 {
            *length = changed(*length, first);
            at += 1;
            continue;
        }
        let (run, value) = match first {
            17 => (4 + bits.take(4), 0),
            18 => (20 + bits.take(5), 0),
            _ => {
                let run = 4 + bits.take(1);
                let symbol = symbol(bits);
                if symbol > 16 {
                    return Err(Reason::BadCodeLengths);
                }
                (run, changed(*length, symbol))
            }
        };
        let end = at + run as usize;
        lengths
            .get_mut(at..end)
            .ok_or(Reason::BadCodeLengths)?
            .fill(value);
        at = end;
    }
    Ok(())
}

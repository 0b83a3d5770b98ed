//! The fast XPRESS decoder.

use super::{MAX_CHUNK_BYTES, MIN_MATCH, SYMBOLS, TABLE_BYTES, error};
use crate::codec::cpu::{self, Hot};
use crate::codec::huffman::Table;
use crate::codec::memory::copy_exact;
use crate::codec::{DecodeError, Reason};

/// Marks the entries of literals; their byte is in bits 16 to 23.
pub(super) const LITERAL: u32 = 1 << 31;
/// A length header with this value is followed by more.
pub(super) const LONG_LENGTH: usize = 15;
/// Entries: matches have the length header in bits 8 to 11 and the number of offset bits in bits 16 to 19 and in the low
/// bits, where it is added to the codeword's length.
const PAYLOADS: [u32; SYMBOLS] = {
    let mut payloads = [0; SYMBOLS];
    let mut symbol = 0;
    while symbol < SYMBOLS {
        let number = symbol as u32;
        payloads[symbol] = if symbol < 256 {
            LITERAL | number << 16
        } else {
            let offset_bits = number >> 4 & 15;
            offset_bits << 16 | (number & 15) << 8 | offset_bits
        };
        symbol += 1;
    }
    payloads
};

/// The number of offset bits of an entry; none for literals.
#[inline(always)]
pub(super) fn offset_bits_of(entry: u32) -> u32 {
    if entry & LITERAL == 0 { entry >> 16 & 15 } else { 0 }
}

/// The table of a chunk's code.
#[derive(Debug, Default)]
pub(super) struct State {
    code: Table<11, 2048, SYMBOLS>,
}

impl State {
    pub(super) fn decompress(&mut self, input: &[u8], output: &mut [u8]) -> Result<(), DecodeError> {
        if output.len() > MAX_CHUNK_BYTES as usize {
            return Err(error(0, Reason::OutputSize));
        }
        let table = input
            .first_chunk::<TABLE_BYTES>()
            .ok_or(error(0, Reason::InputSize))?;
        let mut lengths = [0; SYMBOLS];
        for (two, &pair) in lengths.as_chunks_mut::<2>().0.iter_mut().zip(table) {
            *two = [pair & 0xf, pair >> 4];
        }
        self.code
            .build(&lengths, &PAYLOADS)
            .map_err(|_| error(0, Reason::BadCode))?;
        let mut items = Items {
            code: &self.code,
            bits: Bits {
                input,
                next: TABLE_BYTES,
                bits: 0,
                held: 0,
            },
            at: 0,
        };
        let done = cpu::run(FastItems {
            items: &mut items,
            output,
        })
        .and_then(|()| items.careful(output));
        done.map_err(|reason| error(items.bits.next, reason))
    }
}

/// Reads bits. The top `held % 64` bits of `bits` are valid; the rest of `held` is noise.
#[derive(Clone, Copy)]
pub(super) struct Bits<'a> {
    pub(super) input: &'a [u8],
    pub(super) next: usize,
    pub(super) bits: u64,
    pub(super) held: u32,
}

impl Bits<'_> {
    /// The same anywhere in the input; zeros follow it.
    fn refill_careful(&mut self, count: u32) {
        self.held &= 63;
        while self.held < count {
            if let Some(unit) = self.input.get(self.next..).and_then(<[u8]>::first_chunk::<2>) {
                self.bits |= u64::from(u16::from_le_bytes(*unit)) << (48 - self.held);
                self.next += 2;
            }
            self.held += 16;
        }
    }

    /// Drops bits that are held: as many as the low six bits of `count` say.
    #[inline(always)]
    pub(super) fn consume(&mut self, count: u32) {
        self.bits = self.bits.wrapping_shl(count);
        self.held = self.held.wrapping_sub(count);
    }

    #[inline(always)]
    pub(super) fn take(&mut self, count: u32) -> u32 {
        let value = (self.bits >> 1).wrapping_shr(63 - count);
        self.consume(count);
        value as u32
    }

    /// Gives back the units that a reader would not hold that holds at least 16 bits, and no unit more.
    #[inline(always)]
    pub(super) fn give_back(&mut self) {
        let held = self.held & 63;
        let extra = (held >> 4) - 1;
        self.next -= 2 * extra as usize;
        self.held = held - 16 * extra;
        self.bits &= !(u64::MAX >> self.held);
    }

    /// Reads a byte from between the units, zero past the end.
    fn byte(&mut self) -> u8 {
        let byte = self.input.get(self.next).copied();
        self.next += usize::from(byte.is_some());
        byte.unwrap_or(0)
    }

    /// The rest of a long length.
    #[inline(always)]
    pub(super) fn long_length(&mut self) -> usize {
        let byte = usize::from(self.byte());
        if byte != 0xff {
            return LONG_LENGTH + byte;
        }
        let bytes = self.input.get(self.next..).and_then(<[u8]>::first_chunk::<2>);
        self.next += if bytes.is_some() { 2 } else { 0 };
        bytes.map_or(0, |&bytes| u16::from_le_bytes(bytes).into())
    }
}

pub(super) struct Items<'a> {
    pub(super) code: &'a Table<11, 2048, SYMBOLS>,
    pub(super) bits: Bits<'a>,
    pub(super) at: usize,
}

struct FastItems<'a, 'b> {
    items: &'a mut Items<'b>,
    output: &'a mut [u8],
}

impl Hot for FastItems<'_, '_> {
    type Output = Result<(), Reason>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        self.items.fast(self.output)
    }
}

impl Items<'_> {
    /// Decodes the rest.
    fn careful(&mut self, output: &mut [u8]) -> Result<(), Reason> {
        let bits = &mut self.bits;
        while self.at < output.len() {
            bits.refill_careful(16);
            let entry = self.code.decode(bits.bits);
            let offset_bits = offset_bits_of(entry);
            bits.consume(entry - offset_bits);
            if entry & LITERAL != 0 {
                output[self.at] = (entry >> 16) as u8;
                self.at += 1;
                continue;
            }
            bits.refill_careful(16);
            let mut length = (entry >> 8 & 15) as usize;
            if length == LONG_LENGTH {
                bits.give_back();
                length = bits.long_length();
            }
            length += MIN_MATCH;
            let offset = 1_usize << offset_bits | bits.take(offset_bits) as usize;
            check(output, self.at, offset, length)?;
            copy_exact(output, self.at, offset, length);
            self.at += length;
        }
        Ok(())
    }
}

pub(super) fn check(output: &[u8], at: usize, offset: usize, length: usize) -> Result<(), Reason> {
    if offset > at {
        return Err(Reason::MatchOffset);
    }
    if length > output.len() - at {
        return Err(Reason::MatchLength);
    }
    Ok(())
}

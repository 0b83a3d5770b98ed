//! The inner loop of the fast XPRESS decoder.
#![expect(
    unsafe_code,
    reason = "memory is touched without a check per byte; the loop keeps margins"
)]

use super::MIN_MATCH;
use super::decode::{Bits, Items, LITERAL, LONG_LENGTH, check};
use crate::codec::Reason;
use crate::codec::huffman::LONG;
use crate::codec::memory::{SLOP_BYTES, copy_exact, copy_match, load_units, put};
use crate::codec::mirrored_bits::last_bits;

/// Longest match without more.
const SHORT_MATCH: usize = LONG_LENGTH - 1 + MIN_MATCH;
/// The fast loop stops this long before the end of the output.
const OUTPUT_MARGIN: usize = 2 * SHORT_MATCH + SLOP_BYTES;
/// The fast loop stops this long before the end of the input: three refills and the bytes of a length.
const INPUT_MARGIN: usize = 32;

impl Bits<'_> {
    /// Makes sure that 48 bits are held.
    ///
    /// # Safety
    /// The input must have eight bytes from `next` on.
    #[inline(always)]
    unsafe fn refill(&mut self) {
        // SAFETY: the caller's promise.
        let word = unsafe { load_units(self.input, self.next) };
        self.bits |= word.wrapping_shr(self.held);
        self.next += 2 * (!self.held >> 4 & 3) as usize;
        self.held |= 48;
    }
}

impl Items<'_> {
    /// Decodes until near the end of the output or the input.
    #[inline(always)]
    pub(super) fn fast(&mut self, output: &mut [u8]) -> Result<(), Reason> {
        let Self {
            code,
            mut bits,
            mut at,
        } = *self;
        let limit = output.len().saturating_sub(OUTPUT_MARGIN);
        let input_limit = bits.input.len().saturating_sub(INPUT_MARGIN);
        let mut result = Ok(());
        macro_rules! literal {
            ($entry:expr) => {
                bits.consume($entry);
                // SAFETY: `at` is less than `limit` plus the two literals before; the margin follows `limit`.
                unsafe { put(output, at, ($entry >> 16) as u8) };
                at += 1;
            };
        }
        if at >= limit || bits.next >= input_limit {
            return Ok(());
        }
        // SAFETY: `next` is less than `input_limit`, after which `INPUT_MARGIN` bytes follow.
        unsafe { bits.refill() };
        let mut entry = code.root(bits.bits);
        // The next entry is looked up before a match is copied: much sooner than after, when the decoder was on a wrong path
        // until now.
        while at < limit && bits.next < input_limit {
            if entry & LITERAL != 0 {
                literal!(entry);
                entry = code.root(bits.bits);
                if entry & LITERAL != 0 {
                    literal!(entry);
                    entry = code.root(bits.bits);
                    if entry & LITERAL != 0 {
                        literal!(entry);
                        // SAFETY: `next` is less than `input_limit`.
                        unsafe { bits.refill() };
                        entry = code.root(bits.bits);
                        continue;
                    }
                }
            }
            if entry & LONG != 0 {
                entry = code.long(bits.bits);
                // SAFETY: `next` is less than `input_limit`.
                unsafe { bits.refill() };
                if entry & LITERAL != 0 {
                    literal!(entry);
                    // SAFETY: the refill before took at most six bytes; `INPUT_MARGIN` less six still has room for eight.
                    unsafe { bits.refill() };
                    entry = code.root(bits.bits);
                    continue;
                }
            }
            // At least 26 bits are held, which is as much as an entry of the root can take.
            let offset_bits = entry >> 16 & 15;
            let mut length = (entry >> 8 & 15) as usize;
            let offset;
            if length == LONG_LENGTH {
                bits.consume(entry - offset_bits);
                // SAFETY: the refill before took at most six bytes; `INPUT_MARGIN` less six still has room for eight.
                unsafe { bits.refill() };
                bits.give_back();
                length = bits.long_length();
                offset = 1_usize << offset_bits | bits.take(offset_bits) as usize;
                if at + length >= limit {
                    // Near the end.
                    match check(output, at, offset, length + MIN_MATCH) {
                        Ok(()) => copy_exact(output, at, offset, length + MIN_MATCH),
                        Err(reason) => result = Err(reason),
                    }
                    at += length + MIN_MATCH;
                    break;
                }
            } else {
                offset = 1_usize << offset_bits | last_bits(bits.bits, entry, offset_bits) as usize;
                bits.consume(entry);
            }
            length += MIN_MATCH;
            if offset > at {
                result = Err(Reason::MatchOffset);
                break;
            }
            // SAFETY: the refills before took at most twelve bytes, a long length three; `INPUT_MARGIN` less those still has
            // room for eight.
            unsafe { bits.refill() };
            entry = code.root(bits.bits);
            // SAFETY: the offset is at least 1 and was checked. `at` is at most two more than a position before
            // `limit`. A short match leaves `SLOP_BYTES` of the margin; a long one ends before `limit + MIN_MATCH`.
            unsafe { copy_match(output, at, offset, length) };
            at += length;
        }
        // The careful loop knows exactly what it holds.
        bits.held &= 63;
        bits.bits &= !(u64::MAX >> bits.held);
        (self.bits, self.at) = (bits, at);
        result
    }
}

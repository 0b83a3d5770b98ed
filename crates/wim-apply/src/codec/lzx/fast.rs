//! The inner loop of the fast LZX decoder.
#![expect(
    unsafe_code,
    reason = "output is written without a check per byte; the loop keeps a margin"
)]

use super::decode::{BASES, Items, LITERAL, WITH_ALIGNED};
use super::layout::{LONG_LENGTH, MIN_MATCH};
use crate::codec::Reason;
use crate::codec::huffman::LONG;
use crate::codec::memory::{SLOP_BYTES, copy_match, put};

/// Longest match that a main entry (of three bits) and a length entry (of eight bits) can give, which is a bit more
/// than the format's longest.
const MAX_MATCH: usize = LONG_LENGTH + u8::MAX as usize + MIN_MATCH;
/// The loop stops this long before the end of a block: a match after two literals.
const MARGIN: usize = 2 + MAX_MATCH + SLOP_BYTES;

impl Items<'_, '_> {
    /// Decodes until near the end of the block.
    #[inline(always)]
    pub(super) fn fast<const ALIGNED: bool>(&mut self, output: &mut [u8], end: usize) -> Result<(), Reason> {
        let Self {
            codes,
            tail,
            mut bits,
            recent: [mut r0, mut r1, mut r2],
            mut at,
        } = *self;
        let limit = end.min(output.len()).saturating_sub(MARGIN);
        let mut result = Ok(());
        macro_rules! literal {
            ($entry:expr) => {
                bits.consume($entry);
                // SAFETY: `at` was less than `limit` before at most two other literals; `MARGIN` bytes follow `limit`.
                unsafe { put(output, at, ($entry >> 16) as u8) };
                at += 1;
            };
        }
        if at >= limit {
            return Ok(());
        }
        bits.ensure_room(tail);
        // SAFETY: the first refill after `ensure_room`.
        unsafe { bits.refill_unchecked() };
        let mut entry = codes.main.root(bits.peek());
        // The next entry is looked up before a match is copied: much sooner than after, when the decoder was on a wrong path
        // until now.
        while at < limit {
            bits.ensure_room(tail);
            if entry & LITERAL != 0 {
                literal!(entry);
                entry = codes.main.root(bits.peek());
                if entry & LITERAL != 0 {
                    literal!(entry);
                    entry = codes.main.root(bits.peek());
                    if entry & LITERAL != 0 {
                        literal!(entry);
                        // SAFETY: the first refill after `ensure_room`.
                        unsafe { bits.refill_unchecked() };
                        entry = codes.main.root(bits.peek());
                        continue;
                    }
                }
            }
            if entry & LONG != 0 {
                entry = codes.main.long(bits.peek());
                // SAFETY: the first refill.
                unsafe { bits.refill_unchecked() };
                if entry & LITERAL != 0 {
                    literal!(entry);
                    // SAFETY: the second refill.
                    unsafe { bits.refill_unchecked() };
                    entry = codes.main.root(bits.peek());
                    continue;
                }
            }
            // At least 34 bits are held, and at least 45 after the refill for a long codeword.
            let extra = (entry >> 24) & 31;
            let mut length = ((entry >> 8) & 7) as usize;
            let mut low;
            if length == LONG_LENGTH {
                bits.consume(entry - extra);
                let entry = codes.length.decode(bits.peek());
                bits.consume(entry);
                length += usize::from((entry >> 8) as u8);
                // SAFETY: the first or second refill.
                unsafe { bits.refill_unchecked() };
                low = bits.take(extra);
            } else {
                low = bits.consume_with_extra(entry, extra);
            }
            length += MIN_MATCH;
            // An entry of the root takes at most 28 bits, of 34; of 11 and 14 bits if an aligned symbol of at most 7
            // bits follows.
            if ALIGNED && entry & WITH_ALIGNED != 0 {
                let entry = codes.aligned.decode(bits.peek());
                bits.consume(entry);
                low = low << 3 | entry >> 8;
            }
            let slot = ((entry >> 16) & 63) as usize;
            let repeated = if slot == 0 { r0 } else { r1 };
            let repeated = if slot == 2 { r2 } else { repeated };
            let kept2 = if slot == 2 { r0 } else { r2 };
            let offset = if slot >= 3 { BASES[slot] + low } else { repeated };
            r2 = if slot >= 3 { r1 } else { kept2 };
            r1 = if slot >= 3 || slot == 1 { r0 } else { r1 };
            r0 = offset;
            let offset = offset as usize;
            if offset.wrapping_sub(1) >= at {
                result = Err(Reason::MatchOffset);
                break;
            }
            // SAFETY: at most the third refill.
            unsafe { bits.refill_unchecked() };
            let next = codes.main.root(bits.peek());
            // SAFETY: the offset was checked. `at` is at most two more than a position before `limit`, the length
            // at most `MAX_MATCH`, so `MARGIN` leaves `SLOP_BYTES` after the match.
            unsafe { copy_match(output, at, offset, length) };
            entry = next;
            at += length;
        }
        self.bits = bits;
        self.at = at;
        self.recent = [r0, r1, r2];
        result
    }
}

//! The fast bit reader: a stream of units stored in reverse order.
//!
//! Read backwards from the end, little-endian units with their most significant bit first are one number, and
//! the eight bytes before a position are the next 64 bits. LZMS stores its Huffman stream so; LZX chunks are
//! copied into this order.

#![expect(unsafe_code, reason = "one unchecked load in the innermost loop")]

use super::memory::load_u64;

/// Bytes that can be read after [`MirroredBits::ensure_room`]: those of three refills.
const ROOM: usize = 24;
/// Zeros, and input, in a [`Tail`].
const HALF: usize = 64;

const _: () = assert!(ROOM <= HALF, "what is unread must fit in a tail");

/// The last bytes to be read of a buffer, those at its start, with zeros before them.
#[derive(Clone, Debug)]
pub(super) struct Tail([u8; 2 * HALF]);

impl Tail {
    pub(super) fn new(buffer: &[u8]) -> Self {
        let mut bytes = [0; 2 * HALF];
        let kept = buffer.len().min(HALF);
        bytes[HALF..HALF + kept].copy_from_slice(&buffer[..kept]);
        Self(bytes)
    }
}

/// Reads bits; zeros follow the start of the buffer. The top `held % 64` bits of `bits` are valid; the rest
/// of `held` is noise.
#[derive(Clone, Copy, Debug)]
pub(super) struct MirroredBits<'a> {
    buffer: &'a [u8],
    /// What is below this position has not been read.
    next: usize,
    /// Where the stream begins: past the end of the buffer, if that is the tail of a longer one.
    start: usize,
    bits: u64,
    held: u32,
}

impl<'a> MirroredBits<'a> {
    /// Begins `skip` bytes before the end of the buffer.
    pub(super) fn new(buffer: &'a [u8], skip: usize) -> Self {
        Self {
            buffer,
            next: buffer.len().saturating_sub(skip),
            start: buffer.len(),
            bits: 0,
            held: 0,
        }
    }

    /// Makes sure that 56 bits are held.
    #[inline(always)]
    pub(super) fn refill(&mut self) {
        let word = if self.next >= 8 {
            // SAFETY: `next` is at least 8, and never more than the length of the buffer: it decreases, but for
            // `ensure_room`, which sets it to less than `ROOM + HALF` in a tail.
            unsafe { load_u64(self.buffer, self.next - 8) }
        } else {
            first_bytes(&self.buffer[..self.next])
        };
        self.bits |= word.wrapping_shr(self.held);
        self.next = self.next.saturating_sub(((!self.held >> 3) & 7) as usize);
        self.held |= 56;
    }

    /// Makes sure that three unchecked refills can follow, with the tail of this buffer.
    #[inline(always)]
    pub(super) fn ensure_room(&mut self, tail: &'a Tail) {
        if self.next < ROOM {
            if std::ptr::eq(self.buffer, tail.0.as_slice()) {
                // From the zeros of the tail, go on with its zeros.
                self.next = HALF;
            } else {
                self.next += HALF;
                self.start += HALF;
                self.buffer = &tail.0;
            }
        }
    }

    /// Makes sure that 56 bits are held.
    ///
    /// # Safety
    /// A call of [`ensure_room`](Self::ensure_room) must have come before, and at most two refills of either kind
    /// since then.
    #[inline(always)]
    pub(super) unsafe fn refill_unchecked(&mut self) {
        debug_assert!(self.next >= 8);
        // SAFETY: `next` was at least `ROOM`, and is at most 14 less: each refill takes at most seven bytes. It is
        // never more than the buffer's length: only `ensure_room` raises it, to less than `ROOM + HALF`, in a tail.
        let word = unsafe { load_u64(self.buffer, self.next - 8) };
        self.bits |= word.wrapping_shr(self.held);
        self.next -= ((!self.held >> 3) & 7) as usize;
        self.held |= 56;
    }

    /// The bits, the next one at the top.
    #[inline(always)]
    pub(super) fn peek(&self) -> u64 {
        self.bits
    }

    /// Drops bits that are held: as many as the low six bits of `count` say.
    #[inline(always)]
    pub(super) fn consume(&mut self, count: u32) {
        self.bits = self.bits.wrapping_shl(count);
        self.held = self.held.wrapping_sub(count);
    }

    /// Takes up to 32 bits that are held.
    #[inline(always)]
    pub(super) fn take(&mut self, count: u32) -> u32 {
        let value = (self.bits >> 1).wrapping_shr(63 - count);
        self.consume(count);
        value as u32
    }

    /// Drops bits that are held, as many as the low six bits of `count` say, and gives the last `extra` (at most 31) of
    /// them.
    #[inline(always)]
    pub(super) fn consume_with_extra(&mut self, count: u32, extra: u32) -> u32 {
        let value = last_bits(self.bits, count, extra);
        self.consume(count);
        value
    }

    /// How many bits of the stream are read; not exact past its end.
    pub(super) fn position(&self) -> usize {
        (8 * (self.start - self.next)).saturating_sub((self.held & 63) as usize)
    }
}

/// The last `extra` (at most 31) of the first `count` bits, of which only the low six bits count.
#[inline(always)]
pub(super) fn last_bits(bits: u64, count: u32, extra: u32) -> u32 {
    bits.wrapping_shr(count.wrapping_neg()) as u32 & 1_u32.wrapping_shl(extra).wrapping_sub(1)
}

/// Up to seven bytes, at the top of the number, with zeros below.
#[cold]
#[inline(never)]
fn first_bytes(bytes: &[u8]) -> u64 {
    let mut eight = [0; 8];
    eight[8 - bytes.len()..].copy_from_slice(bytes);
    u64::from_le_bytes(eight)
}

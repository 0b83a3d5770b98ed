//! The fast form of the range decoder.

/// The probability of a zero in 64ths, by how many there are among the last 64 bits; never certain.
static OF_ZERO: [u32; 65] = {
    let mut of_zero = [1; 65];
    let mut zeros = 1;
    while zeros <= 64 {
        of_zero[zeros] = if zeros == 64 { 63 } else { zeros as u32 };
        zeros += 1;
    }
    of_zero
};

/// Probabilities of one kind of decision, chosen by its last outcomes; `N` is a power of two.
#[derive(Debug)]
pub(super) struct Contexts<const N: usize> {
    state: usize,
    /// The last 64 bits in each context, inverted: their share of ones is the probability of a zero.
    histories: [u64; N],
}

impl<const N: usize> Default for Contexts<N> {
    fn default() -> Self {
        Self {
            state: 0,
            histories: [!0x5555_5555; N],
        }
    }
}

/// Decodes bits from the front of a chunk; zeros follow its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct RangeDecoder<'a> {
    input: &'a [u8],
    next: usize,
    range: u32,
    code: u32,
}

impl<'a> RangeDecoder<'a> {
    pub(super) fn new(input: &'a [u8]) -> Self {
        let mut new = Self {
            input,
            next: 0,
            range: u32::MAX,
            code: 0,
        };
        new.shift();
        new.shift();
        new
    }

    #[inline(always)]
    fn shift(&mut self) {
        let unit = self.input.get(self.next..).and_then(<[u8]>::first_chunk::<2>);
        self.code = (self.code << 16) | unit.map_or(0, |&bytes| u16::from_le_bytes(bytes).into());
        self.next = (self.next + 2).min(self.input.len());
    }

    /// Bytes read.
    pub(super) fn position(&self) -> usize {
        self.next
    }

    /// Decides one decision.
    #[inline(always)]
    pub(super) fn decode<const N: usize>(&mut self, contexts: &mut Contexts<N>) -> bool {
        if self.range <= 0xffff {
            self.range <<= 16;
            self.shift();
        }
        let history = &mut contexts.histories[contexts.state % N];
        let bound = (self.range >> 6) * OF_ZERO[history.count_ones() as usize];
        let bit = self.code >= bound;
        if bit {
            self.range -= bound;
            self.code -= bound;
        } else {
            self.range = bound;
        }
        *history = (*history << 1) | u64::from(!bit);
        contexts.state = (contexts.state << 1) | usize::from(bit);
        bit
    }
}

//! Adaptive probabilities, which the plain decoder and the encoder share, and the plain range decoder.

/// The probability of a zero in one context: the share of zeros among its last 64 bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Probability {
    history: u64,
}

impl Default for Probability {
    fn default() -> Self {
        Self { history: 0x5555_5555 }
    }
}

impl Probability {
    /// In 64ths; never certain.
    pub(super) fn of_zero(self) -> u32 {
        self.history.count_zeros().clamp(1, 63)
    }

    pub(super) fn update(&mut self, bit: bool) {
        self.history = (self.history << 1) | u64::from(bit);
    }
}

/// Probabilities of one kind of decision, chosen by its last `BITS` outcomes; `N` is 2^`BITS`.
#[derive(Debug)]
pub(super) struct Contexts<const N: usize> {
    state: usize,
    probabilities: [Probability; N],
}

impl<const N: usize> Default for Contexts<N> {
    fn default() -> Self {
        Self {
            state: 0,
            probabilities: [Probability::default(); N],
        }
    }
}

impl<const N: usize> Contexts<N> {
    /// What decides the next decision.
    #[inline(always)]
    pub(super) fn next(&self) -> Probability {
        self.probabilities[self.state % N]
    }

    /// What decides it in each context.
    pub(super) fn all(&self) -> &[Probability; N] {
        &self.probabilities
    }

    /// Takes note of the decision.
    #[inline(always)]
    pub(super) fn update(&mut self, bit: bool) {
        self.probabilities[self.state % N].update(bit);
        self.state = ((self.state << 1) | usize::from(bit)) % N;
    }
}

/// Decodes bits from the front of a chunk; zeros follow its end.
#[derive(Debug)]
pub(super) struct RangeDecoder<'a> {
    units: std::slice::ChunksExact<'a, u8>,
    range: u32,
    code: u32,
}

impl<'a> RangeDecoder<'a> {
    pub(super) fn new(input: &'a [u8]) -> Self {
        let mut new = Self {
            units: input.chunks_exact(2),
            range: u32::MAX,
            code: 0,
        };
        new.shift();
        new.shift();
        new
    }

    fn shift(&mut self) {
        let unit = self
            .units
            .next()
            .map_or(0, |bytes| u16::from_le_bytes([bytes[0], bytes[1]]));
        self.code = (self.code << 16) | u32::from(unit);
    }

    /// Units that have not been read.
    pub(super) fn units_left(&self) -> usize {
        self.units.len()
    }

    /// Decides one decision.
    pub(super) fn decode<const N: usize>(&mut self, contexts: &mut Contexts<N>) -> bool {
        if self.range <= 0xffff {
            self.range <<= 16;
            self.shift();
        }
        let bound = (self.range >> 6) * contexts.next().of_zero();
        let bit = self.code >= bound;
        if bit {
            self.range -= bound;
            self.code -= bound;
        } else {
            self.range = bound;
        }
        contexts.update(bit);
        bit
    }
}

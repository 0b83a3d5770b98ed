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

/// A decision that is looked at but not taken yet: see [`decide`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Decision {
    state: usize,
    history: u64,
    bound: u32,
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

    /// Where the ranges of zero and one meet.
    #[inline(always)]
    pub(super) fn look<const N: usize>(&mut self, contexts: &Contexts<N>) -> Decision {
        if self.range <= 0xffff {
            self.range <<= 16;
            self.shift();
        }
        let state = contexts.state;
        let history = contexts.histories[state % N];
        let bound = (self.range >> 6) * OF_ZERO[history.count_ones() as usize];
        Decision {
            state,
            history,
            bound,
        }
    }

    /// Whether it is a one.
    #[inline(always)]
    pub(super) fn is_one(&self, decision: Decision) -> bool {
        self.code >= decision.bound
    }

    /// Goes on from a one.
    #[inline(always)]
    pub(super) fn take_one<const N: usize>(&mut self, contexts: &mut Contexts<N>, decision: Decision) {
        self.range -= decision.bound;
        self.code -= decision.bound;
        contexts.histories[decision.state % N] = decision.history << 1;
        contexts.state = decision.state << 1 | 1;
    }

    /// Goes on from a zero.
    #[inline(always)]
    pub(super) fn take_zero<const N: usize>(&mut self, contexts: &mut Contexts<N>, decision: Decision) {
        self.range = decision.bound;
        contexts.histories[decision.state % N] = decision.history << 1 | 1;
        contexts.state = decision.state << 1;
    }
}

/// Decodes one decision, and does one thing or the other.
///
/// The state of the decoder is changed within the branches, lest it be changed by conditional moves: what follows would
/// have to wait for them, while a branch that is foreseen is waited for by nobody.
macro_rules! decide {
    ($range:expr, $contexts:expr, zero => $zero:expr, one => $one:expr $(,)?) => {{
        let decision = $range.look(&$contexts);
        if $range.is_one(decision) {
            $range.take_one(&mut $contexts, decision);
            $one
        } else {
            $range.take_zero(&mut $contexts, decision);
            $zero
        }
    }};
}
pub(super) use decide;

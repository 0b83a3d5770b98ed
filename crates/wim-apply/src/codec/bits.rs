//! The bit order that all three formats share: 16-bit little-endian units, most significant bit first.

/// Reads bits from units in forward order; past the end of the input it reads zeros.
///
/// This is the plain reader of the reference decoders. It holds bits exactly as the formats' definitions
/// do (never a unit more than asked for), so that bytes between units can be read where the formats put them.
#[derive(Debug)]
pub(super) struct UnitBits<'a> {
    input: &'a [u8],
    /// Next byte to read.
    at: usize,
    /// Bits held, in the low `held` bits.
    bits: u64,
    held: u32,
}

impl<'a> UnitBits<'a> {
    pub(super) fn new(input: &'a [u8], at: usize) -> Self {
        Self {
            input,
            at,
            bits: 0,
            held: 0,
        }
    }

    /// Byte position of what has not been read into the bit buffer.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Makes sure that `count` (at most 32) bits are held.
    pub(super) fn ensure(&mut self, count: u32) {
        while self.held < count {
            let unit = match self.input.get(self.at..self.at + 2) {
                Some(bytes) => {
                    self.at += 2;
                    u16::from_le_bytes([bytes[0], bytes[1]])
                }
                None => 0,
            };
            self.bits = (self.bits << 16) | u64::from(unit);
            self.held += 16;
        }
    }

    /// Takes up to 32 bits.
    pub(super) fn take(&mut self, count: u32) -> u32 {
        self.ensure(count);
        self.held -= count;
        let value = (self.bits >> self.held) & ((1 << count) - 1);
        u32::try_from(value).expect("at most 32 bits")
    }

    /// Goes to a unit boundary: drops the rest of the current unit, or a whole unit when at a boundary.
    pub(super) fn skip_to_boundary(&mut self) {
        let rest = self.held % 16;
        let _ = self.take(if rest == 0 { 16 } else { rest });
    }

    /// Reads a byte from between the units: the one after what is held. Zero past the end.
    pub(super) fn byte(&mut self) -> u8 {
        let byte = self.input.get(self.at).copied();
        self.at += usize::from(byte.is_some());
        byte.unwrap_or(0)
    }

    /// Reads `N` bytes from between the units; all zero when there are fewer.
    pub(super) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let bytes = self.input.get(self.at..).and_then(<[u8]>::first_chunk::<N>);
        self.at += if bytes.is_some() { N } else { 0 };
        bytes.copied().unwrap_or([0; N])
    }

    /// Fills `output` with the bytes that follow the units held.
    pub(super) fn copy_to(&mut self, output: &mut [u8]) -> Result<(), ()> {
        let bytes = self
            .input
            .get(self.at..)
            .and_then(|rest| rest.get(..output.len()))
            .ok_or(())?;
        output.copy_from_slice(bytes);
        self.at += output.len();
        Ok(())
    }
}

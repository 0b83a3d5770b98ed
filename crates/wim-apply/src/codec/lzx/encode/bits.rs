//! Writes 16-bit units, the first bit highest.

/// Bits that are in no unit yet.
#[derive(Debug, Default)]
pub(super) struct UnitWriter {
    bits: u64,
    /// Less than 16 between calls.
    held: u32,
}

impl UnitWriter {
    /// Writes up to 32 bits.
    #[inline(always)]
    pub(super) fn put(&mut self, output: &mut Vec<u8>, value: u32, count: u32) {
        self.bits = (self.bits << count) | u64::from(value);
        self.held += count;
        while self.held >= 16 {
            self.held -= 16;
            output.extend(((self.bits >> self.held) as u16).to_le_bytes());
        }
    }

    /// Fills the last unit.
    pub(super) fn finish(&mut self, output: &mut Vec<u8>) {
        if self.held != 0 {
            self.put(output, 0, 16 - self.held);
        }
    }
}

//! The two streams of a chunk: the range coder's units from its front, the codewords and plain bits from its back.

use crate::codec::lzms::probability::Contexts;

/// Encodes decisions.
#[derive(Debug)]
pub(super) struct RangeEncoder {
    units: Vec<u16>,
    /// The least value of the range.
    low: u32,
    range: u32,
}

impl Default for RangeEncoder {
    fn default() -> Self {
        Self {
            units: Vec::new(),
            low: 0,
            range: u32::MAX,
        }
    }
}

impl RangeEncoder {
    /// Starts again.
    pub(super) fn reset(&mut self) {
        self.units.clear();
        self.low = 0;
        self.range = u32::MAX;
    }

    #[inline(always)]
    fn normalise(&mut self) {
        if self.range <= 0xffff {
            self.range <<= 16;
            self.units.push((self.low >> 16) as u16);
            self.low <<= 16;
        }
    }

    /// Encodes one decision.
    #[inline(always)]
    pub(super) fn put<const N: usize>(&mut self, contexts: &mut Contexts<N>, bit: bool) {
        self.normalise();
        let bound = (self.range >> 6) * contexts.next().of_zero();
        if bit {
            let carries;
            (self.low, carries) = self.low.overflowing_add(bound);
            self.range -= bound;
            if carries {
                self.carry();
            }
        } else {
            self.range = bound;
        }
        contexts.update(bit);
    }

    /// Adds one to what was written. The whole is less than one, so there is a unit that takes it.
    #[cold]
    fn carry(&mut self) {
        for unit in self.units.iter_mut().rev() {
            let goes_on;
            (*unit, goes_on) = unit.overflowing_add(1);
            if !goes_on {
                break;
            }
        }
    }

    /// Memory that it holds.
    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        2 * self.units.capacity()
    }

    /// Units so far.
    pub(super) fn len(&self) -> usize {
        self.units.len()
    }

    /// Some decoders read a unit as soon as the range is small, others when there is one more decision.
    fn finish(&mut self) {
        self.normalise();
        self.units
            .extend([(self.low >> 16) as u16, (self.low & 0xffff) as u16]);
    }
}

/// Writes bits into units that are going to be in the reverse order, the first bit highest.
#[derive(Debug, Default)]
pub(super) struct BackwardBits {
    units: Vec<u16>,
    bits: u64,
    /// Bits that are in no unit yet; less than 16 between calls.
    held: u32,
}

impl BackwardBits {
    /// Starts again.
    pub(super) fn reset(&mut self) {
        self.units.clear();
        self.held = 0;
    }

    /// Writes up to 32 bits.
    #[inline(always)]
    pub(super) fn put(&mut self, value: u32, count: u32) {
        self.bits = (self.bits << count) | u64::from(value);
        self.held += count;
        while self.held >= 16 {
            self.held -= 16;
            self.units.push((self.bits >> self.held) as u16);
        }
    }

    /// Memory that it holds.
    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        2 * self.units.capacity()
    }

    /// Units so far.
    pub(super) fn len(&self) -> usize {
        self.units.len()
    }

    fn finish(&mut self) {
        if self.held != 0 {
            self.put(0, 16 - self.held);
        }
    }
}

/// Ends both streams, and puts the chunk in place of what `output` holds.
pub(super) fn join(range: &mut RangeEncoder, bits: &mut BackwardBits, output: &mut Vec<u8>) {
    range.finish();
    bits.finish();
    output.clear();
    let units = range.units.iter().chain(bits.units.iter().rev());
    output.extend(units.flat_map(|unit| unit.to_le_bytes()));
}

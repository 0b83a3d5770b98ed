//! LZX chunks in the order that the fast bit reader wants.

use crate::codec::mirrored_bits::{MirroredBits, Tail};

/// A copy of a chunk with its units in reverse order.
#[derive(Debug, Default)]
pub(super) struct ReversedUnits {
    buffer: Vec<u8>,
}

impl ReversedUnits {
    /// Copies a chunk; an odd last byte is left out.
    pub(super) fn load(&mut self, input: &[u8]) {
        let units = input.as_chunks::<2>().0;
        self.buffer.resize(2 * units.len(), 0);
        for (to, from) in self
            .buffer
            .as_chunks_mut::<2>()
            .0
            .iter_mut()
            .zip(units.iter().rev())
        {
            *to = *from;
        }
    }

    /// The bits from byte `from` on.
    pub(super) fn bits(&self, from: usize) -> MirroredBits<'_> {
        MirroredBits::new(&self.buffer, from)
    }

    /// The last units, for the inner loop.
    pub(super) fn tail(&self) -> Tail {
        Tail::new(&self.buffer)
    }
}

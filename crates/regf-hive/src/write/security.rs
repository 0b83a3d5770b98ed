//! Security cells: equal descriptors once, counted, in a ring.

use std::collections::BTreeMap;

use crate::Result;
use crate::layout::sk;

use super::bins::Bins;

/// The security cells written so far.
#[derive(Default)]
pub(super) struct SecurityCells<'h> {
    by_descriptor: BTreeMap<&'h [u8], usize>,
    /// Offset and reference count, in order of first use.
    cells: Vec<(u32, u32)>,
}

impl<'h> SecurityCells<'h> {
    /// Counts a use of the descriptor and returns its cell.
    pub(super) fn reference(&mut self, descriptor: &'h [u8], bins: &mut Bins) -> Result<u32> {
        if let Some(&at) = self.by_descriptor.get(descriptor) {
            let (offset, references) = &mut self.cells[at];
            *references += 1;
            return Ok(*offset);
        }
        let offset = bins.reserve(sk::DESCRIPTOR + descriptor.len())?;
        let length = u32::try_from(descriptor.len()).unwrap_or(u32::MAX);
        bins.fill(offset, 0, b"sk");
        bins.fill(offset, sk::LENGTH, &length.to_le_bytes());
        bins.fill(offset, sk::DESCRIPTOR, descriptor);
        self.by_descriptor.insert(descriptor, self.cells.len());
        self.cells.push((offset, 1));
        Ok(offset)
    }

    /// Links the cells into a ring and stores their counts.
    pub(super) fn close(&self, bins: &mut Bins) {
        let count = self.cells.len();
        for (at, &(offset, references)) in self.cells.iter().enumerate() {
            let (next, _) = self.cells[(at + 1) % count];
            let (previous, _) = self.cells[(at + count - 1) % count];
            bins.fill(offset, sk::NEXT, &next.to_le_bytes());
            bins.fill(offset, sk::PREVIOUS, &previous.to_le_bytes());
            bins.fill(offset, sk::REFERENCES, &references.to_le_bytes());
        }
    }
}

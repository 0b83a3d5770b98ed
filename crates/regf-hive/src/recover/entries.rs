//! Logs of entries (`HvLE`), each a set of pages written together.

use crate::Result;
use crate::bytes::{u32_at, u64_at};

use super::Target;
use super::marvin::marvin32;

const HEADER_BYTES: usize = 40;

/// One entry whose hashes hold.
struct Entry<'a> {
    bytes: &'a [u8],
    sequence: u32,
    bins_bytes: u32,
    page_count: usize,
}

impl<'a> Entry<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        if !bytes.starts_with(b"HvLE") {
            return None;
        }
        let size = usize::try_from(u32_at(bytes, 4)?).ok()?;
        let own = bytes.get(..size).filter(|own| own.len() >= HEADER_BYTES)?;
        let holds = marvin32(own.get(HEADER_BYTES..)?) == u64_at(own, 24)?
            && marvin32(own.get(..32)?) == u64_at(own, 32)?;
        holds.then_some(Self {
            bytes: own,
            sequence: u32_at(own, 12)?,
            bins_bytes: u32_at(own, 16)?,
            page_count: usize::try_from(u32_at(own, 20)?).ok()?,
        })
    }

    /// The pages: offset in the hive bins, and bytes. `None` when they are not all there.
    fn pages(&self) -> Option<Vec<(u32, &'a [u8])>> {
        let list_end = self.page_count.checked_mul(8)?.checked_add(HEADER_BYTES)?;
        let (references, _) = self.bytes.get(HEADER_BYTES..list_end)?.as_chunks::<8>();
        let mut rest = self.bytes.get(list_end..)?;
        let mut pages = Vec::with_capacity(references.len());
        for reference in references {
            let length = usize::try_from(u32_at(reference, 4)?).ok()?;
            let (page, after) = rest.split_at_checked(length)?;
            pages.push((u32_at(reference, 0)?, page));
            rest = after;
        }
        Some(pages)
    }
}

impl Target {
    /// Applies the entries of a log that follow the hive's sequence number; stops at the first bad one.
    pub(super) fn apply_entries(&mut self, log: &[u8]) -> Result<()> {
        let mut at = 512;
        while let Some(entry) = log.get(at..).and_then(Entry::read) {
            at += entry.bytes.len();
            if entry.sequence < self.next_sequence || self.stopped {
                continue;
            }
            let follows = self.entries_applied == 0 || entry.sequence == self.next_sequence;
            let Some(pages) = entry
                .pages()
                .filter(|_| follows && entry.bins_bytes.is_multiple_of(4096))
            else {
                self.stopped = true;
                break;
            };
            self.resize(entry.bins_bytes)?;
            for (offset, page) in pages {
                if self.put_page(offset, page).is_none() {
                    self.stopped = true;
                }
            }
            self.next_sequence = entry.sequence.wrapping_add(1);
            self.entries_applied += 1;
        }
        Ok(())
    }
}

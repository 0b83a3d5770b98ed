//! The page cache between a program and a device: pages become dirty, and are written sorted and merged.
//!
//! When so many pages are dirty that the capacity is reached, or at a flush, all of them are written in ascending
//! order, neighbours as one write. This is kinder than Linux, which writes inodes in slices and starts again
//! after thirty seconds at the latest.

use super::record::Event;

/// Bytes of a page of memory.
const PAGE_BYTES: u64 = 4096;
/// What is written without a cache is rounded to sectors.
const SECTOR_BYTES: u64 = 512;

/// Feeds `sink` with the writes (offset, length) that reach the device, as the events are passed on at once
/// (`capacity_bytes` is `None`) or through a cache.
pub(crate) fn replay(events: &[Event], capacity_bytes: Option<u64>, mut sink: impl FnMut(u64, u64)) {
    let mut cache = capacity_bytes.map(|bytes| Cache {
        capacity_pages: (bytes / PAGE_BYTES).max(1),
        dirty: Vec::new(),
        dirty_pages: 0,
    });
    for event in events {
        match (*event, &mut cache) {
            (Event::Write { offset, len }, None) => {
                let start = offset / SECTOR_BYTES * SECTOR_BYTES;
                let end = (offset + len).next_multiple_of(SECTOR_BYTES);
                sink(start, end - start);
            }
            (Event::Write { offset, len }, Some(cache)) => cache.write(offset, len, &mut sink),
            (Event::Flush, None) => {}
            (Event::Flush, Some(cache)) => cache.flush(&mut sink),
        }
    }
    if let Some(cache) = &mut cache {
        cache.flush(&mut sink);
    }
}

struct Cache {
    capacity_pages: u64,
    /// One bit for each page of the device.
    dirty: Vec<u64>,
    dirty_pages: u64,
}

impl Cache {
    fn write(&mut self, offset: u64, len: u64, sink: &mut impl FnMut(u64, u64)) {
        for page in offset / PAGE_BYTES..(offset + len).div_ceil(PAGE_BYTES) {
            let (word, bit) = ((page / 64) as usize, 1 << (page % 64));
            if word >= self.dirty.len() {
                self.dirty.resize(word + 1, 0);
            }
            if self.dirty[word] & bit == 0 {
                self.dirty[word] |= bit;
                self.dirty_pages += 1;
                if self.dirty_pages >= self.capacity_pages {
                    self.flush(sink);
                }
            }
        }
    }

    fn flush(&mut self, sink: &mut impl FnMut(u64, u64)) {
        if self.dirty_pages == 0 {
            return;
        }
        let mut run: Option<(u64, u64)> = None;
        for (index, word) in self.dirty.iter_mut().enumerate() {
            while *word != 0 {
                let page = index as u64 * 64 + u64::from(word.trailing_zeros());
                *word &= *word - 1;
                run = match run {
                    Some((first, end)) if end == page => Some((first, end + 1)),
                    before => {
                        if let Some((first, end)) = before {
                            sink(first * PAGE_BYTES, (end - first) * PAGE_BYTES);
                        }
                        Some((page, page + 1))
                    }
                };
            }
        }
        if let Some((first, end)) = run {
            sink(first * PAGE_BYTES, (end - first) * PAGE_BYTES);
        }
        self.dirty_pages = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replayed(events: &[Event], capacity_bytes: Option<u64>) -> Vec<(u64, u64)> {
        let mut writes = Vec::new();
        replay(events, capacity_bytes, |offset, len| writes.push((offset, len)));
        writes
    }

    const fn write(offset: u64, len: u64) -> Event {
        Event::Write { offset, len }
    }

    #[test]
    fn without_a_cache_writes_are_rounded_to_sectors() {
        let events = [write(100, 10), Event::Flush, write(1000, 100), write(512, 512)];
        assert_eq!(replayed(&events, None), [(0, 512), (512, 1024), (512, 512)]);
    }

    #[test]
    fn a_cache_sorts_and_merges() {
        let events = [
            write(3 * 4096, 4096),
            write(0, 1),
            write(4095, 2),
            write(10, 10),
            write(100 * 4096, 4096),
        ];
        assert_eq!(
            replayed(&events, Some(1 << 20)),
            [(0, 2 * 4096), (3 * 4096, 4096), (100 * 4096, 4096)]
        );
    }

    #[test]
    fn a_full_cache_and_a_flush_write_everything() {
        let page = |n: u64| write(n * 4096, 4096);
        // Two pages fill it.
        assert_eq!(
            replayed(&[page(9), page(5), page(9), page(9)], Some(8192)),
            [(5 * 4096, 4096), (9 * 4096, 4096), (9 * 4096, 4096)]
        );
        assert_eq!(
            replayed(&[page(9), Event::Flush, page(9)], Some(1 << 20)),
            [(9 * 4096, 4096), (9 * 4096, 4096)]
        );
    }
}

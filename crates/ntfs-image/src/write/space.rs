//! Which clusters are in use: an ascending cursor that steps around reserved ranges.

use std::collections::VecDeque;
use std::ops::Range;

/// A run of clusters; `lcn` is `None` for a hole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) lcn: Option<u64>,
    pub(super) count: u64,
}

/// A gap smaller than this is not worth a fragment of a larger stream.
const LEAST_FRAGMENT: u64 = 64;

/// The clusters of a volume.
#[derive(Debug)]
pub(super) struct Space {
    clusters: u64,
    next: u64,
    /// Sorted; nothing is allocated in them by the cursor.
    reserved: Vec<Range<u64>>,
    /// First entry of `reserved` that ends after `next`.
    ahead: usize,
    /// Small gaps that the cursor left behind, ascending; used when nothing is left ahead.
    skipped: VecDeque<Range<u64>>,
    /// In use: disjoint, merged where possible.
    used: Vec<Range<u64>>,
    /// In use by placed streams, and by what was set aside and claimed.
    placed: Vec<Range<u64>>,
}

impl Space {
    /// `keep_free` stays free, `placed` is in use; the cursor enters neither.
    pub(super) fn new(clusters: u64, keep_free: &[Range<u64>], placed: &[Range<u64>]) -> Self {
        let mut reserved: Vec<Range<u64>> = keep_free
            .iter()
            .chain(placed)
            .filter(|range| !range.is_empty())
            .cloned()
            .collect();
        reserved.sort_by_key(|range| range.start);
        Self {
            clusters,
            next: 0,
            reserved,
            ahead: 0,
            skipped: VecDeque::new(),
            used: Vec::new(),
            placed: placed.to_vec(),
        }
    }

    /// The next free range: from the cursor to a reserved range or the end of the volume.
    fn gap(&mut self) -> Range<u64> {
        while let Some(range) = self.reserved.get(self.ahead) {
            if range.start > self.next {
                return self.next..range.start.min(self.clusters);
            }
            self.next = self.next.max(range.end);
            self.ahead += 1;
        }
        self.next..self.clusters.max(self.next)
    }

    /// Moves the cursor behind a gap.
    fn skip(&mut self, gap: Range<u64>) {
        self.next = gap.end;
        if !gap.is_empty() {
            self.skipped.push_back(gap);
        }
    }

    fn take(&mut self, range: Range<u64>) {
        match self.used.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => self.used.push(range),
        }
    }

    /// Allocates `count` clusters in a row, at the cursor or behind it; `None` when there is no such gap ahead.
    pub(super) fn contiguous(&mut self, count: u64) -> Option<u64> {
        loop {
            let gap = self.gap();
            if gap.end - gap.start >= count {
                self.next += count;
                self.take(gap.start..self.next);
                return Some(gap.start);
            }
            if gap.end >= self.clusters {
                return None;
            }
            self.skip(gap);
        }
    }

    /// Allocates `count` clusters, in several runs where reserved ranges are in the way; `None` when the volume
    /// is full. Every free cluster is found.
    pub(super) fn allocate(&mut self, mut count: u64, runs: &mut Vec<Run>) -> Option<()> {
        while count > 0 {
            let gap = self.gap();
            let room = gap.end - gap.start;
            let last = gap.end >= self.clusters;
            let free = if room >= count || room >= LEAST_FRAGMENT || last && room > 0 {
                self.next += room.min(count);
                gap.start..self.next
            } else if last {
                let gap = self.skipped.pop_front()?;
                let middle = gap.end.min(gap.start + count);
                if middle < gap.end {
                    self.skipped.push_front(middle..gap.end);
                }
                gap.start..middle
            } else {
                self.skip(gap);
                continue;
            };
            push_run(runs, Some(free.start), free.end - free.start);
            count -= free.end - free.start;
            self.take(free);
        }
        Some(())
    }

    /// Whether clusters are kept free or in use by placed streams.
    pub(super) fn is_divided(&self) -> bool {
        !self.reserved.is_empty()
    }

    /// The free ranges ahead of the cursor.
    fn gaps(&self) -> Vec<Range<u64>> {
        let mut from = self.next;
        let mut gaps = Vec::with_capacity(self.reserved.len() + 1);
        for range in &self.reserved {
            gaps.push(from..range.start.max(from));
            from = from.max(range.end);
        }
        gaps.push(from..self.clusters.max(from));
        gaps
    }

    /// Sets `count` clusters in a row aside, in the smallest gap that has them.
    pub(super) fn set_aside(&mut self, count: u64) -> Option<Range<u64>> {
        let len = |range: &Range<u64>| range.end - range.start;
        let gaps = self.gaps().into_iter().filter(|gap| len(gap) >= count);
        let gap = gaps.min_by_key(len)?;
        let range = gap.start..gap.start + count;
        self.reserve(range.clone());
        Some(range)
    }

    /// As `set_aside`, but in several pieces where no gap is large enough; the largest is the first.
    pub(super) fn set_aside_in_pieces(&mut self, mut count: u64, most: usize) -> Option<Vec<Range<u64>>> {
        let mut pieces = Vec::new();
        while pieces.len() < most {
            if let Some(last) = self.set_aside(count) {
                pieces.push(last);
                return Some(pieces);
            }
            let gap = self.gaps().into_iter().max_by_key(|gap| gap.end - gap.start)?;
            if gap.is_empty() {
                return None;
            }
            count -= gap.end - gap.start;
            self.reserve(gap.clone());
            pieces.push(gap);
        }
        None
    }

    fn reserve(&mut self, range: Range<u64>) {
        let at = self.reserved.partition_point(|other| other.start < range.start);
        if !range.is_empty() {
            self.reserved.insert(at, range);
        }
    }

    /// Puts a range that was set aside, or a part of it, to use.
    pub(super) fn claim(&mut self, range: Range<u64>) -> Run {
        let run = Run {
            lcn: Some(range.start),
            count: range.end - range.start,
        };
        self.placed.push(range);
        run
    }

    /// Clusters in use so far, placed ones included.
    pub(super) fn used_clusters(&self) -> u64 {
        self.used
            .iter()
            .chain(&self.placed)
            .map(|range| range.end - range.start)
            .sum()
    }

    /// The ranges in use, ascending.
    pub(super) fn used_ranges(&self) -> Vec<Range<u64>> {
        let mut all: Vec<Range<u64>> = self.used.iter().chain(&self.placed).cloned().collect();
        all.sort_by_key(|range| range.start);
        all
    }
}

/// Appends a run, merged with the last one where they touch.
pub(super) fn push_run(runs: &mut Vec<Run>, lcn: Option<u64>, count: u64) {
    if let Some(last) = runs.last_mut() {
        let touches = match (last.lcn, lcn) {
            (Some(a), Some(b)) => a + last.count == b,
            (None, None) => true,
            _ => false,
        };
        if touches {
            last.count += count;
            return;
        }
    }
    runs.push(Run { lcn, count });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_steps_around_reserved_ranges() {
        let placed = 100..200;
        let mut space = Space::new(1000, &[10..20, 300..310], std::slice::from_ref(&placed));
        assert_eq!(space.contiguous(10), Some(0));
        assert_eq!(space.contiguous(1), Some(20));
        let mut runs = Vec::new();
        assert!(space.allocate(100, &mut runs).is_some());
        assert_eq!(
            runs,
            [
                Run {
                    lcn: Some(21),
                    count: 79
                },
                Run {
                    lcn: Some(200),
                    count: 21
                }
            ]
        );
        assert_eq!(space.contiguous(80), Some(310));
        assert_eq!(space.contiguous(800), None);
        assert_eq!(space.used_clusters(), 10 + 1 + 100 + 80 + 100);
    }

    #[test]
    fn every_free_cluster_is_found() {
        // Gaps of 1 to 99 clusters between single kept ones.
        let mut kept = Vec::new();
        let mut at = 0;
        for gap in 1..100 {
            at += gap;
            kept.push(at..at + 1);
            at += 1;
        }
        let clusters = at + 10;
        let mut space = Space::new(clusters, &kept, &[]);
        let aside = space.set_aside(50).expect("a gap of 50");
        assert!(aside.start > 0 && kept.iter().any(|range| range.start == aside.end));
        space.claim(aside);
        let pieces = space.set_aside_in_pieces(150, 3).expect("99 and 51");
        assert_eq!(pieces.len(), 2);
        for piece in pieces {
            space.claim(piece);
        }
        assert_eq!(space.set_aside_in_pieces(300, 3), None);
    }

    #[test]
    fn small_gaps_are_used_in_the_end() {
        let kept: Vec<_> = (0..100).map(|n| n * 20 + 5..n * 20 + 6).collect();
        let mut space = Space::new(2000, &kept, &[]);
        let mut runs = Vec::new();
        for _ in 0..19 {
            assert!(space.allocate(100, &mut runs).is_some());
        }
        assert_eq!(space.used_clusters(), 1900);
        assert!(space.allocate(1, &mut runs).is_none());
        let used = space.used_ranges();
        assert!(used.windows(2).all(|pair| pair[0].end <= pair[1].start));
        assert!(
            used.iter()
                .all(|range| kept.iter().all(|keep| !range.contains(&keep.start)))
        );
    }
}

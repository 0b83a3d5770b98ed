//! Which clusters are in use: an ascending cursor that steps around reserved ranges.

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
    /// Sorted, disjoint; nothing is allocated in them by the cursor.
    reserved: Vec<Range<u64>>,
    /// First entry of `reserved` that ends after `next`.
    ahead: usize,
    /// In use: ascending, disjoint, merged.
    used: Vec<Range<u64>>,
    /// In use by placed streams.
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
        let mut placed = placed.to_vec();
        placed.sort_by_key(|range| range.start);
        Self {
            clusters,
            next: 0,
            reserved,
            ahead: 0,
            used: Vec::new(),
            placed,
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

    fn take(&mut self, count: u64) -> u64 {
        let lcn = self.next;
        self.next += count;
        match self.used.last_mut() {
            Some(last) if last.end == lcn => last.end = self.next,
            _ => self.used.push(lcn..self.next),
        }
        lcn
    }

    /// Allocates `count` clusters in a row; `None` when the volume is full.
    pub(super) fn contiguous(&mut self, count: u64) -> Option<u64> {
        loop {
            let gap = self.gap();
            if gap.end - gap.start >= count {
                return Some(self.take(count));
            }
            if gap.end >= self.clusters {
                return None;
            }
            self.next = gap.end;
        }
    }

    /// Allocates `count` clusters, in several runs where reserved ranges are in the way.
    pub(super) fn allocate(&mut self, mut count: u64, runs: &mut Vec<Run>) -> Option<()> {
        while count > 0 {
            let gap = self.gap();
            let room = gap.end - gap.start;
            if room < count && gap.end >= self.clusters {
                return None;
            }
            if room >= count || room >= LEAST_FRAGMENT {
                let now = room.min(count);
                let lcn = self.take(now);
                push_run(runs, Some(lcn), now);
                count -= now;
            } else {
                self.next = gap.end;
            }
        }
        Some(())
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
}

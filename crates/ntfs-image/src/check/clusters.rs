//! Who owns which cluster, and whether `$Bitmap` says the same.

use std::io::{Read, Seek};

use super::Checker;
use super::code::Code;
use super::records::bit;
use super::report::Place;
use crate::layout::{attribute, record};
use crate::read::Attribute;

/// Clusters that one attribute owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Extent {
    pub(crate) lcn: u64,
    pub(crate) clusters: u64,
    pub(crate) record: u64,
    pub(crate) type_code: u32,
}

impl Extent {
    fn end(&self) -> u64 {
        self.lcn.saturating_add(self.clusters)
    }
}

/// Bytes of `$Bitmap` that are compared at a time.
const BLOCK_BYTES: usize = 64 << 10;

impl<R: Read + Seek> Checker<'_, R> {
    pub(super) fn check_clusters(&mut self) {
        self.extents.sort_unstable();
        let mut reach: Option<Extent> = None;
        for index in 0..self.extents.len() {
            let extent = self.extents[index];
            let stats = &mut self.out.report.stats;
            stats.clusters_in_use = stats.clusters_in_use.saturating_add(extent.clusters);
            if let Some(before) = reach.filter(|before| before.end() > extent.lcn) {
                let found = format!(
                    "clusters from {} in attribute {:#x} of record {} and {:#x} of record {}",
                    extent.lcn, before.type_code, before.record, extent.type_code, extent.record
                );
                let at = self.volume.boot.cluster_offset(extent.lcn);
                self.out.add(
                    Code::ClusterShared,
                    Place::record(extent.record, at),
                    found,
                    "one owner",
                );
            }
            if reach.is_none_or(|before| before.end() < extent.end()) {
                reach = Some(extent);
            }
        }
        self.check_bitmap();
    }

    fn check_bitmap(&mut self) {
        let clusters = self.volume.boot.cluster_count();
        self.out.report.stats.clusters = clusters;
        let place = Place {
            record: Some(record::BITMAP),
            offset: None,
        };
        let file = match self.volume.file(record::BITMAP) {
            Ok(file) => file,
            Err(error) => return self.out.add_error(Code::BitmapSize, place, &error),
        };
        let Some(data) = file.attribute(attribute::DATA, &[]) else {
            return self
                .out
                .add(Code::BitmapSize, place, "no $DATA", "one bit a cluster");
        };
        let place = Place::record(record::BITMAP, data.at);
        let wanted = clusters.div_ceil(8).next_multiple_of(8);
        // Windows leaves room when a volume was made to grow; fewer bits than clusters are an error.
        if data.size_bytes() < clusters.div_ceil(8) || !data.size_bytes().is_multiple_of(8) {
            let found = format!("{} bytes", data.size_bytes());
            self.out
                .add(Code::BitmapSize, place, found, format!("{wanted} bytes"));
        }
        if data.size_bytes() > wanted.saturating_add(1 << 20) || clusters > self.volume.device.len() {
            return self.out.add(
                Code::LimitReached,
                place,
                "a $Bitmap out of proportion",
                "one to compare",
            );
        }
        self.compare_bitmap(data, clusters, place);
    }

    fn compare_bitmap(&mut self, data: &Attribute, clusters: u64, place: Place) {
        let mut block = vec![0u8; BLOCK_BYTES];
        let mut owned = vec![0u8; BLOCK_BYTES];
        let mut next = 0usize;
        let mut differences = Differences::default();
        let mut at = 0u64;
        while at < data.size_bytes() {
            let left = usize::try_from(data.size_bytes() - at)
                .unwrap_or(usize::MAX)
                .min(BLOCK_BYTES);
            let read = self.volume.read_attribute(data, at, &mut block[..left]);
            match read {
                Ok(count) if count == left => {}
                Ok(_) => return,
                Err(error) => return self.out.add_error(Code::BitmapSize, place, &error),
            }
            let first = at * 8;
            owned[..left].fill(0);
            next = mark(&self.extents, next, first, &mut owned[..left]);
            // Bits past the last cluster are set.
            for bit in clusters.max(first)..first + left as u64 * 8 {
                let bit = (bit - first) as usize;
                owned[bit / 8] |= 1 << (bit % 8);
            }
            if block[..left] != owned[..left] {
                for index in 0..left as u64 * 8 {
                    let (marked, used) = (bit(&block, index), bit(&owned, index));
                    if marked != used {
                        differences.add(first + index, used, clusters);
                    }
                }
            }
            at += left as u64;
        }
        for (code, from, count) in differences.ranges {
            let found = format!("{count} clusters from {from}");
            let at = self.volume.boot.cluster_offset(from);
            let expected = match code {
                Code::BitmapTail => "set bits",
                Code::ClusterNotMarked => "set bits for clusters in use",
                _ => "clear bits for free clusters",
            };
            self.out.add(
                code,
                Place {
                    record: Some(record::BITMAP),
                    offset: Some(at),
                },
                found,
                expected,
            );
        }
    }
}

/// Sets the bits of owned clusters from `first` on; returns the first extent that matters for the next block.
fn mark(extents: &[Extent], mut next: usize, first: u64, owned: &mut [u8]) -> usize {
    let end = first + owned.len() as u64 * 8;
    let mut keep = None;
    while let Some(extent) = extents.get(next).filter(|extent| extent.lcn < end) {
        let (from, to) = (extent.lcn.max(first), extent.end().min(end));
        let mut bit = from;
        while bit < to {
            let at = bit - first;
            if at.is_multiple_of(8) && to - bit >= 8 {
                let (byte, bytes) = ((at / 8) as usize, ((to - bit) / 8) as usize);
                owned[byte..byte + bytes].fill(0xff);
                bit += bytes as u64 * 8;
            } else {
                owned[(at / 8) as usize] |= 1 << (at % 8);
                bit += 1;
            }
        }
        if extent.end() > end && keep.is_none() {
            keep = Some(next);
        }
        next += 1;
    }
    keep.unwrap_or(next)
}

/// Ranges of clusters about which owners and `$Bitmap` disagree.
#[derive(Default)]
struct Differences {
    ranges: Vec<(Code, u64, u64)>,
}

impl Differences {
    fn add(&mut self, cluster: u64, used: bool, clusters: u64) {
        let code = match used {
            true if cluster >= clusters => Code::BitmapTail,
            true => Code::ClusterNotMarked,
            false => Code::ClusterNotOwned,
        };
        let full = self.ranges.len() >= 10_000;
        match self.ranges.last_mut() {
            Some((last, from, count)) if *last == code && *from + *count == cluster => *count += 1,
            _ if !full => self.ranges.push((code, cluster, 1)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_go_on_in_the_next_block() {
        let extent = |lcn, clusters| Extent {
            lcn,
            clusters,
            record: 0,
            type_code: 0,
        };
        let extents = [extent(3, 30), extent(40, 1), extent(63, 66)];
        let mut owned = [0u8; 8];
        let next = mark(&extents, 0, 0, &mut owned);
        assert_eq!(u64::from_le_bytes(owned), ((1 << 33) - 8) | (1 << 40) | (1 << 63));
        let mut owned = [0u8; 8];
        let next = mark(&extents, next, 64, &mut owned);
        assert_eq!(u64::from_le_bytes(owned), u64::MAX);
        let mut owned = [0u8; 8];
        mark(&extents, next, 128, &mut owned);
        assert_eq!(u64::from_le_bytes(owned), 1);
    }
}

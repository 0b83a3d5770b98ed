//! Mapping pairs: where the clusters of a non-resident attribute are.

use std::ops::Range;

use super::bytes::slice;
use crate::{Error, Result};

/// Consecutive clusters of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// First cluster within the attribute.
    pub vcn: u64,
    /// First cluster on the volume; `None` for a hole.
    pub lcn: Option<u64>,
    /// Clusters.
    pub clusters: u64,
}

impl Run {
    /// Clusters within the attribute.
    #[must_use]
    pub fn vcns(&self) -> Range<u64> {
        self.vcn..self.vcn.saturating_add(self.clusters)
    }
}

/// Decodes mapping pairs that start at `lowest_vcn`; returns the runs and the bytes used, end mark included.
///
/// # Errors
/// `Corrupt` for pairs that overflow, are empty, or lack their end mark; `Limit` for more than `max_runs`.
pub fn decode(bytes: &[u8], lowest_vcn: u64, max_runs: usize, at: u64) -> Result<(Vec<Run>, usize)> {
    const WHAT: &str = "mapping pairs";
    let mut runs = Vec::new();
    let (mut position, mut vcn, mut lcn) = (0usize, lowest_vcn, 0i64);
    loop {
        let here = at.saturating_add(position as u64);
        let bad = |found: String, expected| Error::Corrupt {
            what: WHAT,
            at: here,
            found,
            expected,
        };
        let &header = bytes.get(position).ok_or(Error::Truncated {
            what: WHAT,
            at: here,
            need: 1,
            have: 0,
        })?;
        if header == 0 {
            return Ok((runs, position + 1));
        }
        let (length_len, offset_len) = (usize::from(header & 15), usize::from(header >> 4));
        let pair = slice(bytes, position + 1, length_len + offset_len)
            .filter(|_| (1..=8).contains(&length_len) && offset_len <= 8)
            .ok_or_else(|| {
                bad(
                    format!("header {header:#04x}"),
                    "1 to 8 length and 0 to 8 offset bytes",
                )
            })?;
        let (length, offset) = pair.split_at(length_len);
        let clusters = u64::try_from(signed(length))
            .ok()
            .filter(|&n| n > 0)
            .ok_or_else(|| bad(format!("length {}", signed(length)), "a positive length"))?;
        let next = vcn
            .checked_add(clusters)
            .filter(|&n| n <= i64::MAX as u64)
            .ok_or_else(|| bad(format!("length {clusters}"), "a VCN below 2^63"))?;
        let run_lcn = if offset_len == 0 {
            None
        } else {
            lcn = lcn
                .checked_add(signed(offset))
                .filter(|&l| l >= 0)
                .ok_or_else(|| bad(format!("offset {}", signed(offset)), "an LCN of zero or more"))?;
            u64::try_from(lcn).ok()
        };
        if runs.len() >= max_runs {
            let (asked, limit) = (runs.len() as u64 + 1, max_runs as u64);
            return Err(Error::Limit {
                what: "runs of one attribute",
                asked,
                limit,
            });
        }
        runs.push(Run {
            vcn,
            lcn: run_lcn,
            clusters,
        });
        vcn = next;
        position += 1 + length_len + offset_len;
    }
}

/// A little-endian two's complement number of 0 to 8 bytes.
fn signed(bytes: &[u8]) -> i64 {
    let fill = if bytes.last().is_some_and(|b| b & 0x80 != 0) {
        0xff
    } else {
        0
    };
    let mut wide = [fill; 8];
    for (to, from) in wide.iter_mut().zip(bytes) {
        *to = *from;
    }
    i64::from_le_bytes(wide)
}

/// The run that holds `vcn`.
#[must_use]
pub fn find(runs: &[Run], vcn: u64) -> Option<Run> {
    let index = runs.partition_point(|run| run.vcns().end <= vcn);
    runs.get(index).copied().filter(|run| run.vcn <= vcn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deltas_are_signed_and_holes_keep_the_position() {
        // 0x18 clusters at 0x5634, a hole of 0x10, 0x20 clusters at 0x5634 - 0x34.
        let bytes = [0x21, 0x18, 0x34, 0x56, 0x01, 0x10, 0x11, 0x20, 0xcc, 0x00, 0x77];
        let (runs, used) = decode(&bytes, 0, 10, 0).unwrap();
        assert_eq!(used, 10);
        let expected = [
            (0, Some(0x5634), 0x18),
            (0x18, None, 0x10),
            (0x28, Some(0x5600), 0x20),
        ]
        .map(run);
        assert_eq!(runs, expected);
        assert_eq!(find(&runs, 0x27), Some(run((0x18, None, 0x10))));
        assert_eq!(find(&runs, 0x48), None);
    }

    fn run((vcn, lcn, clusters): (u64, Option<u64>, u64)) -> Run {
        Run { vcn, lcn, clusters }
    }

    #[test]
    fn bad_pairs_are_errors() {
        for bytes in [
            &[0x11, 0x18][..],
            &[0x01, 0x00, 0],
            &[0x11, 0x81, 1, 0],
            &[0x11, 1, 0xff, 0],
            &[0x21],
        ] {
            assert!(decode(bytes, 0, 10, 0).is_err(), "{bytes:02x?}");
        }
        assert!(matches!(
            decode(&[1, 1, 1, 1, 0], 0, 1, 0),
            Err(Error::Limit { .. })
        ));
    }
}

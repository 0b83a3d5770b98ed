//! The orders in which indexes keep their keys.

use std::cmp::Ordering;
use std::io::{Read, Seek};

use super::Checker;
use crate::layout::collation;
use crate::read::FileName;
use crate::read::bytes::u32_at;

/// Order of two keys of a view index; `None` for a rule that is not known.
pub(super) fn compare_view_keys(rule: u32, a: &[u8], b: &[u8]) -> Option<Ordering> {
    let words = |key: &[u8]| -> Vec<u32> { (0..key.len() / 4).filter_map(|i| u32_at(key, i * 4)).collect() };
    match rule {
        collation::ULONG | collation::ULONGS => Some(words(a).cmp(&words(b))),
        // The key is hash, id: compared in that order.
        collation::SECURITY_HASH => Some(words(a).cmp(&words(b))),
        collation::SID => Some(a.len().cmp(&b.len()).then_with(|| a.cmp(b))),
        _ => None,
    }
}

impl<R: Read + Seek> Checker<'_, R> {
    /// Order of two names: upper-cased code units, then length, then the code units themselves.
    pub(super) fn compare_names(&self, a: &[u16], b: &[u16]) -> Ordering {
        self.volume.compare_folded(a, b).then_with(|| a.cmp(b))
    }

    /// Order of two keys by a collation rule; `None` for a rule or key that is not known.
    pub(super) fn compare_keys(&self, rule: u32, a: &[u8], b: &[u8]) -> Option<Ordering> {
        if rule == collation::FILE_NAME {
            let (a, b) = (FileName::parse(a)?, FileName::parse(b)?);
            return Some(self.compare_names(&a.name, &b.name));
        }
        compare_view_keys(rule, a, b)
    }
}

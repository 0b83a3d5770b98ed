//! One directory entry of a metadata resource, with its names, tagged items and extra streams.

use crate::image::TaggedItem;
use crate::layout::{DentryFixed, ExtraStreamFixed};
use crate::{BlobHash, Error, Result};

/// A directory entry as stored.
#[derive(Debug)]
pub(super) struct RawDentry<'a> {
    pub(super) fixed: DentryFixed,
    /// UTF-16LE, without the NUL.
    pub(super) name: &'a [u8],
    pub(super) short_name: &'a [u8],
    pub(super) tagged_items: Vec<TaggedItem>,
    /// Hash and UTF-16LE name.
    pub(super) extra_streams: Vec<(BlobHash, &'a [u8])>,
    /// Whether tagged items had to be dropped.
    pub(super) bad_tagged_items: bool,
    /// Offset of the next sibling.
    pub(super) next: usize,
}

/// `value` rounded up to a multiple of 8.
pub(super) fn align8(value: usize) -> Option<usize> {
    Some(value.checked_add(7)? & !7)
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    let raw = bytes.get(at..at.checked_add(8)?)?;
    raw.try_into().ok().map(u64::from_le_bytes)
}

/// The entry at `at`, or `None` at the end of a list of siblings.
pub(super) fn read_dentry(bytes: &[u8], at: usize) -> Result<Option<RawDentry<'_>>> {
    let truncated = |what, need: u64| Error::Truncated {
        what,
        at: at as u64,
        need,
        have: bytes.len().saturating_sub(at) as u64,
    };
    let length = u64_at(bytes, at).ok_or_else(|| truncated("directory entry in metadata", 8))?;
    if length <= 8 {
        return Ok(None);
    }
    let entry = usize::try_from(length)
        .ok()
        .and_then(|length| bytes.get(at..at.checked_add(length)?))
        .ok_or_else(|| truncated("directory entry in metadata", length))?;
    let corrupt = |found: String, expected| Error::Corrupt {
        what: "directory entry in metadata",
        at: at as u64,
        found,
        expected,
    };
    let Some(raw) = entry.first_chunk::<{ DentryFixed::SIZE }>() else {
        return Err(corrupt(format!("{length} bytes"), "at least 102 bytes"));
    };
    let fixed = DentryFixed::decode(raw);
    if !fixed.name_bytes.is_multiple_of(2) || !fixed.short_name_bytes.is_multiple_of(2) {
        let found = format!("{} and {} bytes", fixed.name_bytes, fixed.short_name_bytes);
        return Err(corrupt(found, "names of an even number of bytes"));
    }
    let mut position = DentryFixed::SIZE;
    let name = take_name(entry, &mut position, fixed.name_bytes);
    let short_name = name.and_then(|_| take_name(entry, &mut position, fixed.short_name_bytes));
    let (Some(name), Some(short_name)) = (name, short_name) else {
        return Err(corrupt(
            format!("{length} bytes"),
            "a length that covers both names",
        ));
    };
    let (tagged_items, bad_tagged_items) = read_tagged_items(entry, position);

    let mut position = align8(at.saturating_add(entry.len())).unwrap_or(usize::MAX);
    let mut extra_streams = Vec::new();
    for _ in 0..fixed.extra_stream_count {
        let (stream, next) = read_extra_stream(bytes, position)?;
        extra_streams.push(stream);
        position = next;
    }
    Ok(Some(RawDentry {
        fixed,
        name,
        short_name,
        tagged_items,
        extra_streams,
        bad_tagged_items,
        next: position,
    }))
}

/// A name of `size` bytes, followed by two bytes of NUL when it is not empty.
fn take_name<'a>(entry: &'a [u8], position: &mut usize, size: u16) -> Option<&'a [u8]> {
    let size = usize::from(size);
    if size == 0 {
        return Some(&[]);
    }
    let name = entry.get(*position..position.checked_add(size)?)?;
    *position += size + 2;
    // The NUL of the last name may lie beyond the stated length.
    (*position <= entry.len() + 2).then_some(name)
}

fn read_tagged_items(entry: &[u8], position: usize) -> (Vec<TaggedItem>, bool) {
    let mut items = Vec::new();
    let mut position = align8(position).unwrap_or(usize::MAX);
    while let Some(raw) = position.checked_add(8).and_then(|end| entry.get(position..end)) {
        let [tag, size] = [0, 4].map(|i| u32::from_le_bytes([raw[i], raw[i + 1], raw[i + 2], raw[i + 3]]));
        if tag == 0 && size == 0 {
            // Padding.
            return (items, false);
        }
        let start = position + 8;
        let data = usize::try_from(size)
            .ok()
            .and_then(|size| entry.get(start..start.checked_add(size)?));
        let Some(data) = data else { return (items, true) };
        items.push(TaggedItem {
            tag,
            data: data.to_vec(),
        });
        position = align8(start + data.len()).unwrap_or(usize::MAX);
    }
    (items, false)
}

fn read_extra_stream(bytes: &[u8], at: usize) -> Result<((BlobHash, &[u8]), usize)> {
    let what = "extra stream in metadata";
    let truncated = |need: u64| Error::Truncated {
        what,
        at: at as u64,
        need,
        have: bytes.len().saturating_sub(at) as u64,
    };
    let length = u64_at(bytes, at).ok_or_else(|| truncated(8))?;
    let entry = usize::try_from(length)
        .ok()
        .and_then(|length| bytes.get(at..at.checked_add(length)?))
        .ok_or_else(|| truncated(length))?;
    let corrupt = |expected| Error::Corrupt {
        what,
        at: at as u64,
        found: format!("{length} bytes"),
        expected,
    };
    let raw = entry
        .first_chunk::<{ ExtraStreamFixed::SIZE }>()
        .ok_or_else(|| corrupt("at least 38 bytes"))?;
    let fixed = ExtraStreamFixed::decode(raw);
    let mut position = ExtraStreamFixed::SIZE;
    let name = fixed
        .name_bytes
        .is_multiple_of(2)
        .then(|| take_name(entry, &mut position, fixed.name_bytes))
        .flatten()
        .ok_or_else(|| corrupt("a length that covers a name of whole UTF-16 units"))?;
    let next = align8(at.saturating_add(entry.len())).unwrap_or(usize::MAX);
    Ok(((fixed.hash, name), next))
}

//! Index roots and index blocks, entry by entry.

use std::io::{Read, Seek};

use super::owners::{Extent, Owners};
use super::record::name_text;
use super::tile::Tiles;
use crate::Result;
use crate::read::{FileName, FileReference, I30, Node, RawAttribute, RawEntry, Volume};

/// An `$INDEX_ROOT` attribute.
pub(super) fn root(
    number: u64,
    text: &str,
    found: &RawAttribute<'_>,
    value_at: usize,
    value: &[u8],
    tiles: &mut Tiles<'_>,
) -> Result<()> {
    let end = tiles.at().saturating_add(found.length as u64);
    if let Ok(node) = Node::of_root(tiles.at(), value.to_vec()) {
        tiles.add((value_at + 16) as u64, text)?;
        node_entries(number, &found.name, &node, 16, tiles)?;
        if tiles.at() < end {
            tiles.add(end - tiles.at(), &format!("record {number}: padding"))?;
        }
        return Ok(());
    }
    tiles.add(found.length as u64, text)
}

/// The blocks of an `$INDEX_ALLOCATION` that lie whole in one extent.
pub(super) fn blocks<R: Read + Seek>(
    volume: &mut Volume<R>,
    owners: &Owners,
    extent: &Extent,
    end: u64,
    tiles: &mut Tiles<'_>,
) -> Result<()> {
    let Ok(file) = volume.file(extent.record) else {
        return Ok(());
    };
    let Ok(index) = volume.index(&file, &extent.name) else {
        return Ok(());
    };
    let block = u64::from(index.header.block_bytes);
    let unit = u64::from(volume.boot().index_vcn_bytes(index.header.block_bytes));
    let mut position = volume.boot().cluster_offset(extent.vcn);
    if !position.is_multiple_of(block) {
        return Ok(());
    }
    while tiles.at().saturating_add(block) <= end && position.saturating_add(block) <= extent.size_bytes {
        let vcn = position / unit;
        match volume.index_block(&index, vcn) {
            Ok(node) => {
                let block_end = tiles.at() + block;
                let head = format!("{}: block {vcn}", owners.describe(extent));
                tiles.add(24, &format!("{head}, header"))?;
                node_entries(extent.record, &extent.name, &node, 24, tiles)?;
                tiles.gap_to(block_end, &format!("{head}, unused"))?;
            }
            Err(error) => tiles.add(block, &format!("{}: {error}", owners.describe(extent)))?,
        }
        position += block;
    }
    Ok(())
}

/// Node header, update sequence and entries.
fn node_entries(number: u64, name: &[u16], node: &Node, start: usize, tiles: &mut Tiles<'_>) -> Result<()> {
    let header = &node.header;
    let text = format!(
        "record {number}: node header, {:#x} of {:#x} bytes, flags {:#x}",
        header.used_bytes, header.allocated_bytes, header.flags
    );
    tiles.add(u64::from(header.entries_at), &text)?;
    let mut at = start + header.entries_at as usize;
    for entry in node.entries() {
        match entry {
            Ok(entry) => {
                tiles.add(
                    entry.length as u64,
                    &format!("record {number}: {}", entry_text(name, &entry)),
                )?;
                at = entry.at + entry.length;
            }
            Err(error) => {
                let end = start + header.used_bytes as usize;
                return tiles.add(
                    end.saturating_sub(at) as u64,
                    &format!("record {number}: {error}"),
                );
            }
        }
    }
    let end = start + header.used_bytes as usize;
    if end > at {
        tiles.add(
            (end - at) as u64,
            &format!("record {number}: after the last entry"),
        )?;
    }
    Ok(())
}

fn entry_text(name: &[u16], entry: &RawEntry<'_>) -> String {
    let child = entry
        .child
        .map_or_else(String::new, |vcn| format!(", child {vcn}"));
    if entry.is_last() {
        return format!("last entry{child}");
    }
    match FileName::parse(entry.key).filter(|_| name == I30) {
        Some(key) => format!(
            "entry {} {}{child}",
            FileReference::from_raw(entry.head),
            name_text(&key)
        ),
        None => format!(
            "entry, key {:02x?}, data {:02x?}{child}",
            entry.key,
            entry.data().unwrap_or_default()
        ),
    }
}

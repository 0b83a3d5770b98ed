//! Index trees: nodes, order, children, bitmap, whatever the keys are.

use std::collections::BTreeSet;
use std::io::{Read, Seek};

use super::Checker;
use super::code::Code;
use super::records::bit;
use super::report::Place;
use crate::layout::{attribute, collation, index_flag};
use crate::read::{Attribute, File, I30, Index, Node, RawEntry};

/// State of the walk through one index.
struct TreeCheck<'c> {
    rule: u32,
    previous: Option<Vec<u8>>,
    blocks: BTreeSet<u64>,
    entries: usize,
    visit: &'c mut dyn FnMut(u64, &RawEntry<'_>),
}

impl<R: Read + Seek> Checker<'_, R> {
    /// Checks the index `name` of a file and hands each entry, with its place, to `visit`.
    pub(super) fn check_index(
        &mut self,
        file: &File,
        name: &[u16],
        rule: u32,
        visit: &mut dyn FnMut(u64, &RawEntry<'_>),
    ) {
        let index = match self.volume.index(file, name) {
            Ok(index) => index,
            Err(error) => {
                let place = Place::record(file.reference.record, file.at);
                return self.out.add_error(Code::IndexRoot, place, &error);
            }
        };
        self.check_root(file, &index, name, rule);
        let mut walk = TreeCheck {
            rule,
            previous: None,
            blocks: BTreeSet::new(),
            entries: 0,
            visit,
        };
        self.check_node(file, &index, &index.root, 0, &mut walk);
        let blocks = walk.blocks;
        self.check_index_bitmap(file, &index, name, &blocks);
        self.out.report.stats.index_blocks += blocks.len() as u64;
    }

    fn check_root(&mut self, file: &File, index: &Index<'_>, name: &[u16], rule: u32) {
        let place = Place::record(file.reference.record, index.root.at);
        let boot = self.volume.boot;
        let header = &index.header;
        let wanted_type = if name == I30 { attribute::FILE_NAME } else { 0 };
        if header.attribute_type != wanted_type || header.collation != rule {
            let text = format!(
                "type {:#x}, collation {:#x}",
                header.attribute_type, header.collation
            );
            let expected = format!("type {wanted_type:#x}, collation {rule:#x}");
            self.out.add(Code::IndexRoot, place, text, expected);
        }
        if header.block_bytes != boot.index_block_bytes {
            let text = format!("blocks of {} bytes", header.block_bytes);
            let expected = format!("{} bytes", boot.index_block_bytes);
            self.out.add(Code::IndexRoot, place, text, expected);
        }
        let units = self.block_units(index);
        if u64::from(header.block_units) != units {
            let text = format!("{} units", header.block_units);
            self.out.add(Code::IndexUnits, place, text, units.to_string());
        }
        let has_children = index.root.header.flags & u32::from(index_flag::HAS_CHILD) != 0;
        if has_children && index.allocation.is_none() {
            self.out.add(
                Code::AttributeMissing,
                place,
                "no $INDEX_ALLOCATION",
                "one, as there are children",
            );
        }
        if let Some(allocation) = index.allocation
            && allocation.resident().is_some()
        {
            self.out.add(
                Code::AttributeForm,
                place,
                "a resident $INDEX_ALLOCATION",
                "one in clusters",
            );
        }
    }

    /// VCNs from one block to the next.
    fn block_units(&self, index: &Index<'_>) -> u64 {
        let block = index.header.block_bytes;
        u64::from((block / self.volume.boot.index_vcn_bytes(block)).max(1))
    }

    fn check_node(
        &mut self,
        file: &File,
        index: &Index<'_>,
        node: &Node,
        depth: usize,
        walk: &mut TreeCheck<'_>,
    ) {
        if depth >= self.volume.limits.max_index_depth {
            let place = Place::record(file.reference.record, node.at);
            return self
                .out
                .add(Code::LimitReached, place, format!("{depth} levels"), "fewer");
        }
        self.check_node_header(file, index, node);
        let parent = node.header.flags & u32::from(index_flag::HAS_CHILD) != 0;
        let mut last = None;
        for entry in node.entries() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    let place = Place::record(file.reference.record, node.at);
                    return self.out.add_error(Code::IndexEntry, place, &error);
                }
            };
            let at = node.at.saturating_add(entry.at as u64);
            let place = Place::record(file.reference.record, at);
            walk.entries += 1;
            if walk.entries > self.volume.limits.max_index_entries {
                return self.out.add(Code::LimitReached, place, "more entries", "fewer");
            }
            self.check_entry_form(&entry, parent, walk.rule, place);
            if let Some(vcn) = entry.child {
                self.check_child(file, index, vcn, depth, place, walk);
            }
            if entry.is_last() {
                last = Some(entry.at + entry.length);
                continue;
            }
            if let Some(before) = &walk.previous
                && self
                    .compare_keys(walk.rule, before, entry.key)
                    .is_none_or(|order| !order.is_lt())
            {
                let text = describe_key(walk.rule, entry.key);
                let expected = format!("a key after {}", describe_key(walk.rule, before));
                self.out.add(Code::IndexOrder, place, text, expected);
            }
            let previous = walk.previous.get_or_insert_default();
            previous.clear();
            previous.extend_from_slice(entry.key);
            (walk.visit)(at, &entry);
        }
        let end = node.header_at + node.header.used_bytes as usize;
        if last != Some(end) {
            let place = Place::record(file.reference.record, node.at);
            let text = format!("last entry ends at {last:x?}, node at {end:#x}");
            self.out.add(
                Code::IndexNode,
                place,
                text,
                "a last entry at the end of the node",
            );
        }
    }

    fn check_node_header(&mut self, file: &File, index: &Index<'_>, node: &Node) {
        let place = Place::record(file.reference.record, node.at);
        let header = &node.header;
        let room = node.bytes.len() - node.header_at;
        let allocated = header.allocated_bytes as usize;
        let fits = allocated == room && header.used_bytes <= header.allocated_bytes;
        let aligned = header.used_bytes.is_multiple_of(8) && header.entries_at.is_multiple_of(8);
        if !fits || !aligned {
            let text = format!(
                "{:#x} of {allocated:#x} bytes used, entries at {:#x}",
                header.used_bytes, header.entries_at
            );
            self.out.add(
                Code::IndexNode,
                place,
                text,
                format!("{room:#x} bytes, 8-aligned"),
            );
        }
        if node.vcn.is_none() {
            if header.entries_at != 16 {
                let text = format!("entries at {:#x}", header.entries_at);
                self.out.add(Code::IndexNode, place, text, "0x10 in a root");
            }
            return;
        }
        let words = usize::from(crate::read::bytes::u16_at(&node.bytes, 6).unwrap_or(0));
        let wanted = index.header.block_bytes as usize / crate::layout::FIXUP_STRIDE_BYTES + 1;
        let array_end = 0x28 + words * 2;
        if words != wanted || (header.entries_at as usize + node.header_at) < array_end {
            let text = format!("{words} words, entries at {:#x}", header.entries_at);
            self.out.add(
                Code::IndexNode,
                place,
                text,
                format!("{wanted} words, then the entries"),
            );
        }
    }

    fn check_entry_form(&mut self, entry: &RawEntry<'_>, parent: bool, rule: u32, place: Place) {
        let known = index_flag::HAS_CHILD | index_flag::LAST;
        let child = entry.child.is_some();
        let key_end = 16 + entry.key.len() + if child { 8 } else { 0 };
        // Entries of directories have no data: nothing but padding follows the key.
        let exact = rule != collation::FILE_NAME || entry.length == key_end.next_multiple_of(8);
        let fits = entry.length.is_multiple_of(8) && key_end <= entry.length && exact;
        if !fits || entry.flags & !known != 0 {
            let text = format!(
                "length {}, key {}, flags {:#x}",
                entry.length,
                entry.key.len(),
                entry.flags
            );
            self.out.add(
                Code::IndexEntry,
                place,
                text,
                "an 8-aligned entry with room for its key",
            );
        }
        if child != parent {
            let text = format!("child {child}");
            self.out.add(
                Code::IndexChild,
                place,
                text,
                format!("child {parent}, as the node says"),
            );
        }
    }

    fn check_child(
        &mut self,
        file: &File,
        index: &Index<'_>,
        vcn: u64,
        depth: usize,
        place: Place,
        walk: &mut TreeCheck<'_>,
    ) {
        if !walk.blocks.insert(vcn) {
            let text = format!("block {vcn} a second time");
            return self.out.add(Code::IndexChild, place, text, "each block once");
        }
        if !vcn.is_multiple_of(self.block_units(index)) {
            self.out.add(
                Code::IndexChild,
                place,
                format!("VCN {vcn}"),
                "the start of a block",
            );
        }
        match self.volume.index_block(index, vcn) {
            Ok(child) => self.check_node(file, index, &child, depth + 1, walk),
            Err(error) => self.out.add_error(Code::IndexBlock, place, &error),
        }
    }

    fn check_index_bitmap(&mut self, file: &File, index: &Index<'_>, name: &[u16], used: &BTreeSet<u64>) {
        let allocation = index.allocation.and_then(Attribute::non_resident);
        let Some(bitmap) = file.attribute(attribute::BITMAP, name) else {
            return;
        };
        let place = Place::record(file.reference.record, bitmap.at);
        let bits = match self.volume.load_value(bitmap) {
            Ok(bits) => bits,
            Err(error) => return self.out.add_error(Code::IndexBitmap, place, &error),
        };
        let block = u64::from(index.header.block_bytes);
        let blocks = allocation.map_or(0, |value| value.size_bytes / block);
        if bits.len() as u64 * 8 < blocks || !bits.len().is_multiple_of(8) {
            let text = format!("{} bytes for {blocks} blocks", bits.len());
            self.out.add(
                Code::IndexBitmap,
                place,
                text,
                "one bit a block, in multiples of 8 bytes",
            );
        }
        let unit = self.block_units(index);
        if let Some(vcn) = used.iter().find(|&&vcn| !bit(&bits, vcn / unit)) {
            self.out.add(
                Code::IndexBitmap,
                place,
                format!("block {vcn} in use"),
                "its bit set",
            );
        }
        let surplus = |block: &u64| bit(&bits, *block) && !used.contains(&(block * unit));
        if let Some(block) = (0..bits.len() as u64 * 8).find(surplus) {
            let text = format!("block {} marked", block * unit);
            self.out
                .add(Code::IndexBitmap, place, text, "a block of the tree");
        }
    }
}

/// A key in words, for findings.
fn describe_key(rule: u32, key: &[u8]) -> String {
    if rule == collation::FILE_NAME
        && let Some(name) = crate::read::FileName::parse(key)
    {
        return format!("{:?}", String::from_utf16_lossy(&name.name));
    }
    format!("{:02x?}", &key[..key.len().min(32)])
}

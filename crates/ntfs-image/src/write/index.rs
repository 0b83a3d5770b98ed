//! Index trees, built bottom-up: leaves about 90 % full, one key of every gap moved up a level, all blocks of
//! a tree in one row.

use super::BuildError;
use super::bytes::{apply_fixup, low16, low32, pad8, put_u16, put_u32};
use super::sink::Sink;
use super::space::Run;
use crate::layout::{INDEX_BLOCK_BYTES, INDX_MAGIC, index_flag};

/// First entry of a block: after the header, the node header and the update sequence array.
const ENTRIES_AT: usize = 0x40;
/// Room for entries in a block.
const CAPACITY: usize = INDEX_BLOCK_BYTES - ENTRIES_AT;
/// What a new block is filled to, so that Windows can insert without splitting at once.
const FILL: usize = CAPACITY * 9 / 10;
/// Length of the last entry of a leaf.
const END_BYTES: usize = 16;
/// What a child's VCN adds to an entry.
const CHILD_BYTES: usize = 8;
/// Index root header and node header.
pub(super) const ROOT_HEADER_BYTES: usize = 32;
/// Value of an index root that holds nothing but the way to the top block.
pub(super) const LEAST_LARGE_ROOT_BYTES: usize = ROOT_HEADER_BYTES + END_BYTES + CHILD_BYTES;

/// What kind of index it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    /// Type of the indexed attribute, 0 for a view index.
    pub(super) indexed: u32,
    /// Collation rule.
    pub(super) collation: u32,
}

/// Which entries are keys of which node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    entries: usize,
    /// For each level above the entries, leaves first: positions (in the items of the level) of the items
    /// that move up. The items of the next level are those.
    levels: Vec<Vec<u32>>,
}

impl Shape {
    /// Distributes entries of the given lengths. `small_root` is the room for the value of a root without
    /// blocks, `large_root` of one with blocks.
    pub(super) fn new(lens: &[u16], small_root: usize, large_root: usize) -> Self {
        let mut shape = Self {
            entries: lens.len(),
            levels: Vec::new(),
        };
        let total: usize = lens.iter().map(|&len| usize::from(len)).sum();
        if ROOT_HEADER_BYTES + total + END_BYTES <= small_root {
            return shape;
        }
        let mut lens = lens.to_vec();
        let mut child = 0;
        loop {
            let up = separators(&lens, child);
            lens = up.iter().map(|&at| lens[at as usize]).collect();
            child = CHILD_BYTES;
            shape.levels.push(up);
            let total: usize = lens.iter().map(|&len| usize::from(len) + child).sum();
            if ROOT_HEADER_BYTES + total + END_BYTES + child <= large_root.max(LEAST_LARGE_ROOT_BYTES) {
                return shape;
            }
        }
    }

    /// Whether everything is in the root.
    pub(super) fn is_small(&self) -> bool {
        self.levels.is_empty()
    }

    /// Number of blocks.
    pub(super) fn blocks(&self) -> u64 {
        self.levels.iter().map(|level| level.len() as u64 + 1).sum()
    }

    /// The entry that item `item` of `level` is.
    fn entry(&self, level: usize, item: usize) -> usize {
        (0..level)
            .rev()
            .fold(item, |item, below| self.levels[below][item] as usize)
    }

    /// Items on a level.
    fn items(&self, level: usize) -> usize {
        match level.checked_sub(1) {
            None => self.entries,
            Some(below) => self.levels[below].len(),
        }
    }
}

/// Positions of the items between two nodes of a level.
fn separators(lens: &[u16], child: usize) -> Vec<u32> {
    let end = END_BYTES + child;
    let mut up = Vec::new();
    let mut used = end;
    let mut first = 0;
    for (at, len) in lens.iter().enumerate() {
        let len = usize::from(*len) + child;
        if used + len <= FILL || at == first {
            used += len;
            continue;
        }
        if at + 1 == lens.len() {
            // The last item would leave an empty node: the one before it moves up instead.
            if used + len > CAPACITY {
                up.push(low32(at - 1));
            }
            break;
        }
        up.push(low32(at));
        used = end;
        first = at + 1;
    }
    up
}

/// A built index: the value of its root attribute, and the number of its blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Built {
    pub(super) root: Vec<u8>,
    pub(super) blocks: u64,
}

/// Clusters for a number of index blocks.
pub(super) fn block_clusters(blocks: u64, cluster: u64) -> u64 {
    (blocks * INDEX_BLOCK_BYTES as u64).div_ceil(cluster)
}

/// What the VCN of a block grows by from one block to the next: clusters, or 512-byte units in clusters
/// larger than a block.
fn vcn_step(cluster: u64) -> u64 {
    let block = INDEX_BLOCK_BYTES as u64;
    if cluster <= block {
        block / cluster
    } else {
        block / 512
    }
}

/// Units of a block as an index root states them.
pub(super) fn block_units(cluster: u64) -> u32 {
    u32::try_from(vcn_step(cluster)).unwrap_or(1)
}

/// Encodes an index; the blocks go to `runs` through `sink`. `encode` appends an entry without child and end
/// flags, padded to 8 bytes.
pub(super) fn build<W: std::io::Write + std::io::Seek>(
    kind: Kind,
    shape: &Shape,
    cluster: u64,
    runs: &[Run],
    sink: &mut Sink<W>,
    mut encode: impl FnMut(usize, &mut Vec<u8>),
) -> Result<Built, BuildError> {
    let step = vcn_step(cluster);
    let mut place = RunWriter::new(runs, cluster);
    let mut block = Vec::with_capacity(INDEX_BLOCK_BYTES);
    let mut node = 0u64;
    let mut below = 0u64;
    for (level, up) in shape.levels.iter().enumerate() {
        let base = node;
        let mut item = 0;
        for at in 0..=up.len() {
            let stop = up.get(at).map_or(shape.items(level), |&at| at as usize);
            block.clear();
            block.resize(ENTRIES_AT, 0);
            encode_node(
                shape,
                level,
                item..stop,
                (level > 0).then_some((below, step)),
                &mut encode,
                &mut block,
            );
            let used = block.len();
            debug_assert!(used <= INDEX_BLOCK_BYTES);
            block.resize(INDEX_BLOCK_BYTES, 0);
            block[..4].copy_from_slice(INDX_MAGIC);
            block[16..24].copy_from_slice(&(node * step).to_le_bytes());
            node_header(
                &mut block[24..40],
                ENTRIES_AT - 24,
                used - 24,
                INDEX_BLOCK_BYTES - 24,
                level > 0,
            );
            apply_fixup(&mut block, 0x28);
            place.write(sink, &block)?;
            item = stop + 1;
            node += 1;
        }
        below = base;
    }
    place.finish(sink)?;

    let mut root = Vec::new();
    root.extend(kind.indexed.to_le_bytes());
    root.extend(kind.collation.to_le_bytes());
    root.extend(low32(INDEX_BLOCK_BYTES).to_le_bytes());
    root.extend(block_units(cluster).to_le_bytes());
    root.resize(ROOT_HEADER_BYTES, 0);
    let level = shape.levels.len();
    let children = (level > 0).then_some((below, step));
    encode_node(
        shape,
        level,
        0..shape.items(level),
        children,
        &mut encode,
        &mut root,
    );
    let used = root.len() - 16;
    node_header(&mut root[16..32], 16, used, used, level > 0);
    Ok(Built { root, blocks: node })
}

fn node_header(header: &mut [u8], first: usize, used: usize, allocated: usize, has_children: bool) {
    put_u32(header, 0, low32(first));
    put_u32(header, 4, low32(used));
    put_u32(header, 8, low32(allocated));
    put_u32(header, 12, u32::from(has_children));
}

/// Appends the entries of one node. Item `n` of a level above the leaves has node `n` of the level below to
/// its left.
fn encode_node(
    shape: &Shape,
    level: usize,
    items: std::ops::Range<usize>,
    children: Option<(u64, u64)>,
    encode: &mut impl FnMut(usize, &mut Vec<u8>),
    out: &mut Vec<u8>,
) {
    let last = items.end;
    for item in items {
        let start = out.len();
        encode(shape.entry(level, item), out);
        if let Some(child) = children {
            add_child(out, start, child, item);
        }
    }
    let start = out.len();
    out.extend([0; END_BYTES]);
    put_u16(out, start + 8, low16(END_BYTES));
    put_u16(out, start + 12, index_flag::LAST);
    if let Some(child) = children {
        add_child(out, start, child, last);
    }
}

fn add_child(out: &mut Vec<u8>, start: usize, (first, step): (u64, u64), item: usize) {
    out.extend(((first + item as u64) * step).to_le_bytes());
    let len = low16(out.len() - start);
    put_u16(out, start + 8, len);
    out[start + 12] |= index_flag::HAS_CHILD.to_le_bytes()[0];
}

/// Appends an entry of a view index.
pub(super) fn encode_view_entry(key: &[u8], data: &[u8], padding: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    let data_at = 16 + key.len();
    let len = view_entry_len(key.len(), data.len() + padding.len());
    out.extend(low16(data_at).to_le_bytes());
    out.extend(low16(data.len()).to_le_bytes());
    out.extend(0u32.to_le_bytes());
    out.extend(low16(len).to_le_bytes());
    out.extend(low16(key.len()).to_le_bytes());
    out.extend([0; 4]);
    out.extend_from_slice(key);
    out.extend_from_slice(data);
    out.extend_from_slice(padding);
    pad8(out);
    debug_assert_eq!(out.len() - start, len);
}

/// Length of an entry of a view index.
pub(super) fn view_entry_len(key: usize, data: usize) -> usize {
    (16 + key + data).next_multiple_of(8)
}

/// Writes bytes one after another into runs.
#[derive(Debug)]
pub(super) struct RunWriter<'r> {
    runs: &'r [Run],
    cluster: u64,
    /// Bytes of `runs[0]` that are written.
    done: u64,
}

impl<'r> RunWriter<'r> {
    pub(super) fn new(runs: &'r [Run], cluster: u64) -> Self {
        Self {
            runs,
            cluster,
            done: 0,
        }
    }

    pub(super) fn write<W: std::io::Write + std::io::Seek>(
        &mut self,
        sink: &mut Sink<W>,
        mut bytes: &[u8],
    ) -> Result<(), BuildError> {
        while !bytes.is_empty() {
            let Some(run) = self.runs.first() else {
                debug_assert!(false, "more bytes than clusters");
                return Ok(());
            };
            let room = run.count * self.cluster - self.done;
            let now = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
            let (head, tail) = bytes.split_at(now);
            if let Some(lcn) = run.lcn {
                sink.write_at(lcn * self.cluster + self.done, head)?;
            }
            bytes = tail;
            self.done += now as u64;
            if self.done == run.count * self.cluster {
                self.runs = &self.runs[1..];
                self.done = 0;
            }
        }
        Ok(())
    }

    /// Zeros up to the end of the runs.
    pub(super) fn finish<W: std::io::Write + std::io::Seek>(
        mut self,
        sink: &mut Sink<W>,
    ) -> Result<(), BuildError> {
        while let Some(run) = self.runs.first() {
            if let Some(lcn) = run.lcn {
                sink.fill_at(
                    lcn * self.cluster + self.done,
                    run.count * self.cluster - self.done,
                    0,
                )?;
            }
            self.runs = &self.runs[1..];
            self.done = 0;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_node_is_empty_or_too_full() {
        for len in [88u16, 96, 104, 600] {
            for count in 1..400usize {
                let lens = vec![len; count];
                let shape = Shape::new(&lens, 200, 100);
                for (level, up) in shape.levels.iter().enumerate() {
                    let child = if level > 0 { CHILD_BYTES } else { 0 };
                    let mut from = 0;
                    for at in 0..=up.len() {
                        let stop = up.get(at).map_or(shape.items(level), |&at| at as usize);
                        assert!(stop > from, "{count} entries of {len}, level {level}");
                        assert!((stop - from) * (usize::from(len) + child) + END_BYTES + child <= CAPACITY);
                        from = stop + 1;
                    }
                }
            }
        }
    }
}

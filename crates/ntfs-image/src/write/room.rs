//! What fits an MFT record: which streams and values lie in it, and what is left for an index.

use super::attribute::{one_run_len, resident_len};
use super::prepare::Prepared;
use super::record::capacity;
use super::tree::{NONE, Node, Stream, Tree};
use crate::layout::WOF_STREAM_NAME;

/// Length of an encoded `$FILE_NAME` attribute.
fn file_name_len(units: usize) -> usize {
    resident_len(0, 66 + 2 * units)
}

/// What the names of a node take in its record.
fn names_cost(tree: &Tree, prepared: &Prepared, at: u32, room: usize) -> usize {
    let mut cost = if at == 0 { file_name_len(1) } else { 0 };
    for &name in prepared.names_of(at) {
        cost += file_name_len(tree.name(name).len());
        let dos = tree.names[name as usize].dos_len;
        if dos > 0 {
            cost += file_name_len(usize::from(dos));
        }
        if cost > room / 2 {
            // The rest goes to other records, under an attribute list.
            return cost + one_run_len(0, false);
        }
    }
    cost
}

/// Longest reparse point or extended attributes that stay in the record of a node: what its index, its names
/// and an attribute list leave, and no more than half a record.
pub(super) fn small_value_limit(tree: &Tree, prepared: &Prepared, at: u32, room: usize) -> usize {
    let directory = tree.nodes[at as usize].directory;
    let others = resident_len(0, 72)
        + names_cost(tree, prepared, at, room)
        + one_run_len(0, false)
        + if directory {
            LARGE_INDEX_COST + 32 + super::index::LEAST_LARGE_ROOT_BYTES
        } else {
            one_run_len(0, false)
        };
    (room / 2).min(room.saturating_sub(others + resident_len(0, 0)))
}

/// What a node's record must hold beside its streams and its index.
fn fixed_cost(tree: &Tree, prepared: &Prepared, at: u32, node: &Node, room: usize) -> usize {
    let mut cost = resident_len(0, 72) + names_cost(tree, prepared, at, room);
    if at == 0 {
        cost += resident_len(0, super::secure::ROOT_DESCRIPTOR.len());
    }
    if let Some(extra) = tree.extra(node) {
        let limit = small_value_limit(tree, prepared, at, room);
        let value = |bytes| {
            if bytes <= limit {
                resident_len(0, bytes)
            } else {
                one_run_len(0, false)
            }
        };
        if extra.object_id.is_some() {
            cost += resident_len(0, 16);
        }
        if let Some(reparse) = &extra.reparse {
            cost += value(reparse.data.len() + 8);
        }
        if let Some(extended) = &extra.extended {
            cost += resident_len(0, 8) + value(extended.packed.len());
        }
        if let Some(efs) = &extra.efs {
            cost += value(efs.len()) + 8;
        }
    }
    if tree.compact_stream(node).is_some() {
        cost += COMPACT_REPARSE_COST;
    }
    cost
}

/// What the reparse point of a compact file takes.
const COMPACT_REPARSE_COST: usize = 24 + 8 + 16;

/// Longest compressed stream that would lie in the record of the file whose unnamed stream this is, were it
/// stored compact.
pub(super) fn compact_limit(tree: &Tree, prepared: &Prepared, stream: &Stream) -> usize {
    let room = capacity(prepared.geometry.record_bytes);
    let now = if stream.resident {
        resident_len(0, usize::try_from(stream.size).unwrap_or(0))
    } else {
        one_run_len(0, stream.sparse)
    };
    // In place of the plain stream: a hole, the reparse point, and the compressed stream.
    let others = node_cost(tree, prepared, stream.node) - now
        + one_run_len(0, true)
        + COMPACT_REPARSE_COST
        + resident_len(WOF_STREAM_NAME.len(), 0);
    room.saturating_sub(others)
}

/// Decides which streams of a node lie in its record.
pub(super) fn decide_places(tree: &mut Tree, prepared: &Prepared, at: u32, room: usize) {
    let node = &tree.nodes[at as usize];
    if node.stream_count == 0 {
        return;
    }
    let mut left = room.saturating_sub(fixed_cost(tree, prepared, at, node, room));
    if node.directory {
        left = left.saturating_sub(LARGE_INDEX_COST + super::index::LEAST_LARGE_ROOT_BYTES + 32);
    }
    let mut range: Vec<usize> = tree.streams_of(node).collect();
    range.sort_by_key(|&index| tree.stream_name(&tree.streams[index]).len().min(1));
    let costs = |stream: &super::tree::Stream, tree: &Tree| {
        let units = tree.stream_name(stream).len();
        let size = usize::try_from(stream.size).unwrap_or(usize::MAX / 2);
        (
            resident_len(units, size.min(1 << 20)),
            one_run_len(units, stream.sparse),
        )
    };
    let mut least: usize = range
        .iter()
        .map(|&index| {
            let (inside, outside) = costs(&tree.streams[index], tree);
            inside.min(outside)
        })
        .sum();
    for index in range {
        let (inside, outside) = costs(&tree.streams[index], tree);
        least -= inside.min(outside);
        let stream = &mut tree.streams[index];
        let may =
            stream.encrypted == NONE && (stream.size == 0 || !stream.sparse && stream.placement == NONE);
        stream.resident = may && (inside <= outside || inside + least <= left);
        left = left.saturating_sub(if stream.resident { inside } else { outside });
    }
}

/// Room that `$INDEX_ALLOCATION` and `$BITMAP` of a directory take.
pub(super) const LARGE_INDEX_COST: usize = 176;

/// Attribute bytes of a node as decided, without an index.
pub(super) fn node_cost(tree: &Tree, prepared: &Prepared, at: u32) -> usize {
    let node = &tree.nodes[at as usize];
    let room = capacity(prepared.geometry.record_bytes);
    let compact = tree.compact_stream(node).into_iter();
    let streams: usize = tree
        .streams_of(node)
        .map(|index| &tree.streams[index])
        .chain(compact)
        .map(|stream| {
            let units = tree.stream_name(stream).len();
            if stream.resident {
                resident_len(units, usize::try_from(stream.size).unwrap_or(0))
            } else {
                one_run_len(units, stream.sparse)
            }
        })
        .sum();
    fixed_cost(tree, prepared, at, node, room) + streams
}

/// Room for the value of an index root: without blocks, and with.
pub(super) fn index_rooms(tree: &Tree, prepared: &Prepared, at: u32) -> (usize, usize) {
    let room = capacity(prepared.geometry.record_bytes);
    let small = room.saturating_sub(node_cost(tree, prepared, at) + resident_len(4, 0));
    (small, small.saturating_sub(LARGE_INDEX_COST))
}

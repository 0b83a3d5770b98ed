//! How large a volume will be: counted from the prepared tree, before anything is written.

use std::ops::Range;

use super::delivery::PIECE_BYTES;
use super::geometry::Geometry;
use super::index::{Shape, block_clusters, view_entry_len};
use super::prepare::{Entry, Prepared, entry_name, system_names};
use super::record::capacity;
use super::room::{index_rooms, node_cost, small_value_limit};
use super::secure::Descriptors;
use super::space::Space;
use super::tree::{NONE, Source, Tree};
use super::{BuildError, Warning};
use crate::attrdef::ATTRDEF_BYTES;
use crate::layout::record;
use crate::spec::VolumeSpec;
use crate::upcase::UPCASE_BYTES;

/// Records that `$MFT` has at least, and by which it grows.
const LEAST_RECORDS: u64 = 256;
const RECORD_STEP: u64 = 64;
/// Clusters that rounding may cost here and there.
const SLACK_CLUSTERS: u64 = 64;

/// What a volume will hold and need.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// MFT records in use; an upper bound when streams are shared or made compact.
    pub record_count: u64,
    /// Files and directories, without the system's.
    pub node_count: u64,
    /// Bytes of all streams.
    pub data_bytes: u64,
    /// Of them, bytes that lie in MFT records.
    pub resident_bytes: u64,
    /// Bytes of the clusters for streams: exact, unless streams are sparse or delivered compact; then an
    /// upper bound.
    pub data_cluster_bytes: u64,
    /// Bytes of the clusters for everything else: an upper bound.
    pub metadata_bytes: u64,
    /// Clusters that the volume needs at most.
    pub needed_clusters: u64,
    /// Clusters that it has.
    pub clusters: u64,
    /// Smallest size of the partition that is certainly enough, in bytes.
    pub min_size_bytes: u64,
    /// What cannot be kept as it was described.
    pub warnings: Vec<Warning>,
}

/// Records of `$MFT`, unused ones included, when `used` are in use.
pub(super) fn mft_records(used: u64) -> u64 {
    used.next_multiple_of(RECORD_STEP).max(LEAST_RECORDS)
}

/// Bytes of `$MFT:$BITMAP`.
pub(super) fn mft_bitmap_bytes(records: u64) -> u64 {
    (records.div_ceil(64) + 1) * 8
}

/// Records that `$MFTMirr` repeats.
pub(super) fn mirror_records(geometry: &Geometry) -> u64 {
    (geometry.cluster / geometry.record_bytes as u64).max(4)
}

/// The shape of a directory's index.
pub(super) fn directory_shape(tree: &Tree, prepared: &Prepared, node: u32, system: &[Vec<u16>]) -> Shape {
    let lens: Vec<u16> = (0..prepared.entry_count(node))
        .map(|at| {
            let units = entry_name(tree, prepared.entry(node, at), system).len();
            super::bytes::low16((16 + 66 + 2 * units).next_multiple_of(8))
        })
        .collect();
    let (small, large) = index_rooms(tree, prepared, node);
    Shape::new(&lens, small, large)
}

/// Number of the ranges that the cursor steps around, and the end of the last one.
fn divided(spec: &VolumeSpec, tree: &Tree, geometry: &Geometry) -> (u64, u64) {
    let placed = placed_ranges(tree, geometry);
    let all = || {
        spec.keep_free
            .iter()
            .chain(&placed)
            .filter(|range| !range.is_empty())
    };
    (
        all().count() as u64,
        all().map(|range| range.end).max().unwrap_or(0),
    )
}

/// The clusters of placed streams.
pub(super) fn placed_ranges(tree: &Tree, geometry: &Geometry) -> Vec<Range<u64>> {
    let placed = tree.streams.iter().filter_map(|stream| {
        let lcn = *tree.placements.get(stream.placement as usize)?;
        Some(lcn..lcn + geometry.clusters_for(stream.size))
    });
    placed.collect()
}

/// Clusters in at least one of the ranges.
fn union(ranges: &[Range<u64>]) -> u64 {
    let mut sorted: Vec<&Range<u64>> = ranges.iter().collect();
    sorted.sort_by_key(|range| range.start);
    let mut end = 0;
    let mut count = 0;
    for range in sorted {
        count += range.end.saturating_sub(range.start.max(end));
        end = end.max(range.end);
    }
    count
}

/// Tables that lie in one piece, or in few.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whole {
    pub(super) log_file: u64,
    pub(super) mirror: u64,
    pub(super) mft: u64,
}

impl Whole {
    /// Pieces that `$MFT` may have: their runs fit its record.
    const MFT_PIECES: usize = 16;

    pub(super) fn new(geometry: &Geometry, records: u64) -> Self {
        Self {
            log_file: geometry.clusters_for(geometry.log_file_bytes()),
            mirror: geometry.clusters_for(mirror_records(geometry) * geometry.record_bytes as u64),
            mft: geometry.clusters_for(records * geometry.record_bytes as u64),
        }
    }

    fn clusters(&self) -> u64 {
        self.log_file + self.mirror + self.mft
    }

    /// Sets all of them aside; `None` when the gaps are too small.
    pub(super) fn set_aside(&self, space: &mut Space) -> Option<Aside> {
        Some(Aside {
            log_file: space.set_aside(self.log_file)?,
            mirror: space.set_aside(self.mirror)?,
            mft: space.set_aside_in_pieces(self.mft, Self::MFT_PIECES)?,
        })
    }
}

/// Where the tables go on a volume with ranges in the way.
#[derive(Clone, Debug)]
pub(super) struct Aside {
    pub(super) log_file: Range<u64>,
    pub(super) mirror: Range<u64>,
    pub(super) mft: Vec<Range<u64>>,
}

/// A volume of which nothing but `$Boot` is allocated, and the places of the tables if there are ranges in the
/// way.
pub(super) fn first_space(
    spec: &VolumeSpec,
    tree: &Tree,
    geometry: &Geometry,
    plan: &Plan,
) -> Result<(Space, Option<Aside>), BuildError> {
    let mut space = Space::new(geometry.clusters, &spec.keep_free, &placed_ranges(tree, geometry));
    space.contiguous(geometry.boot_clusters());
    if !space.is_divided() {
        return Ok((space, None));
    }
    let whole = Whole::new(geometry, mft_records(plan.record_count));
    match whole.set_aside(&mut space) {
        Some(aside) => Ok((space, Some(aside))),
        None => Err(no_space(plan, geometry)),
    }
}

/// Counts a prepared tree.
pub(super) fn count(spec: &VolumeSpec, tree: &Tree, prepared: &Prepared, descriptors: &Descriptors) -> Plan {
    let geometry = &prepared.geometry;
    let room = capacity(geometry.record_bytes);
    let mut data_bytes = 0;
    let mut resident_bytes = 0;
    let mut data = 0u64;
    let mut extensions = 0u64;
    for stream in &tree.streams {
        data_bytes += stream.size;
        if stream.resident {
            resident_bytes += stream.size;
            continue;
        }
        let unit = if stream.sparse {
            1 << geometry.sparse_unit()
        } else {
            1
        };
        data += geometry.clusters_for(stream.size).next_multiple_of(unit);
        let pieces = if stream.sparse {
            stream.size / ((2 * geometry.cluster) << geometry.sparse_unit())
        } else if matches!(stream.source, Source::Key(_)) {
            stream.size / PIECE_BYTES as u64
        } else {
            0
        };
        extensions += pieces * 10 / (room as u64 / 2);
    }
    let system = system_names();
    let mut metadata = 0u64;
    let mut indexed_reparse = 0usize;
    let mut indexed_ids = 0usize;
    for (at, node) in (0..).zip(&tree.nodes) {
        let mut cost = node_cost(tree, prepared, at);
        if let Some(extra) = tree.extra(node) {
            let values = [
                extra.reparse.as_ref().map(|reparse| reparse.data.len() + 8),
                extra.extended.as_ref().map(|list| list.packed.len()),
                extra.efs.as_ref().map(Vec::len),
            ];
            for bytes in values
                .into_iter()
                .flatten()
                .filter(|&bytes| bytes > small_value_limit(tree, prepared, at, room))
            {
                metadata += geometry.clusters_for(bytes as u64);
            }
            indexed_reparse += usize::from(extra.reparse.is_some());
            indexed_ids += usize::from(extra.object_id.is_some());
        }
        if node.directory {
            let shape = directory_shape(tree, prepared, at, &system);
            metadata += block_clusters(shape.blocks(), geometry.cluster);
            metadata += geometry.clusters_for(shape.blocks().div_ceil(512) / 2 * 64);
        } else if tree
            .unnamed_stream(node)
            .is_some_and(|stream| may_be_compact(tree, stream))
        {
            // Compact: a sparse stream, a reparse point, and a named stream in clusters.
            indexed_reparse += 1;
            cost += 240;
        }
        let names: usize = prepared
            .names_of(at)
            .iter()
            .map(|&name| {
                96 + 2 * tree.name(name).len()
                    + if tree.names[name as usize].dos_len > 0 {
                        120
                    } else {
                        0
                    }
            })
            .sum();
        let whole = cost.max(names + 300);
        if whole > room {
            extensions += 1 + ((whole - room) as u64 + 200) / (room as u64 * 2 / 3);
            metadata += geometry.clusters_for(whole as u64 / 3);
        }
    }
    // Every range in the way may cost a stream one more run, and that a record more.
    let divided = divided(spec, tree, geometry);
    extensions += divided.0;
    metadata += divided.0;
    let records = mft_records(record::FIRST_FILE - 1 + tree.nodes.len() as u64 + extensions);
    let layout = descriptors.layout();
    let view = |count: usize, key: usize, data: usize| {
        let lens = vec![super::bytes::low16(view_entry_len(key, data)); count];
        block_clusters(
            Shape::new(&lens, SMALL_VIEW_ROOT_BYTES, 0).blocks(),
            geometry.cluster,
        ) + 1
    };
    metadata += geometry.clusters_for(layout.size_bytes)
        + view(layout.entries.len(), 8, 24)
        + view(layout.entries.len(), 4, 20)
        + view(indexed_ids, 16, 56)
        + view(indexed_reparse, 12, 0);
    metadata += geometry.boot_clusters()
        + geometry.clusters_for(UPCASE_BYTES as u64)
        + geometry.clusters_for(ATTRDEF_BYTES as u64)
        + geometry.clusters_for(records * geometry.record_bytes as u64)
        + geometry.clusters_for(mft_bitmap_bytes(records))
        + geometry.clusters_for(mirror_records(geometry) * geometry.record_bytes as u64)
        + SLACK_CLUSTERS;
    let kept = union(&spec.keep_free);
    let fixed = data + metadata + kept;
    let sized = |geometry: &Geometry| {
        geometry.clusters_for(geometry.log_file_bytes()) + geometry.clusters_for(geometry.bitmap_bytes())
    };
    let mut least = *geometry;
    let mut min_size_bytes = 0;
    for _ in 0..4 {
        let needed = (fixed + sized(&least)).max(divided.1 + Whole::new(&least, records).clusters());
        min_size_bytes = (needed * geometry.cluster + geometry.cluster)
            .max(32 << 20)
            .next_multiple_of(1 << 20);
        least.total_sectors = min_size_bytes / geometry.sector - 1;
        least.clusters = least.total_sectors / (geometry.cluster / geometry.sector);
    }
    Plan {
        record_count: record::FIRST_FILE - 1 + tree.nodes.len() as u64 + extensions,
        node_count: tree.nodes.len() as u64 - 1,
        data_bytes,
        resident_bytes,
        data_cluster_bytes: data * geometry.cluster,
        metadata_bytes: (metadata + sized(geometry)) * geometry.cluster,
        needed_clusters: fixed + sized(geometry),
        clusters: geometry.clusters,
        min_size_bytes,
        warnings: prepared.warnings.clone(),
    }
}

/// Longest index root of a system file that has no blocks.
pub(super) const SMALL_VIEW_ROOT_BYTES: usize = 256;

/// Whether a file may be stored compact, as far as its other parts go.
pub(super) fn may_be_compact(tree: &Tree, stream: &super::tree::Stream) -> bool {
    let Some(node) = tree.nodes.get(stream.node as usize) else {
        return false;
    };
    let plain = tree
        .extra(node)
        .is_none_or(|extra| extra.reparse.is_none() && extra.extended.is_none() && extra.efs.is_none());
    let unnamed = tree.stream_name(stream).is_empty() && stream.compact.is_none();
    let free = tree.streams_of(node).all(|at| {
        let name = tree.stream_name(&tree.streams[at]);
        !name
            .iter()
            .copied()
            .eq(crate::layout::WOF_STREAM_NAME.encode_utf16())
    });
    plain
        && unnamed
        && free
        && !stream.sparse
        && stream.placement == NONE
        && stream.size > 0
        && !node.directory
}

/// Refuses a volume that is too small.
pub(super) fn check_space(
    spec: &VolumeSpec,
    tree: &Tree,
    plan: &Plan,
    geometry: &Geometry,
) -> Result<(), BuildError> {
    if plan.needed_clusters > plan.clusters {
        return Err(no_space(plan, geometry));
    }
    first_space(spec, tree, geometry, plan).map(drop)
}

fn no_space(plan: &Plan, geometry: &Geometry) -> BuildError {
    BuildError::NoSpace {
        needed_bytes: plan.min_size_bytes,
        have_bytes: (geometry.total_sectors + 1) * geometry.sector,
    }
}

/// Number of an entry's node, or the record of a system file.
pub(super) fn entry_reference(tree: &Tree, entry: Entry) -> u64 {
    match entry {
        Entry::Name { name, .. } => super::tree::reference_of(tree.names[name as usize].node),
        Entry::System(at) => {
            let record = super::prepare::SYSTEM_NAMES[at].1;
            super::record::reference(record, super::system::sequence(record))
        }
    }
}

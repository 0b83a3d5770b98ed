//! The writer of a volume: begun empty, given data by deliveries, finished with everything else.

use std::fs::File;
use std::io::{Seek, Write};

use super::BuildError;
use super::delivery::Delivery;
use super::geometry::Geometry;
use super::metadata::Metadata;
use super::plan::{Aside, Plan, first_space, may_be_compact, placed_ranges};
use super::prepare::Prepared;
use super::report::{Placed, Report};
use super::room::compact_limit;
use super::secure::Descriptors;
use super::sink::Sink;
use super::space::{Run, Space};
use super::tree::{Source, Stored, Tree};
use crate::attrdef::attrdef_bytes;
use crate::layout::BOOT_FILE_BYTES;
use crate::spec::{StreamKey, VolumeSpec};
use crate::upcase::upcase_bytes;
/// Writes a volume: data first, in the order of delivery, then everything else. Until
/// [`VolumeWriter::finish`] returns, the output has no boot sector.
#[derive(Debug)]
pub struct VolumeWriter<W> {
    pub(super) spec: VolumeSpec,
    pub(super) tree: Tree,
    pub(super) descriptors: Descriptors,
    pub(super) prepared: Prepared,
    pub(super) space: Space,
    pub(super) aside: Option<Aside>,
    pub(super) sink: Sink<W>,
    pub(super) upcase_runs: Vec<Run>,
    pub(super) attrdef_runs: Vec<Run>,
    pub(super) delivery: Option<Delivery>,
    pub(super) spare: Vec<u8>,
    pub(super) data_clusters: u64,
    pub(super) compact_file_count: u64,
    needed_bytes: u64,
}

impl<W: Write + Seek> VolumeWriter<W> {
    pub(super) fn start(
        spec: VolumeSpec,
        tree: Tree,
        descriptors: Descriptors,
        prepared: Prepared,
        plan: Plan,
        out: W,
    ) -> Result<Self, BuildError> {
        let geometry = prepared.geometry;
        check_disjoint(&spec, &placed_ranges(&tree, &geometry))?;
        let (space, aside) = first_space(&spec, &tree, &geometry, &plan)?;
        let mut new = Self {
            space,
            aside,
            spec,
            tree,
            descriptors,
            prepared,
            sink: Sink::new(out),
            upcase_runs: Vec::new(),
            attrdef_runs: Vec::new(),
            delivery: None,
            spare: Vec::new(),
            data_clusters: 0,
            compact_file_count: 0,
            needed_bytes: plan.min_size_bytes,
        };
        // From here on there is no volume, whatever was there before.
        new.sink
            .fill_at(0, BOOT_FILE_BYTES.next_multiple_of(geometry.cluster), 0)?;
        new.sink.flush()?;
        new.upcase_runs = new.store(&upcase_bytes())?;
        new.attrdef_runs = new.store(&attrdef_bytes())?;
        Ok(new)
    }

    pub(super) fn geometry(&self) -> Geometry {
        self.prepared.geometry
    }

    pub(super) fn full(&self) -> BuildError {
        BuildError::NoSpace {
            needed_bytes: self.needed_bytes,
            have_bytes: self.spec.size_bytes,
        }
    }

    /// Allocates clusters for a number of bytes.
    pub(super) fn allocate(&mut self, bytes: u64) -> Result<Vec<Run>, BuildError> {
        let mut runs = Vec::new();
        let clusters = self.geometry().clusters_for(bytes);
        self.space
            .allocate(clusters, &mut runs)
            .ok_or_else(|| self.full())?;
        Ok(runs)
    }

    /// Stores bytes in the next free clusters.
    pub(super) fn store(&mut self, bytes: &[u8]) -> Result<Vec<Run>, BuildError> {
        let runs = self.allocate(bytes.len() as u64)?;
        let mut writer = super::index::RunWriter::new(&runs, self.geometry().cluster);
        writer.write(&mut self.sink, bytes)?;
        writer.finish(&mut self.sink)?;
        Ok(runs)
    }

    /// Streams that wait for the bytes of a key.
    pub(super) fn waiting(&self, key: StreamKey) -> impl Iterator<Item = u32> {
        let keys = &self.prepared.keys;
        let from = keys.partition_point(|&(other, _)| other < key.0);
        keys[from..]
            .iter()
            .take_while(move |&&(other, _)| other == key.0)
            .map(|&(_, stream)| stream)
    }

    /// Whether the bytes of a key may be delivered as [`StreamForm::Compact`](crate::StreamForm::Compact): every stream of the key is
    /// the whole content of a file without reparse point and extended attributes.
    pub fn may_be_compact(&self, key: StreamKey) -> bool {
        let mut streams = self.waiting(key).peekable();
        streams.peek().is_some()
            && streams.all(|at| may_be_compact(&self.tree, &self.tree.streams[at as usize]))
    }

    /// Whether and how compact storage of the bytes of a key saves clusters. `None`: not at all, since they must not
    /// be compact ([`VolumeWriter::may_be_compact`]) or lie in MFT records as they are. Else the length up to which
    /// the compressed stream lies in the record of each of their files, and takes no cluster.
    pub fn compact_record_bytes(&self, key: StreamKey) -> Option<u64> {
        if !self.may_be_compact(key) {
            return None;
        }
        let streams = || self.waiting(key).map(|at| &self.tree.streams[at as usize]);
        if streams().all(|stream| stream.resident) {
            return None;
        }
        let limits = streams().map(|stream| compact_limit(&self.tree, &self.prepared, stream));
        limits.min().map(|bytes| bytes as u64)
    }

    /// Where the bytes are that were delivered so far.
    pub fn placed(&self) -> Placed {
        Placed {
            output_bytes: self.sink.given_bytes(),
            waiting_bytes: self
                .delivery
                .as_ref()
                .map_or(0, |delivery| delivery.piece.len() as u64),
            record_bytes: self.tree.held.bytes(),
            held_bytes: self.tree.held.memory_bytes(),
        }
    }

    /// Moves what is held for MFT records into a file, empty and open for reading and writing; from here on no more
    /// than 1 MiB of it is in memory. The volume does not depend on it.
    ///
    /// # Errors
    /// `Io` when the file cannot be written.
    pub fn spool_held(&mut self, file: File) -> Result<(), BuildError> {
        self.tree.held.set_spool(file)
    }

    /// Writes everything that is not data, the boot sector last, and gives the output back. Just before the
    /// boot sector the output is flushed: an output whose `flush` waits for the medium makes the volume
    /// appear only when all of it is there.
    ///
    /// # Errors
    /// `Delivery` when a key was not delivered; `NoSpace`; `Io`. The volume has no boot sector then.
    pub fn finish(mut self) -> Result<(W, Report), BuildError> {
        if let Some(delivery) = &self.delivery {
            return Err(BuildError::Delivery {
                key: delivery.key,
                reason: "the stream has not ended",
                found: delivery.received,
                expected: delivery.expected,
            });
        }
        self.store_given()?;
        for &(key, stream) in &self.prepared.keys {
            let stream = &self.tree.streams[stream as usize];
            if matches!(stream.stored, Stored::Pending) {
                return Err(BuildError::Delivery {
                    key: StreamKey(key),
                    reason: "was not delivered",
                    found: 0,
                    expected: stream.size,
                });
            }
        }
        let mut report = Report {
            data_cluster_bytes: self.data_clusters * self.geometry().cluster,
            resident_bytes: self.tree.held.bytes(),
            compact_file_count: self.compact_file_count,
            warnings: self.prepared.warnings.clone(),
            ..Report::default()
        };
        Metadata::write(&mut self, &mut report)?;
        report.used_clusters = self.space.used_clusters();
        report.write_calls = self.sink.write_calls;
        report.seek_calls = self.sink.seek_calls;
        report.bytes_written = self.sink.bytes_written;
        Ok((self.sink.into_inner(), report))
    }

    /// Stores the streams whose bytes were given with the tree, and empty ones.
    fn store_given(&mut self) -> Result<(), BuildError> {
        for at in 0..super::bytes::low32(self.tree.streams.len()) {
            let stream = &self.tree.streams[at as usize];
            if !matches!(stream.stored, Stored::Pending) {
                continue;
            }
            match stream.source {
                Source::Bytes(place) if stream.resident => {
                    self.tree.streams[at as usize].stored = Stored::Resident(place);
                }
                Source::Bytes(place) => {
                    let size = stream.size;
                    // The arena is put aside so that its bytes can be lent out.
                    let held = std::mem::take(&mut self.tree.held);
                    self.begin(StreamKey(0), &[at], size)?;
                    self.write(&held.get(place, size)?)?;
                    self.end_stream()?;
                    self.tree.held = held;
                }
                Source::Key(_) if stream.size == 0 => {
                    self.begin(StreamKey(0), &[at], 0)?;
                    self.end_stream()?;
                }
                Source::Key(_) => {}
            }
        }
        Ok(())
    }
}

/// Refuses placed streams that overlap each other or what is to be kept free.
fn check_disjoint(spec: &VolumeSpec, placed: &[std::ops::Range<u64>]) -> Result<(), BuildError> {
    let mut all: Vec<_> = placed
        .iter()
        .chain(&spec.keep_free)
        .filter(|range| !range.is_empty())
        .cloned()
        .collect();
    all.sort_by_key(|range| range.start);
    let mut end = 0;
    let mut kept_free = false;
    for range in all {
        let keep = spec.keep_free.contains(&range);
        if range.start < end && !(keep && kept_free) {
            return Err(BuildError::Invalid {
                what: "place of a stream",
                value: range.start,
                rule: "apart from other placed streams and ranges to be kept free",
            });
        }
        end = end.max(range.end);
        kept_free = keep;
    }
    Ok(())
}

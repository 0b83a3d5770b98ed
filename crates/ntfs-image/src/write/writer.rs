//! Takes the data: streams in the caller's order, each into the next free clusters.

use std::fs::File;
use std::io::{Seek, Write};

use super::geometry::Geometry;
use super::metadata::Metadata;
use super::plan::{Aside, Plan, first_space, may_be_compact, placed_ranges};
use super::prepare::Prepared;
use super::record::capacity;
use super::room::{compact_limit, node_cost};
use super::secure::Descriptors;
use super::sink::Sink;
use super::space::{Run, Space, push_run};
use super::tree::{Source, Stored, Tree};
use super::{BuildError, Warning};
use crate::attrdef::attrdef_bytes;
use crate::layout::BOOT_FILE_BYTES;
use crate::spec::{StreamForm, StreamKey, VolumeSpec};
use crate::upcase::upcase_bytes;

/// Data of a stream that goes to several places is handled in pieces of this size: a multiple of every
/// cluster size and sparse unit.
pub(super) const PIECE_BYTES: usize = 8 << 20;

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// MFT records in use.
    pub record_count: u64,
    /// Of them, extension records.
    pub extension_record_count: u64,
    /// Index blocks of directories.
    pub index_block_count: u64,
    /// Clusters in use.
    pub used_clusters: u64,
    /// Bytes of the clusters that hold streams.
    pub data_cluster_bytes: u64,
    /// Bytes held in memory for MFT records.
    pub resident_bytes: u64,
    /// Files stored compact.
    pub compact_file_count: u64,
    /// Calls of `write` on the output.
    pub write_calls: u64,
    /// Calls of `seek` on the output.
    pub seek_calls: u64,
    /// Bytes given to the output.
    pub bytes_written: u64,
    /// What could not be kept as it was described.
    pub warnings: Vec<Warning>,
}

/// Where the bytes are that were delivered so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Placed {
    /// Bytes that went to the output, or go with its next write.
    pub output_bytes: u64,
    /// Bytes of the stream under way that have no place yet.
    pub waiting_bytes: u64,
    /// Bytes for MFT records, which [`VolumeWriter::finish`] writes.
    pub record_bytes: u64,
    /// Bytes of memory that these take.
    pub held_bytes: u64,
}

/// A stream that is being delivered.
#[derive(Debug)]
struct Delivery {
    key: StreamKey,
    expected: u64,
    received: u64,
    places: Vec<Place>,
    /// Set when there is one place in clusters and nothing else: bytes go through without a copy.
    direct: bool,
    piece: Vec<u8>,
}

/// Where one copy of a delivered stream goes.
#[derive(Debug)]
struct Place {
    stream: u32,
    kind: PlaceKind,
    runs: Vec<Run>,
    /// Bytes of the last run that are written.
    written: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PlaceKind {
    Resident,
    /// Runs are allocated for everything that was received.
    Clusters,
    /// As `Clusters`, holes where a unit is zero.
    Sparse,
    /// From this LCN.
    Fixed(u64),
}

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
    delivery: Option<Delivery>,
    spare: Vec<u8>,
    data_clusters: u64,
    compact_file_count: u64,
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
    fn waiting(&self, key: StreamKey) -> impl Iterator<Item = u32> {
        let keys = &self.prepared.keys;
        let from = keys.partition_point(|&(other, _)| other < key.0);
        keys[from..]
            .iter()
            .take_while(move |&&(other, _)| other == key.0)
            .map(|&(_, stream)| stream)
    }

    /// Whether the bytes of a key may be delivered as [`StreamForm::Compact`]: every stream of the key is
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

    /// Begins the delivery of the bytes of a key, `stored_bytes` long: the announced length for `Plain`, that
    /// of the compressed stream for `Compact`.
    ///
    /// # Errors
    /// `Delivery` when the last delivery has not ended, the key is unknown or was delivered before, the
    /// length is another one, or the form does not suit; `NoSpace`; `Io`.
    pub fn begin_stream(
        &mut self,
        key: StreamKey,
        form: StreamForm,
        stored_bytes: u64,
    ) -> Result<(), BuildError> {
        let error = |reason, found, expected| {
            Err(BuildError::Delivery {
                key,
                reason,
                found,
                expected,
            })
        };
        if self.delivery.is_some() {
            return error("begins before the last stream ended", 0, 0);
        }
        let mut streams: Vec<u32> = self.waiting(key).collect();
        let Some(first) = streams.first().map(|&at| &self.tree.streams[at as usize]) else {
            return error("unknown key", 0, 0);
        };
        if !matches!(first.stored, Stored::Pending) {
            return error("delivered twice", 0, 0);
        }
        match form {
            StreamForm::Plain if stored_bytes != first.size => {
                return error("wrong length", stored_bytes, first.size);
            }
            StreamForm::Plain => {}
            StreamForm::Compact(format) | StreamForm::CompactInClusters(format) => {
                if !self.may_be_compact(key) {
                    return error("cannot be compact", 0, 0);
                }
                let clusters = self.geometry().clusters_for(first.size);
                for at in &mut streams {
                    self.make_hole(*at, clusters);
                    let node = self.tree.streams[*at as usize].node;
                    *at = self.tree.add_compact_stream(node, format, stored_bytes, true);
                    let room = capacity(self.geometry().record_bytes);
                    let fits = matches!(form, StreamForm::Compact(_))
                        && usize::try_from(stored_bytes).is_ok_and(|bytes| bytes <= room)
                        && node_cost(&self.tree, &self.prepared, node) <= room;
                    self.tree.streams[*at as usize].resident = fits;
                    self.compact_file_count += 1;
                }
            }
        }
        self.begin(key, &streams, stored_bytes)
    }

    /// Turns the unnamed stream of a compact file into one hole.
    fn make_hole(&mut self, stream: u32, clusters: u64) {
        let unit = 1 << self.geometry().sparse_unit();
        let first = super::bytes::low32(self.tree.runs.len());
        self.tree.runs.push(Run {
            lcn: None,
            count: clusters.next_multiple_of(unit),
        });
        let stream = &mut self.tree.streams[stream as usize];
        stream.sparse = true;
        stream.resident = false;
        stream.stored = Stored::Clusters { first, count: 1 };
    }

    fn begin(&mut self, key: StreamKey, streams: &[u32], expected: u64) -> Result<(), BuildError> {
        let mut places = Vec::with_capacity(streams.len());
        for &at in streams {
            let stream = &self.tree.streams[at as usize];
            let kind = match self.tree.placements.get(stream.placement as usize) {
                _ if stream.resident => PlaceKind::Resident,
                Some(&lcn) => PlaceKind::Fixed(lcn),
                None if stream.sparse => PlaceKind::Sparse,
                None => PlaceKind::Clusters,
            };
            places.push(Place {
                stream: at,
                kind,
                runs: Vec::new(),
                written: 0,
            });
        }
        let direct = matches!(&places[..], [place] if place.kind == PlaceKind::Clusters);
        if let (true, [place]) = (direct, &mut places[..]) {
            let clusters = self.prepared.geometry.clusters_for(expected);
            if self.space.allocate(clusters, &mut place.runs).is_none() {
                return Err(self.full());
            }
        }
        let mut piece = std::mem::take(&mut self.spare);
        piece.clear();
        self.delivery = Some(Delivery {
            key,
            expected,
            received: 0,
            places,
            direct,
            piece,
        });
        Ok(())
    }

    /// Delivers bytes of the stream that was begun.
    ///
    /// # Errors
    /// `Delivery` without [`VolumeWriter::begin_stream`] or beyond the announced length; `NoSpace`; `Io`.
    pub fn write(&mut self, mut bytes: &[u8]) -> Result<(), BuildError> {
        let Some(mut delivery) = self.delivery.take() else {
            return Err(not_begun(bytes.len() as u64));
        };
        let received = delivery.received + bytes.len() as u64;
        if received > delivery.expected {
            return Err(BuildError::Delivery {
                key: delivery.key,
                reason: "too many bytes",
                found: received,
                expected: delivery.expected,
            });
        }
        if delivery.direct {
            if let [place] = &mut delivery.places[..] {
                let cluster = self.prepared.geometry.cluster;
                write_through(&place.runs, cluster, delivery.received, bytes, &mut self.sink)?;
            }
            delivery.received = received;
        } else {
            while !bytes.is_empty() {
                let room = PIECE_BYTES - delivery.piece.len();
                let (now, later) = bytes.split_at(room.min(bytes.len()));
                delivery.piece.extend_from_slice(now);
                delivery.received += now.len() as u64;
                bytes = later;
                if delivery.piece.len() == PIECE_BYTES {
                    self.store_piece(&mut delivery)?;
                }
            }
        }
        self.delivery = Some(delivery);
        Ok(())
    }

    /// Ends the delivery.
    ///
    /// # Errors
    /// `Delivery` when bytes are missing; `NoSpace`; `Io`.
    pub fn end_stream(&mut self) -> Result<(), BuildError> {
        let Some(mut delivery) = self.delivery.take() else {
            return Err(not_begun(0));
        };
        if delivery.received != delivery.expected {
            return Err(BuildError::Delivery {
                key: delivery.key,
                reason: "bytes are missing",
                found: delivery.received,
                expected: delivery.expected,
            });
        }
        let cluster = self.geometry().cluster;
        if delivery.direct {
            if let [place] = &delivery.places[..] {
                let clusters: u64 = place.runs.iter().map(|run| run.count).sum();
                let slack = clusters * cluster - delivery.received;
                let zeros = vec![0; usize::try_from(slack).unwrap_or(0)];
                write_through(&place.runs, cluster, delivery.received, &zeros, &mut self.sink)?;
            }
        } else {
            self.store_piece(&mut delivery)?;
        }
        for place in delivery.places {
            let stored = if place.kind == PlaceKind::Resident {
                match self.tree.streams[place.stream as usize].stored {
                    Stored::Pending => Stored::Resident(self.tree.held.push(&[])?),
                    stored => stored,
                }
            } else {
                self.data_clusters += place
                    .runs
                    .iter()
                    .filter(|run| run.lcn.is_some())
                    .map(|run| run.count)
                    .sum::<u64>();
                let first = super::bytes::low32(self.tree.runs.len());
                let count = super::bytes::low32(place.runs.len());
                self.tree.runs.extend(place.runs);
                Stored::Clusters { first, count }
            };
            self.tree.streams[place.stream as usize].stored = stored;
        }
        self.spare = delivery.piece;
        Ok(())
    }

    /// Puts the collected piece to every place.
    fn store_piece(&mut self, delivery: &mut Delivery) -> Result<(), BuildError> {
        let piece = &delivery.piece;
        if piece.is_empty() {
            return Ok(());
        }
        let cluster = self.prepared.geometry.cluster;
        let clusters = self.prepared.geometry.clusters_for(piece.len() as u64);
        for place in &mut delivery.places {
            match place.kind {
                PlaceKind::Resident => {
                    self.tree.streams[place.stream as usize].stored =
                        Stored::Resident(self.tree.held.push(piece)?);
                }
                PlaceKind::Clusters => {
                    let mut runs = Vec::new();
                    if self.space.allocate(clusters, &mut runs).is_none() {
                        return Err(self.full());
                    }
                    self.write_padded(&runs, piece)?;
                    runs.iter()
                        .for_each(|run| push_run(&mut place.runs, run.lcn, run.count));
                }
                PlaceKind::Fixed(lcn) => {
                    let lcn = lcn + place.written / cluster;
                    self.write_padded(
                        &[Run {
                            lcn: Some(lcn),
                            count: clusters,
                        }],
                        piece,
                    )?;
                    place.written += piece.len() as u64;
                    push_run(&mut place.runs, Some(lcn), clusters);
                }
                PlaceKind::Sparse => {
                    let unit = 1u64 << self.prepared.geometry.sparse_unit();
                    let unit_bytes = usize::try_from(unit * cluster).unwrap_or(PIECE_BYTES);
                    for part in piece.chunks(unit_bytes) {
                        if part.iter().all(|&byte| byte == 0) {
                            push_run(&mut place.runs, None, unit);
                            continue;
                        }
                        let mut runs = Vec::new();
                        if self.space.allocate(unit, &mut runs).is_none() {
                            return Err(self.full());
                        }
                        self.write_padded(&runs, part)?;
                        runs.iter()
                            .for_each(|run| push_run(&mut place.runs, run.lcn, run.count));
                    }
                }
            }
        }
        delivery.piece.clear();
        Ok(())
    }

    fn write_padded(&mut self, runs: &[Run], bytes: &[u8]) -> Result<(), BuildError> {
        let mut writer = super::index::RunWriter::new(runs, self.prepared.geometry.cluster);
        writer.write(&mut self.sink, bytes)?;
        writer.finish(&mut self.sink)
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

fn not_begun(found: u64) -> BuildError {
    BuildError::Delivery {
        key: StreamKey(0),
        reason: "no stream was begun",
        found,
        expected: 0,
    }
}

/// Writes bytes at an offset of a stream that lies in `runs`.
fn write_through<W: Write + Seek>(
    runs: &[Run],
    cluster: u64,
    offset: u64,
    mut bytes: &[u8],
    sink: &mut Sink<W>,
) -> Result<(), BuildError> {
    let mut start = 0;
    for run in runs {
        let end = start + run.count * cluster;
        let at = offset.max(start);
        if let (Some(lcn), true) = (run.lcn, at < end && !bytes.is_empty()) {
            // `offset` moves on with the bytes: what is left begins in this run or a later one.
            let room = usize::try_from(end - at).unwrap_or(usize::MAX).min(bytes.len());
            let (now, later) = bytes.split_at(room);
            sink.write_at(lcn * cluster + (at - start), now)?;
            bytes = later;
        }
        start = end;
    }
    Ok(())
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

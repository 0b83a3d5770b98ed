//! The delivery of one stream's bytes, to every place that waits for them.

use std::io::{Seek, Write};

use super::BuildError;
use super::record::capacity;
use super::room::node_cost;
use super::sink::Sink;
use super::space::{Run, push_run};
use super::tree::Stored;
use super::writer::VolumeWriter;
use crate::spec::{StreamForm, StreamKey};

/// Data of a stream that goes to several places is handled in pieces of this size: a multiple of every
/// cluster size and sparse unit.
pub(super) const PIECE_BYTES: usize = 8 << 20;

/// A stream that is being delivered.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) key: StreamKey,
    pub(super) expected: u64,
    pub(super) received: u64,
    places: Vec<Place>,
    /// Set when there is one place in clusters and nothing else: bytes go through without a copy.
    direct: bool,
    pub(super) piece: Vec<u8>,
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

impl<W: Write + Seek> VolumeWriter<W> {
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

    pub(super) fn begin(&mut self, key: StreamKey, streams: &[u32], expected: u64) -> Result<(), BuildError> {
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

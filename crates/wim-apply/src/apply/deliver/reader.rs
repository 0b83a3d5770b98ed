//! The sequential reader: goes through the wanted blobs in file order, reads, and makes jobs.

use std::sync::Arc;
use std::sync::mpsc::{self, Sender};

use super::chain::HashChain;
use super::gate::{Buffer, Gate, Permit, Pool};
use super::job::{
    BatchBlob, BatchJob, Begin, BlobPart, Chunk, Deliver, GroupJob, Job, Segment, Step, Verdict,
};
use super::plan::{Mode, Order};
use super::recompress::PackJob;
use crate::apply::Form;
use crate::read::{Blob, BlobStorage, ChunkMap, Extent, Wim};
use crate::source::Source;
use crate::{Error, ErrorKind, Result};

/// Uncompressed bytes of a job, unless its one chunk is larger.
pub(super) const GROUP_BYTES: usize = 512 << 10;
/// Unwanted bytes between two small blobs that are read rather than skipped.
const MAX_GAP_BYTES: u64 = 64 << 10;
/// Chunk table entries that are looked up at a time.
const WINDOW_CHUNKS: u64 = 4096;

/// The hand-over is gone: stop.
pub(super) struct Gone;

pub(super) struct FileReader<'a> {
    pub(super) wim: &'a Wim,
    pub(super) order: &'a Order,
    pub(super) jobs: Sender<Job>,
    pub(super) steps: Sender<Step>,
    /// Verdicts on blobs that were handed over compressed.
    pub(super) late: Sender<(usize, Verdict)>,
    pub(super) inputs: Arc<Pool>,
    pub(super) input_gate: Arc<Gate>,
    /// Only to know what buffers will take.
    pub(super) outputs: Arc<Pool>,
    pub(super) output_gate: Arc<Gate>,
}

/// Why reading stopped.
pub(super) enum Stop {
    Gone,
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Gone> for Stop {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

impl FileReader<'_> {
    pub(super) fn run(self) {
        let mut at = 0;
        while at < self.order.len() {
            match self.next(at) {
                Ok(next) => at = next,
                Err(Stop::Gone) => return,
                Err(Stop::Failed(error)) => {
                    // The hand-over may have ended with an error.
                    let _ = self.steps.send(Step::Stop(error));
                    return;
                }
            }
        }
    }

    /// Reads what begins at a position; returns the position after it.
    fn next(&self, at: usize) -> Result<usize, Stop> {
        let blob = self.order.blob(self.wim, at)?;
        if let BlobStorage::Solid { resource, .. } = blob.storage {
            return self.solid(at, resource);
        }
        if blob.size_bytes > GROUP_BYTES as u64 || stored_bytes(blob) > GROUP_BYTES as u64 {
            self.large(at, blob)?;
            return Ok(at + 1);
        }
        self.batch(at, blob)
    }

    /// Small blobs that lie near each other.
    fn batch(&self, first: usize, first_blob: &Blob) -> Result<usize, Stop> {
        let start = first_blob.offset();
        let mut blobs: Vec<BatchBlob> = Vec::new();
        let mut end = start;
        let mut size_bytes = 0;
        let mut at = first;
        while at < self.order.len() && blobs.len() < 4096 {
            let blob = self.order.blob(self.wim, at)?;
            let stored = stored_bytes(blob);
            let offset = blob.offset();
            let size = usize::try_from(blob.size_bytes).unwrap_or(usize::MAX);
            let blob_end = offset.saturating_add(stored);
            let fits = at == first
                || (!blob.is_solid()
                    && blob.part == first_blob.part
                    && offset >= start
                    && offset <= end.saturating_add(MAX_GAP_BYTES)
                    && blob_end - start <= GROUP_BYTES as u64
                    && size <= GROUP_BYTES - size_bytes);
            if !fits {
                break;
            }
            let verbatim = match self.order.mode(at) {
                Mode::Verbatim(format) => Some(format),
                Mode::Decoded | Mode::Recompress(_) => None,
            };
            blobs.push(BatchBlob {
                position: at,
                hash: blob.hash,
                offset,
                stored_bytes: stored,
                size_bytes: size,
                compressed: matches!(blob.storage, BlobStorage::Compressed { .. }),
                recompress: self.order.mode(at).recompress(),
                verbatim,
                is_decoded: verbatim.is_none() || self.order.verify_verbatim,
            });
            end = end.max(blob_end);
            size_bytes += size;
            at += 1;
        }
        let length = usize::try_from(end - start).unwrap_or(usize::MAX);
        let packed = blobs.iter().filter(|blob| blob.recompress.is_some());
        let packed_bytes: usize = packed.map(|blob| blob.size_bytes).sum();
        let mut input = self.input(length)?;
        self.source(first_blob)?
            .read_exact_at("blobs", start, input.as_mut())?;
        let decoded = || blobs.iter().filter(|blob| blob.is_decoded);
        let output_bytes: usize = decoded().map(|blob| blob.size_bytes).sum();
        // Stored bytes are handed over as they were read.
        let decoded_bytes = if decoded().any(|blob| blob.compressed) {
            output_bytes
        } else {
            0
        };
        let permit = match decoded_bytes + packed_bytes {
            0 => None,
            _ => Some(self.output_permit(decoded_bytes, packed_bytes)?),
        };
        let input = Arc::new(input);
        let header = *self.wim.header_of(first_blob)?;
        let job = |deliver, input| {
            Job::Batch(BatchJob {
                input,
                offset: start,
                blobs: blobs.clone(),
                header,
                permit: permit.clone(),
                output_bytes,
                deliver,
            })
        };
        // Without a blob to decode, nothing has to wait for a worker.
        if blobs.iter().all(|blob| blob.verbatim.is_some()) {
            let segments = blobs
                .iter()
                .filter_map(|blob| blob.verbatim_segment(start, &input));
            self.step(Step::Raw(segments.collect()))?;
            if self.order.verify_verbatim {
                self.job(job(Deliver::Verdicts(self.late.clone()), input))?;
            }
        } else {
            let (sender, output) = mpsc::channel();
            self.step(Step::Decoded(output))?;
            self.job(job(Deliver::Output(sender), input))?;
        }
        Ok(at)
    }

    /// A blob that several jobs decode.
    fn large(&self, position: usize, blob: &Blob) -> Result<(), Stop> {
        let mut groups = Groups { done: 0 };
        match self.large_groups(position, blob, &mut groups) {
            Err(Stop::Failed(error)) if error.kind() != ErrorKind::Io => {
                self.step(Step::Unreadable {
                    position,
                    from: groups.done,
                    error,
                })?;
                Ok(())
            }
            other => other,
        }
    }

    fn large_groups(&self, position: usize, blob: &Blob, groups: &mut Groups) -> Result<(), Stop> {
        let map = self.wim.chunk_map(self.order.id(position)?)?;
        let source = self.source(blob)?;
        let verbatim = match self.order.mode(position) {
            Mode::Verbatim(format) => Some(format),
            Mode::Decoded | Mode::Recompress(_) => None,
        };
        let (sender, receiver) = mpsc::channel();
        let mut receiver = Some(receiver);
        let chain = if verbatim.is_some() {
            HashChain::new(position, blob.hash, self.late.clone())
        } else {
            HashChain::new(position, blob.hash, sender)
        };
        let chain = Arc::new(chain);
        if let Some(format) = verbatim {
            let begin = Begin {
                form: Form::Compact(format),
                stored_bytes: stored_bytes(blob),
            };
            self.raw_table(position, blob, &map, &source, begin)?;
        }
        let pack = self.order.mode(position).recompress().map(|how| PackJob {
            last: false,
            ..PackJob::whole(how)
        });
        let mut windows = Windows::new(&map, &source);
        let per_group = (GROUP_BYTES / map.chunk_bytes as usize).max(1);
        let mut first = 0;
        let mut number = 0;
        while first < map.chunk_count() {
            let extents = windows.extents(first, per_group)?;
            let count = extents.len() as u64;
            let last = first + count >= map.chunk_count();
            let read = self.read_group(&map, &source, first, &extents, pack.is_some())?;
            let part = BlobPart {
                position,
                hash: blob.hash,
                start: groups.done,
                output: 0..read.output_bytes,
                first: first == 0,
                last,
                chain: Some((Arc::clone(&chain), number)),
                pack: pack.clone().map(|pack| PackJob {
                    start: groups.done,
                    last,
                    ..pack
                }),
                end: if last { receiver.take() } else { None },
            };
            if verbatim.is_some() {
                let segment = Segment {
                    position,
                    bytes: Some(Arc::clone(&read.input)),
                    range: 0..read.input.len(),
                    packed: None,
                    begin: None,
                    last,
                    verdict: Ok(()),
                    end: None,
                };
                self.step(Step::Raw(vec![segment]))?;
                if self.order.verify_verbatim {
                    self.job(read.into_job(vec![part], Deliver::Verdicts(self.late.clone())))?;
                }
            } else {
                let (sender, output) = mpsc::channel();
                self.step(Step::Decoded(output))?;
                self.job(read.into_job(vec![part], Deliver::Output(sender)))?;
            }
            groups.done = (first + count)
                .saturating_mul(u64::from(map.chunk_bytes))
                .min(blob.size_bytes);
            first += count;
            number += 1;
        }
        Ok(())
    }

    /// The chunk table of a blob that is handed over as it is.
    fn raw_table(
        &self,
        position: usize,
        blob: &Blob,
        map: &ChunkMap,
        source: &Source,
        begin: Begin,
    ) -> Result<(), Stop> {
        let mut begin = Some(begin);
        let mut at = blob.offset();
        let end = map.data_offset().unwrap_or(at);
        while at < end || begin.is_some() {
            let count = usize::try_from(end - at).unwrap_or(usize::MAX).min(GROUP_BYTES);
            let mut bytes = self.input(count)?;
            source.read_exact_at("chunk table", at, bytes.as_mut())?;
            let segment = Segment {
                position,
                bytes: Some(Arc::new(bytes)),
                range: 0..count,
                packed: None,
                begin: begin.take(),
                last: false,
                verdict: Ok(()),
                end: None,
            };
            self.step(Step::Raw(vec![segment]))?;
            at += count as u64;
        }
        Ok(())
    }

    /// Reads chunks in a row.
    pub(super) fn read_group(
        &self,
        map: &ChunkMap,
        source: &Source,
        first: u64,
        extents: &[Extent],
        is_packed: bool,
    ) -> Result<ReadGroup, Stop> {
        let start = extents.first().map_or(0, |extent| extent.offset);
        let end = extents
            .last()
            .map_or(start, |e| e.offset.saturating_add(e.stored_bytes as u64));
        let length = usize::try_from(end.saturating_sub(start)).unwrap_or(usize::MAX);
        let mut chunks = Vec::with_capacity(extents.len());
        let mut output_bytes = 0;
        for (extent, index) in extents.iter().zip(first..) {
            let at = usize::try_from(extent.offset.saturating_sub(start)).unwrap_or(usize::MAX);
            let size = map.chunk_size(index);
            chunks.push(Chunk {
                input: at..at.saturating_add(extent.stored_bytes),
                output: output_bytes..output_bytes + size,
                offset: extent.offset,
            });
            output_bytes += size;
        }
        let mut input = self.input(length)?;
        source.read_exact_at("chunks", start, input.as_mut())?;
        // What is decoded and what is made of it. Stored bytes are handed over as they were read.
        let decoded_bytes = if map.codec.is_some() { output_bytes } else { 0 };
        let packed_bytes = if is_packed { output_bytes } else { 0 };
        let permit = self.output_permit(decoded_bytes, packed_bytes)?;
        Ok(ReadGroup {
            input: Arc::new(input),
            codec: map.codec,
            chunk_bytes: map.chunk_bytes,
            chunks,
            permit,
            output_bytes,
            solid: None,
        })
    }

    pub(super) fn source(&self, blob: &Blob) -> Result<Arc<Source>> {
        self.wim.source_of(blob)
    }

    /// A buffer to read into, when there is room.
    fn input(&self, len: usize) -> Result<Buffer, Gone> {
        let permit = self.input_gate.acquire(self.inputs.weight(len)).ok_or(Gone)?;
        Ok(self.inputs.take(len, Some(permit)))
    }

    /// Room for what a job makes. Asked for in the order of the jobs: what is decoded first never waits for what
    /// comes later.
    fn output_permit(&self, decoded_bytes: usize, packed_bytes: usize) -> Result<Arc<Permit>, Gone> {
        let weight = self
            .outputs
            .weight(decoded_bytes)
            .saturating_add(packed_bytes as u64);
        self.output_gate.acquire(weight).ok_or(Gone)
    }

    pub(super) fn step(&self, step: Step) -> Result<(), Gone> {
        self.steps.send(step).map_err(|_| Gone)
    }

    pub(super) fn job(&self, job: Job) -> Result<(), Gone> {
        self.jobs.send(job).map_err(|_| Gone)
    }
}

/// How much of a large blob was handed to jobs, in bytes.
struct Groups {
    done: u64,
}

/// Chunks that were read.
pub(super) struct ReadGroup {
    input: Arc<Buffer>,
    codec: Option<crate::codec::Codec>,
    chunk_bytes: u32,
    chunks: Vec<Chunk>,
    permit: Arc<Permit>,
    output_bytes: usize,
    pub(super) solid: Option<(u32, u64)>,
}

impl ReadGroup {
    pub(super) fn into_job(self, parts: Vec<BlobPart>, deliver: Deliver) -> Job {
        Job::Group(GroupJob {
            input: self.input,
            codec: self.codec,
            chunk_bytes: self.chunk_bytes,
            chunks: self.chunks,
            parts,
            permit: self.permit,
            output_bytes: self.output_bytes,
            deliver,
            solid: self.solid,
        })
    }
}

/// Looks chunk places up a window at a time, so that reading a large blob seldom goes back to its table.
struct Windows<'a> {
    map: &'a ChunkMap,
    source: &'a Source,
    first: u64,
    extents: Vec<Extent>,
}

impl<'a> Windows<'a> {
    fn new(map: &'a ChunkMap, source: &'a Source) -> Self {
        Self {
            map,
            source,
            first: 0,
            extents: Vec::new(),
        }
    }

    fn extents(&mut self, first: u64, count: usize) -> Result<Vec<Extent>> {
        let end = self.first + self.extents.len() as u64;
        if first < self.first || first >= end {
            let left = self.map.chunk_count().saturating_sub(first).min(WINDOW_CHUNKS);
            self.extents =
                self.map
                    .extents(self.source, first, usize::try_from(left).unwrap_or(usize::MAX))?;
            self.first = first;
        }
        let start = usize::try_from(first - self.first).unwrap_or(usize::MAX);
        let end = start.saturating_add(count).min(self.extents.len());
        Ok(self.extents.get(start..end).unwrap_or_default().to_vec())
    }
}

fn stored_bytes(blob: &Blob) -> u64 {
    blob.stored_bytes().unwrap_or(blob.size_bytes)
}

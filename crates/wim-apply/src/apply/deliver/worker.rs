//! Workers: decode, hash, compress anew.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};

use sha1::{Digest, Sha1};

use super::Damage;
use super::chain::Part;
use super::gate::{Buffer, Pool};
use super::job::{BatchBlob, BatchJob, Begin, Deliver, Failure, GroupJob, Job, Segment, Verdict, copy_of};
use super::kept::Keep;
use super::plan::Order;
use super::reader::GROUP_BYTES;
use super::recompress::{Encoders, PackJob, PackedPart};
use crate::apply::ParallelSink;
use crate::codec::{Codec, Decoder};
use crate::read::{InMemory, compressed_map, decode_chunk, new_decoder};
use crate::{BlobHash, Error, Result, Wim};

/// A part of a blob that waits for its turn is copied when it is no more than this part of a large buffer, so that
/// the worker can have the buffer.
const COPIED_SHARE: usize = 4;

/// One worker: its decoders, and where work comes from.
pub(super) struct Worker<'a> {
    pub(super) wim: &'a Wim,
    pub(super) order: &'a Order,
    pub(super) damage: Damage,
    /// Takes bytes here and now, in place of the hand-over.
    pub(super) parallel: Option<Arc<dyn ParallelSink>>,
    pub(super) keep: Option<Keep<'a>>,
    pub(super) jobs: &'a Mutex<Receiver<Job>>,
    pub(super) outputs: Arc<Pool>,
    pub(super) cancelled: &'a AtomicBool,
    pub(super) decoders: Vec<(Codec, u32, Decoder)>,
    pub(super) encoders: Encoders,
}

impl Worker<'_> {
    pub(super) fn run(mut self) {
        loop {
            let job = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(job) = job else { return };
            if self.cancelled.load(Ordering::Relaxed) {
                return;
            }
            match job {
                Job::Batch(job) => self.batch(job),
                Job::Group(job) => self.group(job),
            }
        }
    }

    fn batch(&mut self, job: BatchJob) {
        let is_decoding = job.blobs.iter().any(|blob| blob.is_decoded && blob.compressed);
        let mut output = is_decoding.then(|| self.outputs.take(job.output_bytes, job.permit.clone()));
        let input = InMemory {
            offset: job.offset,
            bytes: &job.input,
        };
        let mut end = 0;
        let mut results = Vec::with_capacity(job.blobs.len());
        for blob in &job.blobs {
            let (range, mut verdict) = if !blob.is_decoded {
                (0..0, Ok(()))
            } else if let Some(output) = &mut output {
                let range = end..end + blob.size_bytes;
                end = range.end;
                let verdict = self.decode_blob(blob, &job, input, &mut output.as_mut()[range.clone()]);
                (range, verdict)
            } else {
                let range = blob.stored_range(job.offset);
                let verdict = check(
                    Sha1::digest(job.input.get(range.clone()).unwrap_or_default()),
                    blob.hash,
                );
                (range, verdict)
            };
            let plain = output.as_deref().unwrap_or(&job.input[..]).get(range.clone());
            let packed = self.pack(blob.recompress.map(PackJob::whole), &verdict, plain);
            self.put(blob.position, 0, plain, &mut verdict);
            results.push((blob, range, packed, verdict));
        }
        match job.deliver {
            Deliver::Output(sender) => {
                let bytes = output.map_or_else(|| Arc::clone(&job.input), Arc::new);
                let bytes = self.parallel.is_none().then_some(bytes);
                let segment = |(blob, range, packed, verdict): (&BatchBlob, _, _, _)| {
                    let decoded = Segment {
                        position: blob.position,
                        bytes: bytes.clone(),
                        range,
                        packed,
                        begin: Some(Begin::DECODED),
                        last: true,
                        verdict: Ok(()),
                        end: None,
                    };
                    let verbatim = blob.verbatim_segment(job.offset, &job.input);
                    Segment {
                        verdict,
                        ..verbatim.unwrap_or(decoded)
                    }
                };
                // The hand-over may have ended with an error.
                let _ = sender.send(results.into_iter().map(segment).collect());
            }
            Deliver::Verdicts(sender) => {
                for (blob, _, _, verdict) in results {
                    let _ = sender.send((blob.position, verdict));
                }
            }
        }
    }

    /// Gives bytes to a sink that takes them in any order; a failure goes into the verdict. Small blobs that are
    /// damaged are not given to it unless they are wanted so.
    fn put(&self, position: usize, start: u64, bytes: Option<&[u8]>, verdict: &mut Verdict) {
        let (Some(sink), Some(bytes)) = (&self.parallel, bytes) else {
            return;
        };
        if self.damage == Damage::Fail && verdict.is_err() {
            return;
        }
        // Every position is in the order.
        let Ok(info) = self.order.info(self.wim, position) else {
            return;
        };
        if let Err(error) = sink.put(&info, start, bytes) {
            *verdict = Err(Failure::Target(error));
        }
    }

    /// Decodes a small blob, and hashes each chunk while it is in the cache.
    fn decode_blob(
        &mut self,
        blob: &BatchBlob,
        job: &BatchJob,
        input: InMemory<'_>,
        output: &mut [u8],
    ) -> Verdict {
        let mut hasher = Sha1::new();
        let mut first_error = None;
        if blob.compressed {
            let mut decode = || -> Result<()> {
                let map = compressed_map(
                    &job.header,
                    blob.offset,
                    blob.stored_bytes,
                    blob.size_bytes as u64,
                    self.wim.limits(),
                )?;
                let decoder = self.decoder(map.codec, map.chunk_bytes)?;
                let mut decoder = decoder;
                let count = usize::try_from(map.chunk_count()).unwrap_or(usize::MAX);
                let extents = map.extents(&input, 0, count)?;
                for (extent, chunk) in extents.iter().zip(output.chunks_mut(map.chunk_bytes as usize)) {
                    let bytes = input.get("chunk", extent.offset, extent.stored_bytes as u64)?;
                    if let Err(error) = decode_chunk(decoder.as_deref_mut(), extent.offset, bytes, chunk) {
                        chunk.fill(0);
                        first_error.get_or_insert(error);
                    }
                    hasher.update(&*chunk);
                }
                Ok(())
            };
            if let Err(error) = decode() {
                output.fill(0);
                first_error = Some(error);
            }
        } else {
            match input.get("blob", blob.offset, blob.size_bytes as u64) {
                Ok(bytes) => output.copy_from_slice(bytes),
                Err(error) => first_error = Some(error),
            }
            hasher.update(&*output);
        }
        match first_error {
            Some(error) => Err(Failure::Chunk(error)),
            None => check(hasher.finalize(), blob.hash),
        }
    }

    fn group(&mut self, job: GroupJob) {
        let mut failures: Vec<(usize, Error)> = Vec::new();
        let bytes = if job.codec.is_none() {
            Arc::clone(&job.input)
        } else {
            let mut output = self.outputs.take(job.output_bytes, Some(Arc::clone(&job.permit)));
            self.decode_chunks(&job, &mut output, &mut failures);
            Arc::new(output)
        };
        // The compressed bytes are not needed any more; with large chunks that counts.
        let input_permit = job.input.permit();
        drop(job.input);
        let mut segments = Vec::with_capacity(job.parts.len());
        for part in job.parts {
            let touched = failures.iter().find(|(chunk, _)| {
                let damaged = &job.chunks[*chunk].output;
                damaged.start < part.output.end && part.output.start < damaged.end
            });
            let failure = touched.map(|(_, error)| copy_of(error));
            let plain = bytes.get(part.output.clone());
            let mut verdict = Ok(());
            if let Some((chain, number)) = part.chain {
                if failure.is_none() || self.damage != Damage::Fail {
                    self.put(part.position, part.start, plain, &mut verdict);
                }
                let (bytes, range) = match plain {
                    Some(plain)
                        if self.parallel.is_some()
                            && bytes.len() > GROUP_BYTES
                            && plain.len() <= bytes.len() / COPIED_SHARE
                            && !chain.is_next(number) =>
                    {
                        let copy = Buffer::copy_of(plain, input_permit.clone());
                        (Arc::new(copy), 0..plain.len())
                    }
                    _ => (Arc::clone(&bytes), part.output.clone()),
                };
                chain.push(
                    number,
                    Part {
                        bytes,
                        range,
                        last: part.last,
                        failure,
                    },
                );
            } else {
                verdict = match failure {
                    Some(error) => Err(Failure::Chunk(error)),
                    None => check(Sha1::digest(plain.unwrap_or_default()), part.hash),
                };
                self.put(part.position, part.start, plain, &mut verdict);
            }
            let packed = self.pack(part.pack, &verdict, plain);
            segments.push(Segment {
                position: part.position,
                bytes: self.parallel.is_none().then(|| Arc::clone(&bytes)),
                begin: part.first.then_some(Begin::DECODED),
                packed,
                range: part.output,
                last: part.last,
                verdict,
                end: part.end,
            });
        }
        if let Deliver::Output(sender) = job.deliver {
            let _ = sender.send(segments);
        }
    }

    fn decode_chunks(&mut self, job: &GroupJob, output: &mut Buffer, failures: &mut Vec<(usize, Error)>) {
        let keep = self.keep;
        let mut decoder = match self.decoder(job.codec, job.chunk_bytes) {
            Ok(decoder) => decoder,
            Err(error) => {
                output.as_mut().fill(0);
                failures.extend((0..job.chunks.len()).map(|number| (number, copy_of(&error))));
                return;
            }
        };
        for (number, chunk) in job.chunks.iter().enumerate() {
            let solid = job
                .solid
                .map(|(resource, first)| (resource, first + number as u64));
            let keep = keep.zip(solid);
            let input = job.input.get(chunk.input.clone()).unwrap_or_default();
            let Some(output) = output.as_mut().get_mut(chunk.output.clone()) else {
                continue;
            };
            if keep.is_some_and(|(keep, key)| keep.has(key, output)) {
                continue;
            }
            match decode_chunk(decoder.as_deref_mut(), chunk.offset, input, output) {
                Ok(()) => {
                    if let Some((keep, key)) = keep {
                        keep.decoded(key, output);
                    }
                }
                Err(error) => {
                    output.fill(0);
                    failures.push((number, error));
                }
            }
        }
    }

    /// The compressed form of a part of a blob, when it is wanted.
    fn pack(&mut self, job: Option<PackJob>, verdict: &Verdict, plain: Option<&[u8]>) -> Option<PackedPart> {
        job.filter(|_| verdict.is_ok())?.run(&mut self.encoders, plain?)
    }

    fn decoder(&mut self, codec: Option<Codec>, chunk_bytes: u32) -> Result<Option<&mut Decoder>> {
        let Some(codec) = codec else { return Ok(None) };
        let known = self
            .decoders
            .iter()
            .position(|(c, size, _)| (*c, *size) == (codec, chunk_bytes));
        let index = if let Some(index) = known {
            index
        } else {
            self.decoders
                .push((codec, chunk_bytes, new_decoder(codec, chunk_bytes, 0)?));
            self.decoders.len() - 1
        };
        Ok(self.decoders.get_mut(index).map(|(_, _, decoder)| decoder))
    }
}

fn check(found: impl Into<[u8; 20]>, expected: BlobHash) -> Verdict {
    let found = BlobHash(found.into());
    if found == expected {
        Ok(())
    } else {
        Err(Failure::Hash(found))
    }
}

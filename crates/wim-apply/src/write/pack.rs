//! Compressing chunks on several threads.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::WriteOptions;
use crate::codec::{Codec, Encoder, lzms};
use crate::{Error, Result};

/// Uncompressed bytes of one job, or one chunk when that is larger.
const JOB_BYTES: usize = 256 << 10;

/// Uncompressed bytes under way at most, when more than a job for each thread.
const MAX_UNDER_WAY_BYTES: usize = 16 << 20;

/// Chunks of up to this size are compressed by one thread whatever the memory limit.
const SMALL_CHUNK_BYTES: u32 = 2 << 20;

/// Memory limit when none is given.
const MEMORY_LIMIT_BYTES: u64 = 4 << 30;

/// Consecutive chunks of one resource.
#[derive(Debug)]
struct Job {
    sequence: u64,
    input: Vec<u8>,
    keep_input: bool,
}

/// Compressed chunks.
#[derive(Debug)]
pub(super) struct Packed {
    /// Number that [`Packer::send`] gave.
    pub(super) sequence: u64,
    /// What was to be compressed; empty unless it was to be kept.
    pub(super) input: Vec<u8>,
    /// Stored bytes of all chunks.
    pub(super) output: Vec<u8>,
    /// Stored size of each chunk.
    pub(super) sizes: Vec<u32>,
}

/// Threads that compress. Results come in any order; their content depends on the input only.
#[derive(Debug)]
pub(super) struct Packer {
    jobs: Option<Sender<Job>>,
    results: Receiver<Option<Packed>>,
    threads: Vec<JoinHandle<()>>,
    next: u64,
    job_bytes: usize,
}

impl Packer {
    /// For content of `size_bytes` at most; reading it takes `reading_bytes` of memory.
    ///
    /// # Errors
    /// `Invalid` when not even one thread fits the memory limit, unless chunks are small.
    pub(super) fn new(
        codec: Codec,
        chunk_bytes: u32,
        size_bytes: u64,
        reading_bytes: u64,
        options: &WriteOptions,
    ) -> Result<Self> {
        let threads = threads(codec, chunk_bytes, size_bytes, reading_bytes, options)?;
        let (jobs, job_receiver) = mpsc::channel::<Job>();
        let (result_sender, results) = mpsc::channel();
        let job_receiver = Arc::new(Mutex::new(job_receiver));
        let worker = |_| {
            let (receiver, results) = (Arc::clone(&job_receiver), result_sender.clone());
            std::thread::spawn(move || {
                let alarm = Alarm(results);
                let mut encoder = Encoder::new(codec, chunk_bytes);
                loop {
                    let job = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(job) = job else { break };
                    let packed = pack(encoder.as_mut(), job, chunk_bytes as usize);
                    if alarm.0.send(Some(packed)).is_err() {
                        break;
                    }
                }
            })
        };
        Ok(Self {
            threads: (0..threads).map(worker).collect(),
            jobs: Some(jobs),
            results,
            next: 0,
            job_bytes: JOB_BYTES.max(chunk_bytes as usize),
        })
    }

    /// How many bytes [`Packer::send`] takes at a time: whole chunks, but for the last ones of a resource.
    pub(super) fn job_bytes(&self) -> usize {
        self.job_bytes
    }

    /// Number that the next job will have.
    pub(super) fn next_sequence(&self) -> u64 {
        self.next
    }

    /// Jobs that may be under way, written ones not counted.
    pub(super) fn max_jobs(&self) -> u64 {
        (MAX_UNDER_WAY_BYTES / self.job_bytes).max(self.threads.len()) as u64
    }

    /// Hands chunks over; the result has the input too if it is to be kept.
    pub(super) fn send(&mut self, input: Vec<u8>, keep_input: bool) -> Result<()> {
        let job = Job {
            sequence: self.next,
            input,
            keep_input,
        };
        self.next += 1;
        self.jobs
            .as_ref()
            .and_then(|jobs| jobs.send(job).ok())
            .ok_or_else(gone)
    }

    /// Waits for a result. There must be a job that was not received yet.
    pub(super) fn receive(&self) -> Result<Packed> {
        self.results.recv().ok().flatten().ok_or_else(gone)
    }
}

impl Drop for Packer {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // A panic of it was reported by `receive`.
            let _ = thread.join();
        }
    }
}

/// How many threads compress. Each has a job with its compressed form and an encoder, and one more job is being filled.
fn threads(
    codec: Codec,
    chunk_bytes: u32,
    size_bytes: u64,
    reading_bytes: u64,
    options: &WriteOptions,
) -> Result<usize> {
    let job_bytes = size_bytes.min(JOB_BYTES.max(chunk_bytes as usize) as u64);
    let each = 2 * job_bytes + encoder_bytes(codec, size_bytes.min(chunk_bytes.into()));
    let limit = options.memory_limit_bytes.unwrap_or(MEMORY_LIMIT_BYTES);
    let shared = job_bytes + reading_bytes;
    let fit = limit.saturating_sub(shared) / each;
    if fit == 0 && chunk_bytes > SMALL_CHUNK_BYTES {
        return Err(Error::Invalid {
            what: "memory limit",
            reason: format!(
                "to compress chunks of {chunk_bytes} bytes takes {} bytes, the limit is {limit}",
                shared + each
            ),
        });
    }
    let jobs = size_bytes.div_ceil(job_bytes.max(1));
    Ok((options.threads.get() as u64).min(fit).min(jobs).max(1) as usize)
}

/// Memory of an encoder: of LZX, 9 for each byte of a chunk for the binary trees and the filtered bytes, and tables.
fn encoder_bytes(codec: Codec, chunk_bytes: u64) -> u64 {
    match codec {
        Codec::Lzms => lzms::Encoder::memory_bytes(u32::try_from(chunk_bytes).unwrap_or(u32::MAX)),
        Codec::Lzx => 9 * chunk_bytes + (8 << 20),
        Codec::Xpress => 1 << 20,
    }
}

fn gone() -> Error {
    Error::Invalid {
        what: "compressing",
        reason: "a thread that compresses has ended".to_owned(),
    }
}

/// Tells the receiver when a thread ends by a panic, so that it does not wait for ever.
struct Alarm(Sender<Option<Packed>>);

impl Drop for Alarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = self.0.send(None);
        }
    }
}

fn pack(mut encoder: Option<&mut Encoder>, job: Job, chunk_bytes: usize) -> Packed {
    let mut output = Vec::new();
    let mut sizes = Vec::with_capacity(job.input.len().div_ceil(chunk_bytes));
    let mut packed = Vec::new();
    for chunk in job.input.chunks(chunk_bytes) {
        let smaller = encoder
            .as_deref_mut()
            .and_then(|encoder| encoder.compress(chunk, &mut packed));
        // A chunk that does not shrink is stored: readers know it by its size.
        if smaller.is_none() || packed.len() >= chunk.len() {
            packed.clear();
            packed.extend_from_slice(chunk);
        }
        sizes.push(u32::try_from(packed.len()).unwrap_or(u32::MAX));
        if chunk.len() == job.input.len() {
            output = std::mem::take(&mut packed);
        } else {
            output.extend_from_slice(&packed);
        }
    }
    Packed {
        sequence: job.sequence,
        input: if job.keep_input { job.input } else { Vec::new() },
        output,
        sizes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_limit_means_fewer_threads() {
        let threads = |codec, chunk_bytes, limit_bytes| {
            let options = WriteOptions {
                threads: std::num::NonZeroUsize::new(64).unwrap(),
                memory_limit_bytes: Some(limit_bytes),
                ..WriteOptions::default()
            };
            super::threads(codec, chunk_bytes, u64::MAX, 0, &options).ok()
        };
        // 721 MiB for the encoder, 128 for a chunk and its compressed form, 64 for the next one.
        assert_eq!(threads(Codec::Lzms, 64 << 20, 3000 << 20), Some(3));
        assert_eq!(threads(Codec::Lzms, 64 << 20, 500 << 20), None);
        // 27 MiB for the encoder, 4 for a chunk and its compressed form.
        assert_eq!(threads(Codec::Lzms, 2 << 20, 300 << 20), Some(9));
        // 26 and 4.
        assert_eq!(threads(Codec::Lzx, 2 << 20, 300 << 20), Some(9));
        // With small chunks there is always one.
        assert_eq!(threads(Codec::Xpress, 32 << 10, 1), Some(1));
        assert_eq!(threads(Codec::Xpress, 32 << 10, 4 << 30), Some(64));
    }
}

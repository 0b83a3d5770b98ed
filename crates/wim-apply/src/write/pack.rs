//! Compressing chunks on several threads.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::codec::{Codec, Encoder};
use crate::{Error, Result};

/// Uncompressed bytes of one job, or one chunk when that is larger.
const JOB_BYTES: usize = 256 << 10;

/// Consecutive chunks of one resource.
#[derive(Debug)]
struct Job {
    sequence: u64,
    input: Vec<u8>,
}

/// Compressed chunks.
#[derive(Debug)]
pub(super) struct Packed {
    /// Number that [`Packer::send`] gave.
    pub(super) sequence: u64,
    /// What was to be compressed.
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
    pub(super) fn new(codec: Codec, chunk_size: u32, threads: usize) -> Self {
        let (jobs, job_receiver) = mpsc::channel::<Job>();
        let (result_sender, results) = mpsc::channel();
        let job_receiver = Arc::new(Mutex::new(job_receiver));
        let chunk_bytes = chunk_size as usize;
        let worker = |_| {
            let (receiver, results) = (Arc::clone(&job_receiver), result_sender.clone());
            std::thread::spawn(move || {
                let alarm = Alarm(results);
                let mut encoder = Encoder::new(codec, chunk_size);
                loop {
                    let job = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(job) = job else { break };
                    if alarm
                        .0
                        .send(Some(pack(encoder.as_mut(), job, chunk_bytes)))
                        .is_err()
                    {
                        break;
                    }
                }
            })
        };
        Self {
            threads: (0..threads.max(1)).map(worker).collect(),
            jobs: Some(jobs),
            results,
            next: 0,
            job_bytes: JOB_BYTES.max(chunk_bytes),
        }
    }

    /// How many bytes [`Packer::send`] takes at a time: whole chunks, but for the last ones of a resource.
    pub(super) fn job_bytes(&self) -> usize {
        self.job_bytes
    }

    /// Number that the next job will have.
    pub(super) fn next_sequence(&self) -> u64 {
        self.next
    }

    /// Hands chunks over.
    pub(super) fn send(&mut self, input: Vec<u8>) -> Result<()> {
        let job = Job {
            sequence: self.next,
            input,
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

fn pack(encoder: Option<&mut Encoder>, job: Job, chunk_bytes: usize) -> Packed {
    let mut output = Vec::with_capacity(job.input.len());
    let mut sizes = Vec::with_capacity(job.input.len().div_ceil(chunk_bytes));
    let mut packed = Vec::new();
    let mut encoder = encoder;
    for chunk in job.input.chunks(chunk_bytes) {
        let smaller = encoder
            .as_deref_mut()
            .and_then(|encoder| encoder.compress(chunk, &mut packed));
        // A chunk that does not shrink is stored: readers know it by its size.
        let stored = match smaller {
            Some(()) if packed.len() < chunk.len() => &packed[..],
            _ => chunk,
        };
        output.extend_from_slice(stored);
        sizes.push(u32::try_from(stored.len()).unwrap_or(u32::MAX));
    }
    Packed {
        sequence: job.sequence,
        input: job.input,
        output,
        sizes,
    }
}

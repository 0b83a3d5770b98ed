//! The parallel pipeline: one reader in file order, workers that decode and hash, one hand-over in order.

mod chain;
mod gate;
mod hand_over;
mod job;
mod kept;
mod needs;
mod packing;
mod plan;
mod reader;
mod reader_solid;
mod recompress;
mod worker;

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use self::gate::{Gate, Pool};
use self::hand_over::HandOver;
pub use self::kept::{Keep, KeptChunks};
use self::needs::Needs;
use self::plan::Order;
use self::reader::FileReader;
use self::recompress::Encoders;
use self::worker::Worker;
use super::BlobSink;
use super::verify::Nowhere;
use crate::{BlobHash, BlobId, Error, Result, Wim};

/// When blobs that a sink takes compressed, as they lie in the file, are verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VerifyVerbatim {
    /// Beside the write path; the delivery ends when all are verified.
    #[default]
    Inline,
    /// Not in this delivery: a later verification of the target has to do it.
    Deferred,
}

/// How to deliver. None of it changes what is delivered, or in which order; a memory limit below 2 GiB may
/// change the form of large blobs that are to be compressed anew.
#[derive(Clone, Copy, Debug)]
pub struct ApplyOptions {
    /// Number of workers; fewer are used when the memory limit asks for it.
    pub threads: NonZeroUsize,
    /// Bound for the buffers, when given. One worker always runs: 32 MiB for chunks up to 2 MiB, about twice
    /// the chunk size beyond. Blobs of more than half of it are not compressed anew but handed over decoded.
    pub memory_limit_bytes: Option<u64>,
    /// Go on after damaged blobs: undecodable chunks become zeros, and the report lists what is damaged. A damaged
    /// blob has its claimed length, so whoever asks for this bounds what a file may claim. Damaged blobs are handed
    /// over decoded: those that are wanted in a compact form are verified first, and decoded a second time.
    pub recover: bool,
    /// When blobs that are taken as they lie in the file are verified.
    pub verify_verbatim: VerifyVerbatim,
}

impl Default for ApplyOptions {
    /// One worker for each available processor, no memory limit, no recovery.
    fn default() -> Self {
        Self {
            threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            memory_limit_bytes: None,
            recover: false,
            verify_verbatim: VerifyVerbatim::Inline,
        }
    }
}

/// How far a delivery is. Counts what was handed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Blobs handed over.
    pub blobs_done: usize,
    /// Blobs in all.
    pub blobs_total: usize,
    /// Uncompressed bytes of the blobs handed over.
    pub bytes_done: u64,
    /// Uncompressed bytes of all blobs.
    pub bytes_total: u64,
}

/// What a caller listens to and steers with.
#[allow(missing_debug_implementations, reason = "holds closures")]
pub struct Control<'a> {
    /// Set it to end the delivery with [`Error::Interrupted`].
    pub interrupt: &'a AtomicBool,
    /// Called after each blob and, in large ones, now and then.
    pub progress: &'a mut dyn FnMut(Progress),
    /// The paths that hold a blob, for errors; see [`Image::paths_of_blob`](crate::Image::paths_of_blob).
    pub paths: &'a dyn Fn(BlobId) -> Vec<String>,
}

/// A blob whose bytes are not right.
#[derive(Debug)]
pub struct BlobFailure {
    /// The blob.
    pub id: BlobId,
    /// Its name.
    pub hash: BlobHash,
    /// [`Error::HashMismatch`] or [`Error::Blob`], with every path that holds it.
    pub error: Error,
}

/// What was delivered.
#[derive(Debug, Default)]
pub struct DeliverReport {
    /// Blobs handed over.
    pub blobs: usize,
    /// Their uncompressed size in bytes.
    pub size_bytes: u64,
    /// Bytes handed over: less than `size_bytes` where a sink took compressed forms.
    pub delivered_bytes: u64,
    /// Blobs handed over compressed.
    pub compact_blobs: usize,
    /// Number of workers that ran.
    pub workers: usize,
    /// With [`ApplyOptions::recover`]: what is damaged, in order. Empty otherwise.
    pub failures: Vec<BlobFailure>,
}

/// Hands blobs to a sink, in the order in which they lie in the files, each once. The SHA-1 of every blob is
/// verified; small blobs before any byte of them is handed over.
///
/// Memory: at most 4 MiB and 2 MiB for each worker with chunks of up to 512 KiB, half of that when the sink is a
/// [`ParallelSink`](super::ParallelSink) too; with larger chunks (solid resources) one compressed chunk, for each
/// worker one uncompressed and one compressed chunk, and one more uncompressed chunk unless the sink is a
/// `ParallelSink`. Blobs that are compressed anew ([`Want::Compact`](super::Want)) add their compressed size until
/// they are handed over, and with large chunks one more uncompressed chunk for each worker.
///
/// All workers take part in compressing a large blob anew. Its SHA-1 is verified before any byte of its
/// compressed form is handed over.
///
/// # Errors
/// [`Error::HashMismatch`] or [`Error::Blob`], with every path, for the first damaged blob (unless
/// [`ApplyOptions::recover`]); [`Error::Target`] when the sink fails; [`Error::Interrupted`]; `Io`; `NotFound`
/// for an id that is not in the table.
pub fn deliver(
    wim: &Wim,
    blobs: &[BlobId],
    sink: &mut dyn BlobSink,
    options: &ApplyOptions,
    control: &mut Control<'_>,
) -> Result<DeliverReport> {
    deliver_with(wim, blobs, sink, options, control, Damage::of(options), None)
}

/// As [`deliver`], with decoded chunks of solid resources kept for, or taken from, another delivery of the same file.
/// They take memory beside that of the delivery. Nothing else depends on them.
///
/// # Errors
/// As [`deliver`].
pub fn deliver_keeping(
    wim: &Wim,
    blobs: &[BlobId],
    sink: &mut dyn BlobSink,
    options: &ApplyOptions,
    control: &mut Control<'_>,
    keep: Keep<'_>,
) -> Result<DeliverReport> {
    deliver_with(
        wim,
        blobs,
        sink,
        options,
        control,
        Damage::of(options),
        Some(keep),
    )
}

/// What happens at a damaged blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Damage {
    /// The delivery ends.
    Fail,
    /// It is noted, and what cannot be decoded becomes zeros.
    FillWithZeros,
    /// It is noted; what cannot be read at all is left out, however long it claims to be.
    Skip,
}

impl Damage {
    fn of(options: &ApplyOptions) -> Self {
        if options.recover {
            Self::FillWithZeros
        } else {
            Self::Fail
        }
    }
}

pub(super) fn deliver_with(
    wim: &Wim,
    blobs: &[BlobId],
    sink: &mut dyn BlobSink,
    options: &ApplyOptions,
    control: &mut Control<'_>,
    damage: Damage,
    keep: Option<Keep<'_>>,
) -> Result<DeliverReport> {
    let verify = options.verify_verbatim == VerifyVerbatim::Inline;
    let recompress_limit_bytes = recompress_limit_bytes(options);
    let mut order = Order::new(wim, blobs, sink, verify, recompress_limit_bytes)?;
    if damage == Damage::FillWithZeros && !order.is_all_decoded() {
        let damaged = find_damaged(wim, &order.not_decoded(), options, control.interrupt)?;
        order.only_decode(&damaged);
    }
    // Only whole forms can come in any order.
    let parallel = sink.parallel().filter(|_| order.is_all_decoded());
    let needs = Needs::new(&order, parallel.is_none());
    let room = needs.room(options);
    let workers = room.workers;
    let input_gate = Arc::new(Gate::new(room.input_bytes));
    let output_gate = Arc::new(Gate::new(room.output_bytes));
    let outputs = Arc::new(Pool::new(reader::GROUP_BYTES));
    let cancelled = AtomicBool::new(false);
    let (job_sender, job_receiver) = mpsc::channel();
    let (step_sender, step_receiver) = mpsc::channel();
    let (late_sender, late_receiver) = mpsc::channel();
    let jobs = Mutex::new(job_receiver);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let worker = Worker {
                wim,
                order: &order,
                damage,
                parallel: parallel.clone(),
                keep,
                jobs: &jobs,
                outputs: Arc::clone(&outputs),
                cancelled: &cancelled,
                decoders: Vec::new(),
                encoders: Encoders::default(),
            };
            scope.spawn(|| worker.run());
        }
        let reader = FileReader {
            wim,
            order: &order,
            jobs: job_sender,
            steps: step_sender,
            late: late_sender,
            inputs: Arc::new(Pool::new(needs.input_buffer_bytes())),
            input_gate: Arc::clone(&input_gate),
            outputs: Arc::clone(&outputs),
            output_gate: Arc::clone(&output_gate),
        };
        scope.spawn(|| reader.run());
        let mut hand_over = HandOver::new(wim, &order, sink, parallel, damage, control);
        let result = hand_over.run(&step_receiver, &late_receiver);
        // Whatever happened, the others must not wait for this thread any more.
        cancelled.store(true, Ordering::Relaxed);
        input_gate.close();
        output_gate.close();
        drop(step_receiver);
        result.map(|()| DeliverReport {
            workers,
            ..hand_over.into_report()
        })
    })
}

/// The damaged ones of some blobs, in ascending order.
fn find_damaged(
    wim: &Wim,
    blobs: &[BlobId],
    options: &ApplyOptions,
    interrupt: &AtomicBool,
) -> Result<Vec<BlobId>> {
    let mut control = Control {
        interrupt,
        progress: &mut |_| {},
        paths: &|_| Vec::new(),
    };
    let report = deliver_with(
        wim,
        blobs,
        &mut Nowhere,
        options,
        &mut control,
        Damage::Skip,
        None,
    )?;
    let mut damaged: Vec<BlobId> = report.failures.iter().map(|failure| failure.id).collect();
    damaged.sort_unstable();
    Ok(damaged)
}

/// Largest blob that is compressed anew: its compressed form is held, and may take half of the memory limit.
fn recompress_limit_bytes(options: &ApplyOptions) -> u64 {
    let half = options.memory_limit_bytes.map_or(u64::MAX, |limit| limit / 2);
    half.clamp(reader::GROUP_BYTES as u64, recompress::MAX_BLOB_BYTES)
}

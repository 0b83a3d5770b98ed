//! The ordered hand-over to the sink, on the caller's thread.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;

use super::super::{BlobSink, Form, ParallelSink};
use super::job::{Begin, Failure, Output, Segment, Step, Verdict};
use super::packing::Packing;
use super::plan::Order;
use super::recompress::{Encoders, Outcome, PackedPart};
use super::{BlobFailure, Control, Damage, DeliverReport, Progress};
use crate::path_list::MAX_REPORT_BYTES;
use crate::{Error, Result, Wim};

/// Pieces in which bytes go to the sink.
const PIECE_BYTES: usize = 4 << 20;

pub(super) struct HandOver<'a, 'c> {
    wim: &'a Wim,
    order: &'a Order,
    sink: &'a mut dyn BlobSink,
    /// Takes all bytes, most of them from the workers.
    parallel: Option<Arc<dyn ParallelSink>>,
    damage: Damage,
    control: &'a mut Control<'c>,
    report: DeliverReport,
    /// Position and failure of what is damaged.
    failures: Vec<(usize, BlobFailure)>,
    /// Length of the paths in the failures.
    named_bytes: usize,
    /// Uncompressed bytes of the current blob that were reported, for progress.
    partial_bytes: u64,
    /// The blob that is being compressed anew, between its parts.
    packing: Option<Packing>,
    encoders: Encoders,
}

impl<'a, 'c> HandOver<'a, 'c> {
    pub(super) fn new(
        wim: &'a Wim,
        order: &'a Order,
        sink: &'a mut dyn BlobSink,
        parallel: Option<Arc<dyn ParallelSink>>,
        damage: Damage,
        control: &'a mut Control<'c>,
    ) -> Self {
        let report = DeliverReport::default();
        Self {
            wim,
            order,
            sink,
            parallel,
            damage,
            control,
            report,
            failures: Vec::new(),
            named_bytes: 0,
            partial_bytes: 0,
            packing: None,
            encoders: Encoders::default(),
        }
    }

    pub(super) fn run(&mut self, steps: &Receiver<Step>, late: &Receiver<(usize, Verdict)>) -> Result<()> {
        while let Ok(step) = steps.recv() {
            self.check_interrupt()?;
            while let Ok((position, verdict)) = late.try_recv() {
                self.judge(position, verdict)?;
            }
            match step {
                Step::Decoded(output) => {
                    let output = output.recv().map_err(|_| worker_died())?;
                    self.output(output)?;
                }
                Step::Raw(output) => self.output(output)?,
                Step::Unreadable {
                    position,
                    from,
                    error,
                } => self.unreadable(position, from, error)?,
                Step::Stop(error) => return Err(error),
            }
        }
        // All was handed over; some verdicts may still come.
        loop {
            match late.recv_timeout(std::time::Duration::from_millis(100)) {
                Ok((position, verdict)) => self.judge(position, verdict)?,
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => self.check_interrupt()?,
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
            }
        }
        if self.report.blobs == self.order.len() {
            Ok(())
        } else {
            Err(worker_died())
        }
    }

    pub(super) fn into_report(mut self) -> DeliverReport {
        self.failures.sort_by_key(|(position, _)| *position);
        self.failures.dedup_by_key(|(position, _)| *position);
        self.report.failures = self.failures.into_iter().map(|(_, failure)| failure).collect();
        self.report
    }

    fn check_interrupt(&self) -> Result<()> {
        if self.control.interrupt.load(Ordering::Relaxed) {
            Err(Error::Interrupted)
        } else {
            Ok(())
        }
    }

    fn output(&mut self, output: Output) -> Result<()> {
        for mut segment in output {
            match segment.bytes.take() {
                Some(bytes) => {
                    let bytes = bytes.get(segment.range.clone()).ok_or_else(worker_died)?;
                    self.segment(segment, bytes)?;
                }
                None => self.taken(segment)?,
            }
        }
        Ok(())
    }

    /// A segment whose bytes the sink has.
    fn taken(&mut self, segment: Segment) -> Result<()> {
        let position = segment.position;
        self.judge(position, segment.verdict)?;
        if let Some(begin) = segment.begin {
            self.begin(position, begin)?;
        }
        if segment.last {
            self.verdict(position, segment.end)?;
            return self.end(position);
        }
        self.partial_bytes += segment.range.len() as u64;
        self.report_progress();
        Ok(())
    }

    fn segment(&mut self, mut segment: Segment, bytes: &[u8]) -> Result<()> {
        let position = segment.position;
        self.judge(position, std::mem::replace(&mut segment.verdict, Ok(())))?;
        if let Some(part) = segment.packed.take() {
            let packing = if segment.begin.is_some() {
                Some(Packing::new(&part))
            } else {
                // None when the blob was given up while this part was compressed.
                self.packing.take()
            };
            if let Some(packing) = packing {
                return self.pack(packing, part, segment, bytes);
            }
        }
        if let Some(begin) = segment.begin {
            self.begin(position, begin)?;
        }
        self.rest(segment, bytes)
    }

    /// The bytes of a segment as they are, and the end of the blob when it is the last.
    fn rest(&mut self, segment: Segment, bytes: &[u8]) -> Result<()> {
        let position = segment.position;
        let plain = !segment.last && !self.order.mode(position).is_verbatim();
        self.pieces(position, bytes, plain)?;
        if segment.last {
            self.verdict(position, segment.end)?;
            self.end(position)?;
        }
        Ok(())
    }

    /// A part of a blob that is compressed anew. Nothing is handed over until it is known in which form.
    fn pack(&mut self, mut packing: Packing, part: PackedPart, segment: Segment, bytes: &[u8]) -> Result<()> {
        let position = segment.position;
        packing.add(&mut self.encoders, part, bytes, segment.last);
        match packing.outcome(segment.last) {
            Outcome::Failed => {
                self.begin(position, Begin::DECODED)?;
                self.pieces(position, &packing.give_up(), true)?;
                self.rest(segment, bytes)
            }
            _ if !segment.last => {
                packing.keep(bytes);
                self.packing = Some(packing);
                Ok(())
            }
            _ => {
                self.verdict(position, segment.end)?;
                let begin = Begin {
                    form: Form::Compact(packing.how.format),
                    stored_bytes: packing.stored_bytes(),
                };
                self.begin(position, begin)?;
                for piece in packing.into_pieces() {
                    self.pieces(position, &piece, false)?;
                }
                self.end(position)
            }
        }
    }

    fn pieces(&mut self, position: usize, bytes: &[u8], shows_progress: bool) -> Result<()> {
        for piece in bytes.chunks(PIECE_BYTES) {
            self.check_interrupt()?;
            self.data(position, piece)?;
            if shows_progress {
                self.partial_bytes += piece.len() as u64;
                self.report_progress();
            }
        }
        Ok(())
    }

    /// What the hash of a blob in several groups says.
    fn verdict(&mut self, position: usize, end: Option<Receiver<(usize, Verdict)>>) -> Result<()> {
        match end {
            Some(end) => {
                let (_, verdict) = end.recv().map_err(|_| worker_died())?;
                self.judge(position, verdict)
            }
            None => Ok(()),
        }
    }

    fn unreadable(&mut self, position: usize, from: u64, error: Error) -> Result<()> {
        self.judge(position, Err(Failure::Chunk(error)))?;
        if from == 0 {
            self.begin(position, Begin::DECODED)?;
        }
        let info = self.order.info(self.wim, position)?;
        let size_bytes = if self.damage == Damage::Skip {
            0
        } else {
            info.size_bytes
        };
        let zeros = vec![0; 64 << 10];
        let mut at = from;
        while at < size_bytes {
            self.check_interrupt()?;
            let count = (size_bytes - at).min(zeros.len() as u64) as usize;
            match &self.parallel {
                Some(sink) => sink
                    .put(&info, at, &zeros[..count])
                    .map_err(|e| self.target(position, e))?,
                None => self.data(position, &zeros[..count])?,
            }
            at += count as u64;
        }
        self.end(position)
    }

    fn begin(&mut self, position: usize, begin: Begin) -> Result<()> {
        let info = self.order.info(self.wim, position)?;
        let stored_bytes = match begin.form {
            Form::Decoded => info.size_bytes,
            Form::Compact(_) => {
                self.report.compact_blobs += 1;
                begin.stored_bytes
            }
        };
        self.report.delivered_bytes = self.report.delivered_bytes.saturating_add(stored_bytes);
        if self.parallel.is_some() {
            return Ok(());
        }
        self.sink
            .begin_blob(&info, begin.form, stored_bytes)
            .map_err(|e| self.target(position, e))
    }

    fn data(&mut self, position: usize, bytes: &[u8]) -> Result<()> {
        self.sink.data(bytes).map_err(|e| self.target(position, e))
    }

    fn end(&mut self, position: usize) -> Result<()> {
        let info = self.order.info(self.wim, position)?;
        if self.parallel.is_none() {
            self.sink.end_blob(&info).map_err(|e| self.target(position, e))?;
        }
        self.report.blobs += 1;
        self.report.size_bytes = self.report.size_bytes.saturating_add(info.size_bytes);
        self.partial_bytes = 0;
        self.report_progress();
        Ok(())
    }

    fn report_progress(&mut self) {
        (self.control.progress)(Progress {
            blobs_done: self.report.blobs,
            blobs_total: self.order.len(),
            bytes_done: self.report.size_bytes.saturating_add(self.partial_bytes),
            bytes_total: self.order.total_bytes,
        });
    }

    /// A failure ends the delivery, or is noted.
    fn judge(&mut self, position: usize, verdict: Verdict) -> Result<()> {
        let Err(failure) = verdict else { return Ok(()) };
        let id = self.order.id(position)?;
        let blob = *self.wim.blob(id)?;
        let paths = if self.named_bytes < MAX_REPORT_BYTES {
            (self.control.paths)(id)
        } else {
            Vec::new()
        };
        self.named_bytes += paths.iter().map(String::len).sum::<usize>();
        let at = blob.offset();
        let error = match failure {
            Failure::Hash(found) => Error::HashMismatch {
                expected: blob.hash,
                found,
                at,
                paths,
            },
            Failure::Chunk(source) => Error::Blob {
                hash: blob.hash,
                at,
                paths,
                source: Box::new(source),
            },
            Failure::Target(source) => return Err(self.target(position, source)),
        };
        if self.damage == Damage::Fail {
            return Err(error);
        }
        self.failures.push((
            position,
            BlobFailure {
                id,
                hash: blob.hash,
                error,
            },
        ));
        Ok(())
    }

    fn target(&self, position: usize, source: super::super::TargetError) -> Error {
        let paths = self
            .order
            .id(position)
            .map(|id| (self.control.paths)(id))
            .unwrap_or_default();
        let what = match paths.as_slice() {
            [] => format!("blob {position} of {}", self.order.len()),
            [path] => path.clone(),
            [path, rest @ ..] => format!("{path} (and {} more)", rest.len()),
        };
        Error::Target { what, source }
    }
}

/// Only after a panic of another thread, which the end of the scope passes on.
fn worker_died() -> Error {
    Error::Invalid {
        what: "worker",
        reason: "it ended before its work was done".to_owned(),
    }
}

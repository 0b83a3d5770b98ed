//! What goes from the reader to the workers, and from both to the hand-over.

use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};

use super::chain::HashChain;
use super::gate::{Buffer, Permit};
use super::recompress::{PackJob, PackedPart, Recompress};
use crate::apply::{CompactFormat, Form, TargetError};
use crate::codec::Codec;
use crate::layout::Header;
use crate::{BlobHash, Error};

/// Whether a blob's bytes are right.
pub(super) type Verdict = Result<(), Failure>;

/// Why a blob's bytes are not right.
#[derive(Debug)]
pub(super) enum Failure {
    /// They hash to something else.
    Hash(BlobHash),
    /// A chunk or the chunk table is damaged.
    Chunk(Error),
    /// They may be right; the target did not take them.
    Target(TargetError),
}

/// Work for one worker.
#[derive(Debug)]
pub(super) enum Job {
    /// Small blobs, each with a resource of its own, whose resources lie in `input`.
    Batch(BatchJob),
    /// Chunks in a row of one resource.
    Group(GroupJob),
}

#[derive(Debug)]
pub(super) struct BatchJob {
    pub(super) input: Arc<Buffer>,
    /// Offset of `input` in the file.
    pub(super) offset: u64,
    pub(super) blobs: Vec<BatchBlob>,
    pub(super) header: Header,
    /// Room for what is made of the input, unless it is handed over as it is.
    pub(super) permit: Option<Arc<Permit>>,
    /// Sum of the uncompressed sizes of those that are decoded.
    pub(super) output_bytes: usize,
    pub(super) deliver: Deliver,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct BatchBlob {
    /// Position in the order of delivery.
    pub(super) position: usize,
    pub(super) hash: BlobHash,
    pub(super) offset: u64,
    pub(super) stored_bytes: u64,
    pub(super) size_bytes: usize,
    pub(super) compressed: bool,
    pub(super) recompress: Option<Recompress>,
    /// The format of one that is handed over as it lies in the file.
    pub(super) verbatim: Option<CompactFormat>,
    /// Whether it is decoded, to be handed over so or to be verified.
    pub(super) is_decoded: bool,
}

impl BatchBlob {
    /// Where it lies in an input that begins at an offset in the file.
    pub(super) fn stored_range(&self, input_offset: u64) -> Range<usize> {
        let start = usize::try_from(self.offset - input_offset).unwrap_or(usize::MAX);
        let stored_bytes = usize::try_from(self.stored_bytes).unwrap_or(usize::MAX);
        start..start.saturating_add(stored_bytes)
    }

    /// What is handed over of one that goes as it lies in the file.
    pub(super) fn verbatim_segment(&self, input_offset: u64, input: &Arc<Buffer>) -> Option<Segment> {
        Some(Segment {
            position: self.position,
            bytes: Some(Arc::clone(input)),
            range: self.stored_range(input_offset),
            packed: None,
            begin: Some(Begin {
                form: Form::Compact(self.verbatim?),
                stored_bytes: self.stored_bytes,
            }),
            last: true,
            verdict: Ok(()),
            end: None,
        })
    }
}

#[derive(Debug)]
pub(super) struct GroupJob {
    pub(super) input: Arc<Buffer>,
    pub(super) codec: Option<Codec>,
    pub(super) chunk_bytes: u32,
    pub(super) chunks: Vec<Chunk>,
    pub(super) parts: Vec<BlobPart>,
    pub(super) permit: Arc<Permit>,
    /// Sum of the uncompressed sizes.
    pub(super) output_bytes: usize,
    pub(super) deliver: Deliver,
    /// Of a solid resource: which, and the number of its first chunk.
    pub(super) solid: Option<(u32, u64)>,
}

#[derive(Clone, Debug)]
pub(super) struct Chunk {
    /// In the input.
    pub(super) input: Range<usize>,
    /// In the output.
    pub(super) output: Range<usize>,
    /// Offset in the file.
    pub(super) offset: u64,
}

/// The part of a blob that lies in a group of chunks.
#[derive(Debug)]
pub(super) struct BlobPart {
    pub(super) position: usize,
    pub(super) hash: BlobHash,
    /// Where it begins in the blob.
    pub(super) start: u64,
    /// In the output.
    pub(super) output: Range<usize>,
    pub(super) first: bool,
    pub(super) last: bool,
    /// Of a blob in several groups: its hash, and the number of this part.
    pub(super) chain: Option<(Arc<HashChain>, u64)>,
    pub(super) pack: Option<PackJob>,
    /// With the last part of a blob in several groups: where its verdict comes.
    pub(super) end: Option<Receiver<(usize, Verdict)>>,
}

/// What a worker does with decoded bytes.
#[derive(Debug)]
pub(super) enum Deliver {
    /// Hands them over.
    Output(Sender<Output>),
    /// Only verifies them; the compressed form was handed over.
    Verdicts(Sender<(usize, Verdict)>),
}

/// Bytes to hand over.
pub(super) type Output = Vec<Segment>;

#[derive(Debug)]
pub(super) struct Segment {
    pub(super) position: usize,
    /// `None` when a [`ParallelSink`](crate::apply::ParallelSink) took them already.
    pub(super) bytes: Option<Arc<Buffer>>,
    /// In the bytes; its length counts when they were taken, too.
    pub(super) range: Range<usize>,
    /// What `range` is compressed to, of a blob that may be handed over so.
    pub(super) packed: Option<PackedPart>,
    /// The form (when `packed` does not decide), on the first segment of a blob.
    pub(super) begin: Option<Begin>,
    pub(super) last: bool,
    /// A failure known now.
    pub(super) verdict: Verdict,
    /// With the last segment of a blob in several groups: where its verdict comes.
    pub(super) end: Option<Receiver<(usize, Verdict)>>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Begin {
    pub(super) form: Form,
    /// How many bytes will be handed over, when the blob is not decoded.
    pub(super) stored_bytes: u64,
}

impl Begin {
    /// Of a blob that is handed over decoded.
    pub(super) const DECODED: Self = Self {
        form: Form::Decoded,
        stored_bytes: 0,
    };
}

/// One step of the hand-over, in order.
#[derive(Debug)]
pub(super) enum Step {
    /// What a worker will have decoded.
    Decoded(Receiver<Output>),
    /// Bytes as they lie in the file.
    Raw(Output),
    /// The rest of a blob, from `from` on, cannot be read.
    Unreadable {
        position: usize,
        from: u64,
        error: Error,
    },
    /// Nothing more can be read.
    Stop(Error),
}

/// An error for each blob that a damaged chunk or resource is part of.
pub(super) fn copy_of(error: &Error) -> Error {
    match error {
        Error::Corrupt {
            what,
            at,
            found,
            expected,
        } => Error::Corrupt {
            what,
            at: *at,
            found: found.clone(),
            expected,
        },
        Error::Truncated { what, at, need, have } => Error::Truncated {
            what,
            at: *at,
            need: *need,
            have: *have,
        },
        Error::Unsupported { what, at, feature } => Error::Unsupported {
            what,
            at: *at,
            feature: feature.clone(),
        },
        Error::Limit { what, asked, limit } => Error::Limit {
            what,
            asked: *asked,
            limit: *limit,
        },
        other => Error::Invalid {
            what: "chunk",
            reason: other.to_string(),
        },
    }
}

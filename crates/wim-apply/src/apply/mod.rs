//! Applying: blobs in file order to a [`BlobSink`], a whole image to an [`ApplyTarget`].

mod deliver;
mod directory;
mod directory_files;
mod directory_links;
mod directory_replace;
mod directory_tree;
mod image;
mod loss;
mod reparse;
mod verify;

pub use deliver::{
    ApplyOptions, BlobFailure, Control, DeliverReport, Keep, KeptChunks, Progress, VerifyVerbatim, deliver,
    deliver_keeping,
};
pub use directory::DirectoryTarget;
pub(crate) use image::first_paths_without_blobs;
pub use image::{apply_image, apply_tree};
pub use loss::{Loss, loss_report};
pub use verify::{VerifyReport, verify};

use std::sync::Arc;

use crate::{BlobHash, BlobId, Image};

/// Errors of a target, any type.
pub type TargetError = Box<dyn std::error::Error + Send + Sync>;

/// The compression of one compact (WOF) file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CompactFormat {
    /// XPRESS, 4 KiB chunks: WOF algorithm 0.
    Xpress4K,
    /// LZX, 32 KiB chunks: WOF algorithm 1.
    Lzx32K,
    /// XPRESS, 8 KiB chunks: WOF algorithm 2.
    Xpress8K,
    /// XPRESS, 16 KiB chunks: WOF algorithm 3.
    Xpress16K,
}

impl CompactFormat {
    /// Its number in a WOF reparse point.
    #[must_use]
    pub fn wof_algorithm(self) -> u8 {
        match self {
            Self::Xpress4K => 0,
            Self::Lzx32K => 1,
            Self::Xpress8K => 2,
            Self::Xpress16K => 3,
        }
    }

    /// Uncompressed bytes of each chunk but the last.
    #[must_use]
    pub fn chunk_bytes(self) -> u32 {
        match self {
            Self::Xpress4K => 4096,
            Self::Lzx32K => 32_768,
            Self::Xpress8K => 8192,
            Self::Xpress16K => 16_384,
        }
    }
}

/// In which form a sink wants a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Its plain bytes.
    Decoded,
    /// The compressed resource as it lies in the WIM (chunk table and chunks) when it has one of the four
    /// compact formats and is in `verbatim`; otherwise recompressed to `recompress` when given; otherwise,
    /// or when `ceil(stored / cluster_bytes)` would not be less than `ceil(size / cluster_bytes)`, decoded. A
    /// stored form of up to `record_bytes` counts as none: it takes no cluster at the target.
    ///
    /// Blobs of up to 1 GiB are recompressed, or up to half of
    /// [`memory_limit_bytes`](ApplyOptions::memory_limit_bytes), since a recompressed blob is held until its chunk
    /// table is complete. One whose first 4 MiB (or first 32nd) do not save as much as the table and a cluster
    /// take is handed over decoded.
    Compact {
        /// Accept verbatim resources of these formats (bit i = `CompactFormat` with WOF algorithm i).
        verbatim: u8,
        /// Compress to this otherwise.
        recompress: Option<CompactFormat>,
        /// Cluster size in bytes for the "saves no cluster" rule.
        cluster_bytes: u32,
        /// Longest stored form that takes no cluster, since it lies in the file's record; 0 if there is none.
        record_bytes: u32,
    },
}

/// In which form a blob is about to be delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Plain bytes.
    Decoded,
    /// The bytes of a `WofCompressedData` stream.
    Compact(CompactFormat),
}

/// A blob as a sink sees it.
#[derive(Clone, Copy, Debug)]
pub struct BlobInfo {
    /// Its place in the blob table.
    pub id: BlobId,
    /// Its name.
    pub hash: BlobHash,
    /// Uncompressed length in bytes.
    pub size_bytes: u64,
}

/// Takes blobs, one after the other, in the order in which they lie in the file. All calls come from one
/// thread; the order and the bytes do not depend on the number of workers.
///
/// A sink to which the order does not matter can offer a [`ParallelSink`] in its place.
pub trait BlobSink {
    /// In which form the blob is wanted.
    fn want(&mut self, blob: &BlobInfo) -> Want {
        let _ = blob;
        Want::Decoded
    }

    /// Takes all bytes in place of [`begin_blob`](Self::begin_blob), [`data`](Self::data) and
    /// [`end_blob`](Self::end_blob), which are not called then; asked once, before the first blob. Not used for a
    /// delivery in which [`want`](Self::want) asks for compact forms.
    fn parallel(&self) -> Option<Arc<dyn ParallelSink>> {
        None
    }

    /// A blob begins; exactly `stored_bytes` bytes follow through [`data`](Self::data).
    ///
    /// # Errors
    /// Whatever stops the target; the apply ends with it.
    fn begin_blob(&mut self, blob: &BlobInfo, form: Form, stored_bytes: u64) -> Result<(), TargetError>;

    /// The next bytes of the blob.
    ///
    /// # Errors
    /// Whatever stops the target.
    fn data(&mut self, bytes: &[u8]) -> Result<(), TargetError>;

    /// All bytes of the blob were handed over. Its SHA-1 may still be under verification (compact forms are
    /// verified beside the write path): only the success of the whole delivery says that every blob is right.
    ///
    /// # Errors
    /// Whatever stops the target.
    fn end_blob(&mut self, blob: &BlobInfo) -> Result<(), TargetError>;
}

/// Takes the bytes of blobs on the threads of the workers: the time that it takes is shared, and no decoded bytes
/// wait for their turn.
pub trait ParallelSink: Send + Sync {
    /// Bytes of a blob that begin at `start`. Every byte comes once, in any order, from several threads at a
    /// time. Small blobs come whole and verified; of others only the success of the whole delivery says that they
    /// are right.
    ///
    /// # Errors
    /// Whatever stops the target; the delivery ends with it.
    fn put(&self, blob: &BlobInfo, start: u64, bytes: &[u8]) -> Result<(), TargetError>;
}

/// What a target can keep. What is false is reported before anything is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "a feature list")]
pub struct Features {
    /// Security descriptors.
    pub security_descriptors: bool,
    /// Named data streams.
    pub named_streams: bool,
    /// Hard links.
    pub hard_links: bool,
    /// DOS names.
    pub short_names: bool,
    /// Reparse points of any tag.
    pub reparse_points: bool,
    /// Symbolic links (and junctions) as links of the target's own kind.
    pub symbolic_links: bool,
    /// Object ids.
    pub object_ids: bool,
    /// Extended attributes.
    pub extended_attributes: bool,
    /// EFS raw streams.
    pub efs_raw: bool,
    /// Attribute bits (hidden, system, archive, ...).
    pub attributes: bool,
    /// Sparse files.
    pub sparse: bool,
    /// Times at 100 ns.
    pub timestamps: bool,
    /// Names that differ in case only.
    pub case_sensitive_names: bool,
    /// Names with unpaired surrogates.
    pub any_utf16_name: bool,
}

/// A place that an image can be applied to. First [`features`](Self::features), then
/// [`begin`](Self::begin), then the blobs through [`BlobSink`], then [`finish`](Self::finish).
pub trait ApplyTarget: BlobSink {
    /// What this target keeps.
    fn features(&self) -> Features;

    /// The tree, before any data.
    ///
    /// # Errors
    /// Whatever stops the target.
    fn begin(&mut self, image: &Image) -> Result<(), TargetError>;

    /// All blobs were delivered and verified: make the result complete.
    ///
    /// # Errors
    /// Whatever stops the target.
    fn finish(&mut self, image: &Image) -> Result<(), TargetError>;
}

//! Reading a few blobs into memory.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use wim_apply::apply::{
    ApplyOptions, BlobFailure, BlobInfo, BlobSink, Control, Form, Keep, KeptChunks, TargetError,
    deliver_keeping,
};
use wim_apply::{BlobId, Wim};

use crate::memory::Division;
use crate::tree::{BlobPaths, Tree};
use crate::{Error, Result, RunOptions};

/// Most bytes that are read into memory before the layout. Boot files and the SYSTEM hive of a Windows image are
/// about 60 MB together.
const MAX_EARLY_BYTES: u64 = 512 << 20;

/// What was read before the layout.
#[derive(Debug)]
pub(crate) struct Early {
    /// The blobs.
    pub(crate) blobs: HashMap<BlobId, Arc<Vec<u8>>>,
    /// The chunks of a solid image that they lie in, with other blobs: none is decoded twice as long as there is room.
    pub(crate) chunks: KeptChunks,
    /// With `recover`: what is damaged.
    pub(crate) failures: Vec<BlobFailure>,
}

/// Reads blobs, in the order of the file, each verified. With `recover`, damaged ones are as far as they can be had.
pub(crate) fn read_blobs(
    wim: &Wim,
    path: &Path,
    tree: &Tree,
    blobs: &[BlobId],
    recover: bool,
    options: &RunOptions<'_>,
) -> Result<Early> {
    let kept_bytes = Division::new(options).kept_bytes;
    let chunks = KeptChunks::new(kept_bytes);
    let mut sink = Collector {
        blobs: HashMap::new(),
        current: Vec::new(),
        total_bytes: 0,
    };
    let mut apply = apply_options(options);
    apply.recover = recover;
    apply.memory_limit_bytes = apply.memory_limit_bytes.map(|limit| limit - kept_bytes);
    let paths = BlobPaths::new(tree);
    let mut control = Control {
        interrupt: options.interrupt,
        progress: &mut |_| {},
        paths: &|blob| paths.of(blob),
    };
    let report = deliver_keeping(wim, blobs, &mut sink, &apply, &mut control, Keep::Fill(&chunks))
        .map_err(|error| Error::from_wim(path, error))?;
    Ok(Early {
        blobs: sink.blobs,
        chunks,
        failures: report.failures,
    })
}

/// The options of a run, for `wim-apply`.
pub(crate) fn apply_options(options: &RunOptions<'_>) -> ApplyOptions {
    ApplyOptions {
        threads: NonZeroUsize::new(options.threads).unwrap_or(NonZeroUsize::MIN),
        memory_limit_bytes: options.memory_limit_bytes,
        ..ApplyOptions::default()
    }
}

struct Collector {
    blobs: HashMap<BlobId, Arc<Vec<u8>>>,
    current: Vec<u8>,
    total_bytes: u64,
}

impl BlobSink for Collector {
    fn begin_blob(&mut self, blob: &BlobInfo, _form: Form, stored_bytes: u64) -> Result<(), TargetError> {
        self.total_bytes = self.total_bytes.saturating_add(stored_bytes);
        if self.total_bytes > MAX_EARLY_BYTES {
            let message = format!(
                "boot files, hive and reparse data are over {MAX_EARLY_BYTES} bytes (at blob {})",
                blob.hash
            );
            return Err(message.into());
        }
        self.current = Vec::with_capacity(usize::try_from(stored_bytes)?);
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), TargetError> {
        self.current.extend_from_slice(bytes);
        Ok(())
    }

    fn end_blob(&mut self, blob: &BlobInfo) -> Result<(), TargetError> {
        self.blobs
            .insert(blob.id, Arc::new(std::mem::take(&mut self.current)));
        Ok(())
    }
}

//! Options that verbs share that write WIM files.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use stick::Source;
use wim_apply::apply::Progress as WriteProgress;
use wim_apply::write::{Compression, FileForm, WimWriter, WriteControl, WriteOptions, WriteReport};
use wim_apply::{ImageInfo, Wim};

use super::Context;
use crate::failure::{Failure, USAGE};
use crate::i18n::Message;
use crate::progress::Progress;
use crate::size::Size;

/// Compression of a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CompressArg {
    /// None.
    None,
    /// Fast.
    Xpress,
    /// Small.
    Lzx,
    /// Smallest, and slow.
    Lzms,
}

impl From<CompressArg> for Compression {
    fn from(compress: CompressArg) -> Self {
        match compress {
            CompressArg::None => Self::None,
            CompressArg::Xpress => Self::Xpress,
            CompressArg::Lzx => Self::Lzx,
            CompressArg::Lzms => Self::Lzms,
        }
    }
}

/// How a new file is written.
#[derive(Clone, Debug, Args)]
pub(crate) struct CompressArgs {
    /// Compression of new data.
    #[arg(long, value_enum)]
    compress: Option<CompressArg>,
    /// Uncompressed bytes of a chunk; Windows itself reads 32K, XPRESS from 4K, and solid LZMS of 64M.
    #[arg(long, value_name = "SIZE")]
    chunk_size: Option<Size>,
    /// Compress all new data as one, as in ESD files: LZMS unless --compress says otherwise.
    #[arg(long)]
    solid: bool,
    /// Write a file that can go through a pipe; only wtgctl and wimlib read it.
    #[arg(long, conflicts_with = "solid")]
    pipable: bool,
}

impl CompressArgs {
    /// `options` with what was asked for. A compression without a form gives each file's data a resource of its own.
    pub(crate) fn over(&self, options: WriteOptions) -> Result<WriteOptions, Failure> {
        let mut options = options;
        if let Some(compress) = self.compress.map(Compression::from) {
            set_compression(&mut options, compress);
            if let (FileForm::Solid { .. }, false) = (options.form, self.solid) {
                options.form = FileForm::Plain;
            }
        }
        if self.pipable {
            options.form = FileForm::Pipable;
        }
        if self.solid {
            options.form = self.solid_form(&mut options);
        }
        if let Some(size) = self.chunk_size {
            let size = u32::try_from(size.0).map_err(|_| {
                let size = size.to_string();
                Failure::new(USAGE, Message::ChunkTooLarge { size })
            })?;
            match &mut options.form {
                FileForm::Solid { chunk_bytes, .. } => *chunk_bytes = size,
                FileForm::Plain | FileForm::Pipable => options.chunk_bytes = size,
            }
        }
        Ok(options)
    }

    /// As [`over`](Self::over), for a file that gets new data: its compression stays, so that only that of a new solid
    /// resource can be chosen.
    pub(super) fn over_existing(&self, like: WriteOptions) -> Result<WriteOptions, Failure> {
        if (self.compress.is_some() || self.chunk_size.is_some()) && !self.solid {
            return Err(Failure::new(USAGE, Message::CompressionStays).hint(Message::HintSolid));
        }
        self.over(like)
    }

    /// The form for --solid; that of `options` when it is solid, and nothing else was asked for.
    fn solid_form(&self, options: &mut WriteOptions) -> FileForm {
        match (self.compress.map(Compression::from), options.form) {
            (Some(asked), FileForm::Solid { compression, .. }) if asked == compression => options.form,
            (Some(asked), _) => FileForm::solid(asked),
            (None, FileForm::Solid { .. }) => options.form,
            (None, _) => {
                set_compression(options, Compression::Lzms);
                FileForm::solid(Compression::Lzms)
            }
        }
    }
}

/// Sets a compression, with its usual chunk size unless it is the one that is set.
fn set_compression(options: &mut WriteOptions, compression: Compression) {
    if compression != options.compression {
        options.chunk_bytes = compression.default_chunk_bytes();
    }
    options.compression = compression;
}

/// An image's texts.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct NameArgs {
    /// Name of the image.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Description of the image.
    #[arg(long)]
    pub(crate) description: Option<String>,
}

/// `options` with what holds for the whole run: threads, memory, and the GUID when there is a seed.
pub(crate) fn for_run(options: WriteOptions, context: &Context) -> WriteOptions {
    WriteOptions {
        threads: NonZeroUsize::new(context.threads).unwrap_or(NonZeroUsize::MIN),
        memory_limit_bytes: context.memory_limit_bytes,
        guid: context.seed.map_or(options.guid, WriteOptions::guid_of_seed),
        ..options
    }
}

/// Leaves out the data that these files hold.
pub(super) fn leave_out(writer: &mut WimWriter<'_>, bases: &[PathBuf]) -> Result<(), Failure> {
    for base in bases {
        writer.leave_out_blobs_of(&Source::open(base)?.wim);
    }
    Ok(())
}

/// Refuses a name that an image of the file has: a name has to choose one image.
pub(crate) fn name_is_free(wim: &Wim, path: &Path, name: &str) -> Result<(), Failure> {
    let taken = |image: &ImageInfo| image.name.as_deref() == Some(name);
    match wim.images().iter().find(|image| taken(image)) {
        None => Ok(()),
        Some(image) => {
            let message = Message::NameTaken {
                path: path.display().to_string(),
                index: image.index,
                name: name.to_owned(),
            };
            Err(Failure::new(USAGE, message).hint(Message::HintGiveName))
        }
    }
}

/// Runs `body` with progress on the terminal and Ctrl-C heeded.
pub(crate) fn with_control<T>(
    context: &Context,
    phase: &str,
    body: impl FnOnce(&mut WriteControl<'_>) -> T,
) -> T {
    let mut progress = Progress::new(&context.output);
    let result = body(&mut WriteControl {
        interrupt: context.interrupt(),
        progress: &mut |p: WriteProgress| progress.update(phase, p.bytes_done, p.bytes_total),
    });
    progress.finish();
    result
}

/// A report as a record.
pub(crate) fn record(report: &WriteReport) -> Value {
    json!({
        "images": report.images,
        "blobs": report.blobs,
        "blob_bytes": report.blob_bytes,
        "file_bytes": report.file_bytes,
    })
}

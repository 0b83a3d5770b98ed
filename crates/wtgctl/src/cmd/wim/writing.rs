//! Options that verbs share that write WIM files.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use stick::Source;
use wim_apply::apply::Progress as WriteProgress;
use wim_apply::write::{Compression, WimWriter, WriteControl, WriteOptions, WriteReport};
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
}

impl From<CompressArg> for Compression {
    fn from(compress: CompressArg) -> Self {
        match compress {
            CompressArg::None => Self::None,
            CompressArg::Xpress => Self::Xpress,
            CompressArg::Lzx => Self::Lzx,
        }
    }
}

/// How a new file is written.
#[derive(Clone, Debug, Args)]
pub(crate) struct CompressArgs {
    /// Compression of new data.
    #[arg(long, value_enum)]
    compress: Option<CompressArg>,
    /// Uncompressed bytes of a chunk; Windows itself reads 32K, and XPRESS from 4K.
    #[arg(long, value_name = "SIZE")]
    chunk_size: Option<Size>,
}

impl CompressArgs {
    /// Whether a compression was chosen.
    pub(super) fn is_given(&self) -> bool {
        self.compress.is_some()
    }

    /// `options` with what was asked for.
    pub(crate) fn over(&self, options: WriteOptions) -> Result<WriteOptions, Failure> {
        let mut options = options;
        if let Some(compress) = self.compress {
            if Compression::from(compress) != options.compression {
                options.chunk_bytes = WriteOptions::default().chunk_bytes;
            }
            options.compression = compress.into();
        }
        if let Some(size) = self.chunk_size {
            options.chunk_bytes = u32::try_from(size.0).map_err(|_| {
                Failure::new(
                    USAGE,
                    Message::ChunkTooLarge {
                        size: size.to_string(),
                    },
                )
            })?;
        }
        Ok(options)
    }
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

/// `options` with what holds for the whole run: threads, and the GUID when there is a seed.
pub(crate) fn for_run(options: WriteOptions, context: &Context) -> WriteOptions {
    WriteOptions {
        threads: NonZeroUsize::new(context.threads).unwrap_or(NonZeroUsize::MIN),
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

/// Whether a file has LZMS, which is read and not written.
pub(super) fn uses_lzms(wim: &Wim) -> bool {
    let is_lzms = |codec| codec == wim_apply::codec::Codec::Lzms;
    wim.compression().is_some_and(|(codec, _)| is_lzms(codec)) || !wim.solid_resources().is_empty()
}

/// Says that a new file has another compression than its source, if nobody chose one.
pub(super) fn warn_of_lzms(wim: &Wim, is_chosen: bool, context: &Context) {
    if uses_lzms(wim) && !is_chosen {
        context.output.warning(Message::LzxForLzms);
    }
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

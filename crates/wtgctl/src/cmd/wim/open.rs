//! Opening a WIM from the command line, and the options of a delivery.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::Args;
use stick::Source;
use wim_apply::apply::{ApplyOptions, Control, Progress as DeliverProgress};
use wim_apply::{BlobId, DentryId, Image, Inode, Wim};

use super::Context;
use crate::failure::{BAD_INPUT, Failure, USAGE};
use crate::i18n::Message;
use crate::progress::Progress;
use crate::size::human;

/// Which file, and what belongs to it.
#[derive(Clone, Debug, Args)]
pub(crate) struct WimArgs {
    /// WIM, ESD, first SWM part, Windows ISO, or `-` for a pipable WIM from stdin.
    wim: PathBuf,
    /// Another file that holds blobs of this one: a part of a split image, or the base of a delta.
    #[arg(long = "ref", value_name = "FILE")]
    references: Vec<PathBuf>,
}

impl WimArgs {
    /// Opens the file with all its parts.
    pub(crate) fn open(&self) -> Result<Wim, Failure> {
        let wim = if self.wim.as_os_str() == "-" {
            let spool = tempfile::tempfile().map_err(|error| Failure::io("a temporary file", &error))?;
            Wim::open_spooled(&mut std::io::stdin().lock(), spool, &wim_apply::Limits::default())
                .map_err(|error| Failure::from(error).at("stdin"))?
        } else {
            Source::open_with(&self.wim, &self.references)?.wim
        };
        Ok(wim)
    }

    /// The file that was named.
    pub(crate) fn path(&self) -> &Path {
        &self.wim
    }

    /// The files of the host that were named.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        std::iter::once(&self.wim)
            .filter(|path| path.as_os_str() != "-")
            .chain(&self.references)
            .cloned()
            .collect()
    }

    /// An error of the library, with the file's name.
    pub(crate) fn failed(&self, error: wim_apply::Error) -> Failure {
        Failure::from(error).at(self.wim.display())
    }

    /// The image that `text` names; the only one when there is one.
    pub(crate) fn image_index(&self, wim: &Wim, text: Option<&str>) -> Result<u32, Failure> {
        match (text, wim.images()) {
            (Some(text), _) => wim.find_image(text).map_err(|error| self.failed(error)),
            (None, [only]) => Ok(only.index),
            (None, images) => {
                let images: Vec<String> = images
                    .iter()
                    .map(|image| format!("{} ({})", image.index, image.name.as_deref().unwrap_or_default()))
                    .collect();
                let message = Message::ImageNotChosen {
                    path: self.wim.display().to_string(),
                    images: images.join(", "),
                };
                Err(Failure::new(USAGE, message).hint(Message::HintNameImage))
            }
        }
    }
}

/// Refuses to make zeros of what cannot be read when the blob table claims more than the image ever held: a damaged
/// size would fill the disk.
pub(crate) fn check_claim(wim: &Wim, index: u32, image: &Image, path: &Path) -> Result<(), Failure> {
    let info = wim.images().iter().find(|info| info.index == index);
    let Some(stated) = info.and_then(|info| info.total_bytes) else {
        return Ok(());
    };
    let sizes = image.blobs().into_iter();
    let claimed = sizes
        .filter_map(|id| wim.blob(id).ok())
        .fold(0_u64, |sum, blob| sum.saturating_add(blob.size_bytes));
    // Not everybody counts named streams.
    if claimed / 2 <= stated {
        return Ok(());
    }
    let message = Message::ClaimsTooMuch {
        path: path.display().to_string(),
        claimed: human(claimed),
        stated: human(stated),
    };
    Err(Failure::new(BAD_INPUT, message).hint(Message::HintImageDamaged))
}

/// The options of this run, for a delivery of blobs.
pub(crate) fn apply_options(context: &Context) -> ApplyOptions {
    ApplyOptions {
        threads: NonZeroUsize::new(context.threads).unwrap_or(NonZeroUsize::MIN),
        memory_limit_bytes: context.memory_limit_bytes,
        ..ApplyOptions::default()
    }
}

/// Runs `body` with progress on the terminal and Ctrl-C heeded.
pub(crate) fn with_control<T>(
    context: &Context,
    phase: &str,
    paths: &dyn Fn(BlobId) -> Vec<String>,
    body: impl FnOnce(&mut Control<'_>) -> T,
) -> T {
    let mut progress = Progress::new(&context.output);
    let result = body(&mut Control {
        interrupt: context.interrupt(),
        progress: &mut |p: DeliverProgress| progress.update(phase, p.bytes_done, p.bytes_total),
        paths,
    });
    progress.finish();
    result
}

/// What a name of the image names.
pub(crate) fn inode_of(image: &Image, id: DentryId) -> Option<&Inode> {
    let dentry = image.dentries.get(id.0 as usize)?;
    image.inodes.get(dentry.inode.0 as usize)
}

//! `wtgctl ntfs cat`.

use std::io::{self, Read};

use ntfs_image::layout::attribute;
use serde::Serialize;

use super::VolumeArgs;
use super::open::{lookup_stream, open};
use crate::cmd::{Context, Outcome};
use crate::failure::{BAD_INPUT, Failure, SYSTEM, USAGE};
use crate::i18n::Message;
use crate::output::{self, shown};

/// Arguments of `wtgctl ntfs cat`.
#[derive(Debug, clap::Args)]
pub(crate) struct CatArgs {
    #[command(flatten)]
    volume: VolumeArgs,
    /// The file; `file:stream` for a named stream.
    path: String,
    /// The bytes as they are stored, not decoded, for a compact (WOF) file.
    #[arg(long)]
    raw: bool,
}

#[derive(Serialize)]
struct Cat {
    size_bytes: u64,
}

/// A file's content to stdout.
pub(super) fn run(args: &CatArgs, context: &Context) -> Result<Outcome, Failure> {
    context.output.stdout_is_data();
    let mut volume = open(&args.volume)?;
    let (file, name) = lookup_stream(&mut volume, &args.path)?;
    let Some(found) = file.attribute(attribute::DATA, &name) else {
        let path = args.path.clone();
        return Err(Failure::new(
            USAGE,
            if file.is_directory() && name.is_empty() {
                Message::IsDirectory { path }
            } else {
                Message::NoSuchStream { path }
            },
        ));
    };
    if found.is_encrypted() {
        let path = args.path.clone();
        context.output.warning(Message::IsCiphertext { path });
    }
    let compact = volume.compact(&file)?.filter(|_| name.is_empty() && !args.raw);
    let mut bytes: Box<dyn Read + '_> = match &compact {
        Some(compact) => Box::new(volume.open_compact(compact, stick::chunk_decoder())?),
        None => Box::new(volume.open_stream(&file, &name)?),
    };
    let size_bytes = output::copy_to_stdout(&mut bytes, |error| read_failure(&args.path, error))?;
    context.output.result_beside_data(&Cat { size_bytes })?;
    Ok(Outcome::Holds)
}

fn read_failure(name: &str, error: &io::Error) -> Failure {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<ntfs_image::Error>());
    match (inner, error.kind()) {
        (Some(inner), _) => Failure::of(BAD_INPUT, inner).at(shown(name)),
        (None, io::ErrorKind::InvalidData) => Failure::new(BAD_INPUT, error).at(shown(name)),
        (None, io::ErrorKind::Unsupported) => Failure::new(SYSTEM, error).at(shown(name)),
        _ => Failure::io(shown(name), error),
    }
}

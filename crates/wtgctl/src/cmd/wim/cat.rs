//! `wtgctl wim cat`.

use std::io::{self, Read, Write};

use clap::Args;
use serde::Serialize;
use sha1::{Digest, Sha1};
use wim_apply::BlobHash;
use wim_apply::path::name_to_text;

use super::open::{WimArgs, inode_of};
use super::{Context, Outcome};
use crate::failure::{BAD_INPUT, Failure, USAGE};
use crate::i18n::Message;

/// Arguments of `wtgctl wim cat`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  wtgctl wim cat install.wim Windows/System32/config/SOFTWARE --image 1 > SOFTWARE
  wtgctl wim cat backup.wim 'notes.txt:Zone.Identifier'")]
pub(crate) struct CatArgs {
    #[command(flatten)]
    wim: WimArgs,
    /// Path of the file; `path:stream` for a named stream.
    path: String,
    /// Image: number or name.
    #[arg(long, value_name = "N|NAME")]
    image: Option<String>,
}

/// What was written.
#[derive(Serialize)]
pub(crate) struct Cat {
    pub(crate) size_bytes: u64,
}

/// Runs the verb.
pub(crate) fn run(args: &CatArgs, context: &Context) -> Result<Outcome, Failure> {
    context.output.stdout_is_data();
    let wim = args.wim.open()?;
    let index = args.wim.image_index(&wim, args.image.as_deref())?;
    let image = wim.image(index).map_err(|error| args.wim.failed(error))?;
    // Names can have a `:` themselves: a file of the whole name goes first.
    let (path, stream_name) = match args.path.rsplit_once(':') {
        Some(parts) if image.lookup(&args.path).is_err() => parts,
        _ => (args.path.as_str(), ""),
    };
    let id = image.lookup(path).map_err(|error| args.wim.failed(error))?;
    let streams = inode_of(&image, id).map_or(&[][..], |inode| &inode.streams);
    let Some(stream) = streams
        .iter()
        .find(|stream| name_to_text(&stream.name) == stream_name)
    else {
        let is_directory = inode_of(&image, id).is_some_and(wim_apply::Inode::is_directory);
        let what = if is_directory && stream_name.is_empty() {
            Message::IsDirectory {
                path: args.path.clone(),
            }
        } else {
            Message::NoSuchStream {
                path: args.path.clone(),
            }
        };
        return Err(Failure::new(USAGE, what).hint(Message::HintListStreams));
    };
    let mut stdout = io::stdout().lock();
    let mut size_bytes = 0_u64;
    if let Some(blob) = stream.blob {
        let mut reader = wim.open_blob(blob).map_err(|error| args.wim.failed(error))?;
        let mut hasher = Sha1::new();
        let mut buffer = vec![0; 1 << 16];
        loop {
            let count = reader
                .read(&mut buffer)
                .map_err(|error| damaged(&args.path, &error))?;
            if count == 0 {
                break;
            }
            hasher.update(&buffer[..count]);
            size_bytes += count as u64;
            stdout
                .write_all(&buffer[..count])
                .map_err(|error| Failure::io("stdout", &error))?;
        }
        let found = BlobHash(hasher.finalize().into());
        if found != stream.hash {
            let message = Message::WrongHash {
                path: args.path.clone(),
                found: found.to_string(),
                expected: stream.hash.to_string(),
            };
            return Err(Failure::new(BAD_INPUT, message).hint(Message::HintDamagedOutput));
        }
    } else if !stream.hash.is_zero() {
        let path = args.path.clone();
        return Err(Failure::new(BAD_INPUT, Message::DataElsewhere { path }).hint(Message::HintNameReference));
    }
    stdout.flush().map_err(|error| Failure::io("stdout", &error))?;
    context.output.result_beside_data(&Cat { size_bytes })?;
    Ok(Outcome::Holds)
}

/// A reader's error: of the image where it says so, else of the system.
fn damaged(path: &str, error: &io::Error) -> Failure {
    match error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<wim_apply::Error>())
    {
        Some(inner) => Failure::new(BAD_INPUT, format_args!("{path}: {inner}")),
        None => Failure::io(path, error),
    }
}

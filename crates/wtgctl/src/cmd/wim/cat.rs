//! `wtgctl wim cat`.

use std::io::{self, Write};

use clap::Args;
use wim_apply::path::name_to_text;

use super::open::{WimArgs, inode_of};
use super::{Context, Outcome};
use crate::failure::{Failure, USAGE};

/// Arguments of `wtgctl wim cat`.
#[derive(Debug, Args)]
pub(crate) struct CatArgs {
    #[command(flatten)]
    wim: WimArgs,
    /// Path of the file; `path:stream` for a named stream.
    path: String,
    /// Image: number or name.
    #[arg(long, value_name = "N|NAME")]
    image: Option<String>,
}

/// Runs the verb.
pub(crate) fn run(args: &CatArgs, _context: &Context) -> Result<Outcome, Failure> {
    let wim = args.wim.open()?;
    let index = args.wim.image_index(&wim, args.image.as_deref())?;
    let image = wim.image(index).map_err(|error| args.wim.failed(error))?;
    let (path, stream_name) = match args.path.rsplit_once(':') {
        Some((path, name)) if !name.contains(['\\', '/']) => (path, name),
        _ => (args.path.as_str(), ""),
    };
    let id = image.lookup(path).map_err(|error| args.wim.failed(error))?;
    let streams = inode_of(&image, id).map_or(&[][..], |inode| &inode.streams);
    let Some(stream) = streams
        .iter()
        .find(|stream| name_to_text(&stream.name) == stream_name)
    else {
        return Err(
            Failure::new(USAGE, format_args!("{}: has no such data", args.path))
                .hint("`wtgctl wim ls --json` lists the streams of each file"),
        );
    };
    let mut stdout = io::stdout().lock();
    if let Some(blob) = stream.blob {
        let mut reader = wim.open_blob(blob).map_err(|error| args.wim.failed(error))?;
        io::copy(&mut reader, &mut stdout).map_err(|error| Failure::io(&args.path, &error))?;
    } else if !stream.hash.is_zero() {
        return Err(Failure::new(
            crate::failure::BAD_INPUT,
            format_args!("{}: its data is in another file", args.path),
        )
        .hint("name that file with --ref"));
    }
    stdout.flush().map_err(|error| Failure::io("stdout", &error))?;
    Ok(Outcome::Holds)
}

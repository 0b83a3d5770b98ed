//! `wtgctl iso cat` and `extract`.

use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use clap::Args;
use serde::Serialize;
use serde_json::json;

use super::select::{select, without_nested};
use super::{Context, ImageArgs, Outcome};
use crate::failure::{Failure, INTERRUPTED};
use crate::i18n::Message;
use crate::progress::Progress;
use crate::size::human;

/// Arguments of `wtgctl iso cat`.
#[derive(Debug, Args)]
pub(crate) struct CatArgs {
    #[command(flatten)]
    image: ImageArgs,
    /// File in the image.
    path: String,
}

/// Arguments of `wtgctl iso extract`.
#[derive(Debug, Args)]
pub(crate) struct ExtractArgs {
    #[command(flatten)]
    image: ImageArgs,
    /// Files, folders, or patterns (`*`, `?`, `**`); default: everything.
    paths: Vec<String>,
    /// Folder to write into; made when it is missing. Nothing in it is replaced.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

#[derive(Default, Serialize)]
struct ExtractResult {
    files: u64,
    directories: u64,
    symlinks: u64,
    size_bytes: u64,
    skipped: Vec<String>,
}

/// Writes one file to stdout.
pub(super) fn run_cat(args: &CatArgs, context: &Context) -> Result<Outcome, Failure> {
    context.output.stdout_is_data();
    let mut image = args.image.open()?;
    let entry = args.image.file_entry(&mut image, &args.path)?;
    let mut file = image
        .into_file(&entry)
        .map_err(|error| args.image.failed(error))?;
    let mut buffer = vec![0; 1 << 20];
    let mut stdout = io::stdout().lock();
    let mut size_bytes = 0_u64;
    loop {
        if context.interrupt().load(Ordering::SeqCst) {
            return Err(Failure::new(INTERRUPTED, Message::Interrupted));
        }
        let len = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(len) => len,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Failure::io(args.image.image.display(), &error)),
        };
        let bytes = buffer.get(..len).unwrap_or_default();
        size_bytes += len as u64;
        stdout
            .write_all(bytes)
            .map_err(|error| Failure::io("stdout", &error))?;
    }
    stdout.flush().map_err(|error| Failure::io("stdout", &error))?;
    context
        .output
        .result_beside_data(&json!({ "size_bytes": size_bytes }))?;
    Ok(Outcome::Holds)
}

/// Copies files out.
pub(super) fn run_extract(args: &ExtractArgs, context: &Context) -> Result<Outcome, Failure> {
    let failed = |error| args.image.failed(error);
    let mut image = args.image.open()?;
    let root = image.root().map_err(failed)?;
    let selected = if args.paths.is_empty() {
        vec![(String::new(), root)]
    } else {
        without_nested(select(&args.image, &mut image, &args.paths)?)
    };
    let mut total_bytes = 0_u64;
    for (_, entry) in &selected {
        if entry.is_file() {
            total_bytes = total_bytes.saturating_add(entry.size_bytes);
        } else if entry.is_dir() {
            for step in image.walk(entry).map_err(failed)? {
                let (_, entry) = step.map_err(failed)?;
                if entry.is_file() {
                    total_bytes = total_bytes.saturating_add(entry.size_bytes);
                }
            }
        }
    }
    let mut progress = Progress::new(&context.output);
    let mut result = ExtractResult::default();
    for (path, entry) in &selected {
        // A file keeps its path below the folder, as in the image.
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        let folder = args.to.join(parent);
        std::fs::create_dir_all(&folder).map_err(|error| Failure::io(folder.display(), &error))?;
        let before = result.size_bytes;
        let done = image.extract(entry, &folder, &mut |bytes| {
            progress.update("extract", before + bytes, total_bytes);
            if context.interrupt().load(Ordering::SeqCst) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        let done = done.map_err(|error| match error {
            iso_loopback::Error::Interrupted => Failure::new(INTERRUPTED, Message::Interrupted),
            error => failed(error),
        })?;
        result.files += done.files;
        result.directories += done.directories;
        result.symlinks += done.symlinks;
        result.size_bytes = result.size_bytes.saturating_add(done.bytes);
        result.skipped.extend(done.skipped);
    }
    progress.finish();
    for path in &result.skipped {
        let path = super::list::printable(path).to_string();
        context.output.warning(Message::LeftOut { path });
    }
    context.output.result(&result, || {
        let message = Message::FilesExtracted {
            files: result.files,
            directories: result.directories,
            links: result.symlinks,
            size: human(result.size_bytes),
            to: args.to.display().to_string(),
        };
        message.text(context.output.lang())
    })?;
    Ok(Outcome::Holds)
}

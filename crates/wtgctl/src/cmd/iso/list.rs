//! `wtgctl iso ls` and `extents`.

use clap::Args;
use iso_loopback::{Entry, EntryKind};
use serde::Serialize;

use super::select::select;
use super::{Context, ImageArgs, Outcome};
use crate::failure::Failure;

/// Arguments of `wtgctl iso ls`.
#[derive(Debug, Args)]
pub(crate) struct LsArgs {
    #[command(flatten)]
    image: ImageArgs,
    /// Folders, files, or patterns (`*`, `?`, `**`); default: the root.
    paths: Vec<String>,
    /// With everything below.
    #[arg(long, short = 'R')]
    recursive: bool,
    /// With kind, size and time.
    #[arg(long, short)]
    long: bool,
}

/// Arguments of `wtgctl iso extents`.
#[derive(Debug, Args)]
pub(crate) struct ExtentsArgs {
    #[command(flatten)]
    image: ImageArgs,
    /// File in the image.
    path: String,
}

#[derive(Serialize)]
struct EntryRecord<'a> {
    path: &'a str,
    kind: &'static str,
    size_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    modified: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link_target: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unix_mode: Option<u32>,
    hidden: bool,
    associated: bool,
}

#[derive(Serialize)]
struct LsResult {
    view: String,
    entries: u64,
    files: u64,
    size_bytes: u64,
}

#[derive(Serialize)]
struct ExtentRecord {
    file_offset_bytes: u64,
    image_offset_bytes: Option<u64>,
    length_bytes: u64,
}

#[derive(Serialize)]
struct ExtentsResult<'a> {
    path: &'a str,
    size_bytes: u64,
    extents: usize,
}

/// Lists.
pub(super) fn run_ls(args: &LsArgs, context: &Context) -> Result<Outcome, Failure> {
    let failed = |error| args.image.failed(error);
    let mut image = args.image.open()?;
    let view = image.view().to_string();
    let root = image.root().map_err(failed)?;
    let starts = if args.paths.is_empty() {
        vec![(String::new(), root)]
    } else {
        select(&args.image, &mut image, &args.paths)?
    };
    let mut result = LsResult {
        view,
        entries: 0,
        files: 0,
        size_bytes: 0,
    };
    for (start, entry) in starts {
        if !entry.is_dir() {
            list_one(&start, &entry, args, context, &mut result)?;
            continue;
        }
        let join = |path: &str| {
            if start.is_empty() {
                path.to_owned()
            } else {
                format!("{start}/{path}")
            }
        };
        if args.recursive {
            for step in image.walk(&entry).map_err(failed)? {
                let (path, entry) = step.map_err(failed)?;
                list_one(&join(&path), &entry, args, context, &mut result)?;
            }
        } else {
            for entry in image.read_dir(&entry).map_err(failed)? {
                list_one(&join(&entry.name), &entry, args, context, &mut result)?;
            }
        }
    }
    context.output.result(&result, String::new)?;
    Ok(Outcome::Holds)
}

fn list_one(
    path: &str,
    entry: &Entry,
    args: &LsArgs,
    context: &Context,
    result: &mut LsResult,
) -> Result<(), Failure> {
    result.entries += 1;
    if entry.is_file() {
        result.files += 1;
        result.size_bytes = result.size_bytes.saturating_add(entry.size_bytes);
    }
    let (kind, link_target) = match &entry.kind {
        EntryKind::Directory => ("directory", None),
        EntryKind::Symlink(target) => ("symlink", Some(target.as_str())),
        EntryKind::File => ("file", None),
        _ => ("special", None),
    };
    let modified = entry.modified.map(|time| time.to_string());
    let record = EntryRecord {
        path,
        kind,
        size_bytes: entry.size_bytes,
        modified,
        link_target,
        unix_mode: entry.unix.map(|unix| unix.mode),
        hidden: entry.hidden,
        associated: entry.associated,
    };
    context.output.entry(&record, || {
        let name = match (entry.is_dir(), link_target) {
            (true, _) => format!("{}/", printable(path)),
            (_, Some(target)) if args.long => format!("{} -> {}", printable(path), printable(target)),
            _ => printable(path),
        };
        if args.long {
            let time = record.modified.as_deref().unwrap_or("-");
            format!("{kind:<9} {:>14} {time:<25} {name}", entry.size_bytes)
        } else {
            name
        }
    })
}

/// Control characters would act on the terminal.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            if c.is_control() {
                c.escape_default().collect::<Vec<char>>()
            } else {
                vec![c]
            }
        })
        .collect()
}

/// Prints a file's map.
pub(super) fn run_extents(args: &ExtentsArgs, context: &Context) -> Result<Outcome, Failure> {
    let mut image = args.image.open()?;
    let entry = args.image.file_entry(&mut image, &args.path)?;
    let extents = image.extents(&entry).map_err(|error| args.image.failed(error))?;
    context.output.text(format_args!(
        "{:>16} {:>16} {:>16}",
        "file offset", "image offset", "bytes"
    ))?;
    let mut file_offset_bytes = 0_u64;
    for extent in &extents {
        let record = ExtentRecord {
            file_offset_bytes,
            image_offset_bytes: extent.image_offset,
            length_bytes: extent.length_bytes,
        };
        context.output.entry(&record, || {
            let place = extent
                .image_offset
                .map_or_else(|| "hole".to_owned(), |offset| offset.to_string());
            format!("{file_offset_bytes:>16} {place:>16} {:>16}", extent.length_bytes)
        })?;
        file_offset_bytes = file_offset_bytes.saturating_add(extent.length_bytes);
    }
    let result = ExtentsResult {
        path: &args.path,
        size_bytes: entry.size_bytes,
        extents: extents.len(),
    };
    context.output.result(&result, String::new)?;
    Ok(Outcome::Holds)
}

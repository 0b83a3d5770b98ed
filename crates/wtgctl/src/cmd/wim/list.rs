//! `wtgctl wim ls`.

use clap::Args;
use serde::Serialize;
use wim_apply::path::name_to_text;
use wim_apply::{DentryId, Image, StreamKind};

use super::open::{WimArgs, inode_of};
use super::{Context, Outcome};
use crate::cmd::paths::expand_lists;
use crate::failure::Failure;
use crate::output::shown;

/// Arguments of `wtgctl wim ls`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  wtgctl wim ls boot.wim --image 2 | head
  wtgctl wim ls install.wim 'Windows\\System32\\*.dll' --image Pro --long
  wtgctl wim ls windows.iso --image 1 --json > files.jsonl")]
pub(crate) struct LsArgs {
    #[command(flatten)]
    wim: WimArgs,
    /// Image: number or name.
    #[arg(long, value_name = "N|NAME")]
    image: Option<String>,
    /// Paths or patterns (`*`, `?`, `**`), or `@FILE` with one of them a line; the whole image without any. A directory
    /// stands for its content.
    paths: Vec<String>,
    /// Everything below directories, too.
    #[arg(long, short)]
    recursive: bool,
    /// Attributes, sizes and hashes.
    #[arg(long, short)]
    long: bool,
}

#[derive(Serialize)]
struct Record<'a> {
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    short_name: Option<String>,
    directory: bool,
    attributes: u32,
    size_bytes: u64,
    creation_time: u64,
    last_write_time: u64,
    last_access_time: u64,
    link_count: u32,
    security_id: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reparse_tag: Option<u32>,
    streams: Vec<StreamRecord>,
}

#[derive(Serialize)]
struct StreamRecord {
    kind: &'static str,
    name: String,
    size_bytes: u64,
    sha1: String,
}

/// Runs the verb.
pub(crate) fn run(args: &LsArgs, context: &Context) -> Result<Outcome, Failure> {
    let wim = args.wim.open()?;
    let index = args.wim.image_index(&wim, args.image.as_deref())?;
    let image = wim.image(index).map_err(|error| args.wim.failed(error))?;
    let chosen = if args.paths.is_empty() {
        vec![Image::ROOT]
    } else {
        let patterns = expand_lists(&args.paths)?;
        wim_apply::select(&image, &patterns, false).map_err(|error| args.wim.failed(error))?
    };
    let mut entries = 0_u64;
    for id in chosen {
        if args.recursive || args.paths.is_empty() {
            for (id, _) in image.walk(id) {
                entries += entry(&image, id, args.long, context)?;
            }
        } else if inode_of(&image, id).is_some_and(wim_apply::Inode::is_directory) {
            for &child in image
                .dentries
                .get(id.0 as usize)
                .map_or(&[][..], |dentry| &dentry.children)
            {
                entries += entry(&image, child, args.long, context)?;
            }
        } else {
            entries += entry(&image, id, args.long, context)?;
        }
    }
    for warning in &image.warnings {
        context.output.warning(warning);
    }
    context
        .output
        .result(&serde_json::json!({ "entries": entries }), String::new)?;
    Ok(Outcome::Holds)
}

fn entry(image: &Image, id: DentryId, long: bool, context: &Context) -> Result<u64, Failure> {
    let (Some(dentry), Some(inode)) = (image.dentries.get(id.0 as usize), inode_of(image, id)) else {
        return Ok(0);
    };
    if id == Image::ROOT {
        return Ok(0);
    }
    let path = image.path_of(id);
    let streams = inode.streams.iter().map(|stream| StreamRecord {
        kind: match stream.kind {
            StreamKind::Data => "data",
            StreamKind::ReparsePoint => "reparse_point",
            StreamKind::EfsRaw => "efs_raw",
        },
        name: name_to_text(&stream.name),
        size_bytes: stream.size_bytes,
        sha1: stream.hash.to_string(),
    });
    let record = Record {
        path: &path,
        short_name: (!dentry.short_name.is_empty()).then(|| name_to_text(&dentry.short_name)),
        directory: inode.is_directory(),
        attributes: inode.attributes,
        size_bytes: inode.unnamed_data().map_or(0, |stream| stream.size_bytes),
        creation_time: inode.creation_time,
        last_write_time: inode.last_write_time,
        last_access_time: inode.last_access_time,
        link_count: inode.link_count,
        security_id: inode.security,
        reparse_tag: inode.is_reparse_point().then_some(inode.reparse_tag),
        streams: streams.collect(),
    };
    context.output.entry(&record, || {
        if !long {
            return shown(&path);
        }
        let hash = inode
            .unnamed_data()
            .map_or_else(|| "-".repeat(40), |stream| stream.hash.to_string());
        let kind = if record.directory { "d" } else { "-" };
        format!(
            "{kind} {:08x} {:>12} {hash} {}",
            record.attributes,
            record.size_bytes,
            shown(&path)
        )
    })?;
    Ok(1)
}

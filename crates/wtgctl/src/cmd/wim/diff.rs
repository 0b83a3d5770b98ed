//! `wtgctl wim diff`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use wim_apply::write::{Change, Compare, Difference, diff, hash_tree};
use wim_apply::{Image, Limits, Wim};

use super::open::WimArgs;
use super::tree_source::{ExcludeArgs, open_tree};
use super::writing::with_control;
use super::{Context, Outcome};
use crate::failure::Failure;
use crate::i18n::Message;
use crate::output::shown;

/// Arguments of `wtgctl wim diff`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  wtgctl wim diff old.wim 1 new.wim 1
  wtgctl wim diff backup.wim 1 folder --data-only
  wtgctl wim diff install.wim Pro stick.img --partition 3")]
pub(crate) struct DiffArgs {
    #[command(flatten)]
    wim: WimArgs,
    /// Image: number or name.
    image: String,
    /// What to compare with: a WIM and its image, a folder, an NTFS volume, or a disk image and --partition.
    other: PathBuf,
    /// Image of the other WIM: number or name.
    other_image: Option<String>,
    /// Number of the partition of a disk image.
    #[arg(long, conflicts_with = "other_image")]
    partition: Option<u32>,
    /// Names and data only.
    #[arg(long)]
    data_only: bool,
    #[command(flatten)]
    exclude: ExcludeArgs,
}

/// Runs the verb.
pub(crate) fn run(args: &DiffArgs, context: &Context) -> Result<Outcome, Failure> {
    let wim = args.wim.open()?;
    let index = args.wim.image_index(&wim, Some(&args.image))?;
    let image = wim.image(index).map_err(|error| args.wim.failed(error))?;
    let (other, mut compare) = read_other(args, context)?;
    if args.data_only {
        compare = Compare {
            last_write_time: false,
            hard_links: false,
            ..Compare::HOST_DIRECTORY
        };
    }
    let differences = diff(&image, &other, &compare);
    for difference in &differences {
        let (kind, fields) = match &difference.change {
            Change::Removed => ("removed", Vec::new()),
            Change::Added => ("added", Vec::new()),
            Change::Changed(fields) => (
                "changed",
                fields
                    .iter()
                    .map(
                        |field| json!({ "field": field.field, "before": field.before, "after": field.after }),
                    )
                    .collect(),
            ),
        };
        let record = json!({ "path": difference.path, "change": kind, "fields": fields });
        context.output.entry(&record, || line(difference))?;
    }
    let count = differences.len();
    context
        .output
        .result(&json!({ "holds": count == 0, "differences": count }), || {
            let message = match count {
                0 => Message::Equal {
                    entries: image.dentries.len() as u64,
                },
                1 => Message::OneDifference,
                count => Message::Differences { count: count as u64 },
            };
            message.text(context.output.lang())
        })?;
    Ok(if count == 0 {
        Outcome::Holds
    } else {
        Outcome::DoesNotHold
    })
}

fn line(difference: &Difference) -> String {
    let line = match &difference.change {
        Change::Removed => format!("- {}", difference.path),
        Change::Added => format!("+ {}", difference.path),
        Change::Changed(fields) => {
            let names: Vec<&str> = fields.iter().map(|field| field.field.as_str()).collect();
            format!("! {} ({})", difference.path, names.join(", "))
        }
    };
    shown(&line)
}

/// The other tree, and what can be compared with it.
fn read_other(args: &DiffArgs, context: &Context) -> Result<(Image, Compare), Failure> {
    let failed = |error: wim_apply::Error| Failure::from(error).at(args.other.display());
    if args.other.is_file() && args.partition.is_none() {
        let file =
            std::fs::File::open(&args.other).map_err(|error| Failure::io(args.other.display(), &error))?;
        // A file is a WIM if it opens as one.
        match Wim::open(file, &Limits::default()) {
            Ok(other) => {
                let index = match &args.other_image {
                    Some(text) => other.find_image(text).map_err(failed)?,
                    None => args.wim.image_index(&other, None)?,
                };
                return Ok((other.image(index).map_err(failed)?, Compare::EVERYTHING));
            }
            Err(error) if args.other_image.is_some() => return Err(failed(error)),
            Err(_) => {}
        }
    }
    let compare = if args.other.is_dir() {
        Compare::HOST_DIRECTORY
    } else {
        Compare::EVERYTHING
    };
    let mut source = open_tree(&args.other, args.partition)?;
    let exclude = args.exclude.patterns()?;
    let image = with_control(context, "verify", |control| {
        hash_tree(&mut *source, &exclude, control)
    })
    .map_err(failed)?;
    Ok((image, compare))
}

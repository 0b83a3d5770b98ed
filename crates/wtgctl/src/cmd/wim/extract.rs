//! `wtgctl wim extract`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use wim_apply::Image;
use wim_apply::apply::{ApplyTarget, DirectoryTarget, apply_tree, loss_report};

use super::open::{WimArgs, apply_options, with_control};
use super::{Context, Outcome};
use crate::failure::Failure;
use crate::i18n::Message;
use crate::size::human;

/// Arguments of `wtgctl wim extract`.
#[derive(Debug, Args)]
pub(crate) struct ExtractArgs {
    #[command(flatten)]
    wim: WimArgs,
    /// Paths or patterns (`*`, `?`, `**`), or `@FILE` with one of them a line.
    #[arg(required = true)]
    paths: Vec<String>,
    /// Image: number or name.
    #[arg(long, value_name = "N|NAME")]
    image: Option<String>,
    /// Folder to copy into; the directories of the image are kept.
    #[arg(long, value_name = "DIR", default_value = ".")]
    dest: PathBuf,
    /// Patterns may fit nothing.
    #[arg(long)]
    allow_empty: bool,
}

/// Runs the verb.
pub(crate) fn run(args: ExtractArgs, context: &Context) -> Result<Outcome, Failure> {
    let wim = args.wim.open()?;
    let index = args.wim.image_index(&wim, args.image.as_deref())?;
    let image = wim.image(index).map_err(|error| args.wim.failed(error))?;
    let patterns = expand_lists(args.paths)?;
    let chosen =
        wim_apply::select(&image, &patterns, args.allow_empty).map_err(|error| args.wim.failed(error))?;
    let subset = image.subset(&chosen);
    let mut target = DirectoryTarget::new(&args.dest).into_existing();
    warn_of_losses(&subset, &target, context);
    let report = with_control(context, "extract", &|id| subset.paths_of_blob(id), |control| {
        apply_tree(&wim, &subset, &mut target, &apply_options(context), control)
    })
    .map_err(|error| args.wim.failed(error))?;
    context.output.result(
        &json!({ "entries": subset.dentries.len() - 1, "bytes": report.size_bytes }),
        || {
            let message = Message::EntriesApplied {
                entries: subset.dentries.len() as u64 - 1,
                bytes: human(report.size_bytes),
                directory: args.dest.display().to_string(),
            };
            message.text(context.output.lang())
        },
    )?;
    Ok(Outcome::Holds)
}

/// Says what the target cannot keep, before anything is written.
pub(super) fn warn_of_losses(image: &Image, target: &dyn ApplyTarget, context: &Context) {
    for loss in loss_report(image, target.features()) {
        let message = Message::Loss {
            what: loss.what.to_string(),
            count: loss.count,
            examples: loss.examples.join(", "),
        };
        context.output.warning(message);
    }
}

/// Replaces `@FILE` by the lines of that file.
pub(super) fn expand_lists(paths: Vec<String>) -> Result<Vec<String>, Failure> {
    let mut patterns = Vec::new();
    for path in paths {
        match path.strip_prefix('@') {
            None => patterns.push(path),
            Some(list) => {
                let bytes = std::fs::read(list).map_err(|error| Failure::io(list, &error))?;
                patterns.extend(wim_apply::parse_list_file(&bytes));
            }
        }
    }
    Ok(patterns)
}

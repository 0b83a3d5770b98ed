//! `wtgctl wim extract`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use wim_apply::Image;
use wim_apply::apply::{ApplyTarget, DirectoryTarget, Loss, apply_tree, loss_report};

use super::apply::{holds_if_none, is_folder_or_new};
use super::open::{WimArgs, apply_options, check_claim, with_control};
use super::taken::taken;
use super::{Context, Outcome};
use crate::cmd::paths::expand_lists;
use crate::failure::{Failure, REFUSED};
use crate::i18n::Message;
use crate::size::human;

/// Arguments of `wtgctl wim extract`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  wtgctl wim extract boot.wim '\\Windows\\System32\\*.exe' --image 2 --dest tools
  wtgctl wim extract windows.iso Windows/System32/config/SOFTWARE --image 1 --flat
  wtgctl wim extract install.wim @list.txt --image Professional --dest out")]
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
    /// Put what is named right into the folder, without the directories that lead there.
    #[arg(long)]
    flat: bool,
    /// Patterns may fit nothing.
    #[arg(long)]
    allow_empty: bool,
    /// Replace existing files, when everything is there: a failed or interrupted extraction leaves them as they were.
    /// Folders are neither replaced nor replace files.
    #[arg(long)]
    force: bool,
    /// Go on after damaged data: zeros take its place, and each file is named. Refused when the file claims more than
    /// twice the data that its XML document states.
    #[arg(long)]
    recover: bool,
}

/// Runs the verb.
pub(crate) fn run(args: &ExtractArgs, context: &Context) -> Result<Outcome, Failure> {
    is_folder_or_new(&args.dest)?;
    let wim = args.wim.open()?;
    let index = args.wim.image_index(&wim, args.image.as_deref())?;
    let image = wim.image(index).map_err(|error| args.wim.failed(error))?;
    let patterns = expand_lists(&args.paths)?;
    let chosen =
        wim_apply::select(&image, &patterns, args.allow_empty).map_err(|error| args.wim.failed(error))?;
    let subset = if args.flat {
        image.flattened(&chosen).map_err(|error| args.wim.failed(error))?
    } else {
        image.subset(&chosen)
    };
    let taken = taken(&subset, &args.dest);
    if let Some(found) = taken.iter().find(|found| !(args.force && found.can_be_replaced)) {
        let path = found.path.display().to_string();
        return Err(Failure::new(REFUSED, Message::ExistsAlready { path }).hint(Message::HintOtherFolder));
    }
    let target = DirectoryTarget::new(&args.dest);
    let mut target = if args.force {
        target.replacing()
    } else {
        target.into_existing()
    };
    warn_of_losses(&subset, &target, context);
    let mut options = apply_options(context);
    options.recover = args.recover;
    if args.recover {
        check_claim(&wim, index, &subset, args.wim.path())?;
    }
    let report = with_control(context, "extract", &|id| subset.paths_of_blob(id), |control| {
        apply_tree(&wim, &subset, &mut target, &options, control)
    })
    .map_err(|error| {
        let path = args.dest.display().to_string();
        context.output.warning(Message::ExtractUnfinished { path });
        args.wim.failed(error)
    })?;
    warn_of_lost_links(&target, context);
    let damaged: Vec<String> = report
        .failures
        .iter()
        .map(|failure| failure.error.to_string())
        .collect();
    let entries = subset.dentries.len() - 1;
    let result = json!({ "entries": entries, "bytes": report.size_bytes, "damaged": damaged });
    context.output.result(&result, || {
        let message = Message::EntriesApplied {
            entries: entries as u64,
            bytes: human(report.size_bytes),
            directory: args.dest.display().to_string(),
        };
        let mut lines = damaged.clone();
        lines.push(message.text(context.output.lang()));
        lines.join("\n")
    })?;
    Ok(holds_if_none(&damaged))
}

/// Says what the target cannot keep, before anything is written.
pub(super) fn warn_of_losses(image: &Image, target: &dyn ApplyTarget, context: &Context) {
    for loss in loss_report(image, target.features()) {
        warn_of(loss, context);
    }
}

/// Says which links became empty files and directories.
pub(super) fn warn_of_lost_links(target: &DirectoryTarget, context: &Context) {
    if let Some(loss) = target.lost_links() {
        warn_of(loss.clone(), context);
    }
}

fn warn_of(loss: Loss, context: &Context) {
    context.output.warning(Message::Loss {
        what: loss.what.to_string(),
        count: loss.count,
        examples: loss.examples.join(", "),
    });
}

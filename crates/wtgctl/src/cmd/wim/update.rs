//! `wtgctl wim update`.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use wim_apply::write::{DirectorySource, Edit, WimWriter, WriteOptions};

use super::capture::show;
use super::existing::{self, Existing, as_before};
use super::tree_source::ExcludeArgs;
use super::writing::{for_run, with_control};
use super::{Context, Outcome};
use crate::failure::{BAD_INPUT, Failure};
use crate::i18n::Message;

/// Arguments of `wtgctl wim update`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("change").required(true).multiple(true).args(["delete", "rename", "add"])))]
#[command(after_help = "\
First everything is deleted, then renamed, then added, each in the order given.

Examples:
  wtgctl wim update boot.wim 2 --add startnet.cmd Windows/System32/startnet.cmd
  wtgctl wim update install.wim Pro --add drivers/ '\\Drivers' --delete '\\Windows\\Temp\\*'
  wtgctl wim update install.wim 1 --rename unattend.old unattend.xml")]
pub(crate) struct UpdateArgs {
    /// File to change. It stays as it was until the change is complete.
    wim: PathBuf,
    /// Image: number or name.
    image: String,
    /// Delete what fits a path or pattern (`*`, `?`, `**`).
    #[arg(long, value_name = "PATH")]
    delete: Vec<String>,
    /// Give a file or directory another path.
    #[arg(long, num_args = 2, value_names = ["PATH", "NEW_PATH"])]
    rename: Vec<String>,
    /// Add a file or the content of a folder of the host; files of the same name are replaced, directories shared.
    #[arg(long, num_args = 2, value_names = ["SOURCE", "PATH"])]
    add: Vec<String>,
    #[command(flatten)]
    exclude: ExcludeArgs,
    /// Append an integrity table, even if the file has none.
    #[arg(long)]
    check: bool,
}

/// Runs the verb.
pub(crate) fn run(args: &UpdateArgs, context: &Context) -> Result<Outcome, Failure> {
    let mut existing = Existing::open(&args.wim)?;
    let index = existing.find_image(&args.image)?;
    let wim = &existing.wim;
    let exclude = args.exclude.patterns()?;
    let mut sources = Vec::new();
    for pair in args.add.chunks_exact(2) {
        let path = Path::new(&pair[0]);
        // A missing source is told before anything is read.
        let found = path
            .metadata()
            .map_err(|error| Failure::io(path.display(), &error))?;
        // Within a folder such are left out with a warning; one that was named would be missed.
        if !found.is_dir() && !found.is_file() {
            let path = path.display().to_string();
            return Err(Failure::new(BAD_INPUT, Message::NotAFile { path }));
        }
        sources.push((DirectorySource::new(path).placed_at(&pair[1]), pair[1].clone()));
    }
    let mut edits: Vec<Edit<'_>> = Vec::new();
    edits.extend(args.delete.iter().map(|pattern| Edit::Delete {
        pattern: pattern.clone(),
    }));
    edits.extend(args.rename.chunks_exact(2).map(|pair| Edit::Rename {
        from: pair[0].clone(),
        to: pair[1].clone(),
    }));
    edits.extend(sources.iter_mut().map(|(source, to)| Edit::Add {
        source,
        exclude: &exclude,
        to: to.clone(),
    }));
    let failed = |error: wim_apply::Error| as_before(existing::failed(error, &args.wim), &args.wim, wim);
    let options = WriteOptions {
        integrity_table: args.check,
        ..WriteOptions::default()
    };
    let mut run = || {
        let mut writer = WimWriter::edit(&mut existing.file, wim, &for_run(options, context))?;
        let updated = with_control(context, "capture", |control| {
            writer.update(wim, index, &mut edits, control)
        })?;
        Ok::<_, wim_apply::Error>((writer.finish()?, updated))
    };
    let (report, updated) = run().map_err(failed)?;
    for warning in &updated.warnings {
        context.output.warning(warning);
    }
    show(
        &args.wim,
        &report,
        &updated.info,
        context,
        |files, size, file_size| Message::Updated {
            index,
            wim: args.wim.display().to_string(),
            files,
            size,
            file_size,
        },
    )
}

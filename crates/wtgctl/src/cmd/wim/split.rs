//! `wtgctl wim split`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use wim_apply::write::{SplitPlan, WriteOptions};

use super::new_file::NewFile;
use super::open::WimArgs;
use super::writing::{for_run, with_control};
use super::{Context, Outcome};
use crate::failure::{Failure, USAGE};
use crate::i18n::Message;
use crate::size::{Size, human};

/// Who asks for less has forgotten a unit.
const MIN_PART_BYTES: u64 = 16 << 10;

/// Arguments of `wtgctl wim split`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  wtgctl wim split install.wim install.swm           for FAT32
  wtgctl wim split install.wim discs.swm 650M --check")]
pub(crate) struct SplitArgs {
    #[command(flatten)]
    wim: WimArgs,
    /// First part to make: `install.swm`; the others are `install2.swm` and so on.
    first: PathBuf,
    /// Largest size of a part; FAT32 holds up to 4095M.
    #[arg(default_value = "3800M")]
    size: Size,
    /// Append an integrity table to each part.
    #[arg(long)]
    check: bool,
    /// Replace existing files.
    #[arg(long)]
    force: bool,
}

/// Runs the verb.
pub(crate) fn run(args: &SplitArgs, context: &Context) -> Result<Outcome, Failure> {
    if args.size.0 < MIN_PART_BYTES {
        let size = args.size.to_string();
        return Err(Failure::new(USAGE, Message::PartsTooSmall { size }).hint(Message::HintSplitSize));
    }
    let wim = args.wim.open()?;
    let plan = SplitPlan::new(&wim, args.size.0).map_err(|error| match error.kind() {
        wim_apply::ErrorKind::Unsupported => args.wim.failed(error).hint(Message::HintExportFirst),
        _ => args.wim.failed(error),
    })?;
    let mut options = for_run(WriteOptions::like(&wim), context);
    options.integrity_table |= args.check;
    let count = u16::try_from(plan.part_count()).map_err(|_| {
        Failure::new(
            USAGE,
            Message::TooManyParts {
                size: args.size.to_string(),
            },
        )
    })?;
    // All names are free before anything is written, and none is taken before all is written.
    let paths: Vec<PathBuf> = (1..=count).map(|number| part_path(&args.first, number)).collect();
    let mut files = Vec::with_capacity(paths.len());
    for path in &paths {
        files.push(NewFile::create(path, args.force, context)?);
    }
    let mut sizes = Vec::with_capacity(paths.len());
    for (number, (out, path)) in (1..=count).zip(files.iter_mut().zip(&paths)) {
        let report = with_control(context, "export", |control| {
            plan.write_part(&wim, number, out.file(), &options, control)
        })
        .map_err(|error| Failure::from(error).at(path.display()))?;
        sizes.push(report.file_bytes);
    }
    for file in files {
        file.keep()?;
    }
    let parts: Vec<_> = paths
        .iter()
        .zip(&sizes)
        .map(|(path, size)| json!({ "path": path, "file_bytes": size }))
        .collect();
    context.output.result(&json!({ "parts": parts }), || {
        let lines = paths.iter().zip(&sizes);
        let lines: Vec<String> = lines
            .map(|(path, size)| format!("{}: {}", path.display(), human(*size)))
            .collect();
        lines.join("\n")
    })?;
    Ok(Outcome::Holds)
}

fn part_path(first: &Path, number: u16) -> PathBuf {
    if number == 1 {
        return first.to_owned();
    }
    let mut name = first.file_stem().unwrap_or_default().to_owned();
    name.push(number.to_string());
    if let Some(extension) = first.extension() {
        name.push(".");
        name.push(extension);
    }
    first.with_file_name(name)
}

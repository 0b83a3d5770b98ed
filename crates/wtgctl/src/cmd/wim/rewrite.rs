//! `wtgctl wim optimize`, `wtgctl wim join` and `wtgctl wim delete`.

use std::path::{Path, PathBuf};

use clap::Args;
use wim_apply::write::{ExportImage, WimWriter, WriteOptions, WriteReport, rewrite};
use wim_apply::{Limits, Wim};

use super::existing::{self, Existing, as_before};
use super::new_file::NewFile;
use super::new_wim::{self, NewWim};
use super::open::WimArgs;
use super::writing::{CompressArgs, for_run, record, with_control};
use super::{Context, Outcome};
use crate::failure::Failure;
use crate::i18n::Message;
use crate::size::human;

/// Arguments of `wtgctl wim optimize`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  wtgctl wim optimize install.wim
  wtgctl wim optimize install.wim --compress lzx --out small.wim
  wtgctl wim optimize install.wim --solid --out small.esd")]
pub(crate) struct OptimizeArgs {
    /// File to write anew, without unused data.
    wim: PathBuf,
    /// Write to another file instead, or `-` for stdout with --pipable.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    compress: CompressArgs,
    /// Append an integrity table, even if the file has none.
    #[arg(long)]
    check: bool,
    /// Replace an existing file that --out names.
    #[arg(long, requires = "out")]
    force: bool,
}

/// Arguments of `wtgctl wim join`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  wtgctl wim join install.swm install.wim
  wtgctl wim join a/install.swm install.wim --ref b/install2.swm")]
pub(crate) struct JoinArgs {
    #[command(flatten)]
    wim: WimArgs,
    /// File to make.
    destination: PathBuf,
    #[command(flatten)]
    compress: CompressArgs,
    /// Append an integrity table.
    #[arg(long)]
    check: bool,
    /// Replace an existing file.
    #[arg(long)]
    force: bool,
}

/// Arguments of `wtgctl wim delete`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  wtgctl wim delete install.wim 3
  wtgctl wim delete install.esd \"Windows 11 Home\" --soft")]
pub(crate) struct DeleteArgs {
    /// File that loses an image.
    wim: PathBuf,
    /// Image: number or name.
    image: String,
    /// Leave its data in the file, unused, until `optimize`: fast.
    #[arg(long)]
    soft: bool,
}

/// Runs `optimize`.
pub(crate) fn optimize(args: &OptimizeArgs, context: &Context) -> Result<Outcome, Failure> {
    // In place, nobody else may change it meanwhile.
    let (wim, _locked) = match &args.out {
        Some(_) => (open(&args.wim)?, None),
        None => {
            let existing = Existing::open(&args.wim)?;
            (existing.wim, Some(existing.file))
        }
    };
    let before = wim.parts().first().map_or(0, |part| part.file_bytes);
    let mut options = args.compress.over(WriteOptions::like(&wim))?;
    options.integrity_table |= args.check;
    let (path, replace) = match &args.out {
        Some(out) => (out.as_path(), args.force),
        None => (args.wim.as_path(), true),
    };
    let failed = |error: wim_apply::Error| existing::failed(error, path);
    let report =
        write_anew(&wim, path, replace, options, failed, context).map_err(|failure| match &args.out {
            Some(_) => failure,
            None => as_before(failure, path, &wim),
        })?;
    let mut result = record(&report);
    result["old_file_bytes"] = before.into();
    new_wim::result(path, &result, context, || Message::Optimized {
        path: path.display().to_string(),
        size: human(report.file_bytes),
        before: human(before),
    })?;
    Ok(Outcome::Holds)
}

/// Runs `join`.
pub(crate) fn join(args: &JoinArgs, context: &Context) -> Result<Outcome, Failure> {
    let wim = args.wim.open()?;
    let mut options = args.compress.over(WriteOptions::like(&wim))?;
    options.integrity_table |= args.check;
    let failed = |error: wim_apply::Error| Failure::from(error).at(args.destination.display());
    let report = write_anew(&wim, &args.destination, args.force, options, failed, context)?;
    new_wim::result(&args.destination, &record(&report), context, || Message::Joined {
        path: args.destination.display().to_string(),
        parts: wim.parts().len() as u64,
        size: human(report.file_bytes),
    })?;
    Ok(Outcome::Holds)
}

fn write_anew(
    wim: &Wim,
    path: &Path,
    replace: bool,
    options: WriteOptions,
    failed: impl FnOnce(wim_apply::Error) -> Failure,
    context: &Context,
) -> Result<WriteReport, Failure> {
    let options = for_run(options, context);
    let mut out = NewWim::create(path, replace, &options, context)?;
    let report = with_control(context, "export", |control| {
        rewrite(wim, out.output(), &options, control)
    })
    .map_err(failed)?;
    out.keep()?;
    Ok(report)
}

/// Runs `delete`.
pub(crate) fn delete(args: &DeleteArgs, context: &Context) -> Result<Outcome, Failure> {
    let mut existing = Existing::open(&args.wim)?;
    let index = existing.find_image(&args.image)?;
    let wim = &existing.wim;
    let failed = |error: wim_apply::Error| as_before(existing::failed(error, &args.wim), &args.wim, wim);
    let options = for_run(WriteOptions::like(wim), context);
    let report = if args.soft {
        let mut writer = WimWriter::edit(&mut existing.file, wim, &options).map_err(failed)?;
        writer.remove_image(wim, index).map_err(failed)?;
        writer.finish().map_err(failed)?
    } else {
        let mut out = NewFile::create(&args.wim, true, context)?;
        let mut writer = WimWriter::create(out.file(), &options).map_err(failed)?;
        let kept = wim
            .images()
            .iter()
            .map(|image| image.index)
            .filter(|other| *other != index);
        let kept: Vec<ExportImage> = kept.map(ExportImage::new).collect();
        with_control(context, "export", |control| writer.export(wim, &kept, control)).map_err(failed)?;
        let boot = match wim.header().boot_index {
            boot if boot == index => 0,
            boot => boot - u32::from(boot > index),
        };
        writer.set_boot_image(boot).map_err(failed)?;
        let report = writer.finish().map_err(failed)?;
        out.keep()?;
        report
    };
    context.output.result(&record(&report), || {
        let message = Message::ImageDeleted {
            index,
            left: u64::from(report.images),
            size: human(report.file_bytes),
        };
        message.text(context.output.lang())
    })?;
    Ok(Outcome::Holds)
}

fn open(path: &Path) -> Result<Wim, Failure> {
    let file = std::fs::File::open(path).map_err(|error| Failure::io(path.display(), &error))?;
    Wim::open(file, &Limits::default()).map_err(|error| Failure::from(error).at(path.display()))
}

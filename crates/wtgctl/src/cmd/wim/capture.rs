//! `wtgctl wim capture` and `wtgctl wim append`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use wim_apply::write::{WimWriter, WriteOptions, WriteReport};
use wim_apply::{ErrorKind, ImageInfo};

use super::existing::{Existing, as_before, failed};
use super::new_wim::{self, NewWim};
use super::tree_source::{ExcludeArgs, TreeArgs};
use super::writing::{CompressArgs, NameArgs, for_run, leave_out, name_is_free, record, with_control};
use super::{Context, Outcome};
use crate::failure::Failure;
use crate::i18n::Message;
use crate::size::human;

/// Arguments of `wtgctl wim capture`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  wtgctl wim capture folder/ backup.wim --compress lzx --check
  wtgctl wim capture stick.img windows.wim --partition 3 --name \"My Windows\"
  wtgctl wim capture folder/ monday.wim --delta-from sunday.wim
  wtgctl wim capture folder/ tools.wim --config WimScript.ini
  wtgctl wim capture folder/ small.esd --solid
  wtgctl wim capture folder/ - --pipable | ssh host wtgctl wim apply - 1 folder/")]
pub(crate) struct CaptureArgs {
    #[command(flatten)]
    tree: TreeArgs,
    /// File to make, or `-` for stdout with --pipable.
    wim: PathBuf,
    #[command(flatten)]
    compress: CompressArgs,
    #[command(flatten)]
    image: ImageArgs,
    /// Append an integrity table.
    #[arg(long)]
    check: bool,
    /// Replace an existing file.
    #[arg(long)]
    force: bool,
}

/// Arguments of `wtgctl wim append`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  wtgctl wim append folder/ backup.wim --name Tuesday
  wtgctl wim append volume.ntfs backup.wim --name Tuesday --exclude '**\\*.tmp'")]
pub(crate) struct AppendArgs {
    #[command(flatten)]
    tree: TreeArgs,
    /// File that gets a new image. It stays as it was until the image is complete.
    wim: PathBuf,
    #[command(flatten)]
    compress: CompressArgs,
    #[command(flatten)]
    image: ImageArgs,
    /// Append an integrity table, even if the file has none.
    #[arg(long)]
    check: bool,
}

/// The new image.
#[derive(Debug, Args)]
struct ImageArgs {
    #[command(flatten)]
    names: NameArgs,
    /// Edition, as `FLAGS` in the XML document.
    #[arg(long, value_name = "EDITION")]
    flags: Option<String>,
    /// Make it the image that Windows' boot loader starts.
    #[arg(long)]
    boot: bool,
    #[command(flatten)]
    exclude: ExcludeArgs,
    /// Leave out the data that another WIM holds: the new image is read with `--ref` and that file.
    #[arg(long, value_name = "FILE")]
    delta_from: Vec<PathBuf>,
}

/// Runs `capture`.
pub(crate) fn run(args: &CaptureArgs, context: &Context) -> Result<Outcome, Failure> {
    let mut options = args.compress.over(WriteOptions::default())?;
    options.integrity_table = args.check;
    let mut out = NewWim::create(&args.wim, args.force, &options, context)?;
    let failed = |error: wim_apply::Error| Failure::from(error).at(args.wim.display());
    let unfinished = out.unfinished().and_then(|path| args.tree.place_of(path));
    let own: Vec<String> = unfinished.into_iter().collect();
    let writer = WimWriter::create(out.output(), &for_run(options, context)).map_err(failed)?;
    let exclude = [args.image.exclude.patterns()?, own].concat();
    let (report, info) = add_image(writer, &args.tree, &args.image, &exclude, &args.wim, context)?;
    out.keep()?;
    captured(&args.wim, &report, &info, context)
}

/// Runs `append`.
pub(crate) fn append(args: &AppendArgs, context: &Context) -> Result<Outcome, Failure> {
    let Existing { mut file, wim, .. } = Existing::open(&args.wim)?;
    let name = args
        .image
        .names
        .name
        .clone()
        .unwrap_or_else(|| args.tree.default_name());
    name_is_free(&wim, &args.wim, &name)?;
    let options = WriteOptions {
        integrity_table: args.check,
        ..args.compress.over_existing(WriteOptions::like(&wim))?
    };
    let writer = WimWriter::append(&mut file, &wim, &for_run(options, context))
        .map_err(|error| failed(error, &args.wim))?;
    let exclude = args.image.exclude.patterns()?;
    let added = add_image(writer, &args.tree, &args.image, &exclude, &args.wim, context);
    let (report, info) = added.map_err(|failure| as_before(failure, &args.wim, &wim))?;
    captured(&args.wim, &report, &info, context)
}

fn add_image(
    mut writer: WimWriter<'_>,
    tree: &TreeArgs,
    image: &ImageArgs,
    exclude: &[String],
    wim: &Path,
    context: &Context,
) -> Result<(WriteReport, ImageInfo), Failure> {
    let failed = |error: wim_apply::Error| {
        let place = match error.kind() {
            ErrorKind::Io => &tree.source,
            _ => wim,
        };
        Failure::from(error).at(place.display())
    };
    let mut warnings = Vec::new();
    let windows = tree.windows_info(&mut warnings, context)?.unwrap_or_default();
    let info = ImageInfo {
        name: Some(image.names.name.clone().unwrap_or_else(|| tree.default_name())),
        description: image.names.description.clone(),
        flags: image.flags.clone().or_else(|| windows.flags.clone()),
        ..windows
    };
    leave_out(&mut writer, &image.delta_from)?;
    let mut source = tree.open()?;
    let captured = with_control(context, "capture", |control| {
        writer.capture(&mut *source, &info, exclude, control)
    })
    .map_err(failed)?;
    for warning in warnings.iter().chain(&captured.warnings) {
        context.output.warning(warning);
    }
    if image.boot {
        writer.set_boot_image(captured.index).map_err(failed)?;
    }
    Ok((writer.finish().map_err(failed)?, captured.info))
}

/// The result of a command that wrote an image; `message` is made of the number of files, their size, and that of
/// the WIM.
pub(super) fn show(
    wim: &Path,
    report: &WriteReport,
    info: &ImageInfo,
    context: &Context,
    message: impl FnOnce(u64, String, String) -> Message,
) -> Result<Outcome, Failure> {
    let mut result = record(report);
    result["image"] = json!(info.index);
    result["name"] = json!(info.name);
    result["files"] = json!(info.file_count);
    result["directories"] = json!(info.directory_count);
    result["total_bytes"] = json!(info.total_bytes);
    new_wim::result(wim, &result, context, || {
        message(
            info.file_count.unwrap_or(0),
            human(info.total_bytes.unwrap_or(0)),
            human(report.file_bytes),
        )
    })?;
    Ok(Outcome::Holds)
}

fn captured(
    wim: &Path,
    report: &WriteReport,
    info: &ImageInfo,
    context: &Context,
) -> Result<Outcome, Failure> {
    show(wim, report, info, context, |files, size, file_size| {
        Message::Captured {
            index: info.index,
            wim: wim.display().to_string(),
            files,
            size,
            file_size,
        }
    })
}

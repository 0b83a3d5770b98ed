//! `wtgctl wim capture` and `wtgctl wim append`.

use std::fs::OpenOptions;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use wim_apply::write::{WimWriter, WriteOptions, WriteReport};
use wim_apply::{ImageInfo, Limits, Wim};

use super::new_file::NewFile;
use super::tree_source::{ExcludeArgs, TreeArgs};
use super::writing::{CompressArgs, NameArgs, for_run, name_is_free, record, with_control};
use super::{Context, Outcome};
use crate::failure::Failure;
use crate::i18n::Message;
use crate::size::human;

/// Arguments of `wtgctl wim capture`.
#[derive(Debug, Args)]
pub(crate) struct CaptureArgs {
    #[command(flatten)]
    tree: TreeArgs,
    /// File to make.
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
pub(crate) struct AppendArgs {
    #[command(flatten)]
    tree: TreeArgs,
    /// File that gets a new image. It stays as it was until the image is complete.
    wim: PathBuf,
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
}

/// Runs `capture`.
pub(crate) fn run(args: &CaptureArgs, context: &Context) -> Result<Outcome, Failure> {
    let mut out = NewFile::create(&args.wim, args.force)?;
    let mut options = args.compress.over(WriteOptions::default())?;
    options.integrity_table = args.check;
    let failed = |error: wim_apply::Error| Failure::from(error).at(args.wim.display());
    let writer = WimWriter::create(out.file(), &for_run(options, context)).map_err(failed)?;
    let (report, info) = add_image(writer, &args.tree, &args.image, context)?;
    out.keep()?;
    show(&args.wim.display().to_string(), &report, &info, context)
}

/// Runs `append`.
pub(crate) fn append(args: &AppendArgs, context: &Context) -> Result<Outcome, Failure> {
    let io = |error: std::io::Error| Failure::io(args.wim.display(), &error);
    let failed = |error: wim_apply::Error| Failure::from(error).at(args.wim.display());
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(&args.wim)
        .map_err(io)?;
    let wim = Wim::open(file.try_clone().map_err(io)?, &Limits::default()).map_err(failed)?;
    let name = args
        .image
        .names
        .name
        .clone()
        .unwrap_or_else(|| args.tree.default_name());
    name_is_free(&wim, &args.wim, &name)?;
    let options = WriteOptions {
        integrity_table: args.check,
        ..WriteOptions::default()
    };
    let writer = WimWriter::append(&mut file, &wim, &for_run(options, context)).map_err(failed)?;
    let (report, info) = add_image(writer, &args.tree, &args.image, context)?;
    show(&args.wim.display().to_string(), &report, &info, context)
}

fn add_image(
    mut writer: WimWriter<'_>,
    tree: &TreeArgs,
    image: &ImageArgs,
    context: &Context,
) -> Result<(WriteReport, ImageInfo), Failure> {
    let failed = |error: wim_apply::Error| Failure::from(error).at(tree.source.display());
    let mut warnings = Vec::new();
    let windows = tree.windows_info(&mut warnings)?.unwrap_or_default();
    let info = ImageInfo {
        name: Some(image.names.name.clone().unwrap_or_else(|| tree.default_name())),
        description: image.names.description.clone(),
        flags: image.flags.clone().or_else(|| windows.flags.clone()),
        ..windows
    };
    let mut source = tree.open()?;
    let exclude = image.exclude.patterns()?;
    let captured = with_control(context, "capture", |control| {
        writer.capture(&mut *source, &info, &exclude, control)
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

fn show(wim: &str, report: &WriteReport, info: &ImageInfo, context: &Context) -> Result<Outcome, Failure> {
    let mut result = record(report);
    result["image"] = json!(info.index);
    result["name"] = json!(info.name);
    result["files"] = json!(info.file_count);
    result["directories"] = json!(info.directory_count);
    result["total_bytes"] = json!(info.total_bytes);
    context.output.result(&result, || {
        let message = Message::Captured {
            index: info.index,
            wim: wim.to_owned(),
            files: info.file_count.unwrap_or(0),
            size: human(info.total_bytes.unwrap_or(0)),
            file_size: human(report.file_bytes),
        };
        message.text(context.output.lang())
    })?;
    Ok(Outcome::Holds)
}

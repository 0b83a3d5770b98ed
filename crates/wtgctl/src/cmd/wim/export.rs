//! `wtgctl wim export`.

use std::path::PathBuf;

use clap::Args;
use wim_apply::Wim;
use wim_apply::write::{ExportImage, FileForm, WimWriter, WriteOptions, WriteReport};

use super::existing::{self, Existing, as_before};
use super::new_wim::{self, NewWim};
use super::open::WimArgs;
use super::writing::{CompressArgs, NameArgs, for_run, leave_out, name_is_free, record, with_control};
use super::{Context, Outcome};
use crate::failure::{Failure, USAGE};
use crate::i18n::Message;
use crate::size::human;

/// Arguments of `wtgctl wim export`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  wtgctl wim export install.esd \"Windows 11 Pro\" pro.wim --compress lzx
  wtgctl wim export install.wim all small.wim --compress lzx
  wtgctl wim export pro.wim 1 all.wim --append --name Pro")]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    wim: WimArgs,
    /// Image: number or name, or `all`.
    image: String,
    /// File to make, or `-` for stdout with --pipable; with --append, file that gets the image.
    destination: PathBuf,
    #[command(flatten)]
    compress: CompressArgs,
    #[command(flatten)]
    names: NameArgs,
    /// Add to an existing file. It stays as it was until the image is complete.
    #[arg(long, conflicts_with = "force")]
    append: bool,
    /// Make it the image that Windows' boot loader starts.
    #[arg(long)]
    boot: bool,
    /// Leave out the data that another WIM holds: the images are read with `--ref` and that file.
    #[arg(long, value_name = "FILE")]
    delta_from: Vec<PathBuf>,
    /// Append an integrity table.
    #[arg(long)]
    check: bool,
    /// Replace an existing file.
    #[arg(long)]
    force: bool,
}

/// Runs the verb.
pub(crate) fn run(args: &ExportArgs, context: &Context) -> Result<Outcome, Failure> {
    let wim = args.wim.open()?;
    let images: Vec<u32> = if args.image == "all" {
        wim.images().iter().map(|image| image.index).collect()
    } else {
        vec![args.wim.image_index(&wim, Some(&args.image))?]
    };
    if images.len() != 1 && (args.names.name.is_some() || args.names.description.is_some() || args.boot) {
        return Err(Failure::new(USAGE, Message::NeedsOneImage));
    }
    let images: Vec<ExportImage> = images
        .into_iter()
        .map(|index| ExportImage {
            name: args.names.name.clone(),
            description: args.names.description.clone(),
            ..ExportImage::new(index)
        })
        .collect();
    let failed = |error: wim_apply::Error| Failure::from(error).at(args.destination.display());
    let report = if args.append {
        let Existing {
            mut file, wim: old, ..
        } = Existing::open(&args.destination)?;
        for image in &images {
            let own = wim.images().iter().find(|info| info.index == image.index);
            let name = image.name.as_ref().or(own.and_then(|info| info.name.as_ref()));
            if let Some(name) = name {
                name_is_free(&old, &args.destination, name)?;
            }
        }
        let options = WriteOptions {
            integrity_table: args.check,
            ..args.compress.over_existing(WriteOptions::like(&old))?
        };
        let writer = WimWriter::append(&mut file, &old, &for_run(options, context))
            .map_err(|error| existing::failed(error, &args.destination))?;
        let exported = export(writer, &wim, &images, args, context);
        exported.map_err(|failure| as_before(failure, &args.destination, &old))?
    } else {
        let mut like = WriteOptions::like(&wim);
        if like.form == FileForm::Pipable {
            like.form = FileForm::Plain;
        }
        let mut options = args.compress.over(like)?;
        options.integrity_table |= args.check;
        let mut out = NewWim::create(&args.destination, args.force, &options, context)?;
        let writer = WimWriter::create(out.output(), &for_run(options, context)).map_err(failed)?;
        let report = export(writer, &wim, &images, args, context)?;
        out.keep()?;
        report
    };
    new_wim::result(&args.destination, &record(&report), context, || {
        Message::Exported {
            path: args.destination.display().to_string(),
            images: images.len() as u64,
            all: u64::from(report.images),
            size: human(report.file_bytes),
        }
    })?;
    Ok(Outcome::Holds)
}

fn export(
    mut writer: WimWriter<'_>,
    wim: &Wim,
    images: &[ExportImage],
    args: &ExportArgs,
    context: &Context,
) -> Result<WriteReport, Failure> {
    leave_out(&mut writer, &args.delta_from)?;
    with_control(context, "export", |control| writer.export(wim, images, control))
        .map_err(|error| args.wim.failed(error))?;
    let failed = |error: wim_apply::Error| Failure::from(error).at(args.destination.display());
    if args.boot {
        writer.set_boot_image(writer.image_count()).map_err(failed)?;
    }
    writer.finish().map_err(failed)
}

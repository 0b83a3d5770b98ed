//! `wtgctl wim set`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use serde_json::json;
use wim_apply::write::{ImageTexts, WimWriter, WriteOptions};

use super::existing::{self, Existing, as_before};
use super::writing::{for_run, name_is_free};
use super::{Context, Outcome};
use crate::failure::Failure;
use crate::i18n::Message;

/// Arguments of `wtgctl wim set`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  wtgctl wim set install.wim 1 --name \"Windows 11 Pro\" --flags Professional
  wtgctl wim set boot.wim 2 --boot          Windows Setup boots from image 2
  wtgctl wim set install.wim 1 --description ''    takes the description away")]
#[command(group(ArgGroup::new("change").required(true).multiple(true).args([
    "name", "description", "display_name", "display_description", "flags", "boot", "no_boot",
])))]
pub(crate) struct SetArgs {
    /// File to change. It stays as it was until the change is complete.
    wim: PathBuf,
    /// Image: number or name.
    image: String,
    /// New name; no other image may have it.
    #[arg(long)]
    name: Option<String>,
    /// New description; an empty one takes it away, as with all texts.
    #[arg(long)]
    description: Option<String>,
    /// New name that Windows Setup shows.
    #[arg(long)]
    display_name: Option<String>,
    /// New description that Windows Setup shows.
    #[arg(long)]
    display_description: Option<String>,
    /// New edition, as `FLAGS` in the XML document.
    #[arg(long, value_name = "EDITION")]
    flags: Option<String>,
    /// Make it the image that Windows' boot loader starts.
    #[arg(long, conflicts_with = "no_boot")]
    boot: bool,
    /// Windows' boot loader starts none of the images.
    #[arg(long)]
    no_boot: bool,
}

/// Runs the verb.
pub(crate) fn run(args: &SetArgs, context: &Context) -> Result<Outcome, Failure> {
    let mut existing = Existing::open(&args.wim)?;
    let index = existing.find_image(&args.image)?;
    let own = |name: &str| {
        let image = existing.wim.images().iter().find(|image| image.index == index);
        image.is_some_and(|image| image.name.as_deref() == Some(name))
    };
    if let Some(name) = args.name.as_deref().filter(|name| !name.is_empty() && !own(name)) {
        name_is_free(&existing.wim, &args.wim, name)?;
    }
    let texts = ImageTexts {
        name: args.name.clone(),
        description: args.description.clone(),
        display_name: args.display_name.clone(),
        display_description: args.display_description.clone(),
        flags: args.flags.clone(),
    };
    let wim = &existing.wim;
    let failed = |error: wim_apply::Error| as_before(existing::failed(error, &args.wim), &args.wim, wim);
    let options = for_run(WriteOptions::default(), context);
    let mut writer = WimWriter::edit(&mut existing.file, wim, &options).map_err(failed)?;
    writer.set_texts(index, &texts).map_err(failed)?;
    if args.boot || args.no_boot {
        let boot = if args.boot { index } else { 0 };
        writer.set_boot_image(boot).map_err(failed)?;
    }
    let report = writer.finish().map_err(failed)?;
    let result = json!({ "image": index, "file_bytes": report.file_bytes });
    context.output.result(&result, || {
        let path = args.wim.display().to_string();
        Message::ImageSet { path, index }.text(context.output.lang())
    })?;
    Ok(Outcome::Holds)
}

//! `wtgctl wim info`.

use clap::Args;
use serde::Serialize;
use wim_apply::ImageInfo;

use super::open::WimArgs;
use super::{Context, Outcome};
use crate::failure::Failure;
use crate::size::human;

/// Arguments of `wtgctl wim info`.
#[derive(Debug, Args)]
pub(crate) struct InfoArgs {
    #[command(flatten)]
    wim: WimArgs,
    /// Print the XML document instead.
    #[arg(long)]
    xml: bool,
}

#[derive(Serialize)]
struct Info<'a> {
    guid: String,
    compression: Option<String>,
    chunk_bytes: Option<u32>,
    part_number: u16,
    part_count: u16,
    boot_index: u32,
    pipable: bool,
    blobs: usize,
    solid_resources: usize,
    blob_bytes: u64,
    images: &'a [ImageInfo],
    warnings: &'a [String],
}

/// Runs the verb.
pub(crate) fn run(args: &InfoArgs, context: &Context) -> Result<Outcome, Failure> {
    let wim = args.wim.open()?;
    if args.xml {
        context
            .output
            .result(&serde_json::json!({ "xml": wim.xml_text() }), || wim.xml_text())?;
        return Ok(Outcome::Holds);
    }
    let header = wim.header();
    let compression = wim.compression();
    let info = Info {
        guid: uuid::Uuid::from_bytes_le(header.guid).to_string(),
        compression: compression.map(|(codec, _)| format!("{codec:?}").to_lowercase()),
        chunk_bytes: compression.map(|(_, bytes)| bytes),
        part_number: header.part_number,
        part_count: header.part_count,
        boot_index: header.boot_index,
        pipable: header.pipable,
        blobs: wim.blobs().len(),
        solid_resources: wim.solid_resources().len(),
        blob_bytes: wim
            .blobs()
            .iter()
            .fold(0, |sum: u64, blob| sum.saturating_add(blob.size_bytes)),
        images: wim.images(),
        warnings: wim.warnings(),
    };
    context.output.result(&info, || {
        let method = info.compression.as_deref().unwrap_or("none");
        let chunk = info
            .chunk_bytes
            .map_or(String::new(), |bytes| format!(", {} chunks", human(bytes.into())));
        let mut lines = vec![
            format!("guid         {}", info.guid),
            format!(
                "compression  {method}{chunk}, {} solid resources",
                info.solid_resources
            ),
            format!("part         {} of {}", info.part_number, info.part_count),
            format!(
                "blobs        {}, {} uncompressed",
                info.blobs,
                human(info.blob_bytes)
            ),
        ];
        for image in info.images {
            let name = image
                .display_name
                .as_deref()
                .or(image.name.as_deref())
                .unwrap_or("(no name)");
            let boot = if info.boot_index == image.index {
                ", bootable"
            } else {
                ""
            };
            lines.push(format!("image {:>2}     {name}{boot}", image.index));
            let version = image
                .version
                .as_ref()
                .map(|v| format!("{}.{}.{}.{}", v.major, v.minor, v.build, v.service_pack_build));
            let architecture = image.architecture.map(|a| format!("{a:?}").to_lowercase());
            let facts = [
                ("edition", image.edition_id.clone()),
                ("version", version),
                ("architecture", architecture),
                (
                    "languages",
                    (!image.languages.is_empty()).then(|| image.languages.join(", ")),
                ),
                ("files", image.file_count.map(|n| n.to_string())),
                ("directories", image.directory_count.map(|n| n.to_string())),
                ("size", image.total_bytes.map(human)),
                ("description", image.description.clone()),
            ];
            for (what, value) in facts {
                if let Some(value) = value {
                    lines.push(format!("             {what:<13} {value}"));
                }
            }
        }
        lines.extend(
            info.warnings
                .iter()
                .map(|warning| format!("warning      {warning}")),
        );
        lines.join("\n")
    })?;
    Ok(Outcome::Holds)
}

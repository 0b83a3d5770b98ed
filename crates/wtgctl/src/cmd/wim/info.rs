//! `wtgctl wim info`.

use std::fs::File;

use clap::Args;
use serde::Serialize;
use wim_apply::layout::{Header, ResourceHeader, header_flag};
use wim_apply::{BlobStorage, ImageInfo, Limits, Wim};

use super::open::WimArgs;
use super::{Context, Outcome};
use crate::failure::Failure;
use crate::output::shown;
use crate::size::human;

/// Arguments of `wtgctl wim info`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  wtgctl wim info install.esd
  wtgctl wim info windows.iso --image \"Windows 11 Pro\" --json
  wtgctl wim info install2.swm              one part of a split image, alone
  wtgctl wim info install.wim --blobs | sort -k2 -n")]
pub(crate) struct InfoArgs {
    #[command(flatten)]
    wim: WimArgs,
    /// This image only: number or name.
    #[arg(long, value_name = "N|NAME", conflicts_with_all = ["xml", "blobs"])]
    image: Option<String>,
    /// Print the XML document instead.
    #[arg(long, conflicts_with = "blobs")]
    xml: bool,
    /// List the blobs instead, in the order of the blob table: hash, size, stored size, uses, place.
    #[arg(long)]
    blobs: bool,
}

#[derive(Serialize)]
struct Info<'a> {
    guid: String,
    version: u32,
    flags: Vec<&'static str>,
    compression: Option<String>,
    chunk_bytes: Option<u32>,
    part_number: u16,
    part_count: u16,
    parts: Vec<Part>,
    file_bytes: u64,
    boot_index: u32,
    pipable: bool,
    integrity_table: bool,
    tables: Tables,
    blobs: usize,
    solid_resources: usize,
    blob_bytes: u64,
    images: Vec<&'a ImageInfo>,
    warnings: &'a [String],
}

#[derive(Serialize)]
struct Part {
    part_number: u16,
    file_bytes: u64,
}

/// Where the header says that tables lie.
#[derive(Serialize)]
struct Tables {
    blob_table: Option<Place>,
    xml: Option<Place>,
    boot_metadata: Option<Place>,
    integrity_table: Option<Place>,
}

#[derive(Serialize)]
struct Place {
    offset: u64,
    stored_bytes: u64,
    size_bytes: u64,
}

#[derive(Serialize)]
struct BlobRecord {
    sha1: String,
    size_bytes: u64,
    stored_bytes: Option<u64>,
    reference_count: u32,
    part_number: u16,
    solid_resource: Option<u32>,
    offset: u64,
}

/// Runs the verb.
pub(crate) fn run(args: &InfoArgs, context: &Context) -> Result<Outcome, Failure> {
    let wim = open(args, context)?;
    if args.xml {
        context
            .output
            .result(&serde_json::json!({ "xml": wim.xml_text() }), || wim.xml_text())?;
        return Ok(Outcome::Holds);
    }
    if args.blobs {
        return list_blobs(&wim, context);
    }
    let chosen = args
        .image
        .as_deref()
        .map(|text| args.wim.image_index(&wim, Some(text)));
    let chosen = chosen.transpose()?;
    let images = wim.images().iter();
    let info = describe(
        &wim,
        images.filter(|image| chosen.is_none_or(|index| image.index == index)),
    );
    context.output.result(&info, || lines(&info).join("\n"))?;
    Ok(Outcome::Holds)
}

/// Opens the file with all its parts; what has other parts that are not there, or is a later part, alone.
fn open(args: &InfoArgs, context: &Context) -> Result<Wim, Failure> {
    let failure = match args.wim.open() {
        Ok(wim) => return Ok(wim),
        Err(failure) => failure,
    };
    let alone = File::open(args.wim.path())
        .ok()
        .and_then(|file| Wim::open(file, &Limits::default()).ok());
    match alone {
        Some(wim) if wim.header().part_count > 1 => {
            if wim.header().part_number == 1 {
                context.output.warning(failure.message);
            }
            Ok(wim)
        }
        _ => Err(failure),
    }
}

fn describe<'a>(wim: &'a Wim, images: impl Iterator<Item = &'a ImageInfo>) -> Info<'a> {
    let header = wim.header();
    let compression = wim.compression();
    let parts: Vec<Part> = wim
        .parts()
        .iter()
        .map(|part| Part {
            part_number: part.header.part_number,
            file_bytes: part.file_bytes,
        })
        .collect();
    Info {
        guid: uuid::Uuid::from_bytes_le(header.guid).to_string(),
        version: header.version,
        flags: flags(header),
        compression: compression.map(|(codec, _)| format!("{codec:?}").to_lowercase()),
        chunk_bytes: compression.map(|(_, bytes)| bytes),
        part_number: header.part_number,
        part_count: header.part_count,
        file_bytes: parts
            .iter()
            .fold(0, |sum, part| sum.saturating_add(part.file_bytes)),
        parts,
        boot_index: header.boot_index,
        pipable: header.pipable,
        integrity_table: !header.integrity.is_absent(),
        tables: Tables {
            blob_table: place(&header.blob_table),
            xml: place(&header.xml),
            boot_metadata: place(&header.boot_metadata),
            integrity_table: place(&header.integrity),
        },
        blobs: wim.blobs().len(),
        solid_resources: wim.solid_resources().len(),
        blob_bytes: wim
            .blobs()
            .iter()
            .fold(0, |sum: u64, blob| sum.saturating_add(blob.size_bytes)),
        images: images.collect(),
        warnings: wim.warnings(),
    }
}

fn place(resource: &ResourceHeader) -> Option<Place> {
    (!resource.is_absent()).then_some(Place {
        offset: resource.offset,
        stored_bytes: resource.stored_bytes,
        size_bytes: resource.size_bytes,
    })
}

fn flags(header: &Header) -> Vec<&'static str> {
    [
        (header_flag::COMPRESSED, "compressed"),
        (header_flag::READ_ONLY, "read_only"),
        (header_flag::SPANNED, "spanned"),
        (header_flag::RESOURCE_ONLY, "resource_only"),
        (header_flag::METADATA_ONLY, "metadata_only"),
        (header_flag::WRITE_IN_PROGRESS, "write_in_progress"),
        (header_flag::REPARSE_FIX_UP, "reparse_fix_up"),
    ]
    .into_iter()
    .filter_map(|(flag, name)| header.has(flag).then_some(name))
    .collect()
}

fn lines(info: &Info<'_>) -> Vec<String> {
    let method = info.compression.as_deref().unwrap_or("none");
    let chunk = info
        .chunk_bytes
        .map_or(String::new(), |bytes| format!(", {} chunks", human(bytes.into())));
    let solid = match info.solid_resources {
        0 => String::new(),
        1 => ", 1 solid resource".to_owned(),
        count => format!(", {count} solid resources"),
    };
    let mut lines = vec![
        format!("guid         {}", info.guid),
        format!(
            "version      {:#x}, flags: {}",
            info.version,
            info.flags.join(", ")
        ),
        format!("compression  {method}{chunk}{solid}"),
        format!("part         {} of {}", info.part_number, info.part_count),
        format!("size         {}", human(info.file_bytes)),
        format!(
            "blobs        {}, {} uncompressed",
            info.blobs,
            human(info.blob_bytes)
        ),
        format!(
            "integrity    {}",
            if info.integrity_table { "table" } else { "no table" }
        ),
    ];
    if info.parts.len() > 1 {
        for part in &info.parts {
            lines.push(format!(
                "part {:>2}      {}",
                part.part_number,
                human(part.file_bytes)
            ));
        }
    }
    for image in &info.images {
        let name = image.name.as_deref().filter(|name| !name.is_empty());
        let boot = if info.boot_index == image.index {
            ", bootable"
        } else {
            ""
        };
        lines.push(format!(
            "image {:>2}     {}{boot}",
            image.index,
            shown(name.unwrap_or("(no name)"))
        ));
        for (what, value) in facts(image) {
            if let Some(value) = value {
                lines.push(format!("             {what:<13} {}", shown(&value)));
            }
        }
    }
    lines.extend(
        info.warnings
            .iter()
            .map(|warning| format!("warning      {}", shown(warning))),
    );
    lines
}

fn facts(image: &ImageInfo) -> [(&'static str, Option<String>); 10] {
    let architecture = image.architecture.map(|a| format!("{a:?}").to_lowercase());
    let languages = (!image.languages.is_empty()).then(|| image.languages.join(", "));
    let display_name = image
        .display_name
        .clone()
        .filter(|shown| image.name.as_ref() != Some(shown));
    [
        ("display name", display_name),
        ("description", image.description.clone()),
        (
            "flags",
            image
                .flags
                .clone()
                .filter(|flags| image.edition_id.as_ref() != Some(flags)),
        ),
        ("edition", image.edition_id.clone()),
        ("version", image.version.map(|version| version.to_string())),
        ("architecture", architecture),
        ("languages", languages),
        ("files", image.file_count.map(|n| n.to_string())),
        ("directories", image.directory_count.map(|n| n.to_string())),
        ("size", image.total_bytes.map(human)),
    ]
}

fn list_blobs(wim: &Wim, context: &Context) -> Result<Outcome, Failure> {
    let parts = wim.parts();
    for blob in wim.blobs() {
        let part = parts.get(usize::from(blob.part));
        let record = BlobRecord {
            sha1: blob.hash.to_string(),
            size_bytes: blob.size_bytes,
            stored_bytes: blob.stored_bytes(),
            reference_count: blob.reference_count,
            part_number: part.map_or(1, |part| part.header.part_number),
            solid_resource: match blob.storage {
                BlobStorage::Solid { resource, .. } => Some(resource),
                BlobStorage::Stored { .. } | BlobStorage::Compressed { .. } => None,
            },
            offset: blob.offset(),
        };
        context.output.entry(&record, || {
            let stored = record
                .stored_bytes
                .map_or_else(|| "-".to_owned(), |bytes| bytes.to_string());
            let solid = record
                .solid_resource
                .map_or(String::new(), |number| format!(" solid {number}"));
            format!(
                "{} {:>12} {stored:>12} {:>5} part {}{solid} {:#x}",
                record.sha1, record.size_bytes, record.reference_count, record.part_number, record.offset
            )
        })?;
    }
    let blobs = wim.blobs().len();
    context
        .output
        .result(&serde_json::json!({ "blobs": blobs }), String::new)?;
    Ok(Outcome::Holds)
}

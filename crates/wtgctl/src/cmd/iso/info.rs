//! `wtgctl iso info`.

use clap::Args;
use iso_loopback::{BootEntry, BootMedia, BootPlatform, BootSupport, VolumeInfo};
use serde::Serialize;

use super::list::printable;
use super::{Context, ImageArgs, Outcome};
use crate::failure::Failure;
use crate::size::human;

/// Arguments of `wtgctl iso info`.
#[derive(Debug, Args)]
pub(crate) struct InfoArgs {
    #[command(flatten)]
    image: ImageArgs,
}

#[derive(Serialize)]
struct InfoResult {
    view: String,
    views: Vec<String>,
    label: String,
    block_bytes: u32,
    image_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    iso9660: Option<Iso9660Record>,
    #[serde(skip_serializing_if = "Option::is_none")]
    joliet_label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    udf: Option<UdfRecord>,
    boot: BootRecord,
}

#[derive(Serialize)]
struct Iso9660Record {
    volume_id: String,
    system_id: String,
    volume_set_id: String,
    publisher: String,
    preparer: String,
    application: String,
    created: Option<String>,
    modified: Option<String>,
    volume_bytes: u64,
}

#[derive(Serialize)]
struct UdfRecord {
    label: String,
    revision: String,
    volume_set_id: String,
    application: String,
    recorded: Option<String>,
    partitions: Vec<&'static str>,
    closed: Option<bool>,
}

#[derive(Serialize)]
struct BootRecord {
    el_torito: Vec<ElToritoRecord>,
    has_mbr: bool,
    has_gpt: bool,
    efi_loaders: Vec<String>,
    loopback_cfg: Option<String>,
    windows_boot_image: Option<String>,
    windows_install_image: Option<String>,
}

#[derive(Serialize)]
struct ElToritoRecord {
    platform: String,
    bootable: bool,
    media: String,
    load_sectors: u16,
    image_offset_bytes: u64,
}

/// Says what the image is.
pub(super) fn run(args: &InfoArgs, context: &Context) -> Result<Outcome, Failure> {
    let mut image = args.image.open()?;
    let boot = image.boot_support().map_err(|error| args.image.failed(error))?;
    let result = record(image.volume_info(), boot);
    context.output.result(&result, || text(&result))?;
    Ok(Outcome::Holds)
}

fn record(info: VolumeInfo, boot: BootSupport) -> InfoResult {
    InfoResult {
        view: info.view.to_string(),
        views: info.views.iter().map(ToString::to_string).collect(),
        label: info.label,
        block_bytes: info.block_bytes,
        image_bytes: info.image_bytes,
        iso9660: info.iso9660.map(|iso| Iso9660Record {
            volume_id: iso.volume_id,
            system_id: iso.system_id,
            volume_set_id: iso.volume_set_id,
            publisher: iso.publisher,
            preparer: iso.preparer,
            application: iso.application,
            created: iso.created.map(|time| time.to_string()),
            modified: iso.modified.map(|time| time.to_string()),
            volume_bytes: iso.volume_bytes,
        }),
        joliet_label: info.joliet_label,
        udf: info.udf.map(|udf| UdfRecord {
            label: udf.label,
            revision: format!("{}.{:02}", udf.revision.0, udf.revision.1),
            volume_set_id: udf.volume_set_id,
            application: udf.application,
            recorded: udf.recorded.map(|time| time.to_string()),
            partitions: udf.partitions,
            closed: udf.closed,
        }),
        boot: BootRecord {
            el_torito: boot
                .catalog
                .iter()
                .flat_map(|catalog| &catalog.entries)
                .map(el_torito)
                .collect(),
            has_mbr: boot.has_mbr,
            has_gpt: boot.has_gpt,
            efi_loaders: boot.efi_loaders,
            loopback_cfg: boot.loopback_cfg,
            windows_boot_image: boot.windows_boot_image,
            windows_install_image: boot.windows_install_image,
        },
    }
}

fn el_torito(entry: &BootEntry) -> ElToritoRecord {
    ElToritoRecord {
        platform: match entry.platform {
            BootPlatform::Bios => "bios".to_owned(),
            BootPlatform::Uefi => "uefi".to_owned(),
            BootPlatform::PowerPc => "powerpc".to_owned(),
            BootPlatform::Mac => "mac".to_owned(),
            BootPlatform::Other(id) => format!("{id:#04x}"),
            other => format!("{other:?}"),
        },
        bootable: entry.bootable,
        media: match entry.media {
            BootMedia::NoEmulation => "no_emulation".to_owned(),
            BootMedia::Floppy(kib) => format!("floppy_{kib}k"),
            BootMedia::HardDisk => "hard_disk".to_owned(),
            BootMedia::Other(id) => format!("{id:#04x}"),
            other => format!("{other:?}"),
        },
        load_sectors: entry.load_sectors,
        image_offset_bytes: entry.image_offset,
    }
}

fn text(info: &InfoResult) -> String {
    let mut lines = Vec::new();
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            lines.push(format!("{name:<16} {}", printable(value)));
        }
    };
    line("label", &info.label);
    line("tree", &format!("{} (of {})", info.view, info.views.join(", ")));
    line(
        "size",
        &format!("{} ({} bytes)", human(info.image_bytes), info.image_bytes),
    );
    if let Some(udf) = &info.udf {
        let state = if udf.closed == Some(false) {
            ", not closed"
        } else {
            ""
        };
        line(
            "udf",
            &format!("{}, {}{state}", udf.revision, udf.partitions.join(" + ")),
        );
        line("written by", &udf.application);
        line("recorded", udf.recorded.as_deref().unwrap_or_default());
    }
    if let Some(iso) = &info.iso9660 {
        line("iso 9660 label", &iso.volume_id);
        line("system", &iso.system_id);
        line("publisher", &iso.publisher);
        line("preparer", &iso.preparer);
        line("application", &iso.application);
        line("created", iso.created.as_deref().unwrap_or_default());
    }
    line("joliet label", info.joliet_label.as_deref().unwrap_or_default());
    for entry in &info.boot.el_torito {
        let place = format!(
            "{} {} at {}",
            entry.platform, entry.media, entry.image_offset_bytes
        );
        line("boots as disc", &place);
    }
    let disk = match (info.boot.has_mbr, info.boot.has_gpt) {
        (true, true) => "MBR and GPT",
        (true, false) => "MBR",
        (false, true) => "GPT",
        (false, false) => "",
    };
    line("boots as disk", disk);
    line("efi programs", &info.boot.efi_loaders.join(", "));
    line(
        "loopback menu",
        info.boot.loopback_cfg.as_deref().unwrap_or_default(),
    );
    line(
        "windows setup",
        info.boot.windows_boot_image.as_deref().unwrap_or_default(),
    );
    line(
        "windows image",
        info.boot.windows_install_image.as_deref().unwrap_or_default(),
    );
    lines.join("\n")
}

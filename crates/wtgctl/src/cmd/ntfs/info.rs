//! `wtgctl ntfs info`.

use serde::Serialize;
use wim_apply::path::label_to_text;

use super::VolumeArgs;
use super::open::open;
use crate::cmd::{Context, Outcome};
use crate::failure::Failure;
use crate::size::human;

#[derive(Serialize)]
struct Info {
    label: String,
    serial: String,
    version: String,
    dirty: bool,
    size_bytes: u64,
    sector_bytes: u32,
    cluster_bytes: u32,
    cluster_count: u64,
    mft_record_bytes: u32,
    mft_records: u64,
    index_block_bytes: u32,
    hidden_sectors: u32,
    boot_sector: &'static str,
}

/// What the volume says of itself.
pub(super) fn run(args: &VolumeArgs, context: &Context) -> Result<Outcome, Failure> {
    let mut volume = open(args)?;
    let stated = volume.information()?;
    let boot = *volume.boot();
    let info = Info {
        label: label_to_text(&stated.label),
        serial: format!("{:016x}", boot.serial),
        version: format!("{}.{}", stated.version.0, stated.version.1),
        dirty: stated.flags & 1 != 0,
        size_bytes: boot.total_sectors.saturating_mul(u64::from(boot.sector_bytes)),
        sector_bytes: boot.sector_bytes,
        cluster_bytes: boot.cluster_bytes,
        cluster_count: boot.cluster_count(),
        mft_record_bytes: boot.record_bytes,
        mft_records: volume.record_count(),
        index_block_bytes: boot.index_block_bytes,
        hidden_sectors: boot.hidden_sectors,
        boot_sector: if boot.at == 0 { "primary" } else { "backup" },
    };
    context.output.result(&info, || {
        format!(
            "label           {}\nserial          {}\nNTFS            {}{}\nsize            {} ({})\n\
             sector          {} bytes\ncluster         {} bytes, {} of them\n\
             MFT record      {} bytes, {} of them\nboot sector     {}",
            if info.label.is_empty() {
                "(none)"
            } else {
                &info.label
            },
            info.serial,
            info.version,
            if info.dirty { ", dirty" } else { "" },
            info.size_bytes,
            human(info.size_bytes),
            info.sector_bytes,
            info.cluster_bytes,
            info.cluster_count,
            info.mft_record_bytes,
            info.mft_records,
            info.boot_sector,
        )
    })?;
    Ok(Outcome::Holds)
}

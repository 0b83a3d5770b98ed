//! Every byte of a volume: where it is, whose it is, what it means. For people, and for comparing volumes.
//!
//! One line a region: offset, length, meaning. The lines tile the volume: each starts where the one before
//! ended. A line that begins with `!` is outside of that order: something that overlaps what came before.

mod index;
mod owners;
mod record;
mod tile;

use std::io::{Read, Seek, Write};

use crate::layout::{attribute, record as number};
use crate::read::{BootSector, Volume};
use crate::{Error, Limits, Result};
use owners::{Extent, Owners};
use tile::Tiles;

/// Writes the dump of a volume.
///
/// # Errors
/// As [`Volume::open`]; `Io` when `out` fails.
pub fn dump<R: Read + Seek>(source: R, limits: &Limits, out: &mut dyn Write) -> Result<()> {
    let mut volume = Volume::open(source, limits)?;
    let owners = Owners::collect(&mut volume);
    let boot = *volume.boot();
    let mut tiles = Tiles::new(out);
    for extent in owners.extents() {
        let at = boot.cluster_offset(extent.lcn);
        tiles.gap_to(at, "free clusters")?;
        if at < tiles.at() {
            let text = format!("{} clusters again: {}", extent.clusters, owners.describe(extent));
            tiles.aside(at, boot.cluster_offset(extent.clusters), &text)?;
            continue;
        }
        dump_extent(&mut volume, &owners, extent, &mut tiles)?;
    }
    let clusters_end = boot.cluster_offset(boot.cluster_count());
    tiles.gap_to(clusters_end, "free clusters")?;
    tiles.gap_to(boot.backup_offset(), "sectors after the last cluster")?;
    if boot.backup_offset() == tiles.at() && boot.backup_offset() < volume.device.len() {
        boot_sector(&mut volume, &mut tiles, "backup boot sector")?;
    }
    tiles.gap_to(volume.device.len(), "after the volume")?;
    tiles.flush()
}

/// Clusters of one attribute: taken apart where they are metadata.
fn dump_extent<R: Read + Seek>(
    volume: &mut Volume<R>,
    owners: &Owners,
    extent: &Extent,
    tiles: &mut Tiles<'_>,
) -> Result<()> {
    let boot = *volume.boot();
    let start = boot.cluster_offset(extent.lcn);
    let end = start.saturating_add(boot.cluster_offset(extent.clusters));
    let position = boot.cluster_offset(extent.vcn);
    let unnamed_data = extent.type_code == attribute::DATA && extent.name.is_empty();
    match extent.record {
        number::BOOT if unnamed_data && start == 0 => boot_sector(volume, tiles, "boot sector")?,
        number::MFT if unnamed_data => record::records(volume, owners, position, end, tiles)?,
        _ if extent.type_code == attribute::INDEX_ALLOCATION => {
            index::blocks(volume, owners, extent, end, tiles)?;
        }
        _ => {}
    }
    // What is left is plain content, up to the size of the attribute; then slack.
    let done = tiles.at().saturating_sub(start);
    let value_end = start
        .saturating_add(extent.size_bytes.saturating_sub(position))
        .min(end);
    if tiles.at() < value_end {
        let text = format!("{}, from byte {:#x}", owners.describe(extent), position + done);
        tiles.add(value_end - tiles.at(), &text)?;
    }
    if tiles.at() < end {
        tiles.add(end - tiles.at(), &format!("slack of {}", owners.describe(extent)))?;
    }
    Ok(())
}

/// Fields of a boot sector: offset, length, name.
const BOOT_FIELDS: [(usize, usize, &str); 21] = [
    (0x00, 3, "jump"),
    (0x03, 8, "OEM id"),
    (0x0b, 2, "bytes per sector"),
    (0x0d, 1, "sectors per cluster"),
    (0x0e, 7, "reserved"),
    (0x15, 1, "media"),
    (0x16, 2, "reserved"),
    (0x18, 2, "sectors per track"),
    (0x1a, 2, "heads"),
    (0x1c, 4, "hidden sectors"),
    (0x20, 4, "reserved"),
    (0x24, 4, "drive and signature"),
    (0x28, 8, "total sectors"),
    (0x30, 8, "cluster of $MFT"),
    (0x38, 8, "cluster of $MFTMirr"),
    (0x40, 4, "size of an MFT record"),
    (0x44, 4, "size of an index block"),
    (0x48, 8, "serial number"),
    (0x50, 4, "checksum"),
    (0x54, 426, "boot code"),
    (0x1fe, 2, "signature"),
];

fn boot_sector<R: Read + Seek>(volume: &mut Volume<R>, tiles: &mut Tiles<'_>, what: &str) -> Result<()> {
    let BootSector { sector_bytes, .. } = *volume.boot();
    let mut bytes = vec![0; sector_bytes as usize];
    volume.device.read_at(tiles.at(), &mut bytes, "boot sector")?;
    for (at, len, name) in BOOT_FIELDS {
        let field = bytes.get(at..at + len).unwrap_or_default();
        let shown = match len {
            0..=8 => format!("{field:02x?}"),
            _ => format!(
                "{} bytes that are not zero",
                field.iter().filter(|&&byte| byte != 0).count()
            ),
        };
        tiles.add(len as u64, &format!("{what}: {name} {shown}"))?;
    }
    let rest = u64::from(sector_bytes).saturating_sub(512);
    if rest > 0 {
        tiles.add(rest, &format!("{what}: rest of the sector"))?;
    }
    Ok(())
}

fn write_error(source: std::io::Error) -> Error {
    Error::Io {
        op: "write the dump",
        at: 0,
        source,
    }
}

//! The partitions of a stick image, found by sfdisk and cut out for checkers that want a volume of its own.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::sh::{self, Result};

/// The volumes of a stick, as files.
pub(crate) struct Volumes {
    pub(crate) esp: PathBuf,
    pub(crate) windows: PathBuf,
}

const ESP: &str = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B";
const RESERVED: &str = "E3C9E316-0B5C-4DB8-817D-F92DF00215AE";
const BASIC_DATA: &str = "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7";

/// Where the volumes lie, in bytes.
struct Partitions {
    esp: std::ops::Range<u64>,
    windows: std::ops::Range<u64>,
}

/// Checks the table with sgdisk and sfdisk: an EFI, a reserved and a data partition, one of each.
fn partitions(image: &Path, sector_bytes: u64) -> Result<Partitions> {
    let table = table(image, sector_bytes)?;
    let partitions = table["partitiontable"]["partitions"]
        .as_array()
        .ok_or("no partitions")?;
    let of_type = |kind: &str| -> Result<std::ops::Range<u64>> {
        let mut found = partitions.iter().filter(|partition| partition["type"] == kind);
        let (Some(partition), None) = (found.next(), found.next()) else {
            return Err(format!("{}: not exactly one partition of type {kind}", image.display()).into());
        };
        let number = |field: &str| partition[field].as_u64().ok_or("sfdisk gives no number");
        let first = number("start")? * sector_bytes;
        Ok(first..first + number("size")? * sector_bytes)
    };
    of_type(RESERVED)?;
    Ok(Partitions {
        esp: of_type(ESP)?,
        windows: of_type(BASIC_DATA)?,
    })
}

/// Cuts the volumes out into `dir`.
pub(crate) fn split(image: &Path, sector_bytes: u64, dir: &Path) -> Result<Volumes> {
    let partitions = partitions(image, sector_bytes)?;
    let volumes = Volumes {
        esp: dir.join("esp.img"),
        windows: dir.join("windows.img"),
    };
    copy_range(image, &partitions.esp, &volumes.esp)?;
    copy_range(image, &partitions.windows, &volumes.windows)?;
    Ok(volumes)
}

/// Changes one byte of the first place that holds `text`.
pub(crate) fn damage(image: &Path, text: &str) -> Result {
    use std::io::Write;
    let found = sh::read(
        Command::new("grep")
            .args(["-obUa", "-m", "1", "-F", text])
            .arg(image),
    )?;
    let offset: u64 = found.split(':').next().unwrap_or_default().parse()?;
    let mut file = File::options().write(true).open(image)?;
    file.seek(SeekFrom::Start(offset))?;
    file.write_all(b"#")?;
    Ok(())
}

/// The table as sfdisk reads it; sgdisk finds no problem with it.
fn table(image: &Path, sector_bytes: u64) -> Result<serde_json::Value> {
    let mut sfdisk = if sector_bytes == 512 {
        let said = sh::read(Command::new("sgdisk").arg("-v").arg(image))?;
        if !said.contains("No problems found") {
            return Err(format!("sgdisk -v: {said}").into());
        }
        Command::new("sfdisk")
    } else {
        // Debian 12's sgdisk and sfdisk know no other sector size in a file than 512 bytes.
        let mut newer = testkit::oracles::program("checkers", "sfdisk").ok_or("no newer sfdisk")?;
        newer.arg(format!("--sector-size={sector_bytes}"));
        newer
    };
    Ok(serde_json::from_str(&sh::read(sfdisk.arg("-J").arg(image))?)?)
}

/// Copies a part of a file; holes stay holes.
fn copy_range(from: &Path, range: &std::ops::Range<u64>, to: &Path) -> Result {
    let (offset, end) = (range.start, range.end);
    let mut source = File::open(from)?;
    let mut target = File::create(to)?;
    target.set_len(end - offset)?;
    let mut at = offset;
    while at < end {
        let Ok(data) = rustix::fs::seek(&source, rustix::fs::SeekFrom::Data(at)) else {
            break;
        };
        if data >= end {
            break;
        }
        at = rustix::fs::seek(&source, rustix::fs::SeekFrom::Hole(data))?.min(end);
        source.seek(SeekFrom::Start(data))?;
        target.seek(SeekFrom::Start(data - offset))?;
        std::io::copy(&mut (&source).take(at - data), &mut target)?;
    }
    Ok(())
}

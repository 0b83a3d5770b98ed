//! The partitions of a stick image, found by sfdisk and cut out for checkers that want a volume of its own.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
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

/// Checks the table with sgdisk and sfdisk and cuts the volumes out into `dir`.
pub(crate) fn split(image: &Path, sector_bytes: u64, dir: &Path) -> Result<Volumes> {
    let table = table(image, sector_bytes)?;
    let partitions = table["partitiontable"]["partitions"]
        .as_array()
        .ok_or("no partitions")?;
    let of_type = |kind: &str| {
        let mut found = partitions.iter().filter(|partition| partition["type"] == kind);
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(one),
            _ => Err(format!(
                "{}: not exactly one partition of type {kind}",
                image.display()
            )),
        }
    };
    of_type(RESERVED)?;
    let cut = |kind: &str, name: &str| -> Result<PathBuf> {
        let partition = of_type(kind)?;
        let number = |field: &str| partition[field].as_u64().ok_or("sfdisk gives no number");
        let file = dir.join(name);
        copy_range(
            image,
            number("start")? * sector_bytes,
            number("size")? * sector_bytes,
            &file,
        )?;
        Ok(file)
    };
    Ok(Volumes {
        esp: cut(ESP, "esp.img")?,
        windows: cut(BASIC_DATA, "windows.img")?,
    })
}

/// The table as sfdisk reads it; sgdisk finds no problem with it.
fn table(image: &Path, sector_bytes: u64) -> Result<serde_json::Value> {
    if sector_bytes == 512 {
        let said = sh::read(Command::new("sgdisk").arg("-v").arg(image))?;
        if !said.contains("No problems found") {
            return Err(format!("sgdisk -v: {said}").into());
        }
    }
    let json = sh::read(
        Command::new("sfdisk")
            .args(["--sector-size", &sector_bytes.to_string(), "-J"])
            .arg(image),
    )?;
    Ok(serde_json::from_str(&json)?)
}

/// Copies a part of a file, leaving holes for zeros.
fn copy_range(from: &Path, offset: u64, len: u64, to: &Path) -> Result {
    const BLOCK: usize = 1 << 20;
    let mut source = File::open(from)?;
    source.seek(SeekFrom::Start(offset))?;
    let mut target = File::create(to)?;
    let mut buffer = vec![0; BLOCK];
    let mut left = len;
    while left > 0 {
        let count = usize::try_from(left).unwrap_or(BLOCK).min(BLOCK);
        source.read_exact(&mut buffer[..count])?;
        if buffer[..count].iter().all(|byte| *byte == 0) {
            target.seek(SeekFrom::Current(i64::try_from(count)?))?;
        } else {
            target.write_all(&buffer[..count])?;
        }
        left -= count as u64;
    }
    target.set_len(len)?;
    Ok(())
}

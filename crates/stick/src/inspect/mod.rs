//! Saying what any file is: disk, volume, ISO, WIM, hive, BCD, plan.

mod disk;
mod files;
mod volumes;

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use serde::Serialize;

use crate::source::{io_error, open};
use crate::{Error, Plan, Result};

/// What a file turned out to be. One line of facts each, most important first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Thing {
    /// Stable name of the kind: `gpt-disk`, `ntfs`, `fat`, `iso`, `wim`, `hive`, `bcd`, `plan`, `unknown`, ...
    pub kind: &'static str,
    /// For people.
    pub title: String,
    /// Name and value of each fact.
    pub facts: Vec<Fact>,
    /// What is inside: partitions of a disk, images of a WIM.
    pub children: Vec<Thing>,
    /// What is wrong with it.
    pub problems: Vec<String>,
}

/// A fact about a thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// What, in snake case with the unit.
    pub name: &'static str,
    /// Its value.
    pub value: serde_json::Value,
}

impl Thing {
    /// Whether no problem was seen here or below.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty() && self.children.iter().all(Self::is_sound)
    }

    fn new(kind: &'static str, title: impl Into<String>) -> Self {
        Self {
            kind,
            title: title.into(),
            facts: Vec::new(),
            children: Vec::new(),
            problems: Vec::new(),
        }
    }

    fn fact(mut self, name: &'static str, value: impl Into<serde_json::Value>) -> Self {
        self.facts.push(Fact {
            name,
            value: value.into(),
        });
        self
    }

    fn maybe(self, name: &'static str, value: Option<impl Into<serde_json::Value>>) -> Self {
        match value {
            Some(value) => self.fact(name, value),
            None => self,
        }
    }
}

/// Bytes at the start of a file that decide what it is: enough for the descriptors of an ISO.
const HEAD_BYTES: usize = 0x9000;
/// Hives and plans beyond this size are not loaded.
const MAX_LOADED_BYTES: u64 = 512 << 20;

/// Looks at a file.
///
/// # Errors
/// When it cannot be read. What is there and damaged is a [`Thing`] with problems; what is not known is of the kind
/// `unknown`.
pub fn inspect(path: &Path) -> Result<Thing> {
    let mut file = open(path)?;
    let size_bytes = file
        .seek(SeekFrom::End(0))
        .map_err(|e| io_error("measuring", path, e))?;
    let mut head = Vec::new();
    file.seek(SeekFrom::Start(0))
        .and_then(|_| file.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head))
        .map_err(|e| io_error("reading", path, e))?;
    let has = |at: usize, magic: &[u8]| head.get(at..at + magic.len()) == Some(magic);
    let thing = if has(0, b"MSWIM\0\0\0") || has(0, b"WLPWM\0\0\0") {
        files::wim(BufReader::new(file))
    } else if has(0, b"regf") {
        files::hive(&load(path, file, size_bytes)?)
    } else if has(512, b"EFI PART") || has(4096, b"EFI PART") {
        // A hybrid ISO carries a table too; what it is made for decides.
        if has(0x8001, b"CD001") {
            files::iso(BufReader::new(file))
        } else {
            disk::gpt(file)
        }
    } else if let Some(thing) = volumes::at_boot_sector(&head, || Ok(BufReader::new(open(path)?))) {
        thing
    } else if let Some(thing) = recognised_only(&head) {
        thing
    } else if head.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{') {
        plan(&load(path, file, size_bytes)?)
    } else {
        match files::try_iso(BufReader::new(file)) {
            Some(thing) => thing,
            None => disk::mbr_or_unknown(open(path)?, &head),
        }
    };
    Ok(thing.fact("size_bytes", size_bytes))
}

fn load(path: &Path, mut file: File, size_bytes: u64) -> Result<Vec<u8>> {
    if size_bytes > MAX_LOADED_BYTES {
        let reason = format!("{size_bytes} bytes, which is more than the {MAX_LOADED_BYTES} that are loaded");
        return Err(Error::Unusable {
            path: path.to_owned(),
            reason,
        });
    }
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))
        .and_then(|_| file.read_to_end(&mut bytes))
        .map_err(|e| io_error("reading", path, e))?;
    Ok(bytes)
}

/// Formats that are named and not looked into.
fn recognised_only(head: &[u8]) -> Option<Thing> {
    let table: [(usize, &[u8], &str, &str); 8] = [
        (0, b"vhdxfile", "vhdx", "VHDX virtual disk"),
        (0, b"conectix", "vhd", "dynamic VHD virtual disk"),
        (0, b"LUKS\xba\xbe", "luks", "LUKS encrypted volume"),
        (0, b"QFI\xfb", "qcow2", "QEMU copy-on-write disk"),
        (0, b"MZ", "pe", "Windows or EFI program"),
        (0, b"\xfd7zXZ\0", "xz", "xz-compressed file; unpack it first"),
        (0, b"PK\x03\x04", "zip", "ZIP archive; unpack it first"),
        (1080, b"\x53\xef", "ext", "Linux ext2, ext3 or ext4 volume"),
    ];
    table
        .iter()
        .find(|(at, magic, ..)| head.get(*at..at + magic.len()) == Some(magic))
        .map(|(_, _, kind, title)| Thing::new(kind, *title))
}

fn plan(bytes: &[u8]) -> Thing {
    match serde_json::from_slice::<Plan>(bytes) {
        Ok(plan) => Thing::new("plan", "saved plan of wtgctl")
            .fact("source", plan.spec.source.display().to_string())
            .fact("target", plan.spec.target.path().display().to_string())
            .fact("seed", plan.spec.seed)
            .fact("image", plan.image.description),
        Err(_) => Thing::new("unknown", "text that starts with a brace, and no plan"),
    }
}

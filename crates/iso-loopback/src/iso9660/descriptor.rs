//! The volume descriptor set (ECMA-119, 8).

use std::io::{Read, Seek};

use super::time;
use crate::fields::Fields;
use crate::source::Source;
use crate::{Error, ReadOptions, Result, Timestamp, text};

/// Size of a logical sector, in which volume descriptors are recorded.
pub(crate) const SECTOR_BYTES: u64 = 2048;
/// The descriptor set starts after the system area (ECMA-119, 6.2.1).
const FIRST_SECTOR: u64 = 16;
const WHAT: &str = "ISO 9660 volume descriptor";

/// What the descriptor set names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Descriptors {
    pub(crate) primary: Option<VolumeDescriptor>,
    pub(crate) joliet: Option<VolumeDescriptor>,
    /// First sector of the El Torito boot catalog, and the offset of the field that names it.
    pub(crate) boot_catalog: Option<(u32, u64)>,
}

/// A primary or supplementary volume descriptor.
#[derive(Clone, Debug)]
pub(crate) struct VolumeDescriptor {
    pub(crate) system_id: String,
    pub(crate) volume_id: String,
    pub(crate) volume_set_id: String,
    pub(crate) publisher: String,
    pub(crate) preparer: String,
    pub(crate) application: String,
    pub(crate) created: Option<Timestamp>,
    pub(crate) modified: Option<Timestamp>,
    pub(crate) volume_blocks: u32,
    pub(crate) block_bytes: u32,
    /// Offset of the root directory's record, inside the descriptor.
    pub(crate) root_record_at: u64,
    pub(crate) root_record: Vec<u8>,
}

impl VolumeDescriptor {
    pub(crate) fn volume_bytes(&self) -> u64 {
        u64::from(self.volume_blocks) * u64::from(self.block_bytes)
    }
}

/// Reads descriptors from sector 16 to the terminator. An image without "CD001" there gives an empty set.
pub(crate) fn read_descriptors<R: Read + Seek>(
    source: &mut Source<R>,
    options: &ReadOptions,
) -> Result<Descriptors> {
    let mut found = Descriptors::default();
    for index in 0..options.limits.max_descriptors as u64 {
        let at = (u64::from(options.session_start) + FIRST_SECTOR + index) * SECTOR_BYTES;
        if index == 0 && source.check(WHAT, at, SECTOR_BYTES).is_err() {
            return Ok(found);
        }
        let sector = source.read_vec(WHAT, at, SECTOR_BYTES)?;
        let fields = Fields::new(WHAT, at, &sector);
        if fields.slice(1, 5)? != b"CD001" {
            let in_set = found.primary.is_some() && !is_recognition_structure(fields.slice(1, 5)?);
            if in_set {
                return Err(Error::corrupt(
                    "ISO 9660 volume descriptor set",
                    at,
                    "no descriptor",
                    "a set terminator (type 255) at its end",
                ));
            }
            return Ok(found);
        }
        match fields.u8(0)? {
            0 if found.boot_catalog.is_none() && fields.slice(7, 23)? == b"EL TORITO SPECIFICATION" => {
                found.boot_catalog = Some((fields.u32(0x47)?, fields.offset(0x47)));
            }
            1 if found.primary.is_none() => {
                found.primary = Some(decode(&fields, options, text::from_bytes)?);
            }
            2 if found.joliet.is_none() && is_joliet(fields.slice(88, 32)?) => {
                found.joliet = Some(decode(&fields, options, text::from_utf16_be)?);
            }
            255 => return Ok(found),
            // Second copies, enhanced volume descriptors (the same tree as the primary's), partitions.
            _ => {}
        }
    }
    Err(Error::Limit {
        what: "ISO 9660 volume descriptors",
        asked: options.limits.max_descriptors as u64 + 1,
        limit: options.limits.max_descriptors as u64,
    })
}

fn is_recognition_structure(id: &[u8]) -> bool {
    matches!(
        id,
        b"BEA01" | b"NSR02" | b"NSR03" | b"TEA01" | b"BOOT2" | b"CDW02"
    )
}

/// UCS-2 levels 1 to 3 (Joliet specification, "SVD Escape Sequences").
fn is_joliet(escape_sequences: &[u8]) -> bool {
    [b"%/@", b"%/C", b"%/E"]
        .iter()
        .any(|sequence| escape_sequences.starts_with(*sequence))
}

fn decode(
    fields: &Fields<'_>,
    options: &ReadOptions,
    to_text: fn(&[u8]) -> String,
) -> Result<VolumeDescriptor> {
    let text = |start, len| -> Result<String> { Ok(text::trimmed(&to_text(fields.slice(start, len)?))) };
    let compare = options.verify_checksums;
    let block_bytes = u32::from(fields.both16(128, compare)?);
    if !matches!(block_bytes, 512 | 1024 | 2048) {
        return Err(Error::corrupt(
            "ISO 9660 logical block size",
            fields.offset(128),
            block_bytes,
            "512, 1024 or 2048",
        ));
    }
    Ok(VolumeDescriptor {
        system_id: text(8, 32)?,
        volume_id: text(40, 32)?,
        volume_blocks: fields.both32(80, compare)?,
        block_bytes,
        root_record_at: fields.offset(156),
        root_record: fields.slice(156, 34)?.to_vec(),
        volume_set_id: text(190, 128)?,
        publisher: text(318, 128)?,
        preparer: text(446, 128)?,
        application: text(574, 128)?,
        created: time::long(fields.slice(813, 17)?),
        modified: time::long(fields.slice(830, 17)?),
    })
}

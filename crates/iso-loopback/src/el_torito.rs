//! The El Torito boot catalog ("El Torito" Bootable CD-ROM Format Specification 1.0; section entries for UEFI).

use std::io::{Read, Seek};

use crate::fields::Fields;
use crate::iso9660::SECTOR_BYTES;
use crate::source::Source;
use crate::{Error, ReadOptions, Result, text};

const WHAT: &str = "El Torito boot catalog";
/// Catalogs are one sector; this bounds those that claim more entries.
const MAX_BYTES: u64 = 64 * 1024;

/// Firmware that an entry is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BootPlatform {
    /// PC BIOS (0x00).
    Bios,
    /// PowerPC (0x01).
    PowerPc,
    /// Macintosh (0x02).
    Mac,
    /// UEFI (0xef).
    Uefi,
    /// Another number.
    Other(u8),
}

impl From<u8> for BootPlatform {
    fn from(id: u8) -> Self {
        match id {
            0 => Self::Bios,
            1 => Self::PowerPc,
            2 => Self::Mac,
            0xef => Self::Uefi,
            other => Self::Other(other),
        }
    }
}

/// How BIOS presents the boot image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BootMedia {
    /// Loaded as it is.
    NoEmulation,
    /// As a floppy disk of so many KiB (1200, 1440, 2880).
    Floppy(u16),
    /// As a hard disk.
    HardDisk,
    /// Another number.
    Other(u8),
}

impl From<u8> for BootMedia {
    fn from(kind: u8) -> Self {
        match kind & 0x0f {
            0 => Self::NoEmulation,
            1 => Self::Floppy(1200),
            2 => Self::Floppy(1440),
            3 => Self::Floppy(2880),
            4 => Self::HardDisk,
            other => Self::Other(other),
        }
    }
}

/// One boot image.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BootEntry {
    /// Firmware that it is for.
    pub platform: BootPlatform,
    /// Marked as bootable.
    pub bootable: bool,
    /// Emulation.
    pub media: BootMedia,
    /// Segment to load to; 0 is the default 0x7c0.
    pub load_segment: u16,
    /// Sectors of 512 bytes to load; UEFI images of 32 MiB and more have 0 or 1 here.
    pub load_sectors: u16,
    /// Offset of the boot image.
    pub image_offset: u64,
}

/// The entries of a catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BootCatalog {
    /// Offset of the catalog.
    pub catalog_offset: u64,
    /// Developer's identifier in the validation entry.
    pub id: String,
    /// Default entry first, then the sections' in order.
    pub entries: Vec<BootEntry>,
}

/// Reads the catalog at a sector that the boot record names at `named_at`.
pub(crate) fn read_catalog<R: Read + Seek>(
    source: &mut Source<R>,
    options: &ReadOptions,
    (sector, named_at): (u32, u64),
) -> Result<BootCatalog> {
    let at = u64::from(sector) * SECTOR_BYTES;
    source.check(WHAT, at, SECTOR_BYTES).map_err(|_| {
        Error::corrupt(
            "El Torito boot record",
            named_at,
            format!("sector {sector}"),
            "a sector of the image",
        )
    })?;
    let len = MAX_BYTES.min(source.size_bytes() - at);
    let bytes = source.read_vec(WHAT, at, len)?;
    let fields = Fields::new(WHAT, at, &bytes);
    if (fields.u8(0)?, fields.u16(30)?) != (1, 0xaa55) {
        return Err(Error::corrupt(
            WHAT,
            at,
            "no validation entry",
            "identifier 1 and the key 55 AA",
        ));
    }
    if options.verify_checksums {
        let words = fields.slice(0, 32)?.as_chunks::<2>().0;
        let sum = words
            .iter()
            .fold(0_u16, |sum, word| sum.wrapping_add(u16::from_le_bytes(*word)));
        if sum != 0 {
            return Err(Error::corrupt(
                WHAT,
                at,
                format!("a validation entry that sums up to {sum:#06x}"),
                "0",
            ));
        }
    }
    let mut catalog = BootCatalog {
        catalog_offset: at,
        id: text::trimmed(&text::from_bytes(fields.slice(4, 24)?)),
        entries: vec![boot_entry(&fields, 32, fields.u8(1)?.into())?],
    };
    let mut next = 64;
    // A section header, its entries, their extensions; the last header has 0x91.
    while let Ok(header @ (0x90 | 0x91)) = fields.u8(next) {
        let platform = fields.u8(next + 1)?.into();
        let count = fields.u16(next + 2)?;
        next += 32;
        for _ in 0..count {
            catalog.entries.push(boot_entry(&fields, next, platform)?);
            next += 32;
            while fields.u8(next).is_ok_and(|id| id == 0x44) {
                let more = fields.u8(next + 1)? & 0x20 != 0;
                next += 32;
                if !more {
                    break;
                }
            }
        }
        if header == 0x91 {
            break;
        }
    }
    Ok(catalog)
}

fn boot_entry(fields: &Fields<'_>, at: usize, platform: BootPlatform) -> Result<BootEntry> {
    Ok(BootEntry {
        platform,
        bootable: fields.u8(at)? == 0x88,
        media: fields.u8(at + 1)?.into(),
        load_segment: fields.u16(at + 2)?,
        load_sectors: fields.u16(at + 6)?,
        image_offset: u64::from(fields.u32(at + 8)?) * SECTOR_BYTES,
    })
}

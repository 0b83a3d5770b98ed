//! The boot sector, its backup, and the places it gives for the MFT.

use std::io::{Read, Seek};

use super::Checker;
use super::code::Code;
use super::report::{Findings, Place};
use crate::layout::{attribute, record};
use crate::read::bytes::{slice, u16_at, u32_at};
use crate::read::device::Device;
use crate::read::{Attribute, BootSector};

/// Checks both boot sectors and returns the geometry to go on with.
pub(super) fn check_boot<R: Read + Seek>(device: &mut Device<R>, out: &mut Findings) -> Option<BootSector> {
    let mut primary_bytes = [0; 512];
    let primary = device
        .read_at(0, &mut primary_bytes, "boot sector")
        .and_then(|()| BootSector::parse(&primary_bytes, 0));
    let boot = match primary {
        Ok(boot) => boot,
        Err(error) => {
            out.add_error(Code::BootPrimary, Place::volume(0), &error);
            return crate::read::backup_boot(device);
        }
    };
    if boot.backup_offset() > device.len() {
        let found = format!("{} sectors of {} bytes", boot.total_sectors, boot.sector_bytes);
        let expected = format!("at most {} bytes", device.len());
        out.add(Code::VolumeSize, Place::volume(0x28), found, expected);
    }
    fields(&primary_bytes, &boot, out);
    let at = boot.backup_offset();
    let mut sector = vec![0; boot.sector_bytes as usize];
    let mut backup = sector.clone();
    let both = device.read_at(0, &mut sector, "boot sector");
    let both = both.and_then(|()| device.read_at(at, &mut backup, "backup boot sector"));
    match both {
        Ok(()) if sector == backup => {}
        Ok(()) => {
            let first = sector.iter().zip(&backup).take_while(|(a, b)| a == b).count();
            let found = format!("a difference at byte {first:#x}");
            out.add(
                Code::BootBackup,
                Place::volume(at),
                found,
                "a copy of the boot sector",
            );
        }
        Err(error) => out.add_error(Code::BootBackup, Place::volume(at), &error),
    }
    Some(boot)
}

/// Fields that have one legal value.
fn fields(bytes: &[u8], boot: &BootSector, out: &mut Findings) {
    let mut zero = |at: usize, len: usize, what: &str| {
        let found = slice(bytes, at, len).unwrap_or_default();
        if found.iter().any(|&byte| byte != 0) {
            let found = format!("{what} {found:02x?}");
            out.add(Code::BootField, Place::volume(at as u64), found, "zero");
        }
    };
    zero(0x0e, 2, "reserved sectors");
    zero(0x10, 5, "FAT fields");
    zero(0x16, 2, "sectors per FAT");
    zero(0x20, 4, "total sectors (32 bits)");
    zero(0x41, 3, "bytes after the record size");
    zero(0x45, 3, "bytes after the index block size");
    zero(0x50, 4, "checksum");
    if u16_at(bytes, 0x1fe) != Some(0xaa55) {
        let found = format!("{:02x?}", &bytes[0x1fe..]);
        out.add(Code::BootField, Place::volume(0x1fe), found, "55 aa");
    }
    let jump = (bytes[0], bytes[2]);
    if jump != (0xeb, 0x90) && bytes[0] != 0xe9 && bytes[0] != 0 {
        out.add(
            Code::BootField,
            Place::volume(0),
            format!("{:02x?}", &bytes[..3]),
            "a jump",
        );
    }
    if bytes[0x15] != 0xf8 {
        out.add(
            Code::BootField,
            Place::volume(0x15),
            format!("media {:#x}", bytes[0x15]),
            "0xf8",
        );
    }
    if u32_at(bytes, 0x24).is_none_or(|word| word & 0xff00_ff7f != 0) {
        let found = format!("{:02x?}", &bytes[0x24..0x28]);
        out.add(
            Code::BootField,
            Place::volume(0x24),
            found,
            "80 00 80 00 or 80 00 00 00",
        );
    }
    if boot.mft_mirror_lcn == 0 || boot.mft_mirror_lcn >= boot.cluster_count() {
        let found = format!("mirror at cluster {}", boot.mft_mirror_lcn);
        out.add(
            Code::BootField,
            Place::volume(0x38),
            found,
            "a cluster of the volume",
        );
    }
}

impl<R: Read + Seek> Checker<'_, R> {
    /// `$MFT`, `$MFTMirr` and `$Boot` lie where the boot sector says; the mirror is a copy.
    pub(super) fn check_places(&mut self) {
        let boot = self.volume.boot;
        let wanted = [
            (record::MFT, boot.mft_lcn, Code::MftPlace),
            (record::MFT_MIRROR, boot.mft_mirror_lcn, Code::MirrorPlace),
            (record::BOOT, 0, Code::BootField),
        ];
        for (number, lcn, code) in wanted {
            let Ok(file) = self.volume.file(number) else {
                continue;
            };
            let data = file.attribute(attribute::DATA, &[]);
            let first = data
                .and_then(Attribute::non_resident)
                .and_then(|v| v.runs.first())
                .copied();
            if first.and_then(|run| run.lcn) != Some(lcn) {
                let found = first.map_or("no clusters".to_owned(), |run| format!("{:?}", run.lcn));
                let place = Place::record(number, file.at);
                self.out.add(code, place, found, format!("cluster {lcn}"));
            }
        }
        self.check_mirror();
    }

    fn check_mirror(&mut self) {
        let boot = self.volume.boot;
        let size = u64::from(boot.record_bytes);
        let count = (u64::from(boot.cluster_bytes) / size).max(4);
        let at = boot.cluster_offset(boot.mft_mirror_lcn);
        for number in 0..count {
            let mut copy = vec![0; size as usize];
            let place = Place::record(number, at.saturating_add(number * size));
            let read = self
                .volume
                .device
                .read_at(place.offset.unwrap_or(0), &mut copy, "MFT mirror");
            match (read, self.volume.record_bytes(number)) {
                (Ok(()), Ok((original, _))) if original == copy => {}
                (Ok(()), Ok((original, _))) => {
                    let first = original.iter().zip(&copy).take_while(|(a, b)| a == b).count();
                    let found = format!("a difference at byte {first:#x}");
                    self.out
                        .add(Code::MirrorDiffers, place, found, "a copy of the record");
                }
                (Err(error), _) | (_, Err(error)) => self.out.add_error(Code::MirrorDiffers, place, &error),
            }
        }
    }
}

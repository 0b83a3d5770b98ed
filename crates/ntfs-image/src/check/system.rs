//! The other system files: `$Volume`, `$AttrDef`, `$UpCase`, `$LogFile`.

use std::io::{Read, Seek};

use super::Checker;
use super::code::Code;
use super::report::Place;
use crate::layout::{attribute, record};
use crate::read::bytes::{u16_at, u32_at, u64_at, utf16};
use crate::read::{Attribute, fixup};

const INFO: [u16; 5] = [b'$' as u16, b'I' as u16, b'n' as u16, b'f' as u16, b'o' as u16];

/// CRC of the `$UpCase` table in its `$Info` stream.
///
/// # Source
/// Observed on volumes formatted by Windows 10 build 19041 and by mkntfs 2022.10.3.
const UPCASE_CRC: u64 = 0xDADC_7E77_6B1B_690C;

impl<R: Read + Seek> Checker<'_, R> {
    pub(super) fn check_system(&mut self) {
        self.check_volume();
        self.check_table(
            record::ATTRIBUTE_DEFINITIONS,
            Code::AttributeDefinitions,
            &crate::attrdef_bytes(),
        );
        self.check_upcase();
        self.check_log();
    }

    fn check_volume(&mut self) {
        let place = Place {
            record: Some(record::VOLUME),
            offset: self.volume.record_offset(record::VOLUME),
        };
        let information = match self.volume.information() {
            Ok(information) => information,
            Err(error) => return self.out.add_error(Code::VolumeInformation, place, &error),
        };
        let (major, minor) = information.version;
        if !matches!((major, minor), (1, 2) | (3, 0 | 1)) {
            let text = format!("version {major}.{minor}");
            self.out
                .add(Code::VolumeInformation, place, text, "1.2, 3.0 or 3.1");
        }
        // 0x80: how Windows 8 and later leave a volume; 0x02 asks for a log of another size.
        if information.flags & 0x01 != 0 {
            self.out.add(
                Code::VolumeDirty,
                place,
                format!("flags {:#06x}", information.flags),
                "bit 0 clear",
            );
        }
        if information.flags & !0xc1bf != 0 || information.flags & 0x4000 != 0 && information.flags & 1 == 0 {
            let text = format!("flags {:#06x}", information.flags);
            self.out.add(Code::VolumeInformation, place, text, "known flags");
        }
    }

    fn check_table(&mut self, number: u64, code: Code, wanted: &[u8]) {
        let place = Place {
            record: Some(number),
            offset: self.volume.record_offset(number),
        };
        let value = self
            .volume
            .file(number)
            .and_then(|file| match file.attribute(attribute::DATA, &[]) {
                Some(data) => self.volume.load_value(data),
                None => Err(crate::Error::NotFound {
                    what: "attribute",
                    name: "$DATA".to_owned(),
                }),
            });
        match value {
            Ok(value) if value == wanted => {}
            Ok(value) => {
                let first = value.iter().zip(wanted).take_while(|(a, b)| a == b).count();
                let text = format!("{} bytes, a difference at byte {first:#x}", value.len());
                self.out.add(
                    code,
                    place,
                    text,
                    format!("the {} bytes of Windows", wanted.len()),
                );
            }
            Err(error) => self.out.add_error(code, place, &error),
        }
    }

    fn check_upcase(&mut self) {
        let Ok(file) = self.volume.file(record::UPCASE) else {
            return;
        };
        let Some(found) = file.attribute(attribute::DATA, &INFO) else {
            return self.check_old_upcase();
        };
        self.check_table(record::UPCASE, Code::UpcaseTable, &crate::upcase_bytes());
        let value = found.resident().unwrap_or_default();
        if value.len() != 32 || u32_at(value, 0) != Some(32) || u64_at(value, 8) != Some(UPCASE_CRC) {
            let place = Place::record(record::UPCASE, found.at);
            let text = format!("{} bytes, CRC {:x?}", value.len(), u64_at(value, 8));
            self.out.add(
                Code::UpcaseInformation,
                place,
                text,
                format!("32 bytes, CRC {UPCASE_CRC:#x}"),
            );
        }
    }

    /// Without `$Info` the table may be that of an older Windows: it must be sane, no more can be said.
    fn check_old_upcase(&mut self) {
        let place = Place {
            record: Some(record::UPCASE),
            offset: self.volume.record_offset(record::UPCASE),
        };
        let value = self
            .volume
            .file(record::UPCASE)
            .and_then(|file| match file.data() {
                Some(data) => self.volume.load_value(data),
                None => Err(crate::Error::NotFound {
                    what: "attribute",
                    name: "$DATA".to_owned(),
                }),
            });
        let table = match value {
            Ok(value) => utf16(&value),
            Err(error) => return self.out.add_error(Code::UpcaseTable, place, &error),
        };
        let upper = |unit: u16| table.get(usize::from(unit)).copied();
        let ascii = (0..0x80).all(|unit| upper(unit) == Some(crate::upcase(unit)));
        let stable = table.iter().all(|&unit| upper(unit) == Some(unit));
        if table.len() != 65_536 || !ascii || !stable {
            let text = format!(
                "{} entries, ASCII right {ascii}, upper case of upper case {stable}",
                table.len()
            );
            self.out
                .add(Code::UpcaseTable, place, text, "a table of upper case");
        } else if table != crate::upcase_table() {
            self.out.add(
                Code::UpcaseOld,
                place,
                "another table, without $Info",
                "the table of Windows 8 and later",
            );
        }
    }

    fn check_log(&mut self) {
        const PAGE: usize = 4096;
        let number = record::LOG_FILE;
        let Ok(file) = self.volume.file(number) else {
            return;
        };
        let Some(data) = file.attribute(attribute::DATA, &[]) else {
            return;
        };
        let place = Place::record(number, data.at);
        let mut pages = vec![0; PAGE * 2];
        match self.volume.read_attribute(data, 0, &mut pages) {
            Ok(count) if count == pages.len() => {}
            Ok(count) => {
                let text = format!("{count} bytes");
                return self.out.add(Code::LogFile, place, text, "two restart pages");
            }
            Err(error) => return self.out.add_error(Code::LogFile, place, &error),
        }
        // All ones is a log to be made anew, which mkntfs leaves too.
        if pages.iter().all(|&byte| byte == 0xff) {
            return;
        }
        if pages.iter().all(|&byte| byte == 0) {
            return self
                .out
                .add(Code::LogWiped, place, "zeros", "a restart page or all ones");
        }
        let (first, second) = pages.split_at(PAGE);
        let states = [first, second].map(|page| restart_page(page, data));
        match states {
            [Err(first), Err(_)] => self.out.add(Code::LogFile, place, first, "a restart page"),
            [Ok(clean), Err(second)] => {
                self.out
                    .add(Code::LogFile, place, second, "a second restart page");
                self.report_log_state(clean, place);
            }
            [Err(first), Ok(clean)] => {
                self.out.add(Code::LogFile, place, first, "a first restart page");
                self.report_log_state(clean, place);
            }
            [Ok(a), Ok(b)] => self.report_log_state(if a.0 >= b.0 { a } else { b }, place),
        }
    }

    fn report_log_state(&mut self, (_, clean): (u64, bool), place: Place) {
        if !clean {
            self.out.add(
                Code::LogNotClean,
                place,
                "a volume that was in use",
                "a volume that was dismounted",
            );
        }
    }
}

/// Reads a restart page: its log sequence number, and whether the volume was dismounted.
///
/// # Source
/// Observed on volumes that Windows 10 build 19041 dismounted (LFS 1.1).
fn restart_page(page: &[u8], log: &Attribute) -> Result<(u64, bool), String> {
    let mut page = page.to_vec();
    if page.get(..4) != Some(b"RSTR") {
        return Err(format!("signature {:02x?}", page.get(..4).unwrap_or_default()));
    }
    fixup::apply(&mut page, "restart page", 0).map_err(|error| error.to_string())?;
    let short = || "an area outside the page".to_owned();
    let area_at = usize::from(u16_at(&page, 0x18).ok_or_else(short)?);
    let area = page.get(area_at..).ok_or_else(short)?;
    let in_use = u16_at(area, 12).ok_or_else(short)?;
    let flags = u16_at(area, 14).ok_or_else(short)?;
    let size = u64_at(area, 24).ok_or_else(short)?;
    if size != log.size_bytes() {
        return Err(format!("a log of {size} bytes in {} bytes", log.size_bytes()));
    }
    let lsn = u64_at(area, 0).ok_or_else(short)?;
    // No client, or the flag that says clean.
    Ok((lsn, in_use == 0xffff || flags & 2 != 0))
}

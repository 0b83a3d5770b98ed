//! The entries of a directory.

use serde::Serialize;

use super::super::layout::{ENTRY_BYTES, LFN_ATTRIBUTES, LFN_OFFSETS, LFN_UNITS, short_checksum};
use super::super::spec::{Attributes, FatTime, FatTimes};
use super::bytes::{u16_at, u32_at};

/// Most long-name entries before a short one.
const MAX_LFN_ENTRIES: usize = 20;

/// A file or directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FatEntry {
    /// Long name where there is one, else the 8.3 name.
    pub name: String,
    /// 8.3 name; bytes beyond ASCII show as U+FFFD, since the code page is not known.
    pub short_name: String,
    /// Attributes.
    pub attributes: Attributes,
    /// Size; 0 for a directory.
    pub size_bytes: u32,
    /// First cluster; 0 for an empty file, and for `..` in a directory below the root.
    pub first_cluster: u32,
    /// Times.
    pub times: FatTimes,
}

impl FatEntry {
    /// Whether it is a directory.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.attributes.contains(Attributes::DIRECTORY)
    }
}

/// What a directory's bytes hold.
#[derive(Default)]
pub(super) struct Decoded {
    /// Files and directories without `.` and `..`.
    pub(super) entries: Vec<FatEntry>,
    /// The volume label, in a root directory.
    pub(super) label: Option<[u8; 11]>,
    /// First clusters of `.` and `..` where they are the first two entries.
    pub(super) dots: Option<(u32, u32)>,
    /// Long-name entries that belong to no short entry.
    pub(super) orphans: u32,
}

/// The long name collected so far.
#[derive(Default)]
struct LongName {
    /// Parts, last first.
    parts: Vec<[u16; LFN_UNITS]>,
    next: u8,
    checksum: u8,
}

pub(super) fn decode(bytes: &[u8]) -> Decoded {
    let mut decoded = Decoded::default();
    let mut long = LongName::default();
    let mut dot = None;
    for (index, raw) in bytes.chunks_exact(ENTRY_BYTES).enumerate() {
        let (first, attributes) = (raw[0], raw[11]);
        if first == 0 {
            break;
        }
        if first == 0xE5 {
            long.drop_into(&mut decoded.orphans);
            continue;
        }
        if attributes & 0x3F == LFN_ATTRIBUTES {
            long.add(raw, &mut decoded.orphans);
            continue;
        }
        let mut short = [0; 11];
        short.copy_from_slice(&raw[..11]);
        let name = long.take(&short, &mut decoded.orphans);
        if attributes & 0x08 != 0 {
            decoded.label = decoded.label.or(Some(short));
            continue;
        }
        let first_cluster = u32::from(u16_at(raw, 20)) << 16 | u32::from(u16_at(raw, 26));
        match &short {
            b".          " => {
                if index == 0 {
                    dot = Some(first_cluster);
                }
                continue;
            }
            b"..         " => {
                if index == 1 {
                    decoded.dots = dot.map(|dot| (dot, first_cluster));
                }
                continue;
            }
            _ => {}
        }
        let short_name = short_text(&short, raw[12]);
        decoded.entries.push(FatEntry {
            name: name.unwrap_or_else(|| short_name.clone()),
            short_name: short_text(&short, 0),
            attributes: Attributes(attributes),
            size_bytes: u32_at(raw, 28),
            first_cluster,
            times: FatTimes {
                created: FatTime::from_dos(u16_at(raw, 16), u16_at(raw, 14), raw[13]),
                modified: FatTime::from_dos(u16_at(raw, 24), u16_at(raw, 22), 0),
                accessed: FatTime::from_dos(u16_at(raw, 18), 0, 0),
            },
        });
    }
    long.drop_into(&mut decoded.orphans);
    decoded
}

impl LongName {
    fn drop_into(&mut self, orphans: &mut u32) {
        *orphans += self.parts.len() as u32;
        self.parts.clear();
    }

    fn add(&mut self, raw: &[u8], orphans: &mut u32) {
        let ordinal = raw[0] & 0x3F;
        if raw[0] & 0x40 != 0 {
            self.drop_into(orphans);
            self.checksum = raw[13];
        } else if self.parts.is_empty() || ordinal != self.next || raw[13] != self.checksum {
            self.drop_into(orphans);
            *orphans += 1;
            return;
        }
        if ordinal == 0 || usize::from(ordinal) > MAX_LFN_ENTRIES {
            *orphans += 1;
            self.drop_into(orphans);
            return;
        }
        self.next = ordinal - 1;
        self.parts.push(LFN_OFFSETS.map(|at| u16_at(raw, at)));
    }

    /// The name, if it is complete and belongs to this short entry.
    fn take(&mut self, short: &[u8; 11], orphans: &mut u32) -> Option<String> {
        if self.parts.is_empty() {
            return None;
        }
        if self.next != 0 || short_checksum(short) != self.checksum {
            self.drop_into(orphans);
            return None;
        }
        let units: Vec<u16> = std::mem::take(&mut self.parts)
            .into_iter()
            .rev()
            .flatten()
            .take_while(|&unit| unit != 0)
            .collect();
        Some(String::from_utf16_lossy(&units))
    }
}

/// `NAME.EXT`, in lower case where the flags of Windows NT say so.
fn short_text(short: &[u8; 11], case_flags: u8) -> String {
    let part = |bytes: &[u8], lower: bool| -> String {
        let text: String = bytes
            .iter()
            .enumerate()
            .map(|(i, &b)| match b {
                // 0xE5 as a first byte means "deleted", so 0x05 stands for it.
                0x05 if i == 0 => char::REPLACEMENT_CHARACTER,
                b if b.is_ascii() => char::from(b),
                _ => char::REPLACEMENT_CHARACTER,
            })
            .collect();
        let text = text.trim_end_matches(' ');
        if lower {
            text.to_ascii_lowercase()
        } else {
            text.to_owned()
        }
    };
    let base = part(&short[..8], case_flags & 0x08 != 0);
    let extension = part(&short[8..], case_flags & 0x10 != 0);
    if extension.is_empty() {
        base
    } else {
        format!("{base}.{extension}")
    }
}

//! Rock Ridge (IEEE P1282): Unix names, modes, links and times in SUSP fields.

use super::susp::SuspField;
use super::time;
use crate::{Result, Timestamp, UnixMeta, text};

/// What the fields of one record say.
#[derive(Clone, Debug, Default)]
pub(super) struct RockRidge {
    pub(super) name: Option<String>,
    pub(super) unix: Option<UnixMeta>,
    pub(super) symlink: Option<String>,
    pub(super) modified: Option<Timestamp>,
    pub(super) accessed: Option<Timestamp>,
    pub(super) created: Option<Timestamp>,
    /// `CL`: the directory lies at this block, moved because of ISO 9660's depth limit.
    pub(super) child_block: Option<u32>,
    /// `RE`: a moved directory, listed at its true place through `CL`.
    pub(super) relocated: bool,
    /// Content that is not stored as it is: what, and where that is said.
    pub(super) unsupported: Option<(String, u64)>,
}

/// Folds the fields of a record.
pub(super) fn decode(susp: &[SuspField], compare_halves: bool) -> Result<RockRidge> {
    let mut found = RockRidge::default();
    let mut name: Option<Vec<u8>> = None;
    let mut symlink: Option<SymlinkPath> = None;
    for field in susp {
        let fields = field.fields();
        match &field.signature {
            // Flags: 2 is ".", 4 is "..": their names are not stored.
            b"NM" if fields.u8(4)? & 0x06 == 0 => {
                let part = fields.slice(5, field.bytes.len() - 5)?;
                name.get_or_insert_default().extend_from_slice(part);
            }
            b"PX" => {
                found.unix = Some(UnixMeta {
                    mode: fields.both32(4, compare_halves)?,
                    links: fields.both32(12, compare_halves)?,
                    uid: Some(fields.both32(20, compare_halves)?),
                    gid: Some(fields.both32(28, compare_halves)?),
                });
            }
            b"SL" => symlink
                .get_or_insert_default()
                .push(fields.slice(5, field.bytes.len().saturating_sub(5))?),
            b"TF" => times(&mut found, field)?,
            b"CL" => found.child_block = Some(fields.both32(4, compare_halves)?),
            b"RE" => found.relocated = true,
            b"ZF" => {
                let method = text::from_bytes(fields.slice(4, 2)?);
                found.unsupported = Some((format!("zisofs compression (\"{method}\")"), field.at));
            }
            b"SF" => found.unsupported = Some(("a Rock Ridge sparse file".to_owned(), field.at)),
            _ => {}
        }
    }
    found.name = name.map(|bytes| text::from_bytes(&bytes));
    found.symlink = symlink.map(SymlinkPath::finish);
    Ok(found)
}

/// `TF`: times in the order of the flag bits, 7 or 17 bytes each.
fn times(found: &mut RockRidge, field: &SuspField) -> Result<()> {
    let fields = field.fields();
    let flags = fields.u8(4)?;
    let is_long = flags & 0x80 != 0;
    let size = if is_long { 17 } else { 7 };
    let mut at = 5;
    for bit in 0..7_u8 {
        if flags & (1 << bit) == 0 {
            continue;
        }
        let bytes = fields.slice(at, size)?;
        let value = if is_long {
            time::long(bytes)
        } else {
            time::short(bytes)
        };
        at += size;
        match bit {
            0 => found.created = value,
            1 => found.modified = value,
            2 => found.accessed = value,
            _ => {}
        }
    }
    Ok(())
}

/// A symbolic link's path, put together from components that may be split over fields.
#[derive(Debug, Default)]
struct SymlinkPath {
    path: Vec<u8>,
    continued: bool,
}

impl SymlinkPath {
    fn push(&mut self, mut components: &[u8]) {
        while let [flags, len, rest @ ..] = components {
            let (content, after) = rest.split_at(usize::from(*len).min(rest.len()));
            if !self.continued && !self.path.is_empty() && self.path.last() != Some(&b'/') {
                self.path.push(b'/');
            }
            match flags & 0x0e {
                0x02 => self.path.push(b'.'),
                0x04 => self.path.extend_from_slice(b".."),
                0x08 => self.path.push(b'/'),
                _ => self.path.extend_from_slice(content),
            }
            self.continued = flags & 0x01 != 0;
            components = after;
        }
    }

    fn finish(self) -> String {
        text::from_bytes(&self.path)
    }
}

//! `$Secure`: every security descriptor once, found by id and by hash.

use std::collections::BTreeMap;

use super::index::{encode_view_entry, view_entry_len};
use crate::layout::{FIRST_SECURITY_ID, SDS_BLOCK_BYTES};

/// Descriptor of a volume's root directory when none is given: everyone, full access.
///
/// # Source
/// Root directory of a volume formatted by Windows 10 build 19041.
pub(super) const ROOT_DESCRIPTOR: &[u8] = &[
    1, 0, 4, 0x80, 0x30, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 2, 0, 0x1C, 0, 1, 0, 0, 0, 0, 3,
    0x14, 0, 0xFF, 1, 0x1F, 0, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 5, 0x20, 0, 0, 0,
    0x20, 2, 0, 0, 1, 2, 0, 0, 0, 0, 0, 5, 0x20, 0, 0, 0, 0x20, 2, 0, 0,
];

/// Rights of the system files that nobody may write: read for SYSTEM and Administrators.
const READ_ONLY_RIGHTS: u32 = 0x0012_0089;
/// Rights of the other system files: read and write.
const READ_WRITE_RIGHTS: u32 = 0x0012_019F;
/// All rights.
const FULL_RIGHTS: u32 = 0x001F_01FF;
/// Read and execute.
const EXECUTE_RIGHTS: u32 = 0x0012_00A9;
/// Read, write, execute, delete.
const MODIFY_RIGHTS: u32 = 0x0013_01BF;
/// Inherited by files and directories.
const INHERIT: u8 = 0x03;

const SID_SYSTEM: &[u8] = &[1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0];
const SID_ADMINISTRATORS: &[u8] = &[1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0];
const SID_USERS: &[u8] = &[1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x21, 2, 0, 0];
const SID_AUTHENTICATED: &[u8] = &[1, 1, 0, 0, 0, 0, 0, 5, 11, 0, 0, 0];

/// A self-relative descriptor owned by Administrators: header, DACL, owner, group.
fn descriptor(entries: &[(u8, u32, &[u8])]) -> Vec<u8> {
    let acl_bytes: usize = 8 + entries.iter().map(|(_, _, sid)| 8 + sid.len()).sum::<usize>();
    let owner = 20 + acl_bytes;
    let group = owner + SID_ADMINISTRATORS.len();
    let mut out = vec![1, 0, 4, 0x80];
    for offset in [owner, group, 0, 20] {
        out.extend(super::bytes::low32(offset).to_le_bytes());
    }
    out.extend([2, 0]);
    out.extend(super::bytes::low16(acl_bytes).to_le_bytes());
    out.extend(super::bytes::low32(entries.len()).to_le_bytes());
    for (flags, rights, sid) in entries {
        out.extend([0, *flags]);
        out.extend(super::bytes::low16(8 + sid.len()).to_le_bytes());
        out.extend(rights.to_le_bytes());
        out.extend_from_slice(sid);
    }
    out.extend_from_slice(SID_ADMINISTRATORS);
    out.extend_from_slice(SID_ADMINISTRATORS);
    out
}

/// Descriptor with the same rights for SYSTEM and Administrators, as the system files have it.
fn system_descriptor(rights: u32) -> Vec<u8> {
    descriptor(&[(0, rights, SID_SYSTEM), (0, rights, SID_ADMINISTRATORS)])
}

/// Descriptor of `$Boot`.
pub(super) fn read_only_descriptor() -> Vec<u8> {
    system_descriptor(READ_ONLY_RIGHTS)
}

/// Descriptor of the records that Windows keeps for itself.
pub(super) fn read_write_descriptor() -> Vec<u8> {
    system_descriptor(READ_WRITE_RIGHTS)
}

/// Security id of the system files.
pub(super) const SYSTEM_ID: u32 = FIRST_SECURITY_ID;
/// Security id of the system files that Windows writes through the API.
pub(super) const SYSTEM_WRITABLE_ID: u32 = FIRST_SECURITY_ID + 1;
/// Security id of files that come without a descriptor.
pub(super) const DEFAULT_ID: u32 = FIRST_SECURITY_ID + 2;

/// The descriptors of a volume, each once; id = position + 0x100.
#[derive(Debug)]
pub(super) struct Descriptors {
    all: Vec<Vec<u8>>,
    ids: BTreeMap<Vec<u8>, u32>,
}

impl Descriptors {
    pub(super) fn new() -> Self {
        let mut new = Self {
            all: Vec::new(),
            ids: BTreeMap::new(),
        };
        new.add(&read_only_descriptor());
        new.add(&read_write_descriptor());
        new.add(&descriptor(&[
            (INHERIT, FULL_RIGHTS, SID_ADMINISTRATORS),
            (INHERIT, FULL_RIGHTS, SID_SYSTEM),
            (INHERIT, MODIFY_RIGHTS, SID_AUTHENTICATED),
            (INHERIT, EXECUTE_RIGHTS, SID_USERS),
        ]));
        new
    }

    /// The id of a descriptor.
    pub(super) fn add(&mut self, descriptor: &[u8]) -> u32 {
        if let Some(id) = self.ids.get(descriptor) {
            return *id;
        }
        let id = FIRST_SECURITY_ID + super::bytes::low32(self.all.len());
        self.all.push(descriptor.to_vec());
        self.ids.insert(descriptor.to_vec(), id);
        id
    }

    /// Whether an id was given out.
    pub(super) fn contains(&self, id: u32) -> bool {
        id.checked_sub(FIRST_SECURITY_ID)
            .is_some_and(|at| (at as usize) < self.all.len())
    }

    /// Lays the descriptors out.
    pub(super) fn layout(&self) -> Layout {
        let mut entries = Vec::new();
        let mut offset = 0u64;
        for (id, descriptor) in (FIRST_SECURITY_ID..).zip(&self.all) {
            let len = 20 + descriptor.len() as u64;
            offset = offset.next_multiple_of(16);
            let left = SDS_BLOCK_BYTES - offset % SDS_BLOCK_BYTES;
            if left < len {
                // To the next block of first copies: the block between holds the second copies.
                offset += left + SDS_BLOCK_BYTES;
            }
            let hash = hash(descriptor);
            let mut header = [0; 20];
            header[..4].copy_from_slice(&hash.to_le_bytes());
            header[4..8].copy_from_slice(&id.to_le_bytes());
            header[8..16].copy_from_slice(&offset.to_le_bytes());
            header[16..].copy_from_slice(&super::bytes::low32(20 + descriptor.len()).to_le_bytes());
            entries.push(Entry {
                hash,
                id,
                offset,
                header,
            });
            offset += len;
        }
        Layout {
            size_bytes: offset + SDS_BLOCK_BYTES,
            entries,
        }
    }

    /// Bytes of one 256 KiB block of `$SDS` from its first entry on; `block` counts blocks of first copies.
    pub(super) fn block(&self, layout: &Layout, block: u64) -> Vec<u8> {
        let start = block * 2 * SDS_BLOCK_BYTES;
        let mut out: Vec<u8> = Vec::new();
        for (entry, descriptor) in layout.entries.iter().zip(&self.all) {
            if (start..start + SDS_BLOCK_BYTES).contains(&entry.offset) {
                out.resize(usize::try_from(entry.offset - start).unwrap_or(usize::MAX), 0);
                out.extend_from_slice(&entry.header);
                out.extend_from_slice(descriptor);
            }
        }
        out
    }
}

/// Where the descriptors lie in `$SDS`.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) size_bytes: u64,
    pub(super) entries: Vec<Entry>,
}

/// One descriptor in `$SDS`.
#[derive(Debug)]
pub(super) struct Entry {
    hash: u32,
    id: u32,
    offset: u64,
    header: [u8; 20],
}

impl Layout {
    /// Number of blocks of first copies.
    pub(super) fn block_count(&self) -> u64 {
        self.size_bytes.div_ceil(2 * SDS_BLOCK_BYTES)
    }

    /// Entries of `$SII`, in order.
    pub(super) fn by_id(&self) -> Vec<Vec<u8>> {
        self.entries
            .iter()
            .map(|entry| {
                let mut out = Vec::with_capacity(view_entry_len(4, 20));
                encode_view_entry(&entry.id.to_le_bytes(), &entry.header, &[], &mut out);
                out
            })
            .collect()
    }

    /// Entries of `$SDH`, in order.
    pub(super) fn by_hash(&self) -> Vec<Vec<u8>> {
        let mut sorted: Vec<&Entry> = self.entries.iter().collect();
        sorted.sort_by_key(|entry| (entry.hash, entry.id));
        sorted
            .into_iter()
            .map(|entry| {
                let mut key = entry.hash.to_le_bytes().to_vec();
                key.extend(entry.id.to_le_bytes());
                let mut out = Vec::with_capacity(view_entry_len(8, 24));
                encode_view_entry(&key, &entry.header, b"I\0I\0", &mut out);
                out
            })
            .collect()
    }
}

/// Hash of a descriptor: over its little-endian words, rotate left by three and add.
fn hash(descriptor: &[u8]) -> u32 {
    descriptor.chunks(4).fold(0u32, |hash, chunk| {
        let mut word = [0; 4];
        word[..chunk.len()].copy_from_slice(chunk);
        hash.rotate_left(3).wrapping_add(u32::from_le_bytes(word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_windows() {
        // The first two entries of $SDS on volumes formatted by Windows 10, whose first two words hold the
        // offsets of owner and group as here.
        assert_eq!(hash(&read_only_descriptor()), 0xF803_12F0);
        assert_eq!(hash(&read_write_descriptor()), 0x00B3_2451);
    }

    #[test]
    fn entries_do_not_cross_a_block() {
        let mut all = Descriptors::new();
        for i in 0..4000u32 {
            let mut sd = read_only_descriptor();
            sd.extend(i.to_le_bytes());
            sd.resize(104 + (i as usize % 400), 0);
            all.add(&sd);
        }
        let layout = all.layout();
        assert!(layout.block_count() > 3);
        for (entry, sd) in layout.entries.iter().zip(&all.all) {
            let len = 20 + sd.len() as u64;
            assert_eq!(entry.offset / SDS_BLOCK_BYTES % 2, 0);
            assert_eq!(
                entry.offset / SDS_BLOCK_BYTES,
                (entry.offset + len - 1) / SDS_BLOCK_BYTES
            );
        }
    }
}

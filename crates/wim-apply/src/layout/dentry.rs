//! The fixed parts of a directory entry and of its extra streams in a metadata resource.

use super::{field, put, u16_at, u32_at, u64_at};
use crate::BlobHash;

/// The first 102 bytes of a directory entry. The name (NUL-terminated when present), the short name
/// (likewise), and, aligned to 8, tagged items follow up to `length`; the extra streams lie after that.
///
/// | offset | size | meaning |
/// |---|---|---|
/// | 0 | 8 | length in bytes; 8 or less ends the list of siblings |
/// | 8 | 4 | attributes |
/// | 12 | 4 | security descriptor, -1 for none |
/// | 16 | 8 | offset of the first child, 0 for none |
/// | 24 | 16 | unused |
/// | 40 | 3×8 | creation, last access, last write: FILETIME |
/// | 64 | 20 | hash of the main stream |
/// | 84 | 4 | unknown |
/// | 88 | 8 | reparse point: tag (4), reserved (2), flags (2); otherwise: hard-link group |
/// | 96 | 2 | number of extra streams |
/// | 98 | 2 | short name in bytes |
/// | 100 | 2 | name in bytes |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DentryFixed {
    /// Length of the entry in bytes, extra streams not counted.
    pub length: u64,
    /// `FILE_ATTRIBUTE_*`.
    pub attributes: u32,
    /// Index of the security descriptor, or -1.
    pub security_id: i32,
    /// Offset of the children in the metadata resource, or 0.
    pub subdir_offset: u64,
    /// FILETIME.
    pub creation_time: u64,
    /// FILETIME.
    pub last_access_time: u64,
    /// FILETIME.
    pub last_write_time: u64,
    /// Hash of the main stream, or zero.
    pub main_hash: BlobHash,
    /// Meaning unknown; written as 0.
    pub unknown_84: u32,
    /// The eight bytes whose meaning depends on the reparse attribute.
    pub link: [u8; 8],
    /// Number of extra streams.
    pub extra_stream_count: u16,
    /// Length of the short name in bytes.
    pub short_name_bytes: u16,
    /// Length of the name in bytes.
    pub name_bytes: u16,
}

impl DentryFixed {
    /// Size in bytes.
    pub const SIZE: usize = 102;

    /// From its bytes.
    #[must_use]
    pub fn decode(bytes: &[u8; Self::SIZE]) -> Self {
        Self {
            length: u64_at(bytes, 0),
            attributes: u32_at(bytes, 8),
            security_id: u32_at(bytes, 12).cast_signed(),
            subdir_offset: u64_at(bytes, 16),
            creation_time: u64_at(bytes, 40),
            last_access_time: u64_at(bytes, 48),
            last_write_time: u64_at(bytes, 56),
            main_hash: BlobHash(field(bytes, 64)),
            unknown_84: u32_at(bytes, 84),
            link: field(bytes, 88),
            extra_stream_count: u16_at(bytes, 96),
            short_name_bytes: u16_at(bytes, 98),
            name_bytes: u16_at(bytes, 100),
        }
    }

    /// To its bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::SIZE] {
        let mut out = [0; Self::SIZE];
        put(&mut out, 0, &self.length.to_le_bytes());
        put(&mut out, 8, &self.attributes.to_le_bytes());
        put(&mut out, 12, &self.security_id.to_le_bytes());
        put(&mut out, 16, &self.subdir_offset.to_le_bytes());
        put(&mut out, 40, &self.creation_time.to_le_bytes());
        put(&mut out, 48, &self.last_access_time.to_le_bytes());
        put(&mut out, 56, &self.last_write_time.to_le_bytes());
        put(&mut out, 64, &self.main_hash.0);
        put(&mut out, 84, &self.unknown_84.to_le_bytes());
        put(&mut out, 88, &self.link);
        put(&mut out, 96, &self.extra_stream_count.to_le_bytes());
        put(&mut out, 98, &self.short_name_bytes.to_le_bytes());
        put(&mut out, 100, &self.name_bytes.to_le_bytes());
        out
    }

    /// Reparse tag, reserved bits, and flags (bit 0: the target was *not* fixed up), of a reparse point.
    #[must_use]
    pub fn reparse(&self) -> (u32, u16, u16) {
        (
            u32_at(&self.link, 0),
            u16_at(&self.link, 4),
            u16_at(&self.link, 6),
        )
    }

    /// Hard-link group of anything but a reparse point; 0 for none.
    #[must_use]
    pub fn hard_link_group(&self) -> u64 {
        u64::from_le_bytes(self.link)
    }

    /// The `link` field of a reparse point.
    #[must_use]
    pub fn reparse_link(tag: u32, reserved: u16, flags: u16) -> [u8; 8] {
        let mut out = [0; 8];
        put(&mut out, 0, &tag.to_le_bytes());
        put(&mut out, 4, &reserved.to_le_bytes());
        put(&mut out, 6, &flags.to_le_bytes());
        out
    }
}

/// The first 38 bytes of an extra stream; its name (NUL-terminated when present) follows.
///
/// | offset | size | meaning |
/// |---|---|---|
/// | 0 | 8 | length in bytes |
/// | 8 | 8 | reserved |
/// | 16 | 20 | hash |
/// | 36 | 2 | name in bytes |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExtraStreamFixed {
    /// Length of the entry in bytes; the next begins at the following multiple of 8.
    pub length: u64,
    /// Hash, or zero.
    pub hash: BlobHash,
    /// Length of the name in bytes.
    pub name_bytes: u16,
}

impl ExtraStreamFixed {
    /// Size in bytes.
    pub const SIZE: usize = 38;

    /// From its bytes.
    #[must_use]
    pub fn decode(bytes: &[u8; Self::SIZE]) -> Self {
        Self {
            length: u64_at(bytes, 0),
            hash: BlobHash(field(bytes, 16)),
            name_bytes: u16_at(bytes, 36),
        }
    }

    /// To its bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::SIZE] {
        let mut out = [0; Self::SIZE];
        put(&mut out, 0, &self.length.to_le_bytes());
        put(&mut out, 16, &self.hash.0);
        put(&mut out, 36, &self.name_bytes.to_le_bytes());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_survives() {
        let dentry = DentryFixed {
            length: 200,
            attributes: 0x420,
            security_id: -1,
            subdir_offset: 8,
            creation_time: 1,
            last_access_time: 2,
            last_write_time: 3,
            main_hash: BlobHash([5; 20]),
            unknown_84: 6,
            link: DentryFixed::reparse_link(0xa000_000c, 7, 1),
            extra_stream_count: 8,
            short_name_bytes: 9,
            name_bytes: 10,
        };
        let back = DentryFixed::decode(&dentry.encode());
        assert_eq!(back, dentry);
        assert_eq!(back.reparse(), (0xa000_000c, 7, 1));
        let stream = ExtraStreamFixed {
            length: 40,
            hash: BlobHash([1; 20]),
            name_bytes: 2,
        };
        assert_eq!(ExtraStreamFixed::decode(&stream.encode()), stream);
    }
}

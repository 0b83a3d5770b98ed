//! One entry of the blob table.

use super::{ResourceHeader, field, put, u16_at, u32_at};
use crate::BlobHash;

/// An entry of the blob table.
///
/// | offset | size | meaning |
/// |---|---|---|
/// | 0 | 24 | resource |
/// | 24 | 2 | part number |
/// | 26 | 4 | reference count |
/// | 30 | 20 | SHA-1 |
///
/// With the solid flag (file version 0xe00 only) an entry whose uncompressed size is
/// [`SOLID_RESOURCE_MAGIC`](super::SOLID_RESOURCE_MAGIC) is a solid resource. The others of that run of
/// entries are blobs: their offset counts within the concatenated, uncompressed resources of the run, and
/// their stored size is the size of the blob.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlobEntry {
    /// Place and size.
    pub resource: ResourceHeader,
    /// Part of a split file that holds it.
    pub part_number: u16,
    /// Number of uses.
    pub reference_count: u32,
    /// Hash of the uncompressed bytes.
    pub hash: BlobHash,
}

impl BlobEntry {
    /// Size in bytes.
    pub const SIZE: usize = 50;

    /// From its bytes.
    #[must_use]
    pub fn decode(bytes: &[u8; Self::SIZE]) -> Self {
        Self {
            resource: ResourceHeader::decode(&field(bytes, 0)),
            part_number: u16_at(bytes, 24),
            reference_count: u32_at(bytes, 26),
            hash: BlobHash(field(bytes, 30)),
        }
    }

    /// To its bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::SIZE] {
        let mut out = [0; Self::SIZE];
        put(&mut out, 0, &self.resource.encode());
        put(&mut out, 24, &self.part_number.to_le_bytes());
        put(&mut out, 26, &self.reference_count.to_le_bytes());
        put(&mut out, 30, &self.hash.0);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_survives() {
        let entry = BlobEntry {
            resource: ResourceHeader {
                stored_bytes: 1,
                flags: 4,
                offset: 2,
                size_bytes: 3,
            },
            part_number: 0x1234,
            reference_count: 0x5678_9abc,
            hash: BlobHash([7; 20]),
        };
        assert_eq!(BlobEntry::decode(&entry.encode()), entry);
    }
}

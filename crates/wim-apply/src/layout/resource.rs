//! Where a resource lies in the file, and the header that precedes each one in a pipable file.

use super::{field, put, u32_at, u64_at};
use crate::BlobHash;

/// Flags of a [`ResourceHeader`].
pub mod resource_flag {
    /// The entry is unused.
    pub const FREE: u8 = 0x01;
    /// A metadata resource, or the XML.
    pub const METADATA: u8 = 0x02;
    /// Compressed: a chunk table and chunks.
    pub const COMPRESSED: u8 = 0x04;
    /// Continues in another part (never seen).
    pub const SPANNED: u8 = 0x08;
    /// In, or is, a solid resource.
    pub const SOLID: u8 = 0x10;
}

/// Place, sizes and flags of a resource.
///
/// | offset | size | meaning |
/// |---|---|---|
/// | 0 | 7 | size in the file in bytes |
/// | 7 | 1 | flags |
/// | 8 | 8 | offset in the file |
/// | 16 | 8 | uncompressed size in bytes |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ResourceHeader {
    /// Size in the file in bytes, 56 bits.
    pub stored_bytes: u64,
    /// See [`resource_flag`].
    pub flags: u8,
    /// Byte offset in the file.
    pub offset: u64,
    /// Uncompressed size in bytes.
    pub size_bytes: u64,
}

impl ResourceHeader {
    /// Size in bytes.
    pub const SIZE: usize = 24;

    /// From its bytes.
    #[must_use]
    pub fn decode(bytes: &[u8; Self::SIZE]) -> Self {
        let first = u64_at(bytes, 0);
        Self {
            stored_bytes: first & ((1 << 56) - 1),
            flags: bytes[7],
            offset: u64_at(bytes, 8),
            size_bytes: u64_at(bytes, 16),
        }
    }

    /// To its bytes; a stored size beyond 56 bits loses its top byte.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::SIZE] {
        let mut out = [0; Self::SIZE];
        put(&mut out, 0, &self.stored_bytes.to_le_bytes());
        out[7] = self.flags;
        put(&mut out, 8, &self.offset.to_le_bytes());
        put(&mut out, 16, &self.size_bytes.to_le_bytes());
        out
    }

    /// Whether [`resource_flag::COMPRESSED`] is set.
    #[must_use]
    pub fn is_compressed(&self) -> bool {
        self.flags & resource_flag::COMPRESSED != 0
    }

    /// Whether [`resource_flag::METADATA`] is set.
    #[must_use]
    pub fn is_metadata(&self) -> bool {
        self.flags & resource_flag::METADATA != 0
    }

    /// Whether [`resource_flag::SOLID`] is set.
    #[must_use]
    pub fn is_solid(&self) -> bool {
        self.flags & resource_flag::SOLID != 0
    }

    /// Whether there is no such resource.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        self.stored_bytes == 0 || self.offset == 0
    }
}

/// Precedes every resource of a pipable file.
///
/// | offset | size | meaning |
/// |---|---|---|
/// | 0 | 8 | magic |
/// | 8 | 8 | uncompressed size in bytes |
/// | 16 | 20 | SHA-1 |
/// | 36 | 4 | flags, see [`resource_flag`] |
///
/// # Source
/// Observed with wimlib-imagex 1.13.6 (`capture --pipable`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PipableBlobHeader {
    /// Uncompressed size in bytes.
    pub size_bytes: u64,
    /// SHA-1 of the uncompressed bytes.
    pub hash: BlobHash,
    /// See [`resource_flag`].
    pub flags: u32,
}

impl PipableBlobHeader {
    /// Size in bytes.
    pub const SIZE: usize = 40;
    /// First eight bytes.
    pub const MAGIC: [u8; 8] = [0xd8, 0xb9, 0x3d, 0x44, 0xa2, 0x9b, 0x9b, 0x2b];

    /// From its bytes; `None` without the magic.
    #[must_use]
    pub fn decode(bytes: &[u8; Self::SIZE]) -> Option<Self> {
        (field::<8>(bytes, 0) == Self::MAGIC).then(|| Self {
            size_bytes: u64_at(bytes, 8),
            hash: BlobHash(field(bytes, 16)),
            flags: u32_at(bytes, 36),
        })
    }

    /// To its bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::SIZE] {
        let mut out = [0; Self::SIZE];
        put(&mut out, 0, &Self::MAGIC);
        put(&mut out, 8, &self.size_bytes.to_le_bytes());
        put(&mut out, 16, &self.hash.0);
        put(&mut out, 36, &self.flags.to_le_bytes());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_size_shares_its_top_byte_with_the_flags() {
        let header = ResourceHeader {
            stored_bytes: (1 << 56) - 2,
            flags: 0x14,
            offset: 0x1234_5678_9abc,
            size_bytes: u64::MAX,
        };
        let bytes = header.encode();
        assert_eq!(bytes[..8], [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x14]);
        assert_eq!(ResourceHeader::decode(&bytes), header);
        assert!(header.is_compressed() && header.is_solid() && !header.is_metadata());
    }

    #[test]
    fn pipable_header_needs_its_magic() {
        let header = PipableBlobHeader {
            size_bytes: 7,
            hash: BlobHash([9; 20]),
            flags: 4,
        };
        let mut bytes = header.encode();
        assert_eq!(PipableBlobHeader::decode(&bytes), Some(header));
        bytes[0] ^= 1;
        assert_eq!(PipableBlobHeader::decode(&bytes), None);
    }
}

//! The header at the start of the file (pipable files: the one at the end counts).

use super::{
    HEADER_BYTES, MAGIC, MAGIC_PIPABLE, ResourceHeader, VERSION_DEFAULT, field, put, u16_at, u32_at,
};

/// Flags of a [`Header`].
pub mod header_flag {
    /// Resources may be compressed.
    pub const COMPRESSED: u32 = 0x2;
    /// The file is marked read-only.
    pub const READ_ONLY: u32 = 0x4;
    /// One part of a split file.
    pub const SPANNED: u32 = 0x8;
    /// Holds no metadata.
    pub const RESOURCE_ONLY: u32 = 0x10;
    /// Holds metadata only.
    pub const METADATA_ONLY: u32 = 0x20;
    /// A writer is, or was, at work.
    pub const WRITE_IN_PROGRESS: u32 = 0x40;
    /// Absolute reparse targets were made relative to the captured root.
    pub const REPARSE_FIX_UP: u32 = 0x80;
    /// Compressed with XPRESS.
    pub const XPRESS: u32 = 0x2_0000;
    /// Compressed with LZX.
    pub const LZX: u32 = 0x4_0000;
    /// Compressed with LZMS.
    pub const LZMS: u32 = 0x8_0000;
    /// Compressed with XPRESS (a second bit for the same format).
    pub const XPRESS_2: u32 = 0x20_0000;
}

/// The 208-byte header.
///
/// | offset | size | meaning |
/// |---|---|---|
/// | 0 | 8 | magic |
/// | 8 | 4 | header size, 208 |
/// | 12 | 4 | version |
/// | 16 | 4 | flags |
/// | 20 | 4 | chunk size in bytes |
/// | 24 | 16 | GUID, the same in all parts of a split file |
/// | 40 | 2+2 | part number, number of parts |
/// | 44 | 4 | number of images |
/// | 48 | 24 | blob table |
/// | 72 | 24 | XML |
/// | 96 | 24 | metadata resource of the bootable image |
/// | 120 | 4 | number of the bootable image, 0 for none |
/// | 124 | 24 | integrity table |
/// | 148 | 60 | unused |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whether the magic is that of a pipable file.
    pub pipable: bool,
    /// Size that the header states for itself.
    pub header_bytes: u32,
    /// [`VERSION_DEFAULT`] or [`VERSION_SOLID`](super::VERSION_SOLID).
    pub version: u32,
    /// See [`header_flag`].
    pub flags: u32,
    /// Uncompressed size of the chunks of non-solid resources.
    pub chunk_bytes: u32,
    /// Identifies the file, or the set of parts.
    pub guid: [u8; 16],
    /// This part, from 1.
    pub part_number: u16,
    /// Number of parts.
    pub part_count: u16,
    /// Number of images.
    pub image_count: u32,
    /// Blob table.
    pub blob_table: ResourceHeader,
    /// XML document.
    pub xml: ResourceHeader,
    /// Metadata resource of the bootable image.
    pub boot_metadata: ResourceHeader,
    /// The bootable image, from 1; 0 for none.
    pub boot_index: u32,
    /// Integrity table.
    pub integrity: ResourceHeader,
}

impl Default for Header {
    fn default() -> Self {
        Self {
            pipable: false,
            header_bytes: 208,
            version: VERSION_DEFAULT,
            flags: 0,
            chunk_bytes: 0,
            guid: [0; 16],
            part_number: 1,
            part_count: 1,
            image_count: 0,
            blob_table: ResourceHeader::default(),
            xml: ResourceHeader::default(),
            boot_metadata: ResourceHeader::default(),
            boot_index: 0,
            integrity: ResourceHeader::default(),
        }
    }
}

impl Header {
    /// From its bytes; `None` when the magic is neither of the two. No other field is checked.
    #[must_use]
    pub fn decode(bytes: &[u8; HEADER_BYTES]) -> Option<Self> {
        let pipable = match field::<8>(bytes, 0) {
            MAGIC => false,
            MAGIC_PIPABLE => true,
            _ => return None,
        };
        let resource = |at| ResourceHeader::decode(&field(bytes, at));
        Some(Self {
            pipable,
            header_bytes: u32_at(bytes, 8),
            version: u32_at(bytes, 12),
            flags: u32_at(bytes, 16),
            chunk_bytes: u32_at(bytes, 20),
            guid: field(bytes, 24),
            part_number: u16_at(bytes, 40),
            part_count: u16_at(bytes, 42),
            image_count: u32_at(bytes, 44),
            blob_table: resource(48),
            xml: resource(72),
            boot_metadata: resource(96),
            boot_index: u32_at(bytes, 120),
            integrity: resource(124),
        })
    }

    /// To its bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        put(&mut out, 0, if self.pipable { &MAGIC_PIPABLE } else { &MAGIC });
        put(&mut out, 8, &self.header_bytes.to_le_bytes());
        put(&mut out, 12, &self.version.to_le_bytes());
        put(&mut out, 16, &self.flags.to_le_bytes());
        put(&mut out, 20, &self.chunk_bytes.to_le_bytes());
        put(&mut out, 24, &self.guid);
        put(&mut out, 40, &self.part_number.to_le_bytes());
        put(&mut out, 42, &self.part_count.to_le_bytes());
        put(&mut out, 44, &self.image_count.to_le_bytes());
        put(&mut out, 48, &self.blob_table.encode());
        put(&mut out, 72, &self.xml.encode());
        put(&mut out, 96, &self.boot_metadata.encode());
        put(&mut out, 120, &self.boot_index.to_le_bytes());
        put(&mut out, 124, &self.integrity.encode());
        out
    }

    /// Whether all of `flag` is set; see [`header_flag`].
    #[must_use]
    pub fn has(&self, flag: u32) -> bool {
        self.flags & flag == flag
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_survives() {
        let resource = |n: u64| ResourceHeader {
            stored_bytes: n,
            flags: 2,
            offset: n + 1,
            size_bytes: n + 2,
        };
        let header = Header {
            pipable: true,
            version: 0xe00,
            flags: header_flag::COMPRESSED | header_flag::LZMS,
            chunk_bytes: 131_072,
            guid: *b"0123456789abcdef",
            part_number: 2,
            part_count: 3,
            image_count: 4,
            blob_table: resource(10),
            xml: resource(20),
            boot_metadata: resource(30),
            boot_index: 1,
            integrity: resource(40),
            ..Header::default()
        };
        assert_eq!(Header::decode(&header.encode()), Some(header));
        assert_eq!(Header::decode(&[0; 208]), None);
    }
}

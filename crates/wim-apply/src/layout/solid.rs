//! The header of a solid resource.

use super::{put, u32_at, u64_at};

/// Compression of a solid resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SolidFormat {
    /// Stored.
    None,
    /// XPRESS.
    Xpress,
    /// LZX.
    Lzx,
    /// LZMS.
    Lzms,
    /// Something else.
    Other(u32),
}

impl SolidFormat {
    /// From the number in the header.
    #[must_use]
    pub fn from_raw(raw: u32) -> Self {
        match raw {
            0 => Self::None,
            1 => Self::Xpress,
            2 => Self::Lzx,
            3 => Self::Lzms,
            other => Self::Other(other),
        }
    }

    /// The number in the header.
    #[must_use]
    pub fn to_raw(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Xpress => 1,
            Self::Lzx => 2,
            Self::Lzms => 3,
            Self::Other(raw) => raw,
        }
    }
}

/// First bytes of a solid resource. The stored size of each chunk (`u32`) follows, then the chunks.
///
/// | offset | size | meaning |
/// |---|---|---|
/// | 0 | 8 | uncompressed size in bytes |
/// | 8 | 4 | chunk size in bytes |
/// | 12 | 4 | compression |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SolidHeader {
    /// Uncompressed size of the resource in bytes.
    pub size_bytes: u64,
    /// Uncompressed size of a chunk in bytes.
    pub chunk_bytes: u32,
    /// Compression; it counts, not the one in the file header.
    pub format: SolidFormat,
}

impl SolidHeader {
    /// Size in bytes.
    pub const SIZE: usize = 16;

    /// From its bytes.
    #[must_use]
    pub fn decode(bytes: &[u8; Self::SIZE]) -> Self {
        Self {
            size_bytes: u64_at(bytes, 0),
            chunk_bytes: u32_at(bytes, 8),
            format: SolidFormat::from_raw(u32_at(bytes, 12)),
        }
    }

    /// To its bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::SIZE] {
        let mut out = [0; Self::SIZE];
        put(&mut out, 0, &self.size_bytes.to_le_bytes());
        put(&mut out, 8, &self.chunk_bytes.to_le_bytes());
        put(&mut out, 12, &self.format.to_raw().to_le_bytes());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_survives() {
        for raw in 0..6 {
            let header = SolidHeader {
                size_bytes: 1 << 40,
                chunk_bytes: 1 << 26,
                format: SolidFormat::from_raw(raw),
            };
            assert_eq!(SolidHeader::decode(&header.encode()), header);
            assert_eq!(header.format.to_raw(), raw);
        }
    }
}

//! The header of the integrity table.

use super::{put, u32_at};

/// First bytes of the integrity table; the SHA-1 of each chunk follows. The chunks cover the bytes from the
/// end of the header to the end of the blob table.
///
/// | offset | size | meaning |
/// |---|---|---|
/// | 0 | 4 | size of the table in bytes |
/// | 4 | 4 | number of chunks |
/// | 8 | 4 | chunk size in bytes (10 MiB by custom) |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntegrityHeader {
    /// Size of the table, header included, in bytes.
    pub table_bytes: u32,
    /// Number of chunks.
    pub chunk_count: u32,
    /// Chunk size in bytes.
    pub chunk_bytes: u32,
}

impl IntegrityHeader {
    /// Size in bytes.
    pub const SIZE: usize = 12;

    /// From its bytes.
    #[must_use]
    pub fn decode(bytes: &[u8; Self::SIZE]) -> Self {
        Self {
            table_bytes: u32_at(bytes, 0),
            chunk_count: u32_at(bytes, 4),
            chunk_bytes: u32_at(bytes, 8),
        }
    }

    /// To its bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::SIZE] {
        let mut out = [0; Self::SIZE];
        put(&mut out, 0, &self.table_bytes.to_le_bytes());
        put(&mut out, 4, &self.chunk_count.to_le_bytes());
        put(&mut out, 8, &self.chunk_bytes.to_le_bytes());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_survives() {
        let header = IntegrityHeader {
            table_bytes: 32,
            chunk_count: 1,
            chunk_bytes: 10 << 20,
        };
        assert_eq!(IntegrityHeader::decode(&header.encode()), header);
    }
}

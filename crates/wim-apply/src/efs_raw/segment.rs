//! The encryption header of a data segment.

use super::{
    ENCRYPTION_HEADER_BYTES, EXTENDED_HEADER_BYTES, EXTENDED_SPARSE, SECTOR_BYTES, corrupt, u16_at, u32_at,
    whole_sectors,
};
use crate::{Error, Result};

/// Largest exponent of a data unit.
const MAX_UNIT_SHIFT: u8 = 40;

/// Where the data of a segment belong.
#[derive(Clone, Debug, Default)]
pub(super) struct EncryptionHeader {
    /// First byte in the stream.
    pub(super) start: u64,
    /// Bytes within the stream's size.
    pub(super) size_bytes: u32,
    /// Bytes within the valid data length.
    pub(super) valid_bytes: u32,
    /// Exponent of the data unit.
    pub(super) unit_shift: u8,
    /// Exponent of the cluster.
    pub(super) cluster_shift: u8,
    /// Lengths of the data blocks, one for each data unit.
    pub(super) blocks: Vec<u32>,
    pub(super) sparse: bool,
}

impl EncryptionHeader {
    /// Takes the header at offset `at` of the raw form apart; `data_bytes` follow it in its segment.
    pub(super) fn decode(header: &[u8], at: u64, data_bytes: u64) -> Result<Self> {
        let compression = u16_at(header, 20);
        let encryption = header.get(25).copied().unwrap_or(0);
        let count = usize::from(u16_at(header, 26));
        if compression != 0 {
            return Err(Error::Unsupported {
                what: "EFS raw form: compression format",
                at: at + 20,
                feature: format!("{compression:#06x}"),
            });
        }
        if encryption != 1 {
            let what = "EFS raw form: encryption format";
            return corrupt(what, at + 25, encryption, "1");
        }
        let end = ENCRYPTION_HEADER_BYTES + 4 * count;
        let Some(blocks) = header.get(ENCRYPTION_HEADER_BYTES..end) else {
            let what = "EFS raw form: number of data blocks";
            let found = format!("{count} in a header of {} bytes", header.len());
            return corrupt(what, at + 26, found, "as many as the header holds");
        };
        let extended = header
            .get(end..end + EXTENDED_HEADER_BYTES)
            .filter(|extended| extended.starts_with(b"EXTD"));
        let new = Self {
            start: u64::from(u32_at(header, 0)) | u64::from(u32_at(header, 4)) << 32,
            size_bytes: u32_at(header, 12),
            valid_bytes: u32_at(header, 16),
            unit_shift: header.get(22).copied().unwrap_or(0),
            cluster_shift: header.get(24).copied().unwrap_or(0),
            blocks: blocks.chunks_exact(4).map(|size| u32_at(size, 0)).collect(),
            sparse: extended.is_some_and(|extended| u32_at(extended, 8) & EXTENDED_SPARSE != 0),
        };
        new.check(at, data_bytes)?;
        Ok(new)
    }

    fn check(&self, at: u64, data_bytes: u64) -> Result<()> {
        if !self.start.is_multiple_of(SECTOR_BYTES) || self.start > u64::MAX >> 2 {
            let what = "EFS raw form: starting file offset";
            return corrupt(what, at, self.start, "a multiple of 512 below 2^62");
        }
        if self.valid_bytes > self.size_bytes {
            let what = "EFS raw form: bytes within the valid data length";
            let expected = "at most those within the stream size";
            return corrupt(what, at + 16, self.valid_bytes, expected);
        }
        if !(9..=MAX_UNIT_SHIFT).contains(&self.unit_shift) {
            let what = "EFS raw form: data unit shift";
            return corrupt(what, at + 22, self.unit_shift, "9 to 40");
        }
        let sum: u64 = self.blocks.iter().map(|&size| u64::from(size)).sum();
        if sum != data_bytes {
            let what = "EFS raw form: data block sizes";
            let found = format!("{sum} bytes in all, for {data_bytes} bytes of data");
            return corrupt(what, at + 28, found, "what the segment holds");
        }
        let covered = (self.blocks.len() as u64) << self.unit_shift;
        let one = self.blocks.len() == 1;
        if covered < self.size_bytes.into() && !(one && sum >= self.size_bytes.into()) {
            let what = "EFS raw form: bytes within the stream size";
            let found = format!("{} with data units of {covered} bytes in all", self.size_bytes);
            return corrupt(what, at + 12, found, "at most the data units");
        }
        let size_end = self.start + whole_sectors(self.size_bytes.into());
        for (index, &block) in self.blocks.iter().enumerate() {
            let (block, place) = (u64::from(block), at + 28 + 4 * index as u64);
            let from = self.block_start(index);
            let fits = one || block <= 1 << self.unit_shift;
            if !fits || !block.is_multiple_of(SECTOR_BYTES) || (block > 0 && from + block > size_end) {
                let what = "EFS raw form: data block size";
                let expected = "sectors of 512 bytes within the data unit and the stream size";
                return corrupt(what, place, block, expected);
            }
        }
        Ok(())
    }

    /// First byte of a block in the stream.
    pub(super) fn block_start(&self, index: usize) -> u64 {
        self.start + ((index as u64) << self.unit_shift)
    }

    /// The header, its own length included.
    pub(super) fn encode(&self) -> Vec<u8> {
        let extended = if self.sparse { EXTENDED_HEADER_BYTES } else { 0 };
        let length = ENCRYPTION_HEADER_BYTES + 4 * self.blocks.len() + extended;
        let mut out = Vec::with_capacity(length);
        out.extend(self.start.to_le_bytes());
        out.extend((length as u32).to_le_bytes());
        out.extend(self.size_bytes.to_le_bytes());
        out.extend(self.valid_bytes.to_le_bytes());
        out.extend(0u16.to_le_bytes());
        out.extend([self.unit_shift, self.unit_shift, self.cluster_shift, 1]);
        out.extend((self.blocks.len() as u16).to_le_bytes());
        self.blocks.iter().for_each(|size| out.extend(size.to_le_bytes()));
        if self.sparse {
            out.extend(b"EXTD");
            out.extend((EXTENDED_HEADER_BYTES as u32).to_le_bytes());
            out.extend(EXTENDED_SPARSE.to_le_bytes());
            out.extend(0u32.to_le_bytes());
        }
        out
    }
}

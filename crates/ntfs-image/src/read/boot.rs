//! The boot sector: geometry and the place of the MFT.

use super::bytes::{slice, u8_at, u16_at, u32_at, u64_at};
use crate::{Error, Result};

/// Geometry of a volume, as its boot sector states it.
///
/// # Source
/// Boot sectors written by Windows 10 build 19041 and by mkntfs 2022.10.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BootSector {
    /// Byte offset on the volume this was read from (0, or the backup's).
    pub at: u64,
    /// Bytes per sector.
    pub sector_bytes: u32,
    /// Bytes per cluster.
    pub cluster_bytes: u32,
    /// Sectors of the volume; the backup boot sector follows the last one.
    pub total_sectors: u64,
    /// Cluster of the first MFT record.
    pub mft_lcn: u64,
    /// Cluster of the MFT mirror.
    pub mft_mirror_lcn: u64,
    /// Bytes per MFT record.
    pub record_bytes: u32,
    /// Bytes per index block.
    pub index_block_bytes: u32,
    /// LBA of the volume on its disk.
    pub hidden_sectors: u32,
    /// Volume serial number.
    pub serial: u64,
}

impl BootSector {
    /// Reads the fields out of the first 512 bytes of a boot sector found at byte `at`.
    ///
    /// # Errors
    /// `Corrupt` for a field out of range, `Truncated` for fewer than 512 bytes.
    pub fn parse(bytes: &[u8], at: u64) -> Result<Self> {
        let have = bytes.len() as u64;
        Self::fields(bytes, at).unwrap_or(Err(Error::Truncated {
            what: "boot sector",
            at,
            need: 512,
            have,
        }))
    }

    fn fields(bytes: &[u8], at: u64) -> Option<Result<Self>> {
        let bad = |what, field: u64, found: String, expected| {
            Some(Err(Error::Corrupt {
                what,
                at: at.saturating_add(field),
                found,
                expected,
            }))
        };
        slice(bytes, 0, 512)?;
        let oem = slice(bytes, 3, 8)?;
        if oem != b"NTFS    " {
            return bad("boot sector signature", 3, format!("{oem:02x?}"), "\"NTFS    \"");
        }
        let sector_bytes = u32::from(u16_at(bytes, 0x0b)?);
        if !sector_bytes.is_power_of_two() || !(512..=4096).contains(&sector_bytes) {
            return bad(
                "bytes per sector",
                0x0b,
                sector_bytes.to_string(),
                "512, 1024, 2048 or 4096",
            );
        }
        let raw = u8_at(bytes, 0x0d)?;
        let sectors_per_cluster = match raw {
            1..=0x80 if raw.is_power_of_two() => u32::from(raw),
            0xf4..=0xff => 1 << (256 - u32::from(raw)),
            _ => return bad("sectors per cluster", 0x0d, format!("{raw:#x}"), "a power of two"),
        };
        let cluster_bytes = sector_bytes * sectors_per_cluster;
        if cluster_bytes > 2 << 20 {
            return bad(
                "bytes per cluster",
                0x0d,
                cluster_bytes.to_string(),
                "at most 2 MiB",
            );
        }
        let total_sectors = u64_at(bytes, 0x28)?;
        let clusters = total_sectors / u64::from(sectors_per_cluster);
        if clusters == 0 || total_sectors >= u64::MAX / 8192 {
            return bad(
                "total sectors",
                0x28,
                total_sectors.to_string(),
                "at least one cluster",
            );
        }
        let mft_lcn = u64_at(bytes, 0x30)?;
        if mft_lcn == 0 || mft_lcn >= clusters {
            return bad(
                "MFT cluster",
                0x30,
                mft_lcn.to_string(),
                "a cluster of the volume",
            );
        }
        let mft_mirror_lcn = u64_at(bytes, 0x38)?;
        let Some(record_bytes) = unit_bytes(u8_at(bytes, 0x40)?, cluster_bytes) else {
            return bad(
                "MFT record size",
                0x40,
                format!("{:#x}", bytes[0x40]),
                "512 to 65536 bytes",
            );
        };
        let Some(index_block_bytes) = unit_bytes(u8_at(bytes, 0x44)?, cluster_bytes) else {
            return bad(
                "index block size",
                0x44,
                format!("{:#x}", bytes[0x44]),
                "512 to 65536 bytes",
            );
        };
        Some(Ok(Self {
            at,
            sector_bytes,
            cluster_bytes,
            total_sectors,
            mft_lcn,
            mft_mirror_lcn,
            record_bytes,
            index_block_bytes,
            hidden_sectors: u32_at(bytes, 0x1c)?,
            serial: u64_at(bytes, 0x48)?,
        }))
    }

    /// Whole clusters of the volume.
    #[must_use]
    pub fn cluster_count(&self) -> u64 {
        self.total_sectors / u64::from(self.cluster_bytes / self.sector_bytes)
    }

    /// Byte offset of a cluster; saturates far past any volume.
    #[must_use]
    pub fn cluster_offset(&self, lcn: u64) -> u64 {
        lcn.saturating_mul(u64::from(self.cluster_bytes))
    }

    /// Byte offset of the backup boot sector.
    #[must_use]
    pub fn backup_offset(&self) -> u64 {
        self.total_sectors.saturating_mul(u64::from(self.sector_bytes))
    }

    /// Bytes that one VCN of an index allocation stands for: a cluster, or 512 bytes when blocks are
    /// smaller than clusters.
    #[must_use]
    pub fn index_vcn_bytes(&self, block_bytes: u32) -> u32 {
        if self.cluster_bytes <= block_bytes {
            self.cluster_bytes
        } else {
            512
        }
    }
}

/// A record or block size: clusters when positive, a negative power of two otherwise.
fn unit_bytes(raw: u8, cluster_bytes: u32) -> Option<u32> {
    let signed = i8::from_le_bytes([raw]);
    let bytes = if signed > 0 {
        u32::try_from(signed).ok()?.checked_mul(cluster_bytes)?
    } else {
        1u32.checked_shl(u32::from(signed.unsigned_abs()))?
    };
    (bytes.is_power_of_two() && (512..=65536).contains(&bytes)).then_some(bytes)
}

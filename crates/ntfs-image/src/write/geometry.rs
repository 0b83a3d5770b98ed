//! Sizes of a volume, and the boot sector.

use std::ops::Range;

use super::BuildError;
use super::bytes::{put_u16, put_u32, put_u64};
use crate::layout::{BOOT_FILE_BYTES, BOOT_OEM_ID, INDEX_BLOCK_BYTES};
use crate::spec::VolumeSpec;

/// Smallest and largest volume.
const SIZE_RANGE: (u64, u64) = (32 << 20, 2 << 40);
/// Most clusters a volume can have.
const MAX_CLUSTERS: u64 = 0xFFFF_FFFF;

/// Sizes of a volume.
#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    pub(super) sector: u64,
    pub(super) cluster: u64,
    pub(super) record_bytes: usize,
    /// Sectors of the volume; the backup boot sector follows them.
    pub(super) total_sectors: u64,
    pub(super) clusters: u64,
}

impl Geometry {
    pub(super) fn new(spec: &VolumeSpec) -> Result<Self, BuildError> {
        let invalid = |what, value, rule| Err(BuildError::Invalid { what, value, rule });
        let sector = u64::from(spec.sector_bytes);
        let cluster = u64::from(spec.cluster_bytes);
        if sector != 512 && sector != 4096 {
            return invalid("sector size", sector, "512 or 4096");
        }
        if !(512..=65536).contains(&cluster) || !cluster.is_power_of_two() || cluster < sector {
            return invalid(
                "cluster size",
                cluster,
                "a power of two from 512 (and one sector) to 65536",
            );
        }
        let record = u64::from(spec.mft_record_bytes);
        if !(record == 4096 || record == 1024 && sector == 512) {
            return invalid(
                "MFT record size",
                record,
                "1024 or 4096, with 4096-byte sectors 4096",
            );
        }
        if !(SIZE_RANGE.0..=SIZE_RANGE.1).contains(&spec.size_bytes) {
            return invalid("volume size", spec.size_bytes, "32 MiB to 2 TiB");
        }
        if !spec.size_bytes.is_multiple_of(sector) {
            return invalid("volume size", spec.size_bytes, "a multiple of the sector size");
        }
        let total_sectors = spec.size_bytes / sector - 1;
        let clusters = total_sectors / (cluster / sector);
        if clusters > MAX_CLUSTERS {
            return invalid(
                "number of clusters",
                clusters,
                "at most 2^32 - 1: larger clusters are needed",
            );
        }
        if spec.label.len() > 32 {
            return invalid(
                "label length",
                spec.label.len() as u64,
                "at most 32 UTF-16 code units",
            );
        }
        let geometry = Self {
            sector,
            cluster,
            record_bytes: record as usize,
            total_sectors,
            clusters,
        };
        for range in &spec.keep_free {
            geometry.check_range("range to be kept free", range)?;
        }
        Ok(geometry)
    }

    /// Refuses a range of clusters that is not on the volume or overlaps `$Boot`.
    pub(super) fn check_range(&self, what: &'static str, range: &Range<u64>) -> Result<(), BuildError> {
        if range.start > range.end || range.end > self.clusters {
            return Err(BuildError::Invalid {
                what,
                value: range.end,
                rule: "within the volume",
            });
        }
        if !range.is_empty() && range.start < self.boot_clusters() {
            return Err(BuildError::Invalid {
                what,
                value: range.start,
                rule: "after the clusters of $Boot",
            });
        }
        Ok(())
    }

    /// Clusters of `$Boot`.
    pub(super) fn boot_clusters(&self) -> u64 {
        self.clusters_for(BOOT_FILE_BYTES)
    }

    /// Clusters for a number of bytes.
    pub(super) fn clusters_for(&self, bytes: u64) -> u64 {
        bytes.div_ceil(self.cluster)
    }

    /// Offset of the backup boot sector.
    pub(super) fn backup_boot_at(&self) -> u64 {
        self.total_sectors * self.sector
    }

    /// Size of `$LogFile`: about 1/640 of the volume, 2 to 64 MiB, as Windows sizes it.
    pub(super) fn log_file_bytes(&self) -> u64 {
        let size = self.total_sectors * self.sector / 640;
        size.clamp(2 << 20, 64 << 20)
            .next_multiple_of(4096.max(self.cluster))
    }

    /// Size of `$Bitmap`.
    pub(super) fn bitmap_bytes(&self) -> u64 {
        self.clusters.div_ceil(64) * 8
    }

    /// Exponent of the unit in which sparse files have holes: 16 clusters, up to the cluster size that NTFS
    /// compresses; one cluster beyond.
    pub(super) fn sparse_unit(&self) -> u16 {
        if self.cluster <= 4096 { 4 } else { 0 }
    }
}

/// Parts of the boot sector that are known when everything else is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Boot {
    pub(super) mft_lcn: u64,
    pub(super) mirror_lcn: u64,
    pub(super) hidden_sectors: u32,
    pub(super) serial: u64,
}

/// A count of clusters, or the negative exponent of a size below one cluster.
fn clusters_or_exponent(bytes: u64, cluster: u64) -> u8 {
    if bytes >= cluster {
        u8::try_from(bytes / cluster).unwrap_or(u8::MAX)
    } else {
        0u8.wrapping_sub(u8::try_from(bytes.trailing_zeros()).unwrap_or(0))
    }
}

/// Encodes the boot sector. Its code stops the processor: a volume made here starts through UEFI, and the
/// code that Windows puts there is not free.
pub(super) fn encode_boot(geometry: &Geometry, boot: &Boot) -> Vec<u8> {
    let mut out = vec![0; usize::try_from(geometry.sector).unwrap_or(512)];
    out[..3].copy_from_slice(&[0xEB, 0x52, 0x90]);
    out[3..11].copy_from_slice(BOOT_OEM_ID);
    put_u16(&mut out, 0x0B, u16::try_from(geometry.sector).unwrap_or(512));
    out[0x0D] = u8::try_from(geometry.cluster / geometry.sector).unwrap_or(128);
    out[0x15] = 0xF8;
    put_u16(&mut out, 0x18, 63);
    put_u16(&mut out, 0x1A, 255);
    put_u32(&mut out, 0x1C, boot.hidden_sectors);
    out[0x24] = 0x80;
    put_u64(&mut out, 0x28, geometry.total_sectors);
    put_u64(&mut out, 0x30, boot.mft_lcn);
    put_u64(&mut out, 0x38, boot.mirror_lcn);
    out[0x40] = clusters_or_exponent(geometry.record_bytes as u64, geometry.cluster);
    out[0x44] = clusters_or_exponent(INDEX_BLOCK_BYTES as u64, geometry.cluster);
    put_u64(&mut out, 0x48, boot.serial);
    // cli; hlt; jmp to the hlt.
    out[0x54..0x58].copy_from_slice(&[0xFA, 0xF4, 0xEB, 0xFD]);
    out[0x1FE..0x200].copy_from_slice(&[0x55, 0xAA]);
    out
}

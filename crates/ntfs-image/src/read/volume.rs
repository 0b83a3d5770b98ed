//! An open volume: the boot sector, and where the MFT lies.

use std::io::{Read, Seek};

use super::attribute::{RawAttribute, RawForm};
use super::attribute_list;
use super::boot::BootSector;
use super::device::Device;
use super::file::NonResident;
use super::mft::Window;
use super::record::Record;
use super::runs;
use super::security::SecurityIndex;
use crate::layout::attribute;
use crate::{Error, Limits, Result};

/// An NTFS volume, open for reading.
#[derive(Debug)]
pub struct Volume<R> {
    pub(crate) device: Device<R>,
    pub(crate) boot: BootSector,
    pub(crate) limits: Limits,
    /// `$DATA` of `$MFT`.
    pub(crate) mft: NonResident,
    pub(crate) upcase: Option<Vec<u16>>,
    pub(crate) security: Option<SecurityIndex>,
    pub(super) window: Window,
}
impl<R: Read + Seek> Volume<R> {
    /// Opens a volume: the boot sector (or its backup), then the MFT (or its mirror).
    ///
    /// # Errors
    /// `Corrupt` or `Truncated` when neither boot sector, or neither first record, can be used; `Limit`;
    /// `Io`.
    pub fn open(source: R, limits: &Limits) -> Result<Self> {
        let mut device = Device::new(source)?;
        let boot = read_boot(&mut device)?;
        Self::with_boot(device, boot, limits)
    }

    pub(crate) fn with_boot(device: Device<R>, boot: BootSector, limits: &Limits) -> Result<Self> {
        let mut volume = Self {
            device,
            boot,
            limits: *limits,
            mft: NonResident::default(),
            upcase: None,
            security: None,
            window: Window::default(),
        };
        let primary = volume.read_record_at(0, boot.cluster_offset(boot.mft_lcn));
        let base = match primary {
            Ok(base) => base,
            Err(error) => volume
                .read_record_at(0, boot.cluster_offset(boot.mft_mirror_lcn))
                .map_err(|_| error)?,
        };
        volume.bootstrap_mft(&base)?;
        Ok(volume)
    }

    /// Finds the runs of the MFT: extension records of `$MFT` lie in parts of it that are already known.
    fn bootstrap_mft(&mut self, base: &Record) -> Result<()> {
        let mut list = None;
        for found in base.attributes() {
            let found = found.map_err(|bad| base.attribute_error(bad))?;
            match (&found.form, found.type_code) {
                (RawForm::NonResident(_), attribute::DATA) if found.name.is_empty() => {
                    self.mft = self.first_extent(&found, base.at)?;
                }
                (_, attribute::ATTRIBUTE_LIST) => list = Some(self.load_list(&found, base.at)?),
                _ => {}
            }
        }
        let size = self.mft.size_bytes;
        if size < u64::from(self.boot.record_bytes) * 16 || self.mft.runs.is_empty() {
            return Err(Error::Corrupt {
                what: "$MFT",
                at: base.at,
                found: format!("{size} bytes in {} runs", self.mft.runs.len()),
                expected: "at least 16 records",
            });
        }
        for entry in list
            .map(|bytes| attribute_list::parse(&bytes).0)
            .unwrap_or_default()
        {
            let more = entry.type_code == attribute::DATA && entry.name.is_empty() && entry.lowest_vcn != 0;
            if !more {
                continue;
            }
            let holder = self.record(entry.record.record)?;
            let mut extents = Vec::new();
            for found in holder.attributes().filter_map(std::result::Result::ok) {
                if found.type_code == attribute::DATA && found.name.is_empty() {
                    extents.push(found);
                }
            }
            for found in &extents {
                self.append_extent_to_mft(found, holder.at)?;
            }
        }
        Ok(())
    }

    fn append_extent_to_mft(&mut self, found: &RawAttribute<'_>, at: u64) -> Result<()> {
        if let RawForm::NonResident(extent) = &found.form {
            let next = self.mft.runs.last().map_or(0, |run| run.vcns().end);
            if extent.lowest_vcn == next {
                let left = self.limits.max_runs.saturating_sub(self.mft.runs.len());
                let at = at.saturating_add((found.at + extent.mapping_at) as u64);
                self.mft
                    .runs
                    .extend(runs::decode(extent.mapping, next, left, at)?.0);
            }
        }
        Ok(())
    }

    /// Geometry.
    #[must_use]
    pub fn boot(&self) -> &BootSector {
        &self.boot
    }
    /// Gives the source back.
    #[must_use]
    pub fn into_inner(self) -> R {
        self.device.into_inner()
    }
}

/// The boot sector, or the backup after the last sector of the volume.
fn read_boot<R: Read + Seek>(device: &mut Device<R>) -> Result<BootSector> {
    read_boot_at(device, 0).or_else(|error| backup_boot(device).ok_or(error))
}

/// The backup boot sector: the last sector of what holds the volume, whatever its size.
pub(crate) fn backup_boot<R: Read + Seek>(device: &mut Device<R>) -> Option<BootSector> {
    for sector_bytes in [512, 4096, 1024, 2048] {
        if let Some(at) = device.len().checked_sub(sector_bytes)
            && let Ok(boot) = read_boot_at(device, at)
            && boot.backup_offset() == at
        {
            return Some(boot);
        }
    }
    None
}

fn read_boot_at<R: Read + Seek>(device: &mut Device<R>, at: u64) -> Result<BootSector> {
    let mut bytes = [0; 512];
    device.read_at(at, &mut bytes, "boot sector")?;
    BootSector::parse(&bytes, at)
}

//! A block device as plain data.

use std::path::PathBuf;

use serde::Serialize;

use super::parse::DeviceNumber;

/// What kind of block device it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    /// A whole disk.
    Disk,
    /// A loop device over a file.
    Loop,
    /// A part of a disk.
    Partition,
    /// Anything else: device mapper, RAID, RAM disk, optical drive.
    Other,
}

/// How a disk is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// USB, whatever lies behind the bridge.
    Usb,
    /// A card in a slot (SD).
    SdCard,
    /// Soldered flash (eMMC).
    Emmc,
    /// NVMe.
    Nvme,
    /// SATA or IDE.
    Ata,
    /// Virtio.
    Virtio,
    /// A loop device.
    Loop,
    /// Nothing of these.
    Other,
}

impl Transport {
    /// Whether disks on this bus are part of the computer, whatever their removable flag says.
    #[must_use]
    pub fn is_internal(self) -> bool {
        matches!(self, Self::Emmc | Self::Nvme | Self::Ata)
    }

    /// Whether disks on this bus can be taken out, whatever their removable flag says.
    #[must_use]
    pub fn is_external(self) -> bool {
        matches!(self, Self::Usb | Self::SdCard)
    }
}

/// A place where the device, or something built on it, is mounted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mount {
    /// Name of the device that is mounted: the disk, a partition, or a holder.
    pub device: String,
    /// Where.
    pub mount_point: String,
}

/// A block device and everything that is built on it. Strings that come from firmware are made
/// [`printable`](super::printable).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Device {
    /// Kernel name: `sdb`.
    pub name: String,
    /// Device node: `/dev/sdb`.
    pub path: PathBuf,
    /// Major and minor number.
    pub number: DeviceNumber,
    /// Disk, loop device, partition, other.
    pub kind: DeviceKind,
    /// Names in `/dev/disk/by-id`, sorted.
    pub by_id: Vec<String>,
    /// Vendor and model.
    pub model: Option<String>,
    /// Serial number.
    pub serial: Option<String>,
    /// Size.
    pub size_bytes: u64,
    /// Logical sector.
    pub logical_sector_bytes: u32,
    /// Physical sector.
    pub physical_sector_bytes: u32,
    /// The kernel's flag; many USB SSDs do not set it.
    pub removable: bool,
    /// Bus.
    pub transport: Transport,
    /// Write-protected.
    pub read_only: bool,
    /// Mounts of the device, its partitions, and whatever holds them.
    pub mounts: Vec<Mount>,
    /// Swap on any of them, by name.
    pub swaps: Vec<String>,
    /// What holds the device or a partition: LVM, encryption, RAID, btrfs.
    pub holders: Vec<String>,
    /// Names of its partitions.
    pub partitions: Vec<String>,
    /// The file behind a loop device.
    pub backing_file: Option<PathBuf>,
    /// Number that the kernel gives to each disk it meets and never again.
    pub diskseq: Option<u64>,
    /// Numbers of the device, its partitions and holders.
    #[serde(skip)]
    pub members: Vec<DeviceNumber>,
}

impl Device {
    /// Names by which `--erase` may call it: by-id names and the serial number; a loop device by its file.
    pub fn erase_names(&self) -> impl Iterator<Item = &str> {
        let file = self.backing_file.as_deref().and_then(|p| p.to_str());
        self.by_id
            .iter()
            .map(String::as_str)
            .chain(self.serial.as_deref())
            .chain(file)
    }

    /// Whether a name is one of [`erase_names`](Self::erase_names); a by-id name may carry its folder.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        let bare = name.strip_prefix("/dev/disk/by-id/").unwrap_or(name);
        !bare.is_empty() && self.erase_names().any(|known| known == bare)
    }

    /// Whether both are the same disk, as far as the kernel can tell.
    pub(super) fn is_same_disk(&self, other: &Self) -> bool {
        self.number == other.number
            && self.size_bytes == other.size_bytes
            && self.serial == other.serial
            && self.diskseq == other.diskseq
            && self.backing_file == other.backing_file
    }
}

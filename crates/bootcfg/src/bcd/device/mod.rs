//! Devices: where an object's files lie, as the binary descriptors of BCD device elements.
//!
//! # Source
//! Observed in stores written by Windows 7 to 11 (bcdboot, bcdedit, Setup); field names after the public
//! symbols of ReactOS' `BL_DEVICE_DESCRIPTOR`. Layout of an element's data: the GUID of an options object
//! (or zeros), then a descriptor: `u32 type, u32 flags, u32 size with this header, u32 0, body`.

mod decode;
mod encode;

use serde::Serialize;
use uuid::Uuid;

use super::element_ids;

/// Data of a device element: a device, and for RAM disks the object that holds their options.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeviceElement {
    /// Object of type 0x30000000 with the device's options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<Uuid>,
    /// The device.
    #[serde(flatten)]
    pub device: Device,
}

/// A device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Device {
    /// Whatever the boot manager was loaded from.
    Boot,
    /// A partition of a disk, or of a disk inside a VHD file.
    Partition(Partition),
    /// A whole disk, or a file used as one.
    Local(Local),
    /// The first volume that holds a file.
    Locate(Locate),
    /// A descriptor this crate does not know, kept as it is.
    Unknown {
        /// Type of the descriptor.
        device_type: u32,
        /// Its flags.
        flags: u32,
        /// Its body.
        body: Vec<u8>,
    },
}

/// A partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Partition {
    /// Which partition.
    pub partition: PartitionId,
    /// The disk it is on.
    pub disk: DiskId,
    /// The VHD or VHDX file that holds the disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vhd: Option<Box<Device>>,
}

/// What names a partition of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PartitionId {
    /// GPT: the partition's unique GUID. The boot manager goes by it alone.
    Guid(Uuid),
    /// MBR or no table: where the partition begins on the disk.
    OffsetBytes(u64),
}

/// What names a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DiskId {
    /// GPT: the disk's GUID.
    Guid(Uuid),
    /// MBR: the disk's signature.
    Signature(u32),
    /// No partition table.
    Raw,
}

/// A disk, or a file used as one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "local", rename_all = "snake_case")]
pub enum Local {
    /// A whole disk.
    Disk {
        /// Which one.
        disk: DiskId,
    },
    /// A WIM file, loaded into a RAM disk.
    Ramdisk {
        /// The file.
        file: FilePath,
    },
    /// A file.
    File {
        /// The file.
        file: FilePath,
    },
    /// A disk inside a VHD or VHDX file.
    Vhd {
        /// Which disk; [`DiskId::Guid`] of zeros where any will do.
        disk: DiskId,
        /// The file, a [`Local::File`] device.
        file: Box<Device>,
    },
}

/// A file on a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FilePath {
    /// Where it lies.
    pub parent: Box<Device>,
    /// Its path from the root of that device.
    pub path: String,
}

/// A search over volumes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Locate {
    /// What is searched for.
    pub by: LocateBy,
    /// Where; every volume of the machine when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<Box<Device>>,
}

/// What a [`Locate`] searches for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LocateBy {
    /// The path in this string element of the same object.
    Element(u32),
    /// This path.
    Path(String),
}

impl Device {
    /// The partition `partition` of the GPT disk `disk`.
    #[must_use]
    pub fn gpt_partition(disk: Uuid, partition: Uuid) -> Self {
        Self::Partition(Partition {
            partition: PartitionId::Guid(partition),
            disk: DiskId::Guid(disk),
            vhd: None,
        })
    }

    /// The partition that begins `offset_bytes` into the MBR disk with this signature.
    #[must_use]
    pub fn mbr_partition(disk_signature: u32, offset_bytes: u64) -> Self {
        Self::Partition(Partition {
            partition: PartitionId::OffsetBytes(offset_bytes),
            disk: DiskId::Signature(disk_signature),
            vhd: None,
        })
    }

    /// The first volume that holds the file named by a string element of the same object.
    #[must_use]
    pub fn locate_element(element: u32) -> Self {
        Self::Locate(Locate {
            by: LocateBy::Element(element),
            parent: None,
        })
    }

    /// The first volume that holds this path.
    #[must_use]
    pub fn locate_path(path: &str) -> Self {
        Self::Locate(Locate {
            by: LocateBy::Path(path.to_owned()),
            parent: None,
        })
    }

    /// The file `path` on `parent`.
    #[must_use]
    pub fn file(parent: Self, path: &str) -> Self {
        Self::Local(Local::File {
            file: FilePath {
                parent: Box::new(parent),
                path: path.to_owned(),
            },
        })
    }

    /// What `bcdedit /set … vhd=[parent]path` writes: the volume inside the VHD(X) file that holds the path in
    /// `element`. Nothing inside the file needs to be known.
    #[must_use]
    pub fn vhd(parent: Self, path: &str, element: u32) -> Self {
        Self::Locate(Locate {
            by: LocateBy::Element(element),
            parent: Some(Box::new(Self::Local(Local::Vhd {
                disk: DiskId::Guid(Uuid::nil()),
                file: Box::new(Self::file(parent, path)),
            }))),
        })
    }

    /// The devices this one is inside of, nearest first, itself excluded.
    pub fn parents(&self) -> impl Iterator<Item = &Self> {
        let mut device = self.parent();
        std::iter::from_fn(move || {
            let this = device?;
            device = this.parent();
            Some(this)
        })
    }

    fn parent(&self) -> Option<&Self> {
        match self {
            Self::Partition(partition) => partition.vhd.as_deref(),
            Self::Local(Local::Ramdisk { file } | Local::File { file }) => Some(&file.parent),
            Self::Local(Local::Vhd { file, .. }) => Some(file),
            Self::Locate(locate) => locate.parent.as_deref(),
            Self::Boot | Self::Local(Local::Disk { .. }) | Self::Unknown { .. } => None,
        }
    }
}

impl From<Device> for DeviceElement {
    fn from(device: Device) -> Self {
        Self {
            options: None,
            device,
        }
    }
}

/// As bcdedit shows devices, with the ids where bcdedit shows a drive letter.
impl std::fmt::Display for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Boot => write!(f, "boot"),
            Self::Partition(partition) => {
                match partition.partition {
                    PartitionId::Guid(guid) => write!(f, "partition={guid}")?,
                    PartitionId::OffsetBytes(offset) => write!(f, "partition=offset {offset:#x}")?,
                }
                write!(f, " on {}", partition.disk)?;
                match &partition.vhd {
                    Some(vhd) => write!(f, " in {vhd}"),
                    None => Ok(()),
                }
            }
            Self::Local(Local::Disk { disk }) => write!(f, "{disk}"),
            Self::Local(Local::Ramdisk { file }) => write!(f, "ramdisk=[{}]{}", file.parent, file.path),
            Self::Local(Local::File { file }) => write!(f, "file=[{}]{}", file.parent, file.path),
            Self::Local(Local::Vhd { file, .. }) => write!(f, "vhd={file}"),
            Self::Locate(locate) => {
                match &locate.by {
                    LocateBy::Element(element) => {
                        write!(f, "locate={}", element_ids::name_or_hex(*element))?;
                    }
                    LocateBy::Path(path) => write!(f, "locate={path}")?,
                }
                match &locate.parent {
                    Some(parent) => write!(f, " in {parent}"),
                    None => Ok(()),
                }
            }
            Self::Unknown {
                device_type, body, ..
            } => {
                write!(f, "unknown type {device_type} ({} bytes)", body.len())
            }
        }
    }
}

impl std::fmt::Display for DiskId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Guid(guid) => write!(f, "disk {guid}"),
            Self::Signature(signature) => write!(f, "disk {signature:#010x}"),
            Self::Raw => write!(f, "raw disk"),
        }
    }
}

//! From a device to its bytes.

use uuid::Uuid;

use super::{Device, DeviceElement, DiskId, FilePath, Local, Locate, LocateBy, Partition, PartitionId};

impl DeviceElement {
    /// The data of the registry value.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = self.options.unwrap_or(Uuid::nil()).to_bytes_le().to_vec();
        bytes.extend(self.device.encode());
        bytes
    }
}

impl Device {
    /// The descriptor, header included.
    pub(super) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Boot => descriptor(5, 0, &[0; 56]),
            Self::Partition(partition) => descriptor(6, 0, &partition.encode()),
            Self::Local(local) => {
                let flags = u32::from(matches!(local, Local::Ramdisk { .. }));
                descriptor(0, flags, &local.encode())
            }
            Self::Locate(locate) => descriptor(8, 0, &locate.encode()),
            Self::Unknown {
                device_type,
                flags,
                body,
            } => descriptor(*device_type, *flags, body),
        }
    }
}

fn descriptor(device_type: u32, flags: u32, body: &[u8]) -> Vec<u8> {
    // A longer body than 4 GiB cannot be built; the size would be refused by every reader.
    let size = u32::try_from(body.len() + 16).unwrap_or(u32::MAX);
    let mut bytes = words(&[device_type, flags, size, 0]);
    bytes.extend(body);
    bytes
}

impl Partition {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = match self.partition {
            PartitionId::Guid(guid) => guid.to_bytes_le().to_vec(),
            PartitionId::OffsetBytes(offset) => {
                let mut field = offset.to_le_bytes().to_vec();
                field.extend([0; 8]);
                field
            }
        };
        bytes.extend(match &self.vhd {
            None => disk(0, self.disk, &[0; 16]),
            Some(file) => disk(6, self.disk, &file.encode()),
        });
        bytes
    }
}

impl Local {
    fn encode(&self) -> Vec<u8> {
        match self {
            Self::Disk { disk: id } => disk(0, *id, &[0; 16]),
            Self::Vhd { disk: id, file } => disk(6, *id, &file.encode()),
            Self::File { file } => {
                let mut bytes = words(&[5]);
                bytes.extend(file.encode());
                bytes
            }
            Self::Ramdisk { file } => {
                // Kind, base (64-bit), size (64-bit), offset: the boot manager fills them in.
                let mut bytes = words(&[3, 0, 0, 0, 0, 0]);
                bytes.extend(file.encode());
                bytes
            }
        }
    }
}

/// The disk record: kind, partition table, id, and what follows.
fn disk(kind: u32, id: DiskId, rest: &[u8]) -> Vec<u8> {
    let (style, id) = match id {
        DiskId::Guid(guid) => (0, guid.to_bytes_le()),
        DiskId::Signature(signature) => {
            let mut field = [0; 16];
            field[..4].copy_from_slice(&signature.to_le_bytes());
            (1, field)
        }
        DiskId::Raw => (2, [0; 16]),
    };
    let mut bytes = words(&[kind, style]);
    bytes.extend(id);
    bytes.extend(rest);
    bytes
}

impl FilePath {
    fn encode(&self) -> Vec<u8> {
        let mut rest = self.parent.encode();
        rest.extend(utf16_nul(&self.path));
        let length = u32::try_from(rest.len() + 12).unwrap_or(u32::MAX);
        let mut bytes = words(&[1, length, 5]);
        bytes.extend(rest);
        bytes
    }
}

impl Locate {
    fn encode(&self) -> Vec<u8> {
        let (by, element, path) = match &self.by {
            LocateBy::Element(element) => (0, *element, ""),
            LocateBy::Path(path) => (1, 0, path.as_str()),
        };
        let path = utf16_nul(path);
        let parent = self.parent.as_ref().map(|parent| parent.encode());
        let parent_offset = match &parent {
            Some(_) => u32::try_from(16 + 12 + path.len()).unwrap_or(u32::MAX),
            None => 0,
        };
        let mut bytes = words(&[by, element, parent_offset]);
        bytes.extend(path);
        bytes.extend(parent.unwrap_or_default());
        bytes
    }
}

fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn utf16_nul(text: &str) -> Vec<u8> {
    text.encode_utf16()
        .chain([0])
        .flat_map(u16::to_le_bytes)
        .collect()
}

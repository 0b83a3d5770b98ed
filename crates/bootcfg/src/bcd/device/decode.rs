//! From bytes to a device. What does not encode to the same bytes again is kept as unknown.

use uuid::Uuid;

use super::{Device, DeviceElement, DiskId, FilePath, Local, Locate, LocateBy, Partition, PartitionId};

/// Deepest nesting of devices; Windows makes four (locate, VHD, file, volume).
const MAX_DEPTH: u32 = 8;

impl DeviceElement {
    /// Decodes the data of the registry value. `None` when it is no device at all: too short, or a length
    /// other than 16 plus the descriptor's size, which the boot manager refuses (0xc0000024).
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (options, rest) = guid(bytes)?;
        let device = Device::decode(rest, 0)?;
        let element = Self {
            options: (!options.is_nil()).then_some(options),
            device,
        };
        (element.encode() == bytes).then_some(element)
    }
}

impl Device {
    /// Decodes a descriptor that fills `bytes`.
    fn decode(bytes: &[u8], depth: u32) -> Option<Self> {
        let (device_type, rest) = word(bytes)?;
        let (flags, rest) = word(rest)?;
        let (size, rest) = word(rest)?;
        let (zero, body) = word(rest)?;
        if size as usize != bytes.len() || zero != 0 || depth >= MAX_DEPTH {
            return None;
        }
        let known = match device_type {
            0 => Local::decode(body, depth).map(Self::Local),
            5 => Some(Self::Boot),
            6 => Partition::decode(body, depth).map(Self::Partition),
            8 => Locate::decode(body, depth).map(Self::Locate),
            _ => None,
        };
        known.filter(|device| device.encode() == bytes).or_else(|| {
            Some(Self::Unknown {
                device_type,
                flags,
                body: body.to_vec(),
            })
        })
    }

    /// Decodes a descriptor at the start of `bytes`; returns what follows it.
    fn decode_prefix(bytes: &[u8], depth: u32) -> Option<(Self, &[u8])> {
        let (size, _) = word(bytes.get(8..)?)?;
        let (own, rest) = bytes.split_at_checked(size as usize)?;
        Some((Self::decode(own, depth)?, rest))
    }
}

impl Partition {
    fn decode(body: &[u8], depth: u32) -> Option<Self> {
        let (guid, rest) = guid(body)?;
        let (kind, disk, rest) = disk(rest)?;
        let partition = match disk {
            DiskId::Guid(_) => PartitionId::Guid(guid),
            DiskId::Signature(_) | DiskId::Raw => {
                PartitionId::OffsetBytes(u64::from_le_bytes(*body.first_chunk()?))
            }
        };
        let vhd = match kind {
            0 => None,
            6 => Some(Box::new(Device::decode(rest, depth + 1)?)),
            _ => return None,
        };
        Some(Self { partition, disk, vhd })
    }
}

impl Local {
    fn decode(body: &[u8], depth: u32) -> Option<Self> {
        let (kind, rest) = word(body)?;
        match kind {
            0 => Some(Self::Disk { disk: disk(body)?.1 }),
            3 => Some(Self::Ramdisk {
                file: FilePath::decode(rest.get(20..)?, depth)?,
            }),
            5 => Some(Self::File {
                file: FilePath::decode(rest, depth)?,
            }),
            6 => {
                let (_, disk, rest) = disk(body)?;
                let file = Box::new(Device::decode(rest, depth + 1)?);
                Some(Self::Vhd { disk, file })
            }
            _ => None,
        }
    }
}

fn disk(bytes: &[u8]) -> Option<(u32, DiskId, &[u8])> {
    let (kind, rest) = word(bytes)?;
    let (style, rest) = word(rest)?;
    let (id, after) = guid(rest)?;
    let disk = match style {
        0 => DiskId::Guid(id),
        1 => DiskId::Signature(word(rest)?.0),
        2 => DiskId::Raw,
        _ => return None,
    };
    Some((kind, disk, after))
}

impl FilePath {
    fn decode(bytes: &[u8], depth: u32) -> Option<Self> {
        let (parent, rest) = Device::decode_prefix(bytes.get(12..)?, depth + 1)?;
        let (path, _) = text(rest)?;
        Some(Self {
            parent: Box::new(parent),
            path,
        })
    }
}

impl Locate {
    fn decode(body: &[u8], depth: u32) -> Option<Self> {
        let (by, rest) = word(body)?;
        let (element, rest) = word(rest)?;
        let (parent_offset, rest) = word(rest)?;
        let (path, rest) = text(rest)?;
        let by = match by {
            0 => LocateBy::Element(element),
            1 => LocateBy::Path(path),
            _ => return None,
        };
        let parent = match parent_offset {
            0 => None,
            _ => Some(Box::new(Device::decode(rest, depth + 1)?)),
        };
        Some(Self { by, parent })
    }
}

fn word(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (field, rest) = bytes.split_first_chunk()?;
    Some((u32::from_le_bytes(*field), rest))
}

fn guid(bytes: &[u8]) -> Option<(Uuid, &[u8])> {
    let (field, rest) = bytes.split_first_chunk()?;
    Some((Uuid::from_bytes_le(*field), rest))
}

/// UTF-16 text up to its NUL, and what follows.
fn text(bytes: &[u8]) -> Option<(String, &[u8])> {
    let (units, _) = bytes.as_chunks::<2>();
    let end = units.iter().position(|unit| *unit == [0, 0])?;
    let units: Vec<u16> = units
        .get(..end)?
        .iter()
        .map(|&unit| u16::from_le_bytes(unit))
        .collect();
    Some((String::from_utf16(&units).ok()?, bytes.get(2 * end + 2..)?))
}

//! Other ids for disks and partitions, as after cloning a disk.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::device::{Device, DiskId, Local, PartitionId};
use super::element::Element;
use super::store::Store;

/// Old ids and what takes their place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retarget {
    /// GUIDs of disks and partitions (GPT).
    pub guids: BTreeMap<Uuid, Uuid>,
    /// Signatures of disks (MBR).
    pub signatures: BTreeMap<u32, u32>,
    /// Offsets of partitions in bytes (MBR).
    pub offsets_bytes: BTreeMap<u64, u64>,
}

impl Store {
    /// Replaces ids in every device element, nested devices included. Returns the number of elements changed.
    pub fn retarget(&mut self, ids: &Retarget) -> usize {
        let elements = self
            .objects
            .values_mut()
            .flat_map(|object| object.elements.values_mut());
        elements
            .filter_map(|element| match element {
                Element::Device(element) => Some(&mut element.device),
                _ => None,
            })
            .map(|device| ids.apply(device))
            .filter(|&changed| changed)
            .count()
    }
}

impl Retarget {
    fn apply(&self, device: &mut Device) -> bool {
        let inner = match device {
            Device::Partition(partition) => {
                let mut changed = self.disk(&mut partition.disk);
                changed |= match &mut partition.partition {
                    PartitionId::Guid(guid) => replace(guid, &self.guids),
                    PartitionId::OffsetBytes(offset) => replace(offset, &self.offsets_bytes),
                };
                return changed | partition.vhd.as_mut().is_some_and(|vhd| self.apply(vhd));
            }
            Device::Local(Local::Disk { disk }) => return self.disk(disk),
            Device::Local(Local::Vhd { disk, file }) => {
                let changed = self.disk(disk);
                return changed | self.apply(file);
            }
            Device::Local(Local::Ramdisk { file } | Local::File { file }) => Some(&mut file.parent),
            Device::Locate(locate) => locate.parent.as_mut(),
            Device::Boot | Device::Unknown { .. } => None,
        };
        inner.is_some_and(|inner| self.apply(inner))
    }

    fn disk(&self, disk: &mut DiskId) -> bool {
        match disk {
            DiskId::Guid(guid) => replace(guid, &self.guids),
            DiskId::Signature(signature) => replace(signature, &self.signatures),
            DiskId::Raw => false,
        }
    }
}

fn replace<T: Ord + Copy>(id: &mut T, by: &BTreeMap<T, T>) -> bool {
    match by.get(id) {
        Some(new) if new != id => {
            *id = *new;
            true
        }
        _ => false,
    }
}

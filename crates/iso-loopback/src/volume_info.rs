//! What an image says about itself.

use crate::iso9660::VolumeDescriptor;
use crate::udf::UdfVolume;
use crate::{Timestamp, View};

/// Labels, origin and sizes of a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VolumeInfo {
    /// The view that is open.
    pub view: View,
    /// Every view that the image holds, the most complete first.
    pub views: Vec<View>,
    /// Label of the view that is open.
    pub label: String,
    /// Logical block size of the view that is open.
    pub block_bytes: u32,
    /// Size of the image.
    pub image_bytes: u64,
    /// The ISO 9660 side.
    pub iso9660: Option<Iso9660Info>,
    /// Label of the Joliet side.
    pub joliet_label: Option<String>,
    /// The UDF side, when it is the view that is open.
    pub udf: Option<UdfInfo>,
}

/// Fields of the primary volume descriptor (ECMA-119, 8.4).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Iso9660Info {
    /// Volume identifier.
    pub volume_id: String,
    /// System identifier.
    pub system_id: String,
    /// Volume set identifier.
    pub volume_set_id: String,
    /// Publisher identifier.
    pub publisher: String,
    /// Data preparer identifier.
    pub preparer: String,
    /// Application identifier.
    pub application: String,
    /// Volume creation.
    pub created: Option<Timestamp>,
    /// Volume modification.
    pub modified: Option<Timestamp>,
    /// Size that the volume declares.
    pub volume_bytes: u64,
}

/// Fields of the UDF volume descriptors.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UdfInfo {
    /// Logical volume identifier.
    pub label: String,
    /// Volume set identifier.
    pub volume_set_id: String,
    /// Application that wrote the volume.
    pub application: String,
    /// When the volume was recorded.
    pub recorded: Option<Timestamp>,
    /// Revision, major then minor in decimal digits: (2, 50) is 2.50.
    pub revision: (u8, u8),
    /// Kinds of its partitions: physical, sparable, virtual, metadata.
    pub partitions: Vec<&'static str>,
    /// Whether the volume was closed properly; `None` when it does not say.
    pub closed: Option<bool>,
}

impl From<&VolumeDescriptor> for Iso9660Info {
    fn from(descriptor: &VolumeDescriptor) -> Self {
        Self {
            volume_id: descriptor.volume_id.clone(),
            system_id: descriptor.system_id.clone(),
            volume_set_id: descriptor.volume_set_id.clone(),
            publisher: descriptor.publisher.clone(),
            preparer: descriptor.preparer.clone(),
            application: descriptor.application.clone(),
            created: descriptor.created,
            modified: descriptor.modified,
            volume_bytes: descriptor.volume_bytes(),
        }
    }
}

impl From<&UdfVolume> for UdfInfo {
    fn from(volume: &UdfVolume) -> Self {
        let digits = |bcd: u16| (bcd as u8 >> 4) * 10 + (bcd as u8 & 0x0f);
        Self {
            label: volume.label.clone(),
            volume_set_id: volume.volume_set_id.clone(),
            application: volume.application.clone(),
            recorded: volume.recorded,
            revision: (digits(volume.revision >> 8), digits(volume.revision)),
            partitions: volume.partition_kinds(),
            closed: volume.closed,
        }
    }
}

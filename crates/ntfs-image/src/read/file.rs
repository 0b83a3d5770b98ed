//! A file: the attributes of a base record and of all records that extend it, merged.

use std::sync::Arc;

use super::bytes::u32_at;
use super::file_name::{FileName, StandardInformation};
use super::reference::FileReference;
use super::runs::Run;
use crate::ReparsePoint;
use crate::layout::{attribute, attribute_flag, record_flag};

/// A file, directory or system file.
#[derive(Clone, Debug)]
pub struct File {
    /// Number and sequence.
    pub reference: FileReference,
    /// Byte offset of the base record on the volume.
    pub at: u64,
    /// [`record_flag`](crate::layout::record_flag).
    pub flags: u16,
    /// Link count of the record: `$FILE_NAME` attributes, DOS names included.
    pub link_count: u16,
    /// Attributes, extents merged, in the order of their records.
    pub attributes: Vec<Attribute>,
}

/// One attribute of a file.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// Type code ([`attribute`](crate::layout::attribute)).
    pub type_code: u32,
    /// Name; empty for most.
    pub name: Vec<u16>,
    /// [`attribute_flag`](crate::layout::attribute_flag).
    pub flags: u16,
    /// Record that holds its first extent.
    pub record: u64,
    /// Byte offset of its header on the volume.
    pub at: u64,
    /// Where the value is.
    pub value: Value,
}

/// Where the value of an attribute is.
#[derive(Clone, Debug)]
pub enum Value {
    /// In the record: the bytes.
    Resident(Vec<u8>),
    /// In clusters.
    NonResident(NonResident),
}

/// A value in clusters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NonResident {
    /// Bytes of all clusters, holes included.
    pub allocated_bytes: u64,
    /// Bytes of the value.
    pub size_bytes: u64,
    /// Bytes that were written; the rest reads as zeros.
    pub initialized_bytes: u64,
    /// Bytes of clusters really allocated, for sparse and compressed attributes.
    pub total_allocated_bytes: Option<u64>,
    /// Clusters per compression unit as a power of two; 0 for none.
    pub compression_unit: u8,
    /// The clusters, ascending and without gaps in VCN.
    pub runs: Vec<Run>,
}

impl File {
    /// Whether the file is a directory.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.flags & record_flag::DIRECTORY != 0
    }

    /// The attribute of a type and name.
    #[must_use]
    pub fn attribute(&self, type_code: u32, name: &[u16]) -> Option<&Attribute> {
        self.attributes
            .iter()
            .find(|a| a.type_code == type_code && a.name == name)
    }

    /// A small resident value of a type without a name.
    #[must_use]
    pub fn resident(&self, type_code: u32) -> Option<&[u8]> {
        match &self.attribute(type_code, &[])?.value {
            Value::Resident(bytes) => Some(bytes),
            Value::NonResident(_) => None,
        }
    }

    /// Times, attributes, security id.
    #[must_use]
    pub fn standard_information(&self) -> Option<StandardInformation> {
        StandardInformation::parse(self.resident(attribute::STANDARD_INFORMATION)?)
    }

    /// File attributes of `$STANDARD_INFORMATION`; 0 without one.
    #[must_use]
    pub fn file_attributes(&self) -> u32 {
        self.standard_information().map_or(0, |info| info.attributes)
    }

    /// Every name: one for each hard link, and the DOS alias.
    pub fn names(&self) -> impl Iterator<Item = FileName> {
        self.of_type(attribute::FILE_NAME).filter_map(|a| match &a.value {
            Value::Resident(bytes) => FileName::parse(bytes),
            Value::NonResident(_) => None,
        })
    }

    /// Data streams: the unnamed one (for files) and the named ones.
    pub fn streams(&self) -> impl Iterator<Item = &Attribute> {
        self.of_type(attribute::DATA)
    }

    /// The unnamed data stream.
    #[must_use]
    pub fn data(&self) -> Option<&Attribute> {
        self.attribute(attribute::DATA, &[])
    }

    /// Object id: 16 bytes, or 64 with the birth ids.
    #[must_use]
    pub fn object_id(&self) -> Option<&[u8]> {
        self.resident(attribute::OBJECT_ID)
    }

    /// The attributes of a type.
    pub fn of_type(&self, type_code: u32) -> impl Iterator<Item = &Attribute> {
        self.attributes.iter().filter(move |a| a.type_code == type_code)
    }
}

impl Attribute {
    /// Bytes of the value.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        match &self.value {
            Value::Resident(bytes) => bytes.len() as u64,
            Value::NonResident(value) => value.size_bytes,
        }
    }

    /// Bytes of clusters that the value really occupies; 0 when resident.
    #[must_use]
    pub fn allocated_bytes(&self) -> u64 {
        match &self.value {
            Value::Resident(_) => 0,
            Value::NonResident(value) => value.total_allocated_bytes.unwrap_or(value.allocated_bytes),
        }
    }

    /// Whether it is LZNT1-compressed.
    #[must_use]
    pub fn is_compressed(&self) -> bool {
        self.flags & attribute_flag::COMPRESSED != 0
    }

    /// Whether it has the sparse flag.
    #[must_use]
    pub fn is_sparse(&self) -> bool {
        self.flags & attribute_flag::SPARSE != 0
    }

    /// Whether it is encrypted by EFS; its bytes read as they are stored.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.flags & attribute_flag::ENCRYPTED != 0
    }

    /// The resident value.
    #[must_use]
    pub fn resident(&self) -> Option<&[u8]> {
        match &self.value {
            Value::Resident(bytes) => Some(bytes),
            Value::NonResident(_) => None,
        }
    }

    /// The non-resident value.
    #[must_use]
    pub fn non_resident(&self) -> Option<&NonResident> {
        match &self.value {
            Value::Resident(_) => None,
            Value::NonResident(value) => Some(value),
        }
    }
}

/// Takes a `$REPARSE_POINT` value apart; `None` when its length field does not fit.
#[must_use]
pub fn parse_reparse_point(value: &[u8]) -> Option<ReparsePoint> {
    let tag = u32_at(value, 0)?;
    let lengths = u32_at(value, 4)?;
    // Tags that are not Microsoft's have a GUID after the header, which the length does not count.
    let guid = if tag & 0x8000_0000 == 0 { 16 } else { 0 };
    let data = value.get(8..)?;
    let length = (lengths & 0xffff) as usize + guid;
    let data = Arc::new(data.get(..length)?.to_vec());
    Some(ReparsePoint {
        tag,
        reserved: (lengths >> 16) as u16,
        data,
    })
}

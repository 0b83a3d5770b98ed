//! What a volume shall hold, as plain data. The builder takes these; nothing here touches a disk.

use std::ops::Range;
use std::sync::Arc;

/// A file or directory that was added to a builder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

/// A security descriptor that was added to a builder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecurityRef(pub u32);

/// The caller's name for the bytes of a stream. Several streams may share a key: the bytes are delivered
/// once and stored for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamKey(pub u64);

/// Geometry and identity of a volume.
#[derive(Clone, Debug)]
pub struct VolumeSpec {
    /// Size of the partition in bytes, a multiple of the sector size; 32 MiB to 2 TiB.
    pub size_bytes: u64,
    /// 512 or 4096.
    pub sector_bytes: u32,
    /// 512 to 64 KiB, a power of two, at least one sector.
    pub cluster_bytes: u32,
    /// 1024 or 4096 (4096 is required with 4096-byte sectors).
    pub mft_record_bytes: u32,
    /// Volume serial number.
    pub serial: u64,
    /// First LBA of the partition on its disk (`hidden sectors`); 0 for a bare volume.
    pub hidden_sectors: u32,
    /// Volume label, at most 32 UTF-16 code units.
    pub label: Vec<u16>,
    /// FILETIME of the system files.
    pub time: u64,
    /// DOS names for files that come without one.
    pub dos_names: DosNames,
    /// Clusters (LCN ranges) that nothing may be placed in.
    pub keep_free: Vec<Range<u64>>,
}

/// Where DOS (8.3) names come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum DosNames {
    /// Only those given.
    #[default]
    Given,
    /// Those given, and the rest by the rules of Windows.
    Generate,
}

/// Times, attributes, security of a node. Times are FILETIME.
#[derive(Clone, Copy, Debug, Default)]
pub struct Metadata {
    /// Windows file attributes. `FILE_ATTRIBUTE_DIRECTORY` (0x10) makes the node a directory; the bits for
    /// sparse, reparse point and NTFS compression are set by what is stored.
    pub attributes: u32,
    /// Creation.
    pub creation_time: u64,
    /// Last write to the data.
    pub modification_time: u64,
    /// Last change of the record.
    pub change_time: u64,
    /// Last access.
    pub access_time: u64,
    /// Security descriptor; `None` gives the volume's default one.
    pub security: Option<SecurityRef>,
}

/// A file or directory to be added.
#[derive(Clone, Debug, Default)]
pub struct NodeSpec {
    /// Times, attributes, security.
    pub metadata: Metadata,
    /// Reparse point.
    pub reparse: Option<ReparsePoint>,
    /// Object id: 16 bytes, or 64 with the birth ids.
    pub object_id: Option<Vec<u8>>,
    /// Extended attributes, a packed `FILE_FULL_EA_INFORMATION` list (4-aligned entries).
    pub extended_attributes: Option<Vec<u8>>,
    /// `$EFS` metadata of an encrypted file or directory: 84 to 262,144 bytes, not looked at. Sets the attribute
    /// `FILE_ATTRIBUTE_ENCRYPTED`, which is refused without them.
    pub efs: Option<Vec<u8>>,
    /// Whether names in this directory may differ only in case, as `fsutil file setCaseSensitiveInfo` sets it.
    pub case_sensitive: bool,
    /// Data streams: at most one unnamed (none for directories), any number of named ones.
    pub streams: Vec<StreamSpec>,
}

/// A reparse point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReparsePoint {
    /// `IO_REPARSE_TAG_*`.
    pub tag: u32,
    /// Reserved 16 bits of the header.
    pub reserved: u16,
    /// Data after the 8-byte header (GUID included for tags that are not Microsoft's); many files
    /// can share it.
    pub data: Arc<Vec<u8>>,
}

/// A data stream to be added.
#[derive(Clone, Debug)]
pub struct StreamSpec {
    /// UTF-16 name; empty for the unnamed stream.
    pub name: Vec<u16>,
    /// Its bytes.
    pub content: Content,
    /// Leave clusters of zeros unallocated and set the sparse flag.
    pub sparse: bool,
    /// Where it goes.
    pub placement: Placement,
    /// Set when the content is ciphertext of EFS, in whole sectors of 512 bytes.
    pub encrypted: Option<EncryptedLengths>,
}

/// Lengths of an encrypted stream, whose content is longer than it: ciphertext comes in sectors of 512 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EncryptedLengths {
    /// Length of the stream; its content is that, rounded up to 512.
    pub size_bytes: u64,
    /// Valid data length; what lies beyond reads as zeros.
    pub valid_bytes: u64,
}

/// Where a stream is placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Placement {
    /// In the order of delivery.
    #[default]
    Ascending,
    /// Contiguously from this LCN.
    At(u64),
}

/// The bytes of a stream.
#[derive(Clone, Debug)]
pub enum Content {
    /// Given now.
    Bytes(Vec<u8>),
    /// Delivered to the writer under `key`.
    Keyed {
        /// Key of the delivery.
        key: StreamKey,
        /// Length in bytes.
        size_bytes: u64,
    },
}

/// Compression of a compact (WOF) file, by its WOF algorithm number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CompactFormat {
    /// 0: XPRESS, 4 KiB chunks.
    Xpress4K,
    /// 1: LZX, 32 KiB chunks.
    Lzx32K,
    /// 2: XPRESS, 8 KiB chunks.
    Xpress8K,
    /// 3: XPRESS, 16 KiB chunks.
    Xpress16K,
}

/// In which form a stream is delivered to the writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamForm {
    /// Its plain bytes.
    Plain,
    /// The bytes of a `WofCompressedData` stream; the file becomes a compact file.
    Compact(CompactFormat),
    /// As `Compact`, in clusters even where the MFT record has room: for files that are read by programs with an NTFS
    /// reader of their own, such as boot loaders.
    CompactInClusters(CompactFormat),
}

impl VolumeSpec {
    /// A volume as Windows formats one by default: 512-byte sectors, 4 KiB clusters, 1 KiB records; no label,
    /// serial 0, times 0.
    pub fn new(size_bytes: u64) -> Self {
        Self {
            size_bytes,
            sector_bytes: 512,
            cluster_bytes: 4096,
            mft_record_bytes: 1024,
            serial: 0,
            hidden_sectors: 0,
            label: Vec::new(),
            time: 0,
            dos_names: DosNames::Given,
            keep_free: Vec::new(),
        }
    }
}

impl NodeSpec {
    /// A directory without metadata.
    pub fn directory() -> Self {
        let mut node = Self::default();
        node.metadata.attributes = crate::layout::file_attribute::DIRECTORY;
        node
    }

    /// A file whose unnamed stream is `content`, without metadata.
    pub fn file(content: Content) -> Self {
        Self {
            streams: vec![StreamSpec::unnamed(content)],
            ..Self::default()
        }
    }
}

impl StreamSpec {
    /// The unnamed stream.
    pub fn unnamed(content: Content) -> Self {
        Self::named(Vec::new(), content)
    }

    /// A named stream.
    pub fn named(name: Vec<u16>, content: Content) -> Self {
        Self {
            name,
            content,
            sparse: false,
            placement: Placement::Ascending,
            encrypted: None,
        }
    }
}

//! Numbers of the on-disk format that writer and reader share. No logic.
//!
//! # Source
//! Observed on volumes formatted by Windows 10 build 19041, unless an item says otherwise.

/// Bytes between two update-sequence words, whatever the sector size.
pub const FIXUP_STRIDE_BYTES: usize = 512;
/// Size of an index block of `$I30` and of the view indexes.
pub const INDEX_BLOCK_BYTES: usize = 4096;
/// Size of the `$Boot` file.
pub const BOOT_FILE_BYTES: u64 = 8192;
/// OEM id of a boot sector, at offset 3.
pub const BOOT_OEM_ID: &[u8; 8] = b"NTFS    ";
/// Signature of an MFT record.
pub const FILE_MAGIC: &[u8; 4] = b"FILE";
/// Signature of an index block.
pub const INDX_MAGIC: &[u8; 4] = b"INDX";
/// Type that ends the attributes of a record.
pub const ATTRIBUTE_END: u32 = 0xFFFF_FFFF;

/// Attribute types.
pub mod attribute {
    /// `$STANDARD_INFORMATION`.
    pub const STANDARD_INFORMATION: u32 = 0x10;
    /// `$ATTRIBUTE_LIST`.
    pub const ATTRIBUTE_LIST: u32 = 0x20;
    /// `$FILE_NAME`.
    pub const FILE_NAME: u32 = 0x30;
    /// `$OBJECT_ID`.
    pub const OBJECT_ID: u32 = 0x40;
    /// `$SECURITY_DESCRIPTOR`.
    pub const SECURITY_DESCRIPTOR: u32 = 0x50;
    /// `$VOLUME_NAME`.
    pub const VOLUME_NAME: u32 = 0x60;
    /// `$VOLUME_INFORMATION`.
    pub const VOLUME_INFORMATION: u32 = 0x70;
    /// `$DATA`.
    pub const DATA: u32 = 0x80;
    /// `$INDEX_ROOT`.
    pub const INDEX_ROOT: u32 = 0x90;
    /// `$INDEX_ALLOCATION`.
    pub const INDEX_ALLOCATION: u32 = 0xA0;
    /// `$BITMAP`.
    pub const BITMAP: u32 = 0xB0;
    /// `$REPARSE_POINT`.
    pub const REPARSE_POINT: u32 = 0xC0;
    /// `$EA_INFORMATION`.
    pub const EA_INFORMATION: u32 = 0xD0;
    /// `$EA`.
    pub const EA: u32 = 0xE0;
    /// `$LOGGED_UTILITY_STREAM`.
    pub const LOGGED_UTILITY_STREAM: u32 = 0x100;
}

/// Flags of an attribute header.
pub mod attribute_flag {
    /// Compressed (LZNT1).
    pub const COMPRESSED: u16 = 0x0001;
    /// Encrypted (EFS).
    pub const ENCRYPTED: u16 = 0x4000;
    /// Sparse.
    pub const SPARSE: u16 = 0x8000;
}

/// Flags of an MFT record.
pub mod record_flag {
    /// In use.
    pub const IN_USE: u16 = 0x01;
    /// Has a `$I30` index: a directory.
    pub const DIRECTORY: u16 = 0x02;
    /// Lies in `$Extend`.
    pub const EXTEND_CHILD: u16 = 0x04;
    /// Has an index that is not `$I30`.
    pub const VIEW_INDEX: u16 = 0x08;
}

/// MFT records with a fixed number.
pub mod record {
    /// `$MFT`.
    pub const MFT: u64 = 0;
    /// `$MFTMirr`.
    pub const MFT_MIRROR: u64 = 1;
    /// `$LogFile`.
    pub const LOG_FILE: u64 = 2;
    /// `$Volume`.
    pub const VOLUME: u64 = 3;
    /// `$AttrDef`.
    pub const ATTRIBUTE_DEFINITIONS: u64 = 4;
    /// The root directory.
    pub const ROOT: u64 = 5;
    /// `$Bitmap`.
    pub const BITMAP: u64 = 6;
    /// `$Boot`.
    pub const BOOT: u64 = 7;
    /// `$BadClus`.
    pub const BAD_CLUSTERS: u64 = 8;
    /// `$Secure`.
    pub const SECURE: u64 = 9;
    /// `$UpCase`.
    pub const UPCASE: u64 = 10;
    /// `$Extend`.
    pub const EXTEND: u64 = 11;
    /// First of the records that Windows keeps free for itself.
    pub const FIRST_RESERVED: u64 = 12;
    /// First of the records that are neither in use nor available.
    pub const FIRST_UNUSED: u64 = 16;
    /// `$Extend\$Quota`.
    pub const QUOTA: u64 = 24;
    /// `$Extend\$ObjId`.
    pub const OBJECT_IDS: u64 = 25;
    /// `$Extend\$Reparse`.
    pub const REPARSE_POINTS: u64 = 26;
    /// First record for files.
    pub const FIRST_FILE: u64 = 27;
}

/// Bits of `FILE_ATTRIBUTE_*`, and NTFS' own two above them.
///
/// # Source
/// MS-FSCC, 2.6 File Attributes; the two above observed.
pub mod file_attribute {
    /// Read only.
    pub const READ_ONLY: u32 = 0x0000_0001;
    /// Hidden.
    pub const HIDDEN: u32 = 0x0000_0002;
    /// System.
    pub const SYSTEM: u32 = 0x0000_0004;
    /// Directory (in the API; on disk [`INDEX_PRESENT`] says it).
    pub const DIRECTORY: u32 = 0x0000_0010;
    /// No other attribute (API only).
    pub const NORMAL: u32 = 0x0000_0080;
    /// Sparse.
    pub const SPARSE: u32 = 0x0000_0200;
    /// Has a reparse point.
    pub const REPARSE_POINT: u32 = 0x0000_0400;
    /// NTFS compression.
    pub const COMPRESSED: u32 = 0x0000_0800;
    /// EFS.
    pub const ENCRYPTED: u32 = 0x0000_4000;
    /// Has a `$I30` index.
    pub const INDEX_PRESENT: u32 = 0x1000_0000;
    /// Has a view index.
    pub const VIEW_INDEX_PRESENT: u32 = 0x2000_0000;
}

/// Namespaces of a `$FILE_NAME`.
pub mod namespace {
    /// Case-sensitive; here also a long name that has no DOS name.
    pub const POSIX: u8 = 0;
    /// Long name whose DOS name is a second attribute.
    pub const WIN32: u8 = 1;
    /// DOS name.
    pub const DOS: u8 = 2;
    /// One name that is both.
    pub const WIN32_AND_DOS: u8 = 3;
}

/// Collation rules of indexes.
pub mod collation {
    /// File names.
    pub const FILE_NAME: u32 = 0x01;
    /// One little-endian `u32`.
    pub const ULONG: u32 = 0x10;
    /// A SID.
    pub const SID: u32 = 0x11;
    /// Hash, then security id.
    pub const SECURITY_HASH: u32 = 0x12;
    /// Several little-endian `u32`.
    pub const ULONGS: u32 = 0x13;
}

/// Flags of an index entry and of a node header.
pub mod index_flag {
    /// The entry has a child: the VCN in its last eight bytes. In a node header: the node is not a leaf.
    pub const HAS_CHILD: u16 = 0x01;
    /// The last entry, without a key.
    pub const LAST: u16 = 0x02;
}

/// First security id.
pub const FIRST_SECURITY_ID: u32 = 0x100;
/// Length of the halves of `$SDS` that hold the first and the second copy, in turn.
pub const SDS_BLOCK_BYTES: u64 = 0x4_0000;
/// Reparse tag of a compact (WOF) file.
///
/// # Source
/// MS-FSCC, 2.1.2.1 Reparse Tags: `IO_REPARSE_TAG_WOF`.
pub const REPARSE_TAG_WOF: u32 = 0x8000_0017;
/// Name of the `$LOGGED_UTILITY_STREAM` with the metadata of an encrypted file.
pub const EFS_NAME: &str = "$EFS";
/// Lengths of `$EFS` that are taken: the fixed fields of its first version, up to what Windows takes.
///
/// # Source
/// MS-EFSR, 2.2.2 and its product behaviour.
pub const EFS_BYTES: std::ops::RangeInclusive<usize> = 84..=0x4_0000;
/// Unit of encryption: ciphertext is a multiple of it.
///
/// # Source
/// Observed: ntfs-3g with `efs_raw` rounds sizes up to it.
pub const EFS_SECTOR_BYTES: u64 = 512;
/// The stream that holds the bytes of a compact file.
pub const WOF_STREAM_NAME: &str = "WofCompressedData";

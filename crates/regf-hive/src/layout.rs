//! Raw layout: magics, field offsets, sizes. No logic.
//!
//! # Source
//! M. Suhanov, "Windows registry file format specification" (CC BY 4.0), sections "Format of primary
//! files" and "Format of transaction log files".

/// Size of the base block, and granule of hive bins.
pub(crate) const BLOCK_BYTES: usize = 4096;
/// "No cell".
pub(crate) const NIL: u32 = 0xffff_ffff;
/// Offset of the root cell in a hive laid out by Windows or by this crate.
pub(crate) const ROOT_CELL: u32 = 0x20;

/// Fields of the base block.
pub(crate) mod base {
    pub(crate) const MAGIC: &[u8; 4] = b"regf";
    pub(crate) const PRIMARY_SEQUENCE: usize = 4;
    pub(crate) const SECONDARY_SEQUENCE: usize = 8;
    pub(crate) const LAST_WRITTEN: usize = 12;
    pub(crate) const MAJOR: usize = 20;
    pub(crate) const MINOR: usize = 24;
    pub(crate) const FILE_TYPE: usize = 28;
    pub(crate) const FILE_FORMAT: usize = 32;
    pub(crate) const ROOT_CELL: usize = 36;
    pub(crate) const BINS_BYTES: usize = 40;
    pub(crate) const CLUSTER: usize = 44;
    pub(crate) const FILE_NAME: usize = 48;
    pub(crate) const FILE_NAME_BYTES: usize = 64;
    pub(crate) const CHECKSUM: usize = 508;
}

/// Fields of a hive bin header.
pub(crate) mod bin {
    pub(crate) const MAGIC: &[u8; 4] = b"hbin";
    pub(crate) const OFFSET: usize = 4;
    pub(crate) const SIZE: usize = 8;
    pub(crate) const TIMESTAMP: usize = 20;
    pub(crate) const HEADER_BYTES: usize = 32;
}

/// Fields of a key node cell, from the start of the cell's content.
pub(crate) mod nk {
    pub(crate) const FLAGS: usize = 2;
    pub(crate) const LAST_WRITE: usize = 4;
    pub(crate) const ACCESS_BITS: usize = 12;
    pub(crate) const PARENT: usize = 16;
    pub(crate) const SUBKEY_COUNT: usize = 20;
    pub(crate) const SUBKEY_LIST: usize = 28;
    pub(crate) const VOLATILE_LIST: usize = 32;
    pub(crate) const VALUE_COUNT: usize = 36;
    pub(crate) const VALUE_LIST: usize = 40;
    pub(crate) const SECURITY: usize = 44;
    pub(crate) const CLASS: usize = 48;
    pub(crate) const MAX_NAME: usize = 52;
    pub(crate) const USER_FLAGS: usize = 54;
    pub(crate) const MAX_CLASS: usize = 56;
    pub(crate) const MAX_VALUE_NAME: usize = 60;
    pub(crate) const MAX_VALUE_DATA: usize = 64;
    pub(crate) const NAME_LENGTH: usize = 72;
    pub(crate) const CLASS_LENGTH: usize = 74;
    pub(crate) const NAME: usize = 76;
}

/// Fields of a value cell, from the start of the cell's content.
pub(crate) mod vk {
    pub(crate) const NAME_LENGTH: usize = 2;
    pub(crate) const DATA_LENGTH: usize = 4;
    pub(crate) const DATA: usize = 8;
    pub(crate) const DATA_TYPE: usize = 12;
    pub(crate) const FLAGS: usize = 16;
    pub(crate) const NAME: usize = 20;
    /// The name is stored one byte a character.
    pub(crate) const COMPRESSED_NAME: u16 = 1;
    /// Data of up to four bytes lies in the DATA field itself.
    pub(crate) const RESIDENT: u32 = 0x8000_0000;
}

/// Fields of a security cell, from the start of the cell's content.
pub(crate) mod sk {
    pub(crate) const NEXT: usize = 4;
    pub(crate) const PREVIOUS: usize = 8;
    pub(crate) const REFERENCES: usize = 12;
    pub(crate) const LENGTH: usize = 16;
    pub(crate) const DESCRIPTOR: usize = 20;
}

/// Data bytes of a segment of a `db` value; longer values are split from format 1.4 on.
pub(crate) const SEGMENT_BYTES: usize = 16344;
/// Format 1.4 brought `db` values.
pub(crate) const FIRST_MINOR_WITH_BIG_DATA: u32 = 4;
/// Format 1.5 brought hash leaves.
pub(crate) const FIRST_MINOR_WITH_HASH_LEAF: u32 = 5;
/// Elements of one leaf that fit a 4 KiB bin.
pub(crate) const LEAF_MAX: usize = 507;

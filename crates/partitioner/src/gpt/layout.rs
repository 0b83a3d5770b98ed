//! Where the fields of a GUID partition table lie. Numbers only.
//!
//! # Source
//! UEFI Specification 2.10, sections 5.2.3 (protective MBR), 5.3.2 (header) and 5.3.3 (entries).

/// First eight bytes of a header.
pub(super) const SIGNATURE: &[u8; 8] = b"EFI PART";
/// Revision 1.0.
pub(super) const REVISION: u32 = 0x0001_0000;
/// Bytes of a header that its checksum covers.
pub(super) const HEADER_BYTES: u32 = 92;
/// Bytes of an entry that this crate writes.
pub(super) const ENTRY_BYTES: u32 = 128;
/// Entries that this crate writes.
pub(super) const ENTRY_COUNT: u32 = 128;
/// UTF-16 units in an entry's name.
pub(super) const NAME_UNITS: usize = 36;
/// Type byte of the protective partition.
pub(super) const PROTECTIVE_TYPE: u8 = 0xEE;

/// Offsets in a header.
pub(super) mod header {
    pub(in crate::gpt) const REVISION: usize = 8;
    pub(in crate::gpt) const SIZE: usize = 12;
    pub(in crate::gpt) const CRC: usize = 16;
    pub(in crate::gpt) const MY_LBA: usize = 24;
    pub(in crate::gpt) const OTHER_LBA: usize = 32;
    pub(in crate::gpt) const FIRST_USABLE: usize = 40;
    pub(in crate::gpt) const LAST_USABLE: usize = 48;
    pub(in crate::gpt) const DISK_GUID: usize = 56;
    pub(in crate::gpt) const ENTRIES_LBA: usize = 72;
    pub(in crate::gpt) const ENTRY_COUNT: usize = 80;
    pub(in crate::gpt) const ENTRY_BYTES: usize = 84;
    pub(in crate::gpt) const ENTRIES_CRC: usize = 88;
}

/// Offsets in an entry.
pub(super) mod entry {
    pub(in crate::gpt) const TYPE_GUID: usize = 0;
    pub(in crate::gpt) const GUID: usize = 16;
    pub(in crate::gpt) const FIRST_LBA: usize = 32;
    pub(in crate::gpt) const LAST_LBA: usize = 40;
    pub(in crate::gpt) const ATTRIBUTES: usize = 48;
    pub(in crate::gpt) const NAME: usize = 56;
}

/// Sectors that the entry array takes.
pub(super) fn entry_array_sectors(sector_bytes: u32) -> u64 {
    u64::from(ENTRY_COUNT * ENTRY_BYTES).div_ceil(u64::from(sector_bytes))
}

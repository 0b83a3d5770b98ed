//! Partition type GUIDs and attribute bits.
//!
//! # Source
//! UEFI Specification 2.10, table 5.7; Microsoft, `PARTITION_INFORMATION_GPT` (winioctl.h); the Discoverable
//! Partitions Specification for the Linux type.

use uuid::{Uuid, uuid};

/// EFI system partition.
pub const EFI_SYSTEM: Uuid = uuid!("c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
/// Microsoft reserved partition.
pub const MICROSOFT_RESERVED: Uuid = uuid!("e3c9e316-0b5c-4db8-817d-f92df00215ae");
/// Microsoft basic data: NTFS, FAT and exFAT volumes that Windows mounts.
pub const BASIC_DATA: Uuid = uuid!("ebd0a0a2-b9e5-4433-87c0-68b6b72699c7");
/// Windows recovery environment.
pub const WINDOWS_RECOVERY: Uuid = uuid!("de94bba4-06d1-4d40-a16a-bfd50179d6ac");
/// BIOS boot partition of GRUB.
pub const BIOS_BOOT: Uuid = uuid!("21686148-6449-6e6f-744e-656564454649");
/// Linux file system data.
pub const LINUX_FILESYSTEM: Uuid = uuid!("0fc63daf-8483-4772-8e79-3d69d8477de4");

/// The usual name of a type, or `None` for one that this crate does not know.
#[must_use]
pub fn type_name(type_guid: Uuid) -> Option<&'static str> {
    Some(match type_guid {
        EFI_SYSTEM => "EFI system",
        MICROSOFT_RESERVED => "Microsoft reserved",
        BASIC_DATA => "Microsoft basic data",
        WINDOWS_RECOVERY => "Windows recovery",
        BIOS_BOOT => "BIOS boot",
        LINUX_FILESYSTEM => "Linux file system",
        _ => return None,
    })
}

/// Attribute bits of an entry.
pub mod attribute {
    /// The platform needs this partition; operating systems must not delete it.
    pub const REQUIRED: u64 = 1;
    /// Firmware must not look for boot files here.
    pub const NO_BLOCK_IO: u64 = 1 << 1;
    /// Legacy BIOS may boot this partition.
    pub const LEGACY_BOOTABLE: u64 = 1 << 2;
    /// Windows (basic data): read-only.
    pub const WINDOWS_READ_ONLY: u64 = 1 << 60;
    /// Windows (basic data): a shadow copy of another partition.
    pub const WINDOWS_SHADOW_COPY: u64 = 1 << 61;
    /// Windows (basic data): hidden, the mount manager does not see it.
    pub const WINDOWS_HIDDEN: u64 = 1 << 62;
    /// Windows (basic data): gets no drive letter by itself.
    pub const WINDOWS_NO_DRIVE_LETTER: u64 = 1 << 63;
}

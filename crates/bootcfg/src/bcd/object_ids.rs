//! Well-known objects, their types, and the names bcdedit gives them.
//!
//! # Source
//! Microsoft Learn, "BCDEdit command-line options" and the BCD WMI provider reference.

use uuid::{Uuid, uuid};

/// Windows Boot Manager.
pub const BOOT_MANAGER: Uuid = uuid!("9dea862c-5cdd-4e70-acc1-f32b344d4795");
/// The firmware's own boot manager.
pub const FIRMWARE_BOOT_MANAGER: Uuid = uuid!("a5a30fa2-3d06-4e9f-b5f4-a01df9d1fcba");
/// Windows Memory Diagnostic.
pub const MEMORY_DIAGNOSTIC: Uuid = uuid!("b2721d73-1db4-4c62-bf78-c548a880142d");
/// Loader of Windows before Vista.
pub const LEGACY_LOADER: Uuid = uuid!("466f5a88-0af2-4f76-9038-095b170dc21c");
/// Settings for all programs.
pub const GLOBAL_SETTINGS: Uuid = uuid!("7ea2e1ac-2e61-4728-aaa3-896d9d0a9f0e");
/// Debugger settings.
pub const DEBUGGER_SETTINGS: Uuid = uuid!("4636856e-540f-4170-a130-a84776f4c654");
/// Emergency Management Services settings.
pub const EMS_SETTINGS: Uuid = uuid!("0ce4991b-e6b3-4b16-b23c-5e0d9250e5d9");
/// Known bad memory.
pub const BAD_MEMORY: Uuid = uuid!("5189b25c-5558-4bf2-bca4-289b11bd29e2");
/// Settings for all loaders.
pub const BOOT_LOADER_SETTINGS: Uuid = uuid!("6efb52bf-1766-41db-a6b3-0ee5eff72bd7");
/// Hypervisor settings.
pub const HYPERVISOR_SETTINGS: Uuid = uuid!("7ff607e0-4395-11db-b0de-0800200c9a66");
/// Kernel debugger settings.
pub const KERNEL_DEBUGGER_SETTINGS: Uuid = uuid!("313e8eed-7098-4586-a9bf-309c61f8d449");
/// Settings for all resume programs.
pub const RESUME_LOADER_SETTINGS: Uuid = uuid!("1afa9c49-16ab-4a5c-901b-212802da9460");
/// RAM disk options.
pub const RAMDISK_OPTIONS: Uuid = uuid!("ae5534e0-a924-466c-b836-758539a3ee3a");
/// Alias of the running entry; never stored.
pub const CURRENT: Uuid = uuid!("fa926493-6f1c-4193-a414-58f0b2456d1e");
/// Alias of the boot manager's default; never stored.
pub const DEFAULT: Uuid = uuid!("1cae1eb7-a0df-4d4d-9851-4860e34ef535");

/// Object types: `0x1…` programs, `0x2…` settings to inherit, `0x3…` device options.
pub mod types {
    /// Windows Boot Manager.
    pub const BOOT_MANAGER: u32 = 0x1010_0002;
    /// Windows loader.
    pub const OS_LOADER: u32 = 0x1020_0003;
    /// Resume from hibernation.
    pub const RESUME: u32 = 0x1020_0004;
    /// Memory tester.
    pub const MEMORY_DIAGNOSTIC: u32 = 0x1020_0005;
    /// Settings any object may inherit.
    pub const INHERIT: u32 = 0x2010_0000;
    /// Settings for loaders.
    pub const INHERIT_OS_LOADER: u32 = 0x2020_0003;
    /// Settings for resume programs.
    pub const INHERIT_RESUME: u32 = 0x2020_0004;
    /// Device options.
    pub const DEVICE_OPTIONS: u32 = 0x3000_0000;
}

const ALIASES: [(Uuid, &str); 15] = [
    (BOOT_MANAGER, "bootmgr"),
    (FIRMWARE_BOOT_MANAGER, "fwbootmgr"),
    (MEMORY_DIAGNOSTIC, "memdiag"),
    (LEGACY_LOADER, "ntldr"),
    (GLOBAL_SETTINGS, "globalsettings"),
    (DEBUGGER_SETTINGS, "dbgsettings"),
    (EMS_SETTINGS, "emssettings"),
    (BAD_MEMORY, "badmemory"),
    (BOOT_LOADER_SETTINGS, "bootloadersettings"),
    (HYPERVISOR_SETTINGS, "hypervisorsettings"),
    (KERNEL_DEBUGGER_SETTINGS, "kerneldbgsettings"),
    (RESUME_LOADER_SETTINGS, "resumeloadersettings"),
    (RAMDISK_OPTIONS, "ramdiskoptions"),
    (CURRENT, "current"),
    (DEFAULT, "default"),
];

/// The alias of a well-known object, without braces.
#[must_use]
pub fn alias(id: Uuid) -> Option<&'static str> {
    ALIASES
        .iter()
        .find(|(known, _)| *known == id)
        .map(|(_, name)| *name)
}

/// The id for an alias or GUID, with or without braces.
#[must_use]
pub fn parse(text: &str) -> Option<Uuid> {
    let inner = text
        .strip_prefix('{')
        .and_then(|t| t.strip_suffix('}'))
        .unwrap_or(text);
    ALIASES
        .iter()
        .find(|(_, name)| name.eq_ignore_ascii_case(inner))
        .map(|(id, _)| *id)
        .or_else(|| (inner.len() == 36).then(|| Uuid::try_parse(inner).ok()).flatten())
}

/// What bcdedit heads an object of this type with.
#[must_use]
pub fn type_name(object_type: u32) -> &'static str {
    match object_type {
        0x1010_0001 => "Firmware Boot Manager",
        types::BOOT_MANAGER => "Windows Boot Manager",
        0x101f_ffff => "Firmware Application",
        types::OS_LOADER => "Windows Boot Loader",
        types::RESUME => "Resume from Hibernate",
        types::MEMORY_DIAGNOSTIC => "Windows Memory Tester",
        0x1030_0006 => "Windows Legacy OS Loader",
        0x1040_0008 => "Boot Sector",
        types::INHERIT => "Inheritable Settings",
        types::INHERIT_OS_LOADER => "Boot Loader Settings",
        types::INHERIT_RESUME => "Resume Loader Settings",
        types::DEVICE_OPTIONS => "Device Options",
        _ => match object_type >> 28 {
            1 => "Application",
            2 => "Settings",
            3 => "Device",
            _ => "Unknown Object",
        },
    }
}

//! Ids of elements and the names bcdedit gives them.
//!
//! # Source
//! Microsoft, BCD WMI provider reference (`BcdLibrary_…`, `BcdOSLoader_…`, `BcdBootMgr_…` enumerations);
//! names as bcdedit prints them.

/// Device an object's files lie on.
pub const DEVICE: u32 = 0x1100_0001;
/// Path of the program to start, on its device.
pub const PATH: u32 = 0x1200_0002;
/// Name shown in menus.
pub const DESCRIPTION: u32 = 0x1200_0004;
/// Locale of texts.
pub const LOCALE: u32 = 0x1200_0005;
/// Objects whose elements apply too.
pub const INHERIT: u32 = 0x1400_0006;
/// Whether recovery starts after a failure.
pub const RECOVERY_ENABLED: u32 = 0x1600_0009;
/// Whether bad memory may be used.
pub const BAD_MEMORY_ACCESS: u32 = 0x1600_000b;
/// Kind of debugger connection.
pub const DEBUG_TYPE: u32 = 0x1500_0011;
/// Whether Emergency Management Services are on at boot.
pub const BOOT_EMS: u32 = 0x1600_0020;
/// Whether options of objects apply only to their own program.
pub const ISOLATED_CONTEXT: u32 = 0x1600_0060;
/// Settings that may be in memory.
pub const ALLOWED_IN_MEMORY_SETTINGS: u32 = 0x1700_0077;
/// Device Windows lies on; on resume objects, the device of the hibernation file.
pub const OS_DEVICE: u32 = 0x2100_0001;
/// Windows folder; on resume objects, the path of the hibernation file.
pub const SYSTEM_ROOT: u32 = 0x2200_0002;
/// Resume object of a loader; the default entry of the boot manager.
pub const DEFAULT_OR_RESUME: u32 = 0x2300_0003;
/// Resume object of the boot manager.
pub const BOOTMGR_RESUME: u32 = 0x2300_0006;
/// Entries of the boot menu.
pub const DISPLAY_ORDER: u32 = 0x2400_0001;
/// Entries to be started once, at the next boot.
pub const BOOT_SEQUENCE: u32 = 0x2400_0002;
/// Tools of the boot menu.
pub const TOOLS_DISPLAY_ORDER: u32 = 0x2400_0010;
/// Data execution prevention; on the boot manager the menu's timeout is the element of another number.
pub const NX: u32 = 0x2500_0020;
/// Seconds the boot menu waits.
pub const TIMEOUT: u32 = 0x2500_0004;
/// Style of the boot menu, on loaders.
pub const BOOT_MENU_POLICY: u32 = 0x2500_00c2;
/// Style of the boot menu, on resume objects.
pub const RESUME_BOOT_MENU_POLICY: u32 = 0x2500_0008;
/// Whether a debugger may attach to the resume program.
pub const RESUME_DEBUG: u32 = 0x2600_0006;
/// Kind of hypervisor debugger connection.
pub const HYPERVISOR_DEBUG_TYPE: u32 = 0x2500_00f3;
/// Serial port of the hypervisor debugger.
pub const HYPERVISOR_DEBUG_PORT: u32 = 0x2500_00f4;
/// Baud rate of the hypervisor debugger.
pub const HYPERVISOR_BAUD_RATE: u32 = 0x2500_00f5;

/// Which objects a name is for: the same id may mean other things in another kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum For {
    Any,
    BootManager,
    Loader,
    Resume,
    DeviceOptions,
}

#[rustfmt::skip]
const NAMES: &[(u32, For, &str)] = &[
    (DEVICE, For::Any, "device"),
    (PATH, For::Any, "path"),
    (DESCRIPTION, For::Any, "description"),
    (LOCALE, For::Any, "locale"),
    (INHERIT, For::Any, "inherit"),
    (0x1500_0007, For::Any, "truncatememory"),
    (0x1400_0008, For::Any, "recoverysequence"),
    (RECOVERY_ENABLED, For::Any, "recoveryenabled"),
    (0x1700_000a, For::Any, "badmemorylist"),
    (BAD_MEMORY_ACCESS, For::Any, "badmemoryaccess"),
    (0x1500_000c, For::Any, "firstmegabytepolicy"),
    (0x1600_0010, For::Any, "bootdebug"),
    (DEBUG_TYPE, For::Any, "debugtype"),
    (0x1500_0012, For::Any, "debugaddress"),
    (0x1500_0013, For::Any, "debugport"),
    (0x1500_0014, For::Any, "baudrate"),
    (0x1500_0015, For::Any, "channel"),
    (0x1200_0016, For::Any, "targetname"),
    (0x1600_0017, For::Any, "noumex"),
    (0x1500_0018, For::Any, "debugstart"),
    (0x1200_0019, For::Any, "busparams"),
    (0x1500_001a, For::Any, "hostip"),
    (0x1500_001b, For::Any, "port"),
    (0x1600_001c, For::Any, "dhcp"),
    (0x1200_001d, For::Any, "key"),
    (0x1600_001e, For::Any, "vm"),
    (BOOT_EMS, For::Any, "bootems"),
    (0x1500_0022, For::Any, "emsport"),
    (0x1500_0023, For::Any, "emsbaudrate"),
    (0x1200_0030, For::Any, "loadoptions"),
    (0x1600_0040, For::Any, "advancedoptions"),
    (0x1600_0041, For::Any, "optionsedit"),
    (0x1500_0042, For::Any, "keyringaddress"),
    (0x1600_0046, For::Any, "graphicsmodedisabled"),
    (0x1500_0047, For::Any, "configaccesspolicy"),
    (0x1600_0048, For::Any, "nointegritychecks"),
    (0x1600_0049, For::Any, "testsigning"),
    (0x1200_004a, For::Any, "fontpath"),
    (0x1500_004b, For::Any, "integrityservices"),
    (0x1600_0050, For::Any, "extendedinput"),
    (0x1500_0051, For::Any, "initialconsoleinput"),
    (0x1500_0052, For::Any, "graphicsresolution"),
    (0x1600_0053, For::Any, "restartonfailure"),
    (0x1600_0054, For::Any, "highestmode"),
    (ISOLATED_CONTEXT, For::Any, "isolatedcontext"),
    (0x1500_0065, For::Any, "displaymessage"),
    (0x1500_0066, For::Any, "displaymessageoverride"),
    (0x1600_0068, For::Any, "nobootuxtext"),
    (0x1600_0069, For::Any, "nobootuxprogress"),
    (0x1600_006a, For::Any, "nobootuxfade"),
    (0x1600_006c, For::Any, "bootuxdisabled"),
    (0x1200_0070, For::Any, "debuggernetkey"),
    (ALLOWED_IN_MEMORY_SETTINGS, For::Any, "allowedinmemorysettings"),
    (0x1600_007e, For::Any, "flightsigning"),
    (OS_DEVICE, For::Resume, "filedevice"),
    (OS_DEVICE, For::Any, "osdevice"),
    (SYSTEM_ROOT, For::Resume, "filepath"),
    (SYSTEM_ROOT, For::Any, "systemroot"),
    (DEFAULT_OR_RESUME, For::BootManager, "default"),
    (DEFAULT_OR_RESUME, For::Any, "resumeobject"),
    (BOOTMGR_RESUME, For::BootManager, "resumeobject"),
    (DISPLAY_ORDER, For::Any, "displayorder"),
    (BOOT_SEQUENCE, For::Any, "bootsequence"),
    (TOOLS_DISPLAY_ORDER, For::Any, "toolsdisplayorder"),
    (TIMEOUT, For::Any, "timeout"),
    (0x2600_0020, For::BootManager, "displaybootmenu"),
    (0x2600_0021, For::BootManager, "noerrordisplay"),
    (0x2100_0022, For::Any, "bcddevice"),
    (0x2200_0023, For::Any, "bcdfilepath"),
    (0x2600_0031, For::Any, "persistbootsequence"),
    (0x2600_0028, For::BootManager, "processcustomactionsfirst"),
    (RESUME_DEBUG, For::Resume, "debugoptionenabled"),
    (RESUME_BOOT_MENU_POLICY, For::Resume, "bootmenupolicy"),
    (0x2100_0026, For::Any, "undocumented resume device"),
    (0x2600_0010, For::Loader, "detecthal"),
    (0x2200_0011, For::Loader, "kernel"),
    (0x2200_0012, For::Loader, "hal"),
    (0x2200_0013, For::Loader, "dbgtransport"),
    (NX, For::Any, "nx"),
    (0x2500_0021, For::Any, "pae"),
    (0x2600_0022, For::Any, "winpe"),
    (0x2600_0024, For::Any, "nocrashautoreboot"),
    (0x2600_0025, For::Any, "lastknowngood"),
    (0x2600_0026, For::Any, "oslnointegritychecks"),
    (0x2600_0027, For::Any, "osltestsigning"),
    (0x2600_0030, For::Any, "nolowmem"),
    (0x2500_0031, For::Any, "removememory"),
    (0x2500_0032, For::Any, "increaseuserva"),
    (0x2600_0040, For::Any, "vga"),
    (0x2600_0041, For::Any, "quietboot"),
    (0x2600_0042, For::Any, "novesa"),
    (0x2500_0050, For::Any, "clustermodeaddressing"),
    (0x2600_0051, For::Any, "usephysicaldestination"),
    (0x2600_0054, For::Any, "uselegacyapicmode"),
    (0x2500_0060, For::Any, "onecpu"),
    (0x2500_0061, For::Any, "numproc"),
    (0x2600_0062, For::Any, "maxproc"),
    (0x2600_0070, For::Any, "usefirmwarepcisettings"),
    (0x2500_0080, For::Any, "safeboot"),
    (0x2600_0081, For::Any, "safebootalternateshell"),
    (0x2600_0090, For::Any, "bootlog"),
    (0x2600_0091, For::Any, "sos"),
    (0x2600_00a0, For::Any, "debug"),
    (0x2600_00a1, For::Any, "halbreakpoint"),
    (0x2600_00a2, For::Any, "useplatformclock"),
    (0x2600_00a3, For::Any, "forcelegacyplatform"),
    (0x2600_00a5, For::Any, "disabledynamictick"),
    (0x2600_00b0, For::Any, "ems"),
    (0x2500_00c0, For::Any, "forcefailure"),
    (0x2500_00c1, For::Any, "driverloadfailurepolicy"),
    (BOOT_MENU_POLICY, For::Any, "bootmenupolicy"),
    (0x2600_00c3, For::Any, "onetimeadvancedoptions"),
    (0x2500_00e0, For::Any, "bootstatuspolicy"),
    (0x2600_00e1, For::Any, "disableelamdrivers"),
    (0x2500_00f0, For::Any, "hypervisorlaunchtype"),
    (0x2200_00f1, For::Any, "hypervisorpath"),
    (0x2600_00f2, For::Any, "hypervisordebug"),
    (HYPERVISOR_DEBUG_TYPE, For::Any, "hypervisordebugtype"),
    (HYPERVISOR_DEBUG_PORT, For::Any, "hypervisordebugport"),
    (HYPERVISOR_BAUD_RATE, For::Any, "hypervisorbaudrate"),
    (0x2500_0100, For::Any, "tpmbootentropy"),
    (0x2500_0115, For::Any, "hypervisoriommupolicy"),
    (0x2500_0120, For::Any, "xsavepolicy"),
    (0x3500_0001, For::DeviceOptions, "ramdiskimageoffset"),
    (0x3500_0002, For::DeviceOptions, "ramdisktftpclientport"),
    (0x3100_0003, For::DeviceOptions, "ramdisksdidevice"),
    (0x3200_0004, For::DeviceOptions, "ramdisksdipath"),
    (0x3500_0005, For::DeviceOptions, "ramdiskimagelength"),
    (0x3600_0006, For::DeviceOptions, "exportascd"),
    (0x3500_0007, For::DeviceOptions, "ramdisktftpblocksize"),
    (0x3500_0008, For::DeviceOptions, "ramdisktftpwindowsize"),
    (0x4500_0001, For::Any, "devicetype"),
    (0x4200_0002, For::Any, "applicationrelativepath"),
    (0x4200_0003, For::Any, "ramdiskdevicerelativepath"),
    (0x4600_0004, For::Any, "omitosloaderelements"),
    (0x4700_0005, For::Any, "descriptionmessage"),
    (0x4700_0006, For::Any, "elementstomigrate"),
    (0x4600_0010, For::Any, "recoveryos"),
];

/// The name of an element in an object of this type.
#[must_use]
pub fn name(id: u32, object_type: u32) -> Option<&'static str> {
    let kind = kind_of(object_type);
    let of_id = || NAMES.iter().filter(|(known, ..)| *known == id);
    of_id()
        .find(|(_, wanted, _)| *wanted == kind)
        .or_else(|| of_id().find(|(_, wanted, _)| *wanted == For::Any))
        .or_else(|| of_id().next())
        .map(|(.., name)| *name)
}

/// The id of an element by its bcdedit name, or by its number in hexadecimal (with or without `0x`), in an
/// object of this type.
#[must_use]
pub fn id(name: &str, object_type: u32) -> Option<u32> {
    let kind = kind_of(object_type);
    let of_name = || {
        NAMES
            .iter()
            .filter(|(.., known)| known.eq_ignore_ascii_case(name))
    };
    let by_name = of_name()
        .find(|(_, wanted, _)| *wanted == kind)
        .or_else(|| of_name().find(|(_, wanted, _)| *wanted == For::Any))
        .or_else(|| of_name().next())
        .map(|(id, ..)| *id);
    by_name.or_else(|| {
        let digits = name.strip_prefix("0x").unwrap_or(name);
        (digits.len() == 8)
            .then(|| u32::from_str_radix(digits, 16).ok())
            .flatten()
    })
}

/// The name, or the number, of an element of any object.
pub(crate) fn name_or_hex(id: u32) -> String {
    match name(id, 0) {
        Some(name) => name.to_owned(),
        None => format!("{id:#010x}"),
    }
}

fn kind_of(object_type: u32) -> For {
    match object_type {
        0x1010_0001 | 0x1010_0002 => For::BootManager,
        0x1020_0003 | 0x2020_0003 => For::Loader,
        0x1020_0004 | 0x2020_0004 => For::Resume,
        0x3000_0000 => For::DeviceOptions,
        _ => For::Any,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_depend_on_the_object() {
        assert_eq!(name(DEFAULT_OR_RESUME, 0x1010_0002), Some("default"));
        assert_eq!(name(DEFAULT_OR_RESUME, 0x1020_0003), Some("resumeobject"));
        assert_eq!(name(OS_DEVICE, 0x1020_0004), Some("filedevice"));
        assert_eq!(id("resumeobject", 0x1010_0002), Some(BOOTMGR_RESUME));
        assert_eq!(id("RecoveryEnabled", 0x1020_0003), Some(RECOVERY_ENABLED));
        assert_eq!(id("0x250000e0", 0), Some(0x2500_00e0));
        assert_eq!(id("bootmenupolicy", 0x1020_0004), Some(RESUME_BOOT_MENU_POLICY));
        assert_eq!(id("bootmenupolicy", 0x1020_0003), Some(BOOT_MENU_POLICY));
        assert_eq!(id("nonsense", 0), None);
    }
}

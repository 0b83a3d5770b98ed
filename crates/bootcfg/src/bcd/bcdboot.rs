//! The store that `bcdboot` makes for a Windows, from scratch.
//!
//! # Source
//! Element sets observed in stores made by bcdboot of Windows 10 19041 to Windows 11 26100, without what
//! reagentc and Setup add later.

use uuid::Uuid;

use super::device::Device;
use super::element::Element;
use super::element_ids as id;
use super::object_ids::{self, types};
use super::store::{Object, Store};

/// What starts the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Firmware {
    /// UEFI: `winload.efi`, a boot manager on the EFI system partition.
    Uefi,
    /// BIOS: `winload.exe`, `\bootmgr` on the active partition of an MBR disk.
    Bios,
}

/// Where Windows lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WindowsVolume {
    /// On a partition that is named by its ids.
    Device(Device),
    /// On the first volume that holds the loader's path: survives cloning to other ids, and finds the wrong
    /// one on a machine with several Windows.
    Locate,
    /// In a VHD or VHDX file.
    Vhd {
        /// The volume that holds the file.
        parent: Device,
        /// Path of the file there, e.g. `\windows.vhdx`.
        path: String,
    },
}

impl WindowsVolume {
    /// The device for a device element; `path_element` is the element that holds the path on it.
    fn device(&self, path_element: u32) -> Device {
        match self {
            Self::Device(device) => device.clone(),
            Self::Locate => Device::locate_element(path_element),
            Self::Vhd { parent, path } => Device::vhd(parent.clone(), path, path_element),
        }
    }
}

/// What [`bcdboot_store`] needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BcdbootSpec {
    /// What starts the machine.
    pub firmware: Firmware,
    /// The system partition, see [`Device::gpt_partition`] and [`Device::mbr_partition`].
    pub system: Device,
    /// Where Windows lies.
    pub windows: WindowsVolume,
    /// Id of the loader object.
    pub loader: Uuid,
    /// Id of the resume object.
    pub resume: Uuid,
    /// Locale of the menus, e.g. `en-US`.
    pub locale: String,
    /// Name in the boot menu, e.g. `Windows 11`.
    pub description: String,
    /// Seconds the boot menu waits when there is more than one entry.
    pub timeout_seconds: u64,
    /// Whether failures start the recovery environment. A stick that is used on many machines wants `false`.
    pub recovery_enabled: bool,
}

impl BcdbootSpec {
    /// A stick for UEFI: both partitions on one GPT disk, recovery off, 30 seconds.
    #[must_use]
    pub fn uefi(disk: Uuid, system_partition: Uuid, windows_partition: Uuid, ids: LoaderIds) -> Self {
        Self {
            firmware: Firmware::Uefi,
            system: Device::gpt_partition(disk, system_partition),
            windows: WindowsVolume::Device(Device::gpt_partition(disk, windows_partition)),
            loader: ids.loader,
            resume: ids.resume,
            locale: "en-US".to_owned(),
            description: "Windows".to_owned(),
            timeout_seconds: 30,
            recovery_enabled: false,
        }
    }
}

/// Ids of the two objects that are new in every store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoaderIds {
    /// Of the loader object.
    pub loader: Uuid,
    /// Of the resume object.
    pub resume: Uuid,
}

/// The store that `bcdboot` makes, with element 16000009 (recovery) set as asked.
#[must_use]
pub fn bcdboot_store(spec: &BcdbootSpec) -> Store {
    let mut store = Store::new();
    let objects = &mut store.objects;
    objects.insert(object_ids::BOOT_MANAGER, boot_manager(spec));
    objects.insert(spec.loader, loader(spec));
    objects.insert(spec.resume, resume(spec));
    objects.insert(object_ids::MEMORY_DIAGNOSTIC, memory_diagnostic(spec));
    objects.extend(settings());
    store
}

fn text(value: &str) -> Element {
    Element::String(value.to_owned())
}

/// The allowed in-memory settings of Windows 10 and 11.
fn in_memory_settings() -> Element {
    Element::IntegerList(vec![0x1500_0075])
}

fn boot_manager(spec: &BcdbootSpec) -> Object {
    let object = Object::new(types::BOOT_MANAGER)
        .with(id::DEVICE, spec.system.clone())
        .with(id::DESCRIPTION, text("Windows Boot Manager"))
        .with(id::LOCALE, text(&spec.locale))
        .with(
            id::INHERIT,
            Element::ObjectList(vec![object_ids::GLOBAL_SETTINGS]),
        )
        .with(id::DEFAULT_OR_RESUME, Element::Object(spec.loader))
        .with(id::BOOTMGR_RESUME, Element::Object(spec.resume))
        .with(id::DISPLAY_ORDER, Element::ObjectList(vec![spec.loader]))
        .with(
            id::TOOLS_DISPLAY_ORDER,
            Element::ObjectList(vec![object_ids::MEMORY_DIAGNOSTIC]),
        )
        .with(id::TIMEOUT, Element::Integer(spec.timeout_seconds));
    match spec.firmware {
        Firmware::Uefi => object.with(id::PATH, text("\\EFI\\Microsoft\\Boot\\bootmgfw.efi")),
        Firmware::Bios => object,
    }
}

fn loader(spec: &BcdbootSpec) -> Object {
    let object = Object::new(types::OS_LOADER)
        .with(id::DEVICE, spec.windows.device(id::PATH))
        .with(id::DESCRIPTION, text(&spec.description))
        .with(id::LOCALE, text(&spec.locale))
        .with(
            id::INHERIT,
            Element::ObjectList(vec![object_ids::BOOT_LOADER_SETTINGS]),
        )
        .with(id::RECOVERY_ENABLED, Element::Boolean(spec.recovery_enabled))
        .with(id::ALLOWED_IN_MEMORY_SETTINGS, in_memory_settings())
        .with(id::OS_DEVICE, spec.windows.device(id::SYSTEM_ROOT))
        .with(id::SYSTEM_ROOT, text("\\Windows"))
        .with(id::DEFAULT_OR_RESUME, Element::Object(spec.resume))
        .with(id::NX, Element::Integer(0))
        .with(id::BOOT_MENU_POLICY, Element::Integer(1));
    program(object, spec.firmware, "\\Windows\\system32\\winload")
}

fn resume(spec: &BcdbootSpec) -> Object {
    let object = Object::new(types::RESUME)
        .with(id::DEVICE, spec.windows.device(id::PATH))
        .with(id::DESCRIPTION, text("Windows Resume Application"))
        .with(id::LOCALE, text(&spec.locale))
        .with(
            id::INHERIT,
            Element::ObjectList(vec![object_ids::RESUME_LOADER_SETTINGS]),
        )
        .with(id::ALLOWED_IN_MEMORY_SETTINGS, in_memory_settings())
        .with(id::OS_DEVICE, spec.windows.device(id::SYSTEM_ROOT))
        .with(id::SYSTEM_ROOT, text("\\hiberfil.sys"))
        .with(id::RESUME_BOOT_MENU_POLICY, Element::Integer(1))
        .with(id::RESUME_DEBUG, Element::Boolean(false));
    program(object, spec.firmware, "\\Windows\\system32\\winresume")
}

/// The program with the firmware's extension; UEFI programs run in an isolated context.
fn program(object: Object, firmware: Firmware, stem: &str) -> Object {
    match firmware {
        Firmware::Uefi => object
            .with(id::PATH, text(&format!("{stem}.efi")))
            .with(id::ISOLATED_CONTEXT, Element::Boolean(true)),
        Firmware::Bios => object.with(id::PATH, text(&format!("{stem}.exe"))),
    }
}

fn memory_diagnostic(spec: &BcdbootSpec) -> Object {
    let path = match spec.firmware {
        Firmware::Uefi => "\\EFI\\Microsoft\\Boot\\memtest.efi",
        Firmware::Bios => "\\boot\\memtest.exe",
    };
    Object::new(types::MEMORY_DIAGNOSTIC)
        .with(id::DEVICE, spec.system.clone())
        .with(id::PATH, text(path))
        .with(id::DESCRIPTION, text("Windows Memory Diagnostic"))
        .with(id::LOCALE, text(&spec.locale))
        .with(
            id::INHERIT,
            Element::ObjectList(vec![object_ids::GLOBAL_SETTINGS]),
        )
        .with(id::BAD_MEMORY_ACCESS, Element::Boolean(true))
}

/// The objects that others inherit from, the same in every store.
fn settings() -> [(Uuid, Object); 7] {
    use object_ids::{
        BAD_MEMORY, BOOT_LOADER_SETTINGS, DEBUGGER_SETTINGS, EMS_SETTINGS, GLOBAL_SETTINGS,
        HYPERVISOR_SETTINGS, RESUME_LOADER_SETTINGS,
    };
    let inherit = |ids: &[Uuid]| Element::ObjectList(ids.to_vec());
    [
        (
            GLOBAL_SETTINGS,
            Object::new(types::INHERIT).with(
                id::INHERIT,
                inherit(&[DEBUGGER_SETTINGS, EMS_SETTINGS, BAD_MEMORY]),
            ),
        ),
        (
            BOOT_LOADER_SETTINGS,
            Object::new(types::INHERIT_OS_LOADER)
                .with(id::INHERIT, inherit(&[GLOBAL_SETTINGS, HYPERVISOR_SETTINGS])),
        ),
        (
            RESUME_LOADER_SETTINGS,
            Object::new(types::INHERIT_RESUME).with(id::INHERIT, inherit(&[GLOBAL_SETTINGS])),
        ),
        (
            EMS_SETTINGS,
            Object::new(types::INHERIT).with(id::BOOT_EMS, Element::Boolean(false)),
        ),
        (
            DEBUGGER_SETTINGS,
            // Local debugging.
            Object::new(types::INHERIT).with(id::DEBUG_TYPE, Element::Integer(4)),
        ),
        (
            HYPERVISOR_SETTINGS,
            // Serial, port 1, 115200 baud.
            Object::new(types::INHERIT_OS_LOADER)
                .with(id::HYPERVISOR_DEBUG_TYPE, Element::Integer(0))
                .with(id::HYPERVISOR_DEBUG_PORT, Element::Integer(1))
                .with(id::HYPERVISOR_BAUD_RATE, Element::Integer(115_200)),
        ),
        (BAD_MEMORY, Object::new(types::INHERIT)),
    ]
}

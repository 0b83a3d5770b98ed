//! Settings of a Windows that is not running: edits of its SYSTEM hive.
//!
//! # Source
//! Microsoft Learn, "Deploy Windows To Go in your organization" (SAN policy) and "BitLocker overview and
//! requirements" (device encryption); value names and defaults observed in SYSTEM hives of Windows 7 to 11.

use regf_hive::{Hive, Value};
use serde::Serialize;

use crate::{Error, Result};

/// What to set; [`Settings::portable`] is what a stick wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// What Windows does with disks it finds: 1 all online (its default), 2 shared ones offline, 3 all
    /// offline, 4 internal ones offline. 4 keeps the host's disks untouched.
    pub san_policy: Option<u32>,
    /// Keeps Windows from encrypting the stick unasked.
    pub prevent_device_encryption: bool,
    /// Turns hibernation and fast start-up off: resuming on another machine corrupts the volume.
    pub no_hibernation: bool,
    /// Marks the system as portable. Windows recomputes it at boot, and refuses feature upgrades while it is
    /// set.
    pub portable: Option<bool>,
    /// Drivers the loader starts beside those marked for boot: 4 USB, 0x10 USB 3, 8 SD. Needed in images
    /// captured without sysprep (0x14); generalized ones have it.
    pub boot_driver_flags: Option<u32>,
    /// Keeps a dynamic VHDX that Windows runs from at its present size (native VHD boot).
    pub no_vhd_expansion: bool,
}

impl Settings {
    /// Internal disks offline, no device encryption, no hibernation.
    #[must_use]
    pub fn portable() -> Self {
        Self {
            san_policy: Some(4),
            prevent_device_encryption: true,
            no_hibernation: true,
            ..Self::default()
        }
    }
}

/// One value of the registry before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Path of the key from the root of the hive.
    pub key: String,
    /// Name of the value.
    pub value: String,
    /// What it was; `None` when there was no such value, or no number.
    pub old: Option<u32>,
    /// What it is.
    pub new: u32,
}

/// `key\value: old -> new`.
impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\\{}: ", self.key, self.value)?;
        match self.old {
            Some(old) => write!(f, "{old} -> {}", self.new),
            None => write!(f, "none -> {}", self.new),
        }
    }
}

/// Applies the settings to every `ControlSet00N` of a SYSTEM hive and returns all values concerned, those that
/// were right already too.
///
/// # Errors
/// `Corrupt` when the hive has no control set: it is no SYSTEM hive, and is left as it was.
pub fn apply(system: &mut Hive, settings: &Settings) -> Result<Vec<Change>> {
    let sets = control_sets(system);
    if sets.is_empty() {
        return Err(Error::Corrupt {
            key: system.root().name().to_string(),
            found: "no key ControlSet001 or like it".to_owned(),
            expected: "a SYSTEM hive",
        });
    }
    let mut changes = Vec::new();
    for set in &sets {
        for (key, value, number) in wanted(settings) {
            changes.push(set_number(system, &format!("{set}\\{key}"), value, number)?);
        }
    }
    if let Some(flags) = settings.boot_driver_flags {
        for config in subkeys(system, "HardwareConfig", |name| name.starts_with('{')) {
            let key = format!("HardwareConfig\\{config}");
            changes.push(set_number(system, &key, "BootDriverFlags", flags)?);
        }
    }
    Ok(changes)
}

/// Names of the control sets of a SYSTEM hive, such as `ControlSet001`.
#[must_use]
pub fn control_sets(system: &Hive) -> Vec<String> {
    subkeys(system, "", |name| {
        let digits = name
            .get(..10)
            .filter(|prefix| prefix.eq_ignore_ascii_case("ControlSet"))
            .and_then(|_| name.get(10..));
        digits.is_some_and(|digits| digits.len() == 3 && digits.bytes().all(|b| b.is_ascii_digit()))
    })
}

fn subkeys(hive: &Hive, path: &str, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let subkeys = hive.key(path).map(regf_hive::Key::subkeys).unwrap_or_default();
    subkeys
        .iter()
        .map(|key| key.name().to_string())
        .filter(|name| wanted(name))
        .collect()
}

/// Keys below a control set, value names and numbers.
fn wanted(settings: &Settings) -> Vec<(&'static str, &'static str, u32)> {
    let mut wanted = Vec::new();
    if let Some(policy) = settings.san_policy {
        wanted.push(("Services\\partmgr\\Parameters", "SanPolicy", policy));
    }
    if settings.prevent_device_encryption {
        wanted.push(("Control\\BitLocker", "PreventDeviceEncryption", 1));
    }
    if settings.no_hibernation {
        wanted.push(("Control\\Power", "HibernateEnabled", 0));
        wanted.push(("Control\\Session Manager\\Power", "HiberbootEnabled", 0));
    }
    if let Some(portable) = settings.portable {
        wanted.push(("Control", "PortableOperatingSystem", portable.into()));
    }
    if let Some(flags) = settings.boot_driver_flags {
        wanted.push(("Control", "BootDriverFlags", flags));
    }
    if settings.no_vhd_expansion {
        wanted.push(("Services\\FsDepends\\Parameters", "VirtualDiskExpandOnMount", 4));
    }
    wanted
}

fn set_number(hive: &mut Hive, key: &str, value: &str, number: u32) -> Result<Change> {
    let old = hive.set_value(key, Value::dword(value, number))?;
    Ok(Change {
        key: key.to_owned(),
        value: value.to_owned(),
        old: old.and_then(|old| old.as_dword()),
        new: number,
    })
}

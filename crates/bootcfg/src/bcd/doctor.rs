//! What keeps a store from booting, or is odd.
//!
//! # Source
//! Faults and what they show were observed with the boot managers of Windows 10 19041 to Windows 11 26100.

use regf_hive::{Hive, Key};
use serde::Serialize;
use uuid::Uuid;

use super::element::{Element, braced, format_of};
use super::object_ids::{self, types};
use super::store::{Object, Store};
use super::{Device, Local, element_ids};

/// How bad a [`Finding`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Boots, and something is not as it should be.
    Warning,
    /// Keeps the store, or an entry, from booting.
    Error,
}

/// One fault of a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad.
    pub severity: Severity,
    /// Where: the hive, a key, an object or an element.
    pub at: String,
    /// What is wrong.
    pub message: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{severity}: {}: {}", self.at, self.message)
    }
}

/// Examines a store; nothing found is a sound one. Read it with [`Hive::read_dirty`], so that a bad header is a
/// finding too.
#[must_use]
pub fn doctor(hive: &Hive) -> Vec<Finding> {
    let mut findings = Findings(Vec::new());
    findings.hive(hive);
    match Store::from_hive(hive) {
        Err(error) => findings.error("store".to_owned(), error.to_string()),
        Ok(store) => {
            findings.boot_manager(&store);
            for (&id, object) in &store.objects {
                findings.object(&store, id, object);
            }
        }
    }
    findings.0
}

struct Findings(Vec<Finding>);

impl Findings {
    fn error(&mut self, at: String, message: String) {
        self.push(Severity::Error, at, message);
    }

    fn warning(&mut self, at: String, message: String) {
        self.push(Severity::Warning, at, message);
    }

    fn push(&mut self, severity: Severity, at: String, message: String) {
        self.0.push(Finding {
            severity,
            at,
            message,
        });
    }

    fn hive(&mut self, hive: &Hive) {
        let header = hive.header();
        let (primary, secondary) = header.sequences();
        if primary != secondary {
            let message = format!(
                "sequence numbers {primary} and {secondary} differ: without its logs the boot manager \
                 refuses it (0xc000000f)"
            );
            self.error("hive header".to_owned(), message);
        }
        if !header.checksum_holds() {
            let message = "the checksum is wrong: the boot manager refuses it (0xc000000f)".to_owned();
            self.error("hive header".to_owned(), message);
        }
        for (_, key) in hive.root().walk() {
            self.order(key);
        }
    }

    fn order(&mut self, key: &Key) {
        let subkeys = key.subkeys();
        for pair in subkeys.windows(2) {
            let [before, after] = pair else { continue };
            if !before.name().cmp_ignore_case(after.name()).is_lt() {
                let message = format!(
                    "subkeys {} and {} are not in order: the boot manager does not find them (0xc0000034)",
                    before.name(),
                    after.name()
                );
                self.error(format!("key {}", key.name()), message);
            }
        }
    }

    fn boot_manager(&mut self, store: &Store) {
        let at = || "{bootmgr}".to_owned();
        let Some(manager) = store.objects.get(&object_ids::BOOT_MANAGER) else {
            return self.error(at(), "there is no boot manager object".to_owned());
        };
        if manager.device(element_ids::DEVICE).is_none() {
            self.warning(at(), "it has no device: Windows' own tools want one".to_owned());
        }
        match store.default_entry() {
            None => self.warning(at(), "it has no default entry".to_owned()),
            Some(id) if !store.objects.contains_key(&id) => {
                self.error(at(), format!("its default entry {} does not exist", braced(id)));
            }
            Some(_) => {}
        }
    }

    fn object(&mut self, store: &Store, id: Uuid, object: &Object) {
        let at = object_ids::alias(id).map_or_else(|| braced(id), |alias| format!("{{{alias}}}"));
        if object.object_type == types::OS_LOADER {
            for wanted in [
                element_ids::DEVICE,
                element_ids::PATH,
                element_ids::OS_DEVICE,
                element_ids::SYSTEM_ROOT,
            ] {
                if !object.elements.contains_key(&wanted) {
                    let name = element_ids::name_or_hex(wanted);
                    self.error(at.clone(), format!("a loader needs the element {name}"));
                }
            }
        }
        for (&element_id, element) in &object.elements {
            let name = element_ids::name(element_id, object.object_type)
                .map_or_else(|| format!("{element_id:#010x}"), str::to_owned);
            self.element(store, format!("{at} {name}"), element_id, element);
        }
    }

    fn element(&mut self, store: &Store, at: String, id: u32, element: &Element) {
        if let Element::Raw { registry_type, data } = element {
            let message = format!(
                "registry type {registry_type} with {} bytes is not {}: the boot manager refuses it (0xc0000024)",
                data.len(),
                rule(id)
            );
            return self.error(at, message);
        }
        for target in references(element) {
            if !store.objects.contains_key(&target) {
                self.warning(
                    at.clone(),
                    format!("it refers to {}, which does not exist", braced(target)),
                );
            }
        }
        if let Element::Device(device) = element {
            let is_ramdisk = matches!(device.device, Device::Local(Local::Ramdisk { .. }));
            if is_ramdisk && device.options.is_none() {
                self.warning(at, "a RAM disk without options object".to_owned());
            } else if matches!(device.device, Device::Unknown { .. }) {
                self.warning(at, "a kind of device that is not known here".to_owned());
            }
        }
    }
}

fn references(element: &Element) -> Vec<Uuid> {
    match element {
        Element::Object(id) => vec![*id],
        Element::ObjectList(ids) => ids.clone(),
        Element::Device(device) => device.options.into_iter().collect(),
        _ => Vec::new(),
    }
}

/// What an element of this id has to be.
fn rule(id: u32) -> &'static str {
    match format_of(id) {
        1 => "a device of 16 bytes and its descriptor's size",
        2 => "a text",
        3 => "an object id in braces",
        4 => "a list of object ids in braces",
        5 => "an integer of one to eight bytes",
        6 => "a boolean of one byte",
        7 => "a list of integers of eight bytes",
        _ => "of a known format",
    }
}

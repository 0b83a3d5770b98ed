//! The store as a registry hive.
//!
//! # Source
//! Observed in stores written by Windows 7 to 11: format 1.3, fast leaves, keys `Description` and
//! `Objects\{guid}\{Description,Elements\XXXXXXXX}`, two security descriptors.

use regf_hive::{Hive, Key, Limits, Value, WriteOptions};

use super::element::{braced, unbraced};
use super::store::{Object, Store, StoreDescription};
use crate::{Error, Result, security};

/// Access of Administrators to the store's key `Description`: all.
const DESCRIPTION_ACCESS: u32 = 0x000f_003f;
/// Access of Administrators to every other key, the root too: read, and change of the access list.
const KEY_ACCESS: u32 = 0x0006_0019;

impl Store {
    /// Reads a store from the bytes of its hive.
    ///
    /// # Errors
    /// `Hive` when the hive cannot be read, `Corrupt` when it is not a BCD store.
    pub fn read(bytes: &[u8], limits: &Limits) -> Result<Self> {
        Self::from_hive(&Hive::read(bytes, limits)?)
    }

    /// Reads a store from a hive.
    ///
    /// # Errors
    /// `Corrupt` when the hive is not a BCD store.
    pub fn from_hive(hive: &Hive) -> Result<Self> {
        let root = hive.root();
        let objects = root.subkey("Objects").ok_or_else(|| Error::Corrupt {
            key: root.name().to_string(),
            found: "no key Objects".to_owned(),
            expected: "a BCD store, which has one",
        })?;
        let mut store = Self {
            root_name: root.name().to_string(),
            description: root.subkey("Description").map(description).unwrap_or_default(),
            ..Self::new()
        };
        for key in objects.subkeys() {
            let name = key.name().to_string();
            let id = unbraced(&name).ok_or_else(|| Error::Corrupt {
                key: format!("Objects\\{name}"),
                found: name.clone(),
                expected: "a GUID in braces",
            })?;
            if store.objects.insert(id, object(key, &name)?).is_some() {
                return Err(Error::Corrupt {
                    key: format!("Objects\\{name}"),
                    found: "the same object twice".to_owned(),
                    expected: "one",
                });
            }
        }
        Ok(store)
    }

    /// The store as a hive file. `filetime` (100 ns since 1601-01-01 UTC) is the time of the file and all
    /// keys. Same store and time, same bytes.
    ///
    /// # Errors
    /// `Hive` when the store cannot be a hive (over 2 GiB, names too long).
    pub fn write(&self, filetime: u64) -> Result<Vec<u8>> {
        Ok(self.to_hive(filetime)?.write(&WriteOptions::new())?)
    }

    /// The store as a hive in memory.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn to_hive(&self, filetime: u64) -> Result<Hive> {
        let mut hive = Hive::new(&self.root_name, descriptor(KEY_ACCESS), 3)?;
        hive.header_mut().set_file_name("\\EFI\\Microsoft\\Boot\\BCD");
        hive.header_mut().set_last_written(filetime);
        let root = hive.root_mut();
        root.last_write = filetime;
        let key = root.create_subkey("Description")?;
        key.security = Some(descriptor(DESCRIPTION_ACCESS).into());
        write_description(&self.description, key);
        let objects = root.create_subkey("Objects")?;
        for (&id, object) in &self.objects {
            let key = objects.create_subkey(&braced(id))?;
            let about = key.create_subkey("Description")?;
            about.set_value(Value::dword("Type", object.object_type));
            if let Some(variable) = &object.firmware_variable {
                about.set_value(Value::binary("FirmwareVariable", variable.clone()));
            }
            let elements = key.create_subkey("Elements")?;
            for &id in object.elements.keys() {
                if let Some(value) = object.registry_value(id) {
                    elements.create_subkey(&format!("{id:08x}"))?.set_value(value);
                }
            }
        }
        Ok(hive)
    }
}

fn description(key: &Key) -> StoreDescription {
    let number = |name| key.value(name).and_then(Value::as_dword);
    StoreDescription {
        key_name: key.value("KeyName").and_then(Value::as_string),
        system: number("System"),
        treat_as_system: number("TreatAsSystem"),
        firmware_modified: number("FirmwareModified"),
        guid_cache: key.value("GuidCache").map(|value| value.data.clone()),
    }
}

fn write_description(description: &StoreDescription, key: &mut Key) {
    if let Some(name) = &description.key_name {
        key.set_value(Value::string("KeyName", name));
    }
    for (name, number) in [
        ("System", description.system),
        ("TreatAsSystem", description.treat_as_system),
        ("FirmwareModified", description.firmware_modified),
    ] {
        if let Some(number) = number {
            key.set_value(Value::dword(name, number));
        }
    }
    if let Some(cache) = &description.guid_cache {
        key.set_value(Value::binary("GuidCache", cache.clone()));
    }
}

fn object(key: &Key, name: &str) -> Result<Object> {
    let about = key.subkey("Description");
    let object_type = about
        .and_then(|about| about.value("Type"))
        .and_then(Value::as_dword)
        .ok_or_else(|| Error::Corrupt {
            key: format!("Objects\\{name}\\Description"),
            found: "no number Type".to_owned(),
            expected: "the object's type",
        })?;
    let mut object = Object::new(object_type);
    object.firmware_variable = about
        .and_then(|about| about.value("FirmwareVariable"))
        .map(|value| value.data.clone());
    for element in key.subkey("Elements").map(Key::subkeys).unwrap_or_default() {
        let element_name = element.name().to_string();
        let corrupt = |found: &str, expected| Error::Corrupt {
            key: format!("Objects\\{name}\\Elements\\{element_name}"),
            found: found.to_owned(),
            expected,
        };
        let id = (element_name.len() == 8)
            .then(|| u32::from_str_radix(&element_name, 16).ok())
            .flatten()
            .ok_or_else(|| corrupt(&element_name, "an element id of eight hexadecimal digits"))?;
        let value = element
            .value("Element")
            .ok_or_else(|| corrupt("no value Element", "the element's value"))?;
        object.insert_stored(id, value);
    }
    Ok(object)
}

/// Access for Administrators as given, and all for SYSTEM.
fn descriptor(administrators: u32) -> Vec<u8> {
    const ALL: u32 = 0x000f_003f;
    security::descriptor(
        0,
        [
            (security::ADMINISTRATORS, administrators),
            (security::SYSTEM, ALL),
        ],
    )
}

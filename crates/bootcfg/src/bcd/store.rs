//! The store: objects by id, each with elements by id.

use std::collections::BTreeMap;

use regf_hive::Value;
use uuid::Uuid;

use super::device::Device;
use super::element::Element;
use super::element_ids;
use super::object_ids;
use crate::{Error, Result};

/// A BCD store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// Name of the root key: `NewStoreRoot`, or `System` on installation media.
    pub root_name: String,
    /// What the store says of itself.
    pub description: StoreDescription,
    /// Its objects.
    pub objects: BTreeMap<Uuid, Object>,
}

/// Values of the key `Description` of a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreDescription {
    /// `BCD00000000` for a system store, another number for one opened as a file.
    pub key_name: Option<String>,
    /// 1 marks a system store.
    pub system: Option<u32>,
    /// 1 once Windows has loaded it as the system store.
    pub treat_as_system: Option<u32>,
    /// 1 asks Windows to carry firmware entries into the firmware's variables.
    pub firmware_modified: Option<u32>,
    /// Base for new GUIDs: a time, a counter, the node.
    pub guid_cache: Option<Vec<u8>>,
}

/// An object of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// What kind of object, see [`object_ids::types`].
    pub object_type: u32,
    /// The firmware's boot variable for the object, where Windows made one.
    pub firmware_variable: Option<Vec<u8>>,
    /// Its elements.
    pub elements: BTreeMap<u32, Element>,
    /// Elements whose registry data was not what [`Element::encode`] makes (another length, more NULs), with
    /// that data: it is written back as long as the element is not changed.
    as_stored: BTreeMap<u32, (Element, Value)>,
}

impl Object {
    /// An object of this type without elements.
    #[must_use]
    pub fn new(object_type: u32) -> Self {
        Self {
            object_type,
            firmware_variable: None,
            elements: BTreeMap::new(),
            as_stored: BTreeMap::new(),
        }
    }

    /// Takes an element over from the registry.
    pub(crate) fn insert_stored(&mut self, id: u32, value: &Value) {
        let element = Element::decode(id, value);
        if element.encode() != *value {
            self.as_stored.insert(id, (element.clone(), value.clone()));
        }
        self.elements.insert(id, element);
    }

    /// The registry value of an element.
    pub(crate) fn registry_value(&self, id: u32) -> Option<Value> {
        let element = self.elements.get(&id)?;
        match self.as_stored.get(&id) {
            Some((stored, value)) if stored == element => Some(value.clone()),
            _ => Some(element.encode()),
        }
    }

    /// With this element.
    #[must_use]
    pub fn with(mut self, id: u32, element: impl Into<Element>) -> Self {
        self.elements.insert(id, element.into());
        self
    }

    /// The text of a string element.
    #[must_use]
    pub fn string(&self, id: u32) -> Option<&str> {
        match self.elements.get(&id)? {
            Element::String(text) => Some(text),
            _ => None,
        }
    }

    /// The device of a device element.
    #[must_use]
    pub fn device(&self, id: u32) -> Option<&Device> {
        match self.elements.get(&id)? {
            Element::Device(element) => Some(&element.device),
            _ => None,
        }
    }
}

impl Store {
    /// An empty system store.
    #[must_use]
    pub fn new() -> Self {
        Self {
            root_name: "NewStoreRoot".to_owned(),
            description: StoreDescription {
                key_name: Some("BCD00000000".to_owned()),
                system: Some(1),
                ..StoreDescription::default()
            },
            objects: BTreeMap::new(),
        }
    }

    /// The id an alias stands for here: `{default}` is the boot manager's default; GUIDs and other aliases
    /// are as [`object_ids::parse`] has them.
    ///
    /// # Errors
    /// `NotFound` when the text is no GUID and no alias, or there is no default.
    pub fn resolve(&self, text: &str) -> Result<Uuid> {
        let not_found = || Error::NotFound {
            what: "object",
            name: text.to_owned(),
        };
        let id = object_ids::parse(text).ok_or_else(not_found)?;
        if id == object_ids::DEFAULT || id == object_ids::CURRENT {
            return self.default_entry().ok_or_else(not_found);
        }
        Ok(id)
    }

    /// The boot manager's default entry.
    #[must_use]
    pub fn default_entry(&self) -> Option<Uuid> {
        let manager = self.objects.get(&object_ids::BOOT_MANAGER)?;
        match manager.elements.get(&element_ids::DEFAULT_OR_RESUME)? {
            Element::Object(id) => Some(*id),
            _ => None,
        }
    }

    /// Sets an element; returns the old one.
    ///
    /// # Errors
    /// `NotFound` without such an object, `Invalid` when the value is not of the kind the id wants.
    pub fn set(&mut self, object: Uuid, id: u32, element: impl Into<Element>) -> Result<Option<Element>> {
        let element = element.into();
        if !element.fits(id) {
            return Err(Error::Invalid {
                what: "element",
                reason: format!("{element:?} is not of the kind that {id:#010x} wants"),
            });
        }
        let object = self.objects.get_mut(&object).ok_or(Error::NoObject(object))?;
        Ok(object.elements.insert(id, element))
    }

    /// Removes an element and returns it.
    ///
    /// # Errors
    /// `NotFound` when object or element are not there.
    pub fn delete(&mut self, object: Uuid, id: u32) -> Result<Element> {
        let found = self.objects.get_mut(&object).ok_or(Error::NoObject(object))?;
        found.elements.remove(&id).ok_or_else(|| Error::NotFound {
            what: "element",
            name: format!("{id:#010x} of {{{object}}}"),
        })
    }
}

impl Default for Store {
    fn default() -> Self {
        Self::new()
    }
}

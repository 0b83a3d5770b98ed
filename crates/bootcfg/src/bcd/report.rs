//! A store for people and programs to read.

use std::fmt;

use serde::Serialize;
use uuid::Uuid;

use super::element::{Element, braced};
use super::store::Store;
use super::{element_ids, object_ids};

/// All of a store, for JSON by serde, or for text by `Display`, which looks like `bcdedit /enum all /v`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoreReport {
    /// `BCD00000000` for a system store.
    pub key_name: Option<String>,
    /// Whether it calls itself a system store.
    pub system: bool,
    /// Its objects: boot managers first, then by type.
    pub objects: Vec<ObjectReport>,
}

/// An object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ObjectReport {
    /// Its id.
    pub id: Uuid,
    /// Its alias, such as `bootmgr`, without braces.
    pub alias: Option<&'static str>,
    /// Its type in hexadecimal.
    #[serde(rename = "type")]
    pub object_type: String,
    /// What the type means.
    pub type_name: &'static str,
    /// Size of the firmware variable that Windows keeps for it, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firmware_variable_bytes: Option<usize>,
    /// Its elements, by id.
    pub elements: Vec<ElementReport>,
}

/// An element.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ElementReport {
    /// Its id in hexadecimal.
    pub id: String,
    /// The name bcdedit gives it.
    pub name: Option<&'static str>,
    /// Its value.
    #[serde(flatten)]
    pub element: Element,
}

impl Store {
    /// The store in a form to be shown.
    #[must_use]
    pub fn to_report(&self) -> StoreReport {
        let mut objects: Vec<_> = self.objects.iter().collect();
        objects.sort_by_key(|(id, object)| (object.object_type, **id));
        let objects = objects.into_iter().map(|(&id, object)| ObjectReport {
            id,
            alias: object_ids::alias(id),
            object_type: format!("{:#010x}", object.object_type),
            type_name: object_ids::type_name(object.object_type),
            firmware_variable_bytes: object.firmware_variable.as_ref().map(Vec::len),
            elements: object
                .elements
                .iter()
                .map(|(&element_id, element)| ElementReport {
                    id: format!("{element_id:#010x}"),
                    name: element_ids::name(element_id, object.object_type),
                    element: element.clone(),
                })
                .collect(),
        });
        StoreReport {
            key_name: self.description.key_name.clone(),
            system: self.description.system == Some(1),
            objects: objects.collect(),
        }
    }
}

impl fmt::Display for StoreReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, object) in self.objects.iter().enumerate() {
            if at > 0 {
                writeln!(f)?;
            }
            write!(f, "{object}")?;
        }
        Ok(())
    }
}

impl fmt::Display for ObjectReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.type_name)?;
        writeln!(f, "{}", "-".repeat(self.type_name.len()))?;
        writeln!(f, "{:<24}{}", "identifier", shown_id(self.id))?;
        for element in &self.elements {
            let name = element.name.unwrap_or(&element.id);
            let mut lines = element.element.lines().into_iter();
            writeln!(f, "{name:<24}{}", lines.next().unwrap_or_default())?;
            for line in lines {
                writeln!(f, "{:24}{line}", "")?;
            }
        }
        Ok(())
    }
}

/// `{alias}` or `{guid}`.
fn shown_id(id: Uuid) -> String {
    object_ids::alias(id).map_or_else(|| braced(id), |alias| format!("{{{alias}}}"))
}

impl Element {
    /// The value as bcdedit shows it, one line for each item of a list.
    fn lines(&self) -> Vec<String> {
        match self {
            Self::Device(element) => match element.options {
                Some(options) => vec![format!("{},{}", element.device, shown_id(options))],
                None => vec![element.device.to_string()],
            },
            Self::String(text) => vec![text.clone()],
            Self::Object(id) => vec![shown_id(*id)],
            Self::ObjectList(ids) => ids.iter().map(|&id| shown_id(id)).collect(),
            Self::Integer(number) => vec![number.to_string()],
            Self::Boolean(on) => vec![if *on { "Yes" } else { "No" }.to_owned()],
            Self::IntegerList(numbers) => numbers.iter().map(|number| format!("{number:#x}")).collect(),
            Self::Raw { registry_type, data } => {
                let bytes: String = data.iter().map(|byte| format!("{byte:02x}")).collect();
                vec![format!(
                    "not valid: registry type {registry_type}, {} bytes {bytes}",
                    data.len()
                )]
            }
        }
    }
}

//! Elements: typed values of objects, and their form in the registry.

use regf_hive::{Value, ValueType};
use serde::Serialize;
use uuid::Uuid;

use super::device::{Device, DeviceElement};

/// The value of an element. Which kind an id wants is in its bits 24 to 27.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "format", content = "value", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Element {
    /// Format 1.
    Device(DeviceElement),
    /// Format 2.
    String(String),
    /// Format 3: another object.
    Object(Uuid),
    /// Format 4.
    ObjectList(Vec<Uuid>),
    /// Format 5.
    Integer(u64),
    /// Format 6.
    Boolean(bool),
    /// Format 7.
    IntegerList(Vec<u64>),
    /// Registry data that is not what the element's format says, kept as it is.
    Raw {
        /// Type of the registry value.
        registry_type: u32,
        /// Its data.
        data: Vec<u8>,
    },
}

impl From<Device> for Element {
    fn from(device: Device) -> Self {
        Self::Device(device.into())
    }
}

/// Format of an element id: what kind of value it wants.
#[must_use]
pub fn format_of(id: u32) -> u32 {
    id >> 24 & 0xf
}

impl Element {
    /// Whether this kind of value is what the id wants.
    #[must_use]
    pub fn fits(&self, id: u32) -> bool {
        self.format() == Some(format_of(id))
    }

    fn format(&self) -> Option<u32> {
        match self {
            Self::Device(_) => Some(1),
            Self::String(_) => Some(2),
            Self::Object(_) => Some(3),
            Self::ObjectList(_) => Some(4),
            Self::Integer(_) => Some(5),
            Self::Boolean(_) => Some(6),
            Self::IntegerList(_) => Some(7),
            Self::Raw { .. } => None,
        }
    }

    /// Decodes the registry value of an element as the boot manager does: numbers of up to eight bytes,
    /// booleans of exactly one, texts up to their first NUL. What it would refuse is [`Element::Raw`].
    #[must_use]
    pub fn decode(id: u32, value: &Value) -> Self {
        decode_typed(id, value).unwrap_or_else(|| Self::Raw {
            registry_type: value.data_type.0,
            data: value.data.clone(),
        })
    }

    /// The registry value.
    #[must_use]
    pub fn encode(&self) -> Value {
        const NAME: &str = "Element";
        match self {
            Self::Device(device) => Value::binary(NAME, device.encode()),
            Self::String(text) => Value::string(NAME, text),
            Self::Object(id) => Value::string(NAME, &braced(*id)),
            Self::ObjectList(ids) => {
                let texts: Vec<String> = ids.iter().map(|&id| braced(id)).collect();
                Value::multi_string(NAME, &texts)
            }
            Self::Integer(number) => Value::binary(NAME, number.to_le_bytes().to_vec()),
            Self::Boolean(on) => Value::binary(NAME, vec![u8::from(*on)]),
            Self::IntegerList(numbers) => {
                Value::binary(NAME, numbers.iter().flat_map(|n| n.to_le_bytes()).collect())
            }
            Self::Raw { registry_type, data } => Value::new(NAME, ValueType(*registry_type), data.clone()),
        }
    }
}

fn decode_typed(id: u32, value: &Value) -> Option<Element> {
    Some(match format_of(id) {
        1 => Element::Device(DeviceElement::decode(&value.data)?),
        2 => Element::String(value.as_string()?),
        3 => Element::Object(unbraced(&value.as_string()?)?),
        4 => {
            let texts = value.as_multi_string()?;
            Element::ObjectList(texts.iter().map(|t| unbraced(t)).collect::<Option<_>>()?)
        }
        5 => {
            let mut bytes = [0; 8];
            if value.data.is_empty() {
                return None;
            }
            bytes.get_mut(..value.data.len())?.copy_from_slice(&value.data);
            Element::Integer(u64::from_le_bytes(bytes))
        }
        6 => match value.data.as_slice() {
            [byte] => Element::Boolean(*byte != 0),
            _ => return None,
        },
        7 => {
            let (numbers, rest) = value.data.as_chunks::<8>();
            if !rest.is_empty() {
                return None;
            }
            Element::IntegerList(numbers.iter().map(|&n| u64::from_le_bytes(n)).collect())
        }
        _ => return None,
    })
}

/// `{guid}` in lower case, as stores name objects.
pub(crate) fn braced(id: Uuid) -> String {
    format!("{{{id}}}")
}

pub(crate) fn unbraced(text: &str) -> Option<Uuid> {
    let inner = text.strip_prefix('{')?.strip_suffix('}')?;
    (inner.len() == 36).then(|| Uuid::try_parse(inner).ok()).flatten()
}

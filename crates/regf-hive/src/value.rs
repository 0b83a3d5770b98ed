//! Values: a name, a type, data.

use crate::Name;

/// Type of a value's data. Any number may occur; drivers keep their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueType(pub u32);

impl ValueType {
    /// `REG_NONE`.
    pub const NONE: Self = Self(0);
    /// `REG_SZ`: UTF-16LE text with a final NUL.
    pub const SZ: Self = Self(1);
    /// `REG_EXPAND_SZ`: text with `%variables%`.
    pub const EXPAND_SZ: Self = Self(2);
    /// `REG_BINARY`.
    pub const BINARY: Self = Self(3);
    /// `REG_DWORD`: 32 bits, little-endian.
    pub const DWORD: Self = Self(4);
    /// `REG_DWORD_BIG_ENDIAN`.
    pub const DWORD_BIG_ENDIAN: Self = Self(5);
    /// `REG_LINK`: UTF-16LE target of a symbolic link, without NUL.
    pub const LINK: Self = Self(6);
    /// `REG_MULTI_SZ`: texts, each with its NUL, and one more NUL.
    pub const MULTI_SZ: Self = Self(7);
    /// `REG_RESOURCE_LIST`.
    pub const RESOURCE_LIST: Self = Self(8);
    /// `REG_FULL_RESOURCE_DESCRIPTOR`.
    pub const FULL_RESOURCE_DESCRIPTOR: Self = Self(9);
    /// `REG_RESOURCE_REQUIREMENTS_LIST`.
    pub const RESOURCE_REQUIREMENTS_LIST: Self = Self(10);
    /// `REG_QWORD`: 64 bits, little-endian.
    pub const QWORD: Self = Self(11);

    /// The `REG_…` name, when there is one.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        const NAMES: [&str; 12] = [
            "REG_NONE",
            "REG_SZ",
            "REG_EXPAND_SZ",
            "REG_BINARY",
            "REG_DWORD",
            "REG_DWORD_BIG_ENDIAN",
            "REG_LINK",
            "REG_MULTI_SZ",
            "REG_RESOURCE_LIST",
            "REG_FULL_RESOURCE_DESCRIPTOR",
            "REG_RESOURCE_REQUIREMENTS_LIST",
            "REG_QWORD",
        ];
        NAMES.get(usize::try_from(self.0).ok()?).copied()
    }
}

/// A value of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// Its name; empty for the key's default value.
    pub name: Name,
    /// Type of the data.
    pub data_type: ValueType,
    /// The data, as stored.
    pub data: Vec<u8>,
    /// Flags other than the one for the name's encoding.
    pub(crate) flags: u16,
}

impl Value {
    /// A value of any type.
    #[must_use]
    pub fn new(name: impl Into<Name>, data_type: ValueType, data: Vec<u8>) -> Self {
        Self {
            name: name.into(),
            data_type,
            data,
            flags: 0,
        }
    }

    /// A `REG_DWORD`.
    #[must_use]
    pub fn dword(name: impl Into<Name>, number: u32) -> Self {
        Self::new(name, ValueType::DWORD, number.to_le_bytes().to_vec())
    }

    /// A `REG_QWORD`.
    #[must_use]
    pub fn qword(name: impl Into<Name>, number: u64) -> Self {
        Self::new(name, ValueType::QWORD, number.to_le_bytes().to_vec())
    }

    /// A `REG_SZ`, with its NUL.
    #[must_use]
    pub fn string(name: impl Into<Name>, text: &str) -> Self {
        Self::new(name, ValueType::SZ, utf16_nul(text))
    }

    /// A `REG_MULTI_SZ`.
    #[must_use]
    pub fn multi_string<S: AsRef<str>>(name: impl Into<Name>, texts: &[S]) -> Self {
        let mut data: Vec<u8> = texts.iter().flat_map(|t| utf16_nul(t.as_ref())).collect();
        data.extend([0, 0]);
        Self::new(name, ValueType::MULTI_SZ, data)
    }

    /// A `REG_BINARY`.
    #[must_use]
    pub fn binary(name: impl Into<Name>, data: Vec<u8>) -> Self {
        Self::new(name, ValueType::BINARY, data)
    }

    /// The number of a `REG_DWORD` (either endianness).
    #[must_use]
    pub fn as_dword(&self) -> Option<u32> {
        let bytes = <[u8; 4]>::try_from(self.data.as_slice()).ok()?;
        match self.data_type {
            ValueType::DWORD => Some(u32::from_le_bytes(bytes)),
            ValueType::DWORD_BIG_ENDIAN => Some(u32::from_be_bytes(bytes)),
            _ => None,
        }
    }

    /// The number of a `REG_QWORD`.
    #[must_use]
    pub fn as_qword(&self) -> Option<u64> {
        let bytes = <[u8; 8]>::try_from(self.data.as_slice()).ok()?;
        (self.data_type == ValueType::QWORD).then(|| u64::from_le_bytes(bytes))
    }

    /// The text of a `REG_SZ`, `REG_EXPAND_SZ` or `REG_LINK`, up to the first NUL. Unpaired surrogates
    /// become U+FFFD.
    #[must_use]
    pub fn as_string(&self) -> Option<String> {
        match self.data_type {
            ValueType::SZ | ValueType::EXPAND_SZ | ValueType::LINK => {
                let units = units_of(&self.data);
                let end = units.iter().position(|&u| u == 0).unwrap_or(units.len());
                Some(String::from_utf16_lossy(&units[..end]))
            }
            _ => None,
        }
    }

    /// The texts of a `REG_MULTI_SZ`, up to the first empty one.
    #[must_use]
    pub fn as_multi_string(&self) -> Option<Vec<String>> {
        (self.data_type == ValueType::MULTI_SZ).then(|| {
            units_of(&self.data)
                .split(|&u| u == 0)
                .take_while(|text| !text.is_empty())
                .map(String::from_utf16_lossy)
                .collect()
        })
    }
}

fn utf16_nul(text: &str) -> Vec<u8> {
    text.encode_utf16()
        .chain([0])
        .flat_map(u16::to_le_bytes)
        .collect()
}

fn units_of(data: &[u8]) -> Vec<u16> {
    data.as_chunks::<2>()
        .0
        .iter()
        .map(|&p| u16::from_le_bytes(p))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_values_read_back() {
        assert_eq!(Value::dword("a", 7).as_dword(), Some(7));
        assert_eq!(Value::qword("a", 1 << 40).as_qword(), Some(1 << 40));
        assert_eq!(Value::string("a", "x").data, [b'x', 0, 0, 0]);
        assert_eq!(Value::string("a", "xy").as_string().as_deref(), Some("xy"));
        let multi = Value::multi_string("a", &["x", "yz"]);
        assert_eq!(
            multi.as_multi_string(),
            Some(vec!["x".to_owned(), "yz".to_owned()])
        );
        assert_eq!(multi.data.len(), 12);
        assert_eq!(Value::binary("a", vec![1, 2, 3, 4]).as_dword(), None);
        assert_eq!(ValueType::QWORD.name(), Some("REG_QWORD"));
        assert_eq!(ValueType(12).name(), None);
    }
}

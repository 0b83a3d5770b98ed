//! Names of keys and values: UTF-16 that need not be well formed, stored one byte a character where it can.

use std::cmp::Ordering;
use std::fmt;

use crate::upcase::upcase;

/// Name of a key or value: any sequence of UTF-16 code units, in the encoding the hive stores.
///
/// Comparison (`==`, ordering) is exact; [`Name::eq_ignore_case`] and [`Name::cmp_ignore_case`] compare as
/// the registry does.
#[derive(Clone)]
pub struct Name(Stored);

#[derive(Clone)]
enum Stored {
    /// One byte a unit: units up to 0xff.
    Latin1(Box<[u8]>),
    Utf16(Box<[u16]>),
}

impl Name {
    /// A name from text, stored one byte a unit where every unit is at most 0xff, as Windows does.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let units: Vec<u16> = text.encode_utf16().collect();
        Self::from_utf16(&units)
    }

    /// A name from UTF-16 code units.
    #[must_use]
    pub fn from_utf16(units: &[u16]) -> Self {
        let narrow: Option<Box<[u8]>> = units.iter().map(|&u| u8::try_from(u).ok()).collect();
        Self(match narrow {
            Some(bytes) => Stored::Latin1(bytes),
            None => Stored::Utf16(units.into()),
        })
    }

    /// From stored bytes; `compressed` is one byte a unit. `None` when UTF-16 has an odd length.
    pub(crate) fn from_stored(bytes: &[u8], compressed: bool) -> Option<Self> {
        if compressed {
            return Some(Self(Stored::Latin1(bytes.into())));
        }
        let (pairs, rest) = bytes.as_chunks::<2>();
        rest.is_empty().then(|| {
            Self(Stored::Utf16(
                pairs.iter().map(|&p| u16::from_le_bytes(p)).collect(),
            ))
        })
    }

    /// Whether it is stored one byte a unit.
    #[must_use]
    pub fn is_compressed(&self) -> bool {
        matches!(self.0, Stored::Latin1(_))
    }

    /// Bytes as stored in a cell.
    pub(crate) fn stored_bytes(&self) -> Vec<u8> {
        match &self.0 {
            Stored::Latin1(bytes) => bytes.to_vec(),
            Stored::Utf16(units) => units.iter().flat_map(|u| u.to_le_bytes()).collect(),
        }
    }

    /// Number of UTF-16 code units.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Stored::Latin1(bytes) => bytes.len(),
            Stored::Utf16(units) => units.len(),
        }
    }

    /// Whether it is empty, as the name of a key's default value is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The UTF-16 code units.
    pub fn units(&self) -> impl Iterator<Item = u16> + '_ {
        let (narrow, wide): (&[u8], &[u16]) = match &self.0 {
            Stored::Latin1(bytes) => (bytes, &[]),
            Stored::Utf16(units) => (&[], units),
        };
        narrow.iter().map(|&b| u16::from(b)).chain(wide.iter().copied())
    }

    /// Order of subkeys in a hive: by upper-cased code units, a prefix first.
    #[must_use]
    pub fn cmp_ignore_case(&self, other: &Self) -> Ordering {
        self.units().map(upcase).cmp(other.units().map(upcase))
    }

    /// Whether the registry takes both for the same name.
    #[must_use]
    pub fn eq_ignore_case(&self, other: &Self) -> bool {
        self.len() == other.len() && self.cmp_ignore_case(other).is_eq()
    }

    /// Whether the registry takes `text` for this name.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.units().map(upcase).eq(text.encode_utf16().map(upcase))
    }

    /// Hash of a hash leaf (`lh`): `h = 37 h + unit` over the upper-cased units.
    pub(crate) fn hash(&self) -> u32 {
        self.units().map(upcase).fold(0u32, |hash, unit| {
            hash.wrapping_mul(37).wrapping_add(u32::from(unit))
        })
    }

    /// Hint of a fast leaf (`lf`): the first four characters as bytes; zero when one of them does not fit
    /// a byte.
    pub(crate) fn hint(&self) -> [u8; 4] {
        let mut hint = [0; 4];
        for (slot, unit) in hint.iter_mut().zip(self.units()) {
            match u8::try_from(unit) {
                Ok(byte) => *slot = byte,
                Err(_) => return [0; 4],
            }
        }
        hint
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.units().eq(other.units())
    }
}

impl Eq for Name {}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        self.units().cmp(other.units())
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

/// The text; an unpaired surrogate is written as `\u{d800}`.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for unit in char::decode_utf16(self.units()) {
            match unit {
                Ok(c) => write!(f, "{c}")?,
                Err(e) => write!(f, "\\u{{{:x}}}", e.unpaired_surrogate())?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_by_upper_case() {
        let sorted = ["_", "a", "B", "b1", "C", "ä", "Ö"].map(Name::new);
        // '_' (0x5f) sorts after 'A'..'Z' since names are compared in upper case.
        let mut names = sorted.to_vec();
        names.sort_by(Name::cmp_ignore_case);
        let text: Vec<String> = names.iter().map(Name::to_string).collect();
        assert_eq!(text, ["a", "B", "b1", "C", "_", "ä", "Ö"]);
        assert!(Name::new("ControlSet001").matches("CONTROLSET001"));
        assert!(!Name::new("ab").matches("abc"));
    }

    #[test]
    fn hash_and_hint() {
        // observed in a hash leaf written by Windows 7: "Classes"
        let name = Name::new("Classes");
        let by_hand = "CLASSES"
            .bytes()
            .fold(0u32, |h, b| h.wrapping_mul(37).wrapping_add(b.into()));
        assert_eq!(name.hash(), by_hand);
        assert_eq!(&name.hint(), b"Clas");
        assert_eq!(&Name::new("ab").hint(), b"ab\0\0");
        assert_eq!(&Name::new("a\u{3a9}cd").hint(), &[0; 4]);
    }

    #[test]
    fn unpaired_surrogates_are_kept() {
        let name = Name::from_utf16(&[0x41, 0xd800]);
        assert_eq!(name.to_string(), "A\\u{d800}");
        assert_eq!(name.stored_bytes(), [0x41, 0, 0, 0xd8]);
        assert!(!name.is_compressed());
    }
}

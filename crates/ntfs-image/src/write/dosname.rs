//! DOS (8.3) names: which are legal, and how Windows makes them.

use std::collections::BTreeSet;

use super::bytes::low16;
use crate::upcase::upcase;

/// Longest name part and extension.
const BASE_UNITS: usize = 8;
const EXTENSION_UNITS: usize = 3;
/// Numeric tails tried before the hash is used.
const PLAIN_TAILS: u32 = 4;

/// Whether a character may stand in a DOS name; letters of either case may.
fn is_legal_unit(unit: u16) -> bool {
    match u8::try_from(unit) {
        Ok(byte) => byte > 0x20 && byte < 0x7F && !br#""*+,./:;<=>?[\]|"#.contains(&byte),
        Err(_) => false,
    }
}

/// Whether a name is a legal 8.3 name as it stands.
pub(super) fn is_legal(name: &[u16]) -> bool {
    let dot = u16::from(b'.');
    let (base, extension) = match name.iter().position(|&unit| unit == dot) {
        Some(at) => (&name[..at], Some(&name[at + 1..])),
        None => (name, None),
    };
    (1..=BASE_UNITS).contains(&base.len())
        && extension.is_none_or(|extension| (1..=EXTENSION_UNITS).contains(&extension.len()))
        && base
            .iter()
            .chain(extension.unwrap_or_default())
            .all(|&unit| is_legal_unit(unit))
}

/// Whether a name is legal in the namespace `WIN32`: only such a name has a DOS name beside it.
pub(super) fn is_legal_long(name: &[u16]) -> bool {
    name.iter()
        .all(|&unit| unit >= 0x20 && !br#""*/:<>?\|"#.iter().any(|&bad| u16::from(bad) == unit))
}

/// A DOS name for `name` that is not in `taken` (upper case); it is added there.
///
/// # Source
/// MS-FSA and the observed behaviour that T. Galvin, "A Tale of Two File Names" (2015), describes: four
/// numeric tails, then two characters and a hash.
pub(super) fn generate(name: &[u16], taken: &mut BTreeSet<Vec<u16>>) -> Vec<u16> {
    let (base, extension) = parts(name);
    let hash = hash(name);
    let mut tail = 1u32;
    loop {
        let (keep, number) = if tail <= PLAIN_TAILS {
            (6, tail)
        } else {
            (2, tail - PLAIN_TAILS)
        };
        let mut stem: Vec<u16> = base.iter().copied().take(keep).collect();
        if tail > PLAIN_TAILS {
            stem.extend(format!("{hash:04X}").encode_utf16());
        }
        let suffix: Vec<u16> = format!("~{number}").encode_utf16().collect();
        stem.truncate(BASE_UNITS - suffix.len().min(BASE_UNITS));
        stem.extend(suffix);
        if !extension.is_empty() {
            stem.push(u16::from(b'.'));
            stem.extend_from_slice(&extension);
        }
        if taken.insert(stem.clone()) {
            return stem;
        }
        tail += 1;
    }
}

/// Base and extension in DOS characters: spaces and dots dropped, others replaced by `_`, upper case.
fn parts(name: &[u16]) -> (Vec<u16>, Vec<u16>) {
    let dot = u16::from(b'.');
    let first = name
        .iter()
        .position(|&unit| unit != dot && unit != u16::from(b' '))
        .unwrap_or(0);
    let split = name
        .iter()
        .rposition(|&unit| unit == dot)
        .filter(|&at| at > first);
    let (base, extension) = match split {
        Some(at) => (&name[..at], &name[at + 1..]),
        None => (name, &[][..]),
    };
    let clean = |part: &[u16], most: usize| -> Vec<u16> {
        part.iter()
            .filter(|&&unit| unit != dot && unit != u16::from(b' '))
            .map(|&unit| {
                if is_legal_unit(unit) {
                    upcase(unit)
                } else {
                    u16::from(b'_')
                }
            })
            .take(most)
            .collect()
    };
    (clean(base, 6), clean(extension, EXTENSION_UNITS))
}

/// The hash of a long name in its DOS name.
fn hash(name: &[u16]) -> u16 {
    let sum = name
        .iter()
        .fold(0u16, |sum, &unit| sum.wrapping_mul(0x25).wrapping_add(unit));
    let product = i32::from(sum).wrapping_mul(314_159_269).wrapping_abs();
    let quotient = (i64::from(product).wrapping_mul(1_152_921_497).cast_unsigned() >> 60) as i32;
    let rest = product.wrapping_sub(quotient.wrapping_mul(1_000_000_007));
    let value = low16((rest & 0xFFFF) as usize);
    // Nibbles in reverse order.
    value.rotate_left(8) >> 4 & 0x0F0F | (value.rotate_left(8) & 0x0F0F) << 4
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(text: &str) -> Vec<u16> {
        text.encode_utf16().collect()
    }

    #[test]
    fn legal_names() {
        for good in ["A", "readme.txt", "12345678.123", "~$TEST_1.X"] {
            assert!(is_legal(&units(good)), "{good}");
        }
        for bad in [
            "",
            ".a",
            "a.",
            "a.b.c",
            "123456789",
            "a.1234",
            "a b",
            "a+b",
            "é",
            "a.ü",
        ] {
            assert!(!is_legal(&units(bad)), "{bad}");
        }
    }

    #[test]
    fn names_as_windows_makes_them() {
        let mut taken = BTreeSet::new();
        let mut make = |name: &str| String::from_utf16(&generate(&units(name), &mut taken)).unwrap();
        assert_eq!(make("Program Files"), "PROGRA~1");
        assert_eq!(make("Program Files (x86)"), "PROGRA~2");
        assert_eq!(make("1+2+3 Hello World.exe"), "1_2_3H~1.EXE");
        assert_eq!(make("a.testing.file.bat"), "ATESTI~1.BAT");
        assert_eq!(make(".gitignore"), "GITIGN~1");
        for n in 1..=4 {
            assert_eq!(make("SomeStuff.aspx"), format!("SOMEST~{n}.ASP"));
        }
        assert_eq!(make("SomeStuff.aspx"), "SOBC84~1.ASP");
    }
}

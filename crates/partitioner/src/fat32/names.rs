//! Long names and their 8.3 aliases.
//!
//! # Source
//! fatgen103, section 7 ("Name limits and character sets", "Basis-name generation", "Numeric-tail generation").

use std::collections::{HashMap, HashSet};

use crate::error::{Error, Result};

/// Longest name in UTF-16 units.
const MAX_UNITS: usize = 255;
/// Legal in long names only; a `_` takes their place in aliases.
const LONG_ONLY: &[u8] = b"+,;=[]";
/// Legal in no name. `/` and `\` separate paths.
const ILLEGAL: &[char] = &['"', '*', '/', ':', '<', '>', '?', '\\', '|'];

/// Refuses a name that Windows could not open again.
pub(super) fn check_name(name: &str) -> Result<()> {
    let bad = |reason: &str| Err(Error::invalid("FAT name", format!("{name:?} {reason}")));
    if name.is_empty() {
        return bad("is empty");
    }
    if name.encode_utf16().count() > MAX_UNITS {
        return bad("is longer than 255 UTF-16 units");
    }
    if let Some(c) = name.chars().find(|&c| c < ' ' || ILLEGAL.contains(&c)) {
        return bad(&format!("holds {c:?}"));
    }
    if name.ends_with(['.', ' ']) {
        return bad("ends with a dot or a space");
    }
    Ok(())
}

/// The name in the form in which names are compared: upper case, where one character has one.
pub(super) fn fold(name: &str) -> String {
    name.chars()
        .map(|c| {
            let mut upper = c.to_uppercase();
            match (upper.next(), upper.next()) {
                (Some(single), None) => single,
                _ => c,
            }
        })
        .collect()
}

/// The name as an 8.3 entry where it is one but for case; `None` where an alias is needed.
pub(super) fn as_short(name: &str) -> Option<[u8; 11]> {
    let (base, extension) = match name.rsplit_once('.') {
        Some((base, extension)) => (base, extension),
        None => (name, ""),
    };
    let fits =
        |part: &str, max: usize| part.len() <= max && part.bytes().all(|b| b != b'.' && is_short_byte(b));
    let has_dot = name.contains('.');
    if base.is_empty() || (has_dot && extension.is_empty()) || !fits(base, 8) || !fits(extension, 3) {
        return None;
    }
    Some(assemble(
        base.to_ascii_uppercase().as_bytes(),
        extension.to_ascii_uppercase().as_bytes(),
    ))
}

/// Whether the entry alone says the name as it is, so that no long name is needed.
pub(super) fn says_it_all(name: &str, short: &[u8; 11]) -> bool {
    as_short(name) == Some(*short) && !name.bytes().any(|b| b.is_ascii_lowercase())
}

/// The aliases of one directory.
#[derive(Default)]
pub(super) struct Aliases {
    used: HashSet<[u8; 11]>,
    /// Next tail to try for a basis, so that a thousand names alike do not cost a million tries.
    next_tail: HashMap<[u8; 11], u32>,
}

impl Aliases {
    /// Reserves a name that is an 8.3 name already. All of these come before the first [`Self::make`].
    pub(super) fn reserve(&mut self, short: [u8; 11]) {
        self.used.insert(short);
    }

    /// A new alias for a name that is no 8.3 name: `LONGFI~1.TXT`. `None` when a directory has used up all tails.
    pub(super) fn make(&mut self, name: &str) -> Option<[u8; 11]> {
        let (base, extension) = basis(name);
        let next = self
            .next_tail
            .entry(assemble(base.get(..6).unwrap_or(&base), &extension))
            .or_insert(1);
        while *next < 1_000_000 {
            let tail = format!("~{next}");
            *next += 1;
            let keep = base.len().min(8 - tail.len());
            let mut tailed = base.get(..keep).unwrap_or_default().to_vec();
            tailed.extend(tail.bytes());
            let short = assemble(&tailed, &extension);
            if self.used.insert(short) {
                return Some(short);
            }
        }
        None
    }
}

/// Upper case, without spaces and inner dots, with `_` for what an 8.3 name cannot say.
fn basis(name: &str) -> (Vec<u8>, Vec<u8>) {
    let trimmed = name.trim_start_matches(['.', ' ']);
    let (base, extension) = match trimmed.rsplit_once('.') {
        Some((base, extension)) => (base, extension),
        None => (trimmed, ""),
    };
    let convert = |part: &str, max: usize| -> Vec<u8> {
        part.chars()
            .filter(|&c| c != '.' && c != ' ')
            .map(|c| match u8::try_from(c) {
                Ok(byte) if is_short_byte(byte) => byte.to_ascii_uppercase(),
                _ => b'_',
            })
            .take(max)
            .collect()
    };
    let mut base = convert(base, 8);
    if base.is_empty() {
        base.push(b'_');
    }
    (base, convert(extension, 3))
}

fn is_short_byte(byte: u8) -> bool {
    byte.is_ascii_graphic()
        && !LONG_ONLY.contains(&byte)
        && !ILLEGAL.contains(&char::from(byte))
        && byte != b'.'
}

fn assemble(base: &[u8], extension: &[u8]) -> [u8; 11] {
    let mut short = [b' '; 11];
    for (slot, &byte) in short.iter_mut().zip(base.iter().take(8)) {
        *slot = byte;
    }
    for (slot, &byte) in short.iter_mut().skip(8).zip(extension) {
        *slot = byte;
    }
    short
}

/// The path of a name in a folder.
pub(super) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alias(names: &[&str]) -> Vec<String> {
        let mut aliases = Aliases::default();
        let text = |s: [u8; 11]| String::from_utf8(s.to_vec()).unwrap();
        names.iter().map(|n| text(aliases.make(n).unwrap())).collect()
    }

    #[test]
    fn aliases_follow_the_rules() {
        assert_eq!(
            alias(&[
                "longfilename.text",
                "longfilename2.text",
                "a+b.c",
                ".profile",
                "日本.txt",
                "a b.tar.gz"
            ]),
            [
                "LONGFI~1TEX",
                "LONGFI~2TEX",
                "A_B~1   C  ",
                "PROFIL~1   ",
                "__~1    TXT",
                "ABTAR~1 GZ "
            ]
        );
    }

    #[test]
    fn many_alike_stay_unique_and_legal() {
        let mut aliases = Aliases::default();
        let mut seen = HashSet::new();
        for i in 0..30_000 {
            let short = aliases.make(&format!("same prefix {i}.dat")).unwrap();
            assert!(seen.insert(short));
            assert!(short.iter().all(|&b| b == b' ' || is_short_byte(b)));
        }
    }

    #[test]
    fn short_names_are_recognised() {
        assert_eq!(as_short("bootx64.efi"), Some(*b"BOOTX64 EFI"));
        assert_eq!(as_short("BCD"), Some(*b"BCD        "));
        for long in ["bootmgfw1.efi", "a.b.c", "a.html", "a b", "é", ".x", "x."] {
            assert_eq!(as_short(long), None, "{long}");
        }
        assert!(says_it_all("BCD", b"BCD        "));
        assert!(!says_it_all("Boot", b"BOOT       "));
    }
}

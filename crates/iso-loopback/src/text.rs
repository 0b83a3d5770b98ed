//! Recorded names to text, without losing what is not text.

use std::fmt::Write;

/// Bytes that should be UTF-8 (or ASCII); others become `\xNN`.
pub(crate) fn from_bytes(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

/// Big-endian UTF-16; unpaired surrogates become `\uNNNN`, an odd last byte `\xNN`.
pub(crate) fn from_utf16_be(bytes: &[u8]) -> String {
    let units = bytes.as_chunks::<2>();
    let mut out = String::with_capacity(bytes.len() / 2);
    for unit in char::decode_utf16(units.0.iter().map(|pair| u16::from_be_bytes(*pair))) {
        match unit {
            Ok(c) => out.push(c),
            Err(lone) => {
                let _ = write!(out, "\\u{:04x}", lone.unpaired_surrogate());
            }
        }
    }
    for byte in units.1 {
        let _ = write!(out, "\\x{byte:02x}");
    }
    out
}

/// A fixed-width identifier: padding (spaces and zeros) cut from its end.
pub(crate) fn trimmed(text: &str) -> String {
    text.trim_end_matches([' ', '\0']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_text_is_escaped_not_lost() {
        assert_eq!(from_bytes(b"a\xffb\xc3\xa9"), "a\\xffbé");
        assert_eq!(from_utf16_be(&[0, b'a', 0xd8, 0, 0, b'b', 7]), "a\\ud800b\\x07");
        assert_eq!(from_utf16_be(&[0xd8, 0x3d, 0xde, 0x00]), "😀");
    }
}

//! OSTA compressed Unicode (UDF 2.60, 2.1.1) and dstrings (2.1.3).

use crate::text;

/// Text whose first byte says how many bits a character has: 8 (Latin-1) or 16 (big-endian UTF-16).
pub(super) fn decode(bytes: &[u8]) -> String {
    match bytes {
        [] => String::new(),
        [8 | 254, latin1 @ ..] => latin1.iter().copied().map(char::from).collect(),
        [16 | 255, utf16 @ ..] => text::from_utf16_be(utf16),
        other => text::from_bytes(other),
    }
}

/// A fixed-width field whose last byte is the length used.
pub(super) fn decode_dstring(field: &[u8]) -> String {
    match field.split_last() {
        Some((&len, content)) => text::trimmed(&decode(content.get(..usize::from(len)).unwrap_or(content))),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_widths_decode() {
        assert_eq!(decode(&[8, b'a', 0xe9]), "aé");
        assert_eq!(decode(&[16, 0x04, 0x36, 0xd8, 0x3d, 0xde, 0x00]), "ж😀");
        assert_eq!(decode_dstring(&[8, b'a', b'b', 0, 0, 3]), "ab");
        assert_eq!(decode_dstring(&[0; 6]), "");
    }
}

//! Names of streams: `::$DATA` and `:name:$DATA`, with a NUL.

/// Longest name of an NTFS stream, in code units.
const MAX_UNITS: usize = 255;
/// Longest name field: colons, name, type, NUL.
pub(super) const MAX_NAME_BYTES: usize = 2 * (1 + MAX_UNITS + 6 + 1);

/// The name in a name field. The specification says "name of the stream" only: the full form that Windows lists
/// (`:name:$DATA`), the same without a type, and the bare name are taken, which cannot be mistaken for each other.
pub(super) fn decode(field: &[u8]) -> Option<Box<[u16]>> {
    if !field.len().is_multiple_of(2) {
        return None;
    }
    let units: Vec<u16> = field
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    let name = units.strip_suffix(&[0]).unwrap_or(&units);
    let colon = u16::from(b':');
    let name = name.strip_prefix(&[colon]).unwrap_or(name);
    let data: Vec<u16> = ":$DATA".encode_utf16().collect();
    let name = name.strip_suffix(&data[..]).unwrap_or(name);
    let bad = |unit: &u16| *unit == 0 || *unit == colon;
    (name.len() <= MAX_UNITS && !name.iter().any(bad)).then(|| name.into())
}

/// The name field of a stream.
pub(super) fn encode(name: &[u16]) -> Vec<u8> {
    let colon = std::iter::once(u16::from(b':'));
    colon
        .chain(name.iter().copied())
        .chain(":$DATA\0".encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn all_forms_of_a_name_are_read() {
        let name: Vec<u16> = "s".encode_utf16().collect();
        for text in [":s:$DATA\0", ":s:$DATA", ":s\0", "s\0", "s"] {
            assert_eq!(decode(&field(text)).as_deref(), Some(&name[..]), "{text:?}");
        }
        for text in ["::$DATA\0", ":\0", "\0", ""] {
            assert_eq!(decode(&field(text)).as_deref(), Some(&[][..]), "{text:?}");
        }
        assert_eq!(decode(&encode(&name)).as_deref(), Some(&name[..]));
        assert_eq!(encode(&[]), field("::$DATA\0"));
    }

    #[test]
    fn other_types_and_odd_fields_are_refused() {
        for text in [":s:$INDEX_ALLOCATION\0", "a:b\0", "a\0b\0"] {
            assert_eq!(decode(&field(text)), None, "{text:?}");
        }
        assert_eq!(decode(b"s\0\0"), None);
        assert_eq!(decode(&field(&"x".repeat(256))), None);
    }
}

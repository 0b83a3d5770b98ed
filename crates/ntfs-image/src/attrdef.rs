//! The `$AttrDef` table: which attribute types a volume knows.
//!
//! # Source
//! Observed on volumes formatted by Windows 10 build 19041; SHA-256 of the 2,560 bytes:
//! `d7de5b1b2f79f45f235ceb1adbc46908ed64eae174eb90ed66aefe5f25165da3`.

/// Size of one entry.
const ENTRY_BYTES: usize = 160;
/// Size of `$AttrDef` in bytes: fifteen entries and an empty last one.
pub const ATTRDEF_BYTES: usize = 16 * ENTRY_BYTES;

/// No upper bound of the size.
const ANY: u64 = u64::MAX;

/// Name, type, flags (0x02 indexable, 0x40 resident only, 0x80 may be non-resident), least and greatest size.
#[rustfmt::skip]
const DEFINITIONS: [(&str, u32, u32, u64, u64); 15] = [
    ("$STANDARD_INFORMATION", 0x10, 0x40, 0x30, 0x48),
    ("$ATTRIBUTE_LIST", 0x20, 0x80, 0, ANY),
    ("$FILE_NAME", 0x30, 0x42, 0x44, 0x242),
    ("$OBJECT_ID", 0x40, 0x40, 0, 0x100),
    ("$SECURITY_DESCRIPTOR", 0x50, 0x80, 0, ANY),
    ("$VOLUME_NAME", 0x60, 0x40, 0x02, 0x100),
    ("$VOLUME_INFORMATION", 0x70, 0x40, 0x0C, 0x0C),
    ("$DATA", 0x80, 0x00, 0, ANY),
    ("$INDEX_ROOT", 0x90, 0x40, 0, ANY),
    ("$INDEX_ALLOCATION", 0xA0, 0x80, 0, ANY),
    ("$BITMAP", 0xB0, 0x80, 0, ANY),
    ("$REPARSE_POINT", 0xC0, 0x80, 0, 0x4000),
    ("$EA_INFORMATION", 0xD0, 0x40, 0x08, 0x08),
    ("$EA", 0xE0, 0x00, 0, 0x1_0000),
    ("$LOGGED_UTILITY_STREAM", 0x100, 0x80, 0, 0x1_0000),
];

/// The bytes of the `$AttrDef` file.
pub fn attrdef_bytes() -> Vec<u8> {
    let mut bytes = Vec::with_capacity(ATTRDEF_BYTES);
    for (name, kind, flags, min, max) in DEFINITIONS {
        let mut label: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        label.resize(128, 0);
        bytes.extend(label);
        for word in [kind, 0, 0, flags] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(min.to_le_bytes());
        bytes.extend(max.to_le_bytes());
    }
    bytes.resize(ATTRDEF_BYTES, 0);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    #[test]
    fn table_is_the_one_of_windows() {
        let digest: String = Sha256::digest(attrdef_bytes())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(
            digest,
            "d7de5b1b2f79f45f235ceb1adbc46908ed64eae174eb90ed66aefe5f25165da3"
        );
    }
}

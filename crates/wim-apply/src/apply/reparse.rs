//! The target of a symbolic link, from its reparse data.

/// The target of a relative symbolic link with `/` between names; `None` for absolute links and bad data.
///
/// # Source
/// [MS-FSCC] 2.1.2.4, Symbolic Link Reparse Data Buffer, without its first eight bytes.
pub(super) fn relative_symlink_target(data: &[u8]) -> Option<String> {
    let u16_at = |at: usize| {
        Some(usize::from(u16::from_le_bytes([
            *data.get(at)?,
            *data.get(at + 1)?,
        ])))
    };
    let flags = *data.get(8)?;
    if flags & 1 == 0 {
        return None;
    }
    let paths = data.get(12..)?;
    let substitute = paths.get(u16_at(0)?..)?.get(..u16_at(2)?)?;
    let units: Vec<u16> = substitute
        .chunks_exact(2)
        .map(|p| u16::from_le_bytes([p[0], p[1]]))
        .collect();
    let target = units
        .split(|&unit| unit == u16::from(b'\\'))
        .map(crate::path::name_to_text)
        .collect::<Vec<_>>()
        .join("/");
    // A link to nothing cannot be made, and a NUL cannot be part of one.
    (!target.is_empty() && !target.starts_with('/') && !target.contains('\0')).then_some(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symlink_data(target: &str, relative: bool) -> Vec<u8> {
        let name: Vec<u8> = target.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let size = u16::try_from(name.len()).unwrap();
        let mut data = Vec::new();
        for value in [0, size, 0, size, u16::from(relative), 0] {
            data.extend(value.to_le_bytes());
        }
        data.extend(name);
        data
    }

    #[test]
    fn relative_only() {
        assert_eq!(
            relative_symlink_target(&symlink_data("..\\a\\b.txt", true)).as_deref(),
            Some("../a/b.txt")
        );
        assert_eq!(relative_symlink_target(&symlink_data("\\??\\C:\\a", false)), None);
        assert_eq!(
            relative_symlink_target(&symlink_data("\\etc\\passwd", true)),
            None
        );
        let data = symlink_data("abc", true);
        for cut in 0..data.len() {
            assert_eq!(relative_symlink_target(&data[..cut]), None);
        }
    }
}

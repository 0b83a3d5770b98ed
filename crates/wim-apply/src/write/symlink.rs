//! Reparse data of a symbolic link of the host.

/// `IO_REPARSE_TAG_SYMLINK`.
pub(super) const TAG: u32 = 0xa000_000c;

/// The reparse data of a link: relative targets stay relative, absolute ones are put on drive `C:`.
///
/// # Source
/// [MS-FSCC] 2.1.2.4, without its first eight bytes; the drive as observed with wimlib-imagex 1.13.6.
pub(super) fn reparse_data(target: &str) -> Option<Vec<u8>> {
    let relative = !target.starts_with('/');
    let text = target.replace('/', "\\");
    let print = if relative { text } else { format!("C:{text}") };
    let substitute = if relative {
        print.clone()
    } else {
        format!("\\??\\{print}")
    };
    let units = |text: &str| -> Vec<u8> {
        crate::path::name_from_text(text)
            .into_iter()
            .flat_map(u16::to_le_bytes)
            .collect()
    };
    let (substitute, print) = (units(&substitute), units(&print));
    let mut data = Vec::with_capacity(16 + substitute.len() + print.len());
    for value in [0, substitute.len(), substitute.len() + 2, print.len()] {
        data.extend(u16::try_from(value).ok()?.to_le_bytes());
    }
    data.extend(u32::from(relative).to_le_bytes());
    for name in [substitute, print] {
        data.extend(name);
        data.extend([0; 2]);
    }
    Some(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_and_relative() {
        let data = reparse_data("/etc/x").unwrap();
        assert_eq!(data[..12], [0, 0, 24, 0, 26, 0, 16, 0, 0, 0, 0, 0]);
        assert_eq!(data[12..20], *b"\\\0?\0?\0\\\0");
        let data = reparse_data("a/b").unwrap();
        assert_eq!(
            data,
            *b"\0\0\x06\0\x08\0\x06\0\x01\0\0\0a\0\\\0b\0\0\0a\0\\\0b\0\0\0"
        );
        assert_eq!(reparse_data(&"x".repeat(40_000)), None);
    }
}

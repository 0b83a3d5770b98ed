//! What a symbolic link or junction of Windows becomes on the host, from its reparse data.

use crate::image::Inode;

/// `IO_REPARSE_TAG_SYMLINK`.
pub(super) const TAG_SYMLINK: u32 = 0xa000_000c;
/// `IO_REPARSE_TAG_MOUNT_POINT`, of junctions.
pub(super) const TAG_MOUNT_POINT: u32 = 0xa000_0003;

/// Bytes of the longest target that a link of the host can have.
const MAX_TARGET_BYTES: usize = 4095;

/// Where a link leads to, with `/` between names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LinkTarget {
    /// From the directory of the link.
    Relative(String),
    /// From the root of the applied tree, without a `/` in front; empty for the root itself. Never above it.
    OfTree(String),
    /// From the root of the host, with a `/` in front.
    OfHost(String),
}

/// Whether an inode is a symbolic link or a junction.
pub(super) fn is_link(inode: &Inode) -> bool {
    inode.is_reparse_point() && matches!(inode.reparse_tag, TAG_SYMLINK | TAG_MOUNT_POINT)
}

/// Where the link leads to; `None` for bad data and for what is on no drive of the image's own: other drives,
/// volumes by their ids, shares.
///
/// Relative links stay relative. Absolute ones that were taken relative to the tree at capture, and those that
/// begin at the root of their own drive, lead into the applied tree. Other absolute links on drive `C:` are links of
/// a host that captures put there.
///
/// # Source
/// [MS-FSCC] 2.1.2.4 and 2.1.2.5, without their first eight bytes; the drive as observed with wimlib-imagex 1.13.6.
pub(super) fn link_target(inode: &Inode, data: &[u8]) -> Option<LinkTarget> {
    let u16_at = |at: usize| {
        Some(usize::from(u16::from_le_bytes([
            *data.get(at)?,
            *data.get(at + 1)?,
        ])))
    };
    let (is_relative, paths) = if inode.reparse_tag == TAG_SYMLINK {
        (data.get(8)? & 1 != 0, data.get(12..)?)
    } else {
        (false, data.get(8..)?)
    };
    let substitute = paths.get(u16_at(0)?..)?.get(..u16_at(2)?)?;
    let units: Vec<u16> = substitute
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    let text = units
        .split(|&unit| unit == u16::from(b'\\'))
        .map(crate::path::name_to_text)
        .collect::<Vec<_>>()
        .join("/");
    // A link to nothing cannot be made, and a NUL cannot be part of one.
    if text.is_empty() || text.contains('\0') || text.len() > MAX_TARGET_BYTES {
        return None;
    }
    if !is_relative {
        let (drive, path) = text.strip_prefix("/??/")?.split_once(':')?;
        return match (drive.as_bytes(), inode.reparse_fixed_up) {
            _ if !path.is_empty() && !path.starts_with('/') => None,
            ([letter], true) if letter.is_ascii_alphabetic() => in_tree(path),
            (b"C" | b"c", false) if path.is_empty() => Some(LinkTarget::OfHost("/".to_owned())),
            (b"C" | b"c", false) => Some(LinkTarget::OfHost(path.to_owned())),
            _ => None,
        };
    }
    if text.starts_with("/??/") || text.starts_with("//") {
        None
    } else if text.starts_with('/') {
        in_tree(&text)
    } else {
        Some(LinkTarget::Relative(text))
    }
}

fn in_tree(path: &str) -> Option<LinkTarget> {
    let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
    let is_above = names.iter().any(|name| matches!(*name, "." | ".."));
    (!is_above).then(|| LinkTarget::OfTree(names.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inode(reparse_tag: u32, reparse_fixed_up: bool) -> Inode {
        Inode {
            attributes: 0x400,
            reparse_tag,
            reparse_fixed_up,
            ..Inode::default()
        }
    }

    fn data(target: &str, flags: Option<u32>) -> Vec<u8> {
        let name: Vec<u8> = target.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let size = u16::try_from(name.len()).unwrap();
        let mut data: Vec<u8> = [0, size, 0, size]
            .into_iter()
            .flat_map(u16::to_le_bytes)
            .collect();
        data.extend(flags.map(u32::to_le_bytes).into_iter().flatten());
        data.extend(name);
        data
    }

    #[test]
    fn symbolic_links() {
        let target = |text: &str, is_relative: bool, is_fixed_up: bool| {
            let data = data(text, Some(u32::from(is_relative)));
            link_target(&inode(TAG_SYMLINK, is_fixed_up), &data)
        };
        let relative = |text: &str| Some(LinkTarget::Relative(text.to_owned()));
        let of_tree = |text: &str| Some(LinkTarget::OfTree(text.to_owned()));
        let of_host = |text: &str| Some(LinkTarget::OfHost(text.to_owned()));
        assert_eq!(target("..\\a\\b.txt", true, false), relative("../a/b.txt"));
        assert_eq!(target("\\a\\b", true, false), of_tree("a/b"));
        assert_eq!(target("\\..\\b", true, false), None);
        assert_eq!(target("\\??\\C:\\a", true, false), None);
        assert_eq!(target("\\??\\D:\\a\\", false, true), of_tree("a"));
        assert_eq!(target("\\??\\C:\\", false, true), of_tree(""));
        assert_eq!(target("\\??\\C:\\a\\..\\..\\b", false, true), None);
        assert_eq!(
            target("\\??\\C:\\etc\\..\\usr", false, false),
            of_host("/etc/../usr")
        );
        assert_eq!(target("\\??\\C:", false, false), of_host("/"));
        for lost in [
            "\\??\\D:\\a",
            "\\??\\CC:\\a",
            "\\??\\C:a",
            "C:\\a",
            "\\??\\UNC\\server\\share",
            "\\??\\Volume{12345678-1234-1234-1234-123456789abc}\\",
            "\\??\\C:\\a\0",
            "",
        ] {
            assert_eq!(target(lost, false, false), None, "{lost}");
        }
        assert_eq!(target(&"n".repeat(5000), true, false), None);
        let data = data("abc", Some(1));
        for cut in 0..data.len() {
            assert_eq!(link_target(&inode(TAG_SYMLINK, false), &data[..cut]), None);
        }
    }

    #[test]
    fn junctions() {
        let data = data("\\??\\C:\\Users", None);
        let target = |is_fixed_up| link_target(&inode(TAG_MOUNT_POINT, is_fixed_up), &data);
        assert_eq!(target(true), Some(LinkTarget::OfTree("Users".to_owned())));
        assert_eq!(target(false), Some(LinkTarget::OfHost("/Users".to_owned())));
    }
}

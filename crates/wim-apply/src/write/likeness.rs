//! What lies beside what in a solid resource: files of one kind, and those of like names, are often alike.

use crate::image::Image;
use crate::path::to_upper;

/// Blobs are sorted by it: the extension of a file's name, then its name, both in any case.
///
/// # Source
/// The order of solid files of wimlib-imagex 1.13.6.
pub(super) type Likeness = (Vec<u16>, Vec<u16>);

/// The likeness of a name.
pub(super) fn likeness(name: &[u16]) -> Likeness {
    let name: Vec<u16> = name.iter().map(|&unit| to_upper(unit)).collect();
    let dot = name.iter().rposition(|&unit| unit == u16::from(b'.'));
    let extension = dot.map_or(Vec::new(), |dot| name[dot + 1..].to_vec());
    (extension, name)
}

/// The likeness of each inode, by its first name.
pub(super) fn of_inodes(image: &Image) -> Vec<Likeness> {
    let mut found = vec![None; image.inodes.len()];
    for dentry in &image.dentries {
        if let Some(slot) = found.get_mut(dentry.inode.0 as usize) {
            slot.get_or_insert_with(|| likeness(&dentry.name));
        }
    }
    found.into_iter().map(Option::unwrap_or_default).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_first_in_any_case() {
        let of = |name: &str| likeness(&name.encode_utf16().collect::<Vec<_>>());
        let mut names = ["b.TXT", "z.dll", "a.txt", "noext", "A.Dll", ".dll"];
        names.sort_by_key(|name| of(name));
        assert_eq!(names, ["noext", ".dll", "A.Dll", "z.dll", "a.txt", "b.TXT"]);
    }
}

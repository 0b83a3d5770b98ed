//! Names and paths of an image as text, there and back.
//!
//! Windows names are any UTF-16 units. In text, units that do not pair, the separators `\` and `/`, and
//! U+FFFD itself become U+FFFD and four hexadecimal digits: no two names have the same text. This is the one form that
//! is shown and read, of images and of volumes.

use crate::image::{Dentry, DentryId, Image, Stream};
use crate::path_list::{MAX_ERROR_BYTES, MAX_REPORT_BYTES, PathList};
use crate::{BlobId, Error, Result};

const ESCAPE: char = char::REPLACEMENT_CHARACTER;

/// A name as text, escaped as the module says.
#[must_use]
pub fn name_to_text(name: &[u16]) -> String {
    escaped(name, |c| matches!(c, ESCAPE | '\\' | '/'))
}

/// Text that is no part of a path, such as a label: separators stay as they are.
#[must_use]
pub fn label_to_text(label: &[u16]) -> String {
    escaped(label, |c| c == ESCAPE)
}

fn escaped(units: &[u16], is_special: impl Fn(char) -> bool) -> String {
    let mut text = String::with_capacity(units.len());
    for unit in char::decode_utf16(units.iter().copied()) {
        match unit {
            Ok(c) if !is_special(c) => text.push(c),
            Ok(c) => push_escaped(&mut text, c as u32),
            Err(unpaired) => push_escaped(&mut text, u32::from(unpaired.unpaired_surrogate())),
        }
    }
    text
}

fn push_escaped(text: &mut String, unit: u32) {
    use std::fmt::Write;
    text.push(ESCAPE);
    // Writing to a `String` does not fail.
    let _ = write!(text, "{unit:04X}");
}

/// The name that a text means; the reverse of [`name_to_text`].
#[must_use]
pub fn name_from_text(text: &str) -> Vec<u16> {
    let mut name = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        let escaped = (c == ESCAPE)
            .then(|| {
                rest.get(..4)
                    .and_then(|digits| u16::from_str_radix(digits, 16).ok())
            })
            .flatten();
        match escaped {
            Some(unit) => {
                name.push(unit);
                rest = &rest[4..];
            }
            None => name.extend_from_slice(c.encode_utf16(&mut [0; 2])),
        }
    }
    name
}

/// Whether two names are equal but for case, unit by unit as NTFS compares.
#[must_use]
pub fn names_equal_ignore_case(a: &[u16], b: &[u16]) -> bool {
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .all(|(&a, &b)| a == b || to_upper(a) == to_upper(b))
}

/// Upper case of one unit, when it is one unit.
pub(crate) fn to_upper(unit: u16) -> u16 {
    if unit < 128 {
        return if (97..=122).contains(&unit) {
            unit - 32
        } else {
            unit
        };
    }
    let Some(c) = char::from_u32(u32::from(unit)) else {
        return unit;
    };
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(one), None) => u16::try_from(one as u32).unwrap_or(unit),
        _ => unit,
    }
}

impl Image {
    /// The root directory.
    pub const ROOT: DentryId = DentryId(0);

    /// What an entry names.
    #[must_use]
    pub fn inode_of(&self, id: DentryId) -> Option<&crate::Inode> {
        let dentry = self.dentries.get(id.0 as usize)?;
        self.inodes.get(dentry.inode.0 as usize)
    }

    /// Path from the root, with `\`: `\Windows\System32`; the root is `\`.
    #[must_use]
    pub fn path_of(&self, id: DentryId) -> String {
        let mut names = Vec::new();
        let mut at = id;
        while let Some(dentry) = self.dentries.get(at.0 as usize)
            && dentry.parent < at
        {
            names.push(name_to_text(&dentry.name));
            at = dentry.parent;
        }
        if names.is_empty() {
            return "\\".to_owned();
        }
        names
            .iter()
            .rev()
            .fold(String::new(), |path, name| path + "\\" + name)
    }

    /// The entry at a path; `\` and `/` separate, and case does not count unless two names differ in it only.
    ///
    /// # Errors
    /// `NotFound`, with the part of the path that is not there.
    pub fn lookup(&self, path: &str) -> Result<DentryId> {
        let mut at = Self::ROOT;
        for component in path.split(['\\', '/']).filter(|component| !component.is_empty()) {
            let name = name_from_text(component);
            at = self.child(at, &name).ok_or_else(|| Error::NotFound {
                what: "path",
                name: format!("{path} (no {component} in {})", self.path_of(at)),
            })?;
        }
        Ok(at)
    }

    /// The child of that name: exactly, or else but for case.
    #[must_use]
    pub fn child(&self, directory: DentryId, name: &[u16]) -> Option<DentryId> {
        let children = &self.dentries.get(directory.0 as usize)?.children;
        let name_of = |id: &DentryId| self.dentries.get(id.0 as usize).map(|d| &*d.name);
        let exact = children.iter().find(|id| name_of(id) == Some(name));
        exact
            .or_else(|| {
                children
                    .iter()
                    .find(|id| name_of(id).is_some_and(|n| names_equal_ignore_case(n, name)))
            })
            .copied()
    }

    /// Every entry below (and with) `top`: parents before children, siblings in the order of the image.
    pub fn walk(&self, top: DentryId) -> impl Iterator<Item = (DentryId, &Dentry)> {
        let mut stack = vec![top];
        std::iter::from_fn(move || {
            let id = stack.pop()?;
            let dentry = self.dentries.get(id.0 as usize)?;
            stack.extend(dentry.children.iter().rev());
            Some((id, dentry))
        })
    }

    /// The paths that hold a blob; named streams as `path:name`. A last line counts those beyond 64 KiB.
    #[must_use]
    pub fn paths_of_blob(&self, blob: BlobId) -> Vec<String> {
        let mut paths = PathList::new(MAX_ERROR_BYTES);
        for (_, id, stream) in self.uses().filter(|(used, ..)| *used == blob) {
            paths.push(|| self.path_of_stream(id, stream));
        }
        paths.into_paths()
    }

    /// Every use of a blob: which entry has it in which stream.
    pub(crate) fn uses(&self) -> impl Iterator<Item = (BlobId, DentryId, &Stream)> {
        (0..).map(DentryId).zip(&self.dentries).flat_map(|(id, dentry)| {
            let inode = self.inodes.get(dentry.inode.0 as usize);
            let streams = inode.map_or(&[][..], |inode| &inode.streams);
            streams
                .iter()
                .filter_map(move |stream| Some((stream.blob?, id, stream)))
        })
    }

    /// A path, and the name of the stream when it has one.
    pub(crate) fn path_of_stream(&self, id: DentryId, stream: &Stream) -> String {
        let mut path = self.path_of(id);
        if !stream.name.is_empty() {
            path.push(':');
            path.push_str(&name_to_text(&stream.name));
        }
        path
    }

    /// Every blob that the image uses, once, ascending.
    #[must_use]
    pub fn blobs(&self) -> Vec<BlobId> {
        let streams = self.inodes.iter().flat_map(|inode| &inode.streams);
        let mut blobs: Vec<BlobId> = streams.filter_map(|stream| stream.blob).collect();
        blobs.sort_unstable();
        blobs.dedup();
        blobs
    }

    /// Paths of files with a stream whose blob is in no opened file (another part, or the base of a delta). A last
    /// line counts those beyond 4 MiB.
    #[must_use]
    pub fn paths_of_missing_blobs(&self) -> Vec<String> {
        let mut paths = PathList::new(MAX_REPORT_BYTES);
        for id in self.entries_without_blobs() {
            paths.push(|| self.path_of(id));
        }
        paths.into_paths()
    }

    /// Entries with a stream whose blob is in no opened file.
    pub(crate) fn entries_without_blobs(&self) -> impl Iterator<Item = DentryId> {
        let missing = |(_, dentry): &(DentryId, &Dentry)| {
            self.inodes.get(dentry.inode.0 as usize).is_some_and(|inode| {
                inode
                    .streams
                    .iter()
                    .any(|s| s.blob.is_none() && !s.hash.is_zero())
            })
        };
        self.walk(Self::ROOT).filter(missing).map(|(id, _)| id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn odd_names_are_escaped() {
        assert_eq!(name_to_text(&[0x41, 0xd800, 0x42]), "A\u{fffd}D800B");
        assert_eq!(name_to_text(&[0x5c, 0xfffd]), "\u{fffd}005C\u{fffd}FFFD");
        assert_eq!(name_to_text(&[0xd83d, 0xde00]), "\u{1f600}");
        assert_eq!(
            label_to_text(&[0x2f, 0xd800, 0xfffd]),
            "/\u{fffd}D800\u{fffd}FFFD"
        );
        assert!(names_equal_ignore_case(&[0x61, 0xe9], &[0x41, 0xc9]));
        assert!(!names_equal_ignore_case(&[0xdf], &[0x53, 0x53]));
    }

    proptest! {
        #[test]
        fn text_is_lossless(name in proptest::collection::vec(any::<u16>(), 0..20)) {
            prop_assert_eq!(name_from_text(&name_to_text(&name)), name);
        }
    }
}

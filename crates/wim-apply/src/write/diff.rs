//! What differs between two images.

use std::collections::BTreeMap;

use crate::image::{DentryId, Image, Inode, StreamKind};
use crate::path::name_to_text;

/// Which metadata count. Names, kinds (file or directory) and the hash of unnamed data always do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "a feature list")]
pub struct Compare {
    /// Attributes.
    pub attributes: bool,
    /// Time of the last write, but for reparse points when these do not count.
    pub last_write_time: bool,
    /// Times of creation and last access.
    pub other_times: bool,
    /// Security descriptors.
    pub security: bool,
    /// DOS names.
    pub short_names: bool,
    /// Named streams.
    pub named_streams: bool,
    /// Tag and data of reparse points.
    pub reparse_points: bool,
    /// Which names are links of one file.
    pub hard_links: bool,
    /// Object ids, extended attributes, and other tagged items.
    pub tagged_items: bool,
}

impl Compare {
    /// Everything.
    pub const EVERYTHING: Self = Self {
        attributes: true,
        last_write_time: true,
        other_times: true,
        security: true,
        short_names: true,
        named_streams: true,
        reparse_points: true,
        hard_links: true,
        tagged_items: true,
    };

    /// What a directory of the host keeps: data, hard links, times of last write of files.
    pub const HOST_DIRECTORY: Self = Self {
        attributes: false,
        last_write_time: true,
        other_times: false,
        security: false,
        short_names: false,
        named_streams: false,
        reparse_points: false,
        hard_links: true,
        tagged_items: false,
    };
}

/// How one entry differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Only in the first image.
    Removed,
    /// Only in the second.
    Added,
    /// In both, and different.
    Changed(Vec<FieldChange>),
}

/// A value that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// Which.
    pub field: String,
    /// In the first image.
    pub before: String,
    /// In the second.
    pub after: String,
}

/// An entry that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Path from the root.
    pub path: String,
    /// How.
    pub change: Change,
}

/// Every entry that differs, in the order of the names. Names are compared as they are, case included.
#[must_use]
pub fn diff(before: &Image, after: &Image, compare: &Compare) -> Vec<Difference> {
    let sides = [Side::new(before), Side::new(after)];
    let mut found = Vec::new();
    let mut pending = vec![(Image::ROOT, Image::ROOT)];
    while let Some((a, b)) = pending.pop() {
        let fields = compare_entries(&sides, a, b, compare);
        if !fields.is_empty() {
            found.push(Difference {
                path: before.path_of(a),
                change: Change::Changed(fields),
            });
        }
        let (mut left, mut right) = (children(before, a), children(after, b));
        let mut both = Vec::new();
        left.retain(|name, a| match right.remove(name) {
            Some(b) => {
                both.push((*a, b));
                false
            }
            None => true,
        });
        for (image, only, change) in [(before, left, Change::Removed), (after, right, Change::Added)] {
            for (id, _) in only.into_values().flat_map(|id| image.walk(id)) {
                found.push(Difference {
                    path: image.path_of(id),
                    change: change.clone(),
                });
            }
        }
        pending.extend(both.into_iter().rev());
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

struct Side<'a> {
    image: &'a Image,
    /// First name of each inode.
    first: Vec<Option<DentryId>>,
}

impl<'a> Side<'a> {
    fn new(image: &'a Image) -> Self {
        let mut paths: Vec<(String, usize, DentryId)> = Vec::new();
        for (number, dentry) in image.dentries.iter().enumerate() {
            let linked = image
                .inodes
                .get(dentry.inode.0 as usize)
                .is_some_and(|inode| inode.link_count > 1);
            if linked {
                let id = DentryId(u32::try_from(number).unwrap_or(u32::MAX));
                paths.push((image.path_of(id), dentry.inode.0 as usize, id));
            }
        }
        // The first by name, whatever the order of the directories.
        paths.sort();
        let mut first = vec![None; image.inodes.len()];
        for (_, inode, id) in paths {
            if let Some(slot) = first.get_mut(inode) {
                slot.get_or_insert(id);
            }
        }
        Self { image, first }
    }

    fn link(&self, id: DentryId) -> String {
        let inode = self
            .image
            .dentries
            .get(id.0 as usize)
            .map(|dentry| dentry.inode.0 as usize);
        let first = inode.and_then(|inode| self.first.get(inode).copied().flatten());
        first.map_or_else(String::new, |first| self.image.path_of(first))
    }
}

fn children(image: &Image, id: DentryId) -> BTreeMap<&[u16], DentryId> {
    let children = image
        .dentries
        .get(id.0 as usize)
        .map_or(&[][..], |dentry| &dentry.children);
    let name = |child: &DentryId| {
        image
            .dentries
            .get(child.0 as usize)
            .map(|dentry| (&*dentry.name, *child))
    };
    children.iter().filter_map(name).collect()
}

fn compare_entries(sides: &[Side<'_>; 2], a: DentryId, b: DentryId, compare: &Compare) -> Vec<FieldChange> {
    let describe = |side: &Side<'_>, id: DentryId| {
        let mut fields = BTreeMap::new();
        if let Some(inode) = side.image.inode_of(id) {
            describe(side, id, inode, compare, &mut fields);
        }
        fields
    };
    let (before, mut after) = (describe(&sides[0], a), describe(&sides[1], b));
    let mut changes = Vec::new();
    let mut change = |field: String, before: String, after: String| {
        if before != after {
            changes.push(FieldChange { field, before, after });
        }
    };
    for (field, value) in before {
        let other = after.remove(&field).unwrap_or_default();
        change(field, value, other);
    }
    for (field, value) in after {
        change(field, String::new(), value);
    }
    changes
}

/// What counts of an entry, as text by field.
fn describe(
    side: &Side<'_>,
    id: DentryId,
    inode: &Inode,
    compare: &Compare,
    fields: &mut BTreeMap<String, String>,
) {
    let mut set = |field: &str, value: String| drop(fields.insert(field.to_owned(), value));
    let is_root = id == Image::ROOT;
    let directory = inode.is_directory() && (compare.reparse_points || !inode.is_reparse_point());
    set("kind", if directory { "directory" } else { "file" }.to_owned());
    if compare.attributes {
        set("attributes", format!("{:#010x}", inode.attributes));
    }
    let keeps_time = compare.reparse_points || !(inode.is_reparse_point() || is_root);
    if compare.last_write_time && keeps_time {
        set("last_write_time", inode.last_write_time.to_string());
    }
    if compare.other_times {
        set("creation_time", inode.creation_time.to_string());
        set("last_access_time", inode.last_access_time.to_string());
    }
    if compare.security {
        let descriptor = inode
            .security
            .and_then(|number| side.image.security_descriptors.get(number as usize));
        set(
            "security_descriptor",
            descriptor.map_or_else(String::new, |bytes| hex(bytes)),
        );
    }
    if compare.short_names
        && let Some(dentry) = side.image.dentries.get(id.0 as usize)
    {
        set("short_name", name_to_text(&dentry.short_name));
    }
    if compare.reparse_points && inode.is_reparse_point() {
        set("reparse_tag", format!("{:#010x}", inode.reparse_tag));
    }
    if compare.hard_links && !inode.is_reparse_point() {
        set("first_link", side.link(id));
    }
    for stream in &inode.streams {
        let value = if stream.hash.is_zero() {
            "empty".to_owned()
        } else {
            stream.hash.to_string()
        };
        match stream.kind {
            StreamKind::ReparsePoint if compare.reparse_points => set("reparse_data", value),
            StreamKind::ReparsePoint => {}
            // A reparse point may or may not have an empty stream beside its data.
            StreamKind::Data
                if stream.name.is_empty() && stream.hash.is_zero() && inode.is_reparse_point() => {}
            StreamKind::Data if stream.name.is_empty() => set("data", value),
            StreamKind::Data if compare.named_streams => {
                set(&format!("stream {}", name_to_text(&stream.name)), value);
            }
            StreamKind::Data => {}
            StreamKind::EfsRaw => set("efs_raw", value),
        }
    }
    if compare.tagged_items {
        for item in &inode.tagged_items {
            set(&format!("tagged item {:#x}", item.tag), hex(&item.data));
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a `String` does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

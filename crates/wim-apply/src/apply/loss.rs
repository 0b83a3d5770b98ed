//! What an image has that a target cannot keep: said before anything is written.

use serde::Serialize;

use super::Features;
use super::reparse::is_link;
use crate::image::{DentryId, Image, Inode, StreamKind};

/// Most paths given as examples.
const MAX_EXAMPLES: usize = 5;

/// Something that will be lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// What it is, in words.
    pub what: &'static str,
    /// How many entries have it.
    pub count: u64,
    /// Some of their paths.
    pub examples: Vec<String>,
}

impl Loss {
    pub(super) fn none(what: &'static str) -> Self {
        Self {
            what,
            count: 0,
            examples: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, path: impl FnOnce() -> String) {
        self.count += 1;
        if self.examples.len() < MAX_EXAMPLES {
            self.examples.push(path());
        }
    }
}

/// What of `image` a target with these features loses; empty when nothing is.
#[must_use]
pub fn loss_report(image: &Image, features: Features) -> Vec<Loss> {
    type Test = fn(&Inode) -> bool;
    let tests: [(bool, &'static str, Test); 9] = [
        (features.security_descriptors, "security descriptors", |i| {
            i.security.is_some()
        }),
        (features.named_streams, "named streams", |i| {
            i.streams.iter().any(|s| !s.name.is_empty())
        }),
        (
            features.reparse_points,
            "reparse points other than symbolic links and junctions",
            |i| i.is_reparse_point() && !is_link(i),
        ),
        (
            features.reparse_points || features.symbolic_links,
            "symbolic links and junctions",
            is_link,
        ),
        (features.object_ids, "object ids", |i| {
            i.tagged_items.iter().any(|item| item.tag == 1)
        }),
        (features.extended_attributes, "extended attributes", |i| {
            i.tagged_items.iter().any(|t| t.tag == 2)
        }),
        (features.efs_raw, "contents of encrypted files", |i| {
            !i.is_directory() && i.streams.iter().any(|s| s.kind == StreamKind::EfsRaw)
        }),
        // Directory, archive and normal say nothing that a tree of files does not.
        (
            features.attributes,
            "attributes (hidden, system, read-only, ...)",
            |i| i.attributes & !0x4b0 != 0,
        ),
        (features.sparse, "sparse allocation", |i| {
            i.attributes & 0x200 != 0
        }),
    ];
    let mut losses: Vec<Loss> = Vec::new();
    let mut note = |what: &'static str, id: DentryId| {
        let index = losses
            .iter()
            .position(|loss| loss.what == what)
            .unwrap_or_else(|| {
                losses.push(Loss::none(what));
                losses.len() - 1
            });
        losses[index].add(|| image.path_of(id));
    };
    let mut seen = vec![false; image.inodes.len()];
    let mut is_below_link = vec![false; image.dentries.len()];
    for (id, dentry) in image.walk(Image::ROOT) {
        if !features.reparse_points {
            let parent = dentry.parent;
            let below = is_below_link.get(parent.0 as usize).copied().unwrap_or_default()
                || (parent != Image::ROOT && image.inode_of(parent).is_some_and(is_link));
            if below {
                note("entries below links", id);
                is_below_link[id.0 as usize] = true;
                continue;
            }
        }
        if !features.short_names && !dentry.short_name.is_empty() {
            note("short names", id);
        }
        if !features.any_utf16_name && char::decode_utf16(dentry.name.iter().copied()).any(|c| c.is_err()) {
            note("names that are not valid UTF-16", id);
        }
        let Some(inode) = image.inodes.get(dentry.inode.0 as usize) else {
            continue;
        };
        if std::mem::replace(&mut seen[dentry.inode.0 as usize], true) {
            if !features.hard_links {
                note("hard links (each becomes a copy)", id);
            }
            continue;
        }
        for (kept, what, test) in &tests {
            if !kept && test(inode) {
                note(what, id);
            }
        }
    }
    losses
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BlobHash;
    use crate::image::{Dentry, InodeId, Stream};

    #[test]
    fn a_directory_has_no_encrypted_contents() {
        let raw = Stream {
            kind: StreamKind::EfsRaw,
            name: Box::default(),
            hash: BlobHash::ZERO,
            blob: None,
            size_bytes: 500,
        };
        let entry = |inode, children| Dentry {
            name: Box::default(),
            short_name: Box::default(),
            parent: Image::ROOT,
            inode: InodeId(inode),
            children,
        };
        let inode = |attributes| Inode {
            attributes,
            streams: vec![raw.clone()],
            ..Inode::default()
        };
        let image = Image {
            dentries: vec![
                entry(0, vec![DentryId(1), DentryId(2)]),
                entry(1, Vec::new()),
                entry(2, Vec::new()),
            ],
            inodes: vec![inode(0x4010), inode(0x4010), inode(0x4020)],
            ..Image::default()
        };
        let losses = loss_report(&image, Features::default());
        let count_of = |what| {
            losses
                .iter()
                .find(|loss| loss.what == what)
                .map(|loss| loss.count)
        };
        assert_eq!(count_of("contents of encrypted files"), Some(1), "{losses:?}");
    }
}

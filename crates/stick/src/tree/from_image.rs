//! From a WIM's image to the tree: what the tree cannot keep is refused or reported here, by path.

use std::collections::BTreeMap;
use std::sync::Arc;

use wim_apply::{Image, StreamKind, TaggedItem};

use super::encrypted::ATTRIBUTE_ENCRYPTED;
use super::{
    ATTRIBUTE_DIRECTORY, Content, Encrypted, Entry, EntryId, Node, NodeId, Reparse, Stream, Tree,
    extended_attributes,
};
use crate::{Error, Result};

/// Tagged item of a dentry that holds an object id (16 bytes and three birth ids).
const TAG_OBJECT_ID: u32 = 1;
/// Tagged item that holds extended attributes as Windows captures them.
const TAG_EXTENDED_ATTRIBUTES: u32 = 2;

/// Turns an image into a tree. Reparse data are still blobs; see [`Tree::resolve_reparse_points`].
///
/// # Errors
/// When a blob that the image needs is in no opened file, or a file is marked as encrypted without what it holds;
/// the error names the path. What is dropped goes to `warnings`. The raw forms of encrypted files are still blobs; see
/// [`Tree::resolve_encrypted`].
pub fn from_image(image: Image, warnings: &mut Vec<String>) -> Result<Tree> {
    let mut first_name: Vec<Option<u32>> = vec![None; image.inodes.len()];
    for (index, dentry) in image.dentries.iter().enumerate() {
        first_name[dentry.inode.0 as usize].get_or_insert(index as u32);
    }
    let Image {
        security_descriptors,
        dentries,
        inodes,
        warnings: read_warnings,
        ..
    } = image;
    warnings.extend(read_warnings);
    let entries: Vec<Entry> = dentries
        .into_iter()
        .map(|dentry| Entry {
            name: dentry.name,
            dos_name: dentry.short_name,
            parent: EntryId(dentry.parent.0),
            node: NodeId(dentry.inode.0),
            children: dentry
                .children
                .into_iter()
                .map(|child| EntryId(child.0))
                .collect(),
        })
        .collect();
    let mut tree = Tree {
        security_descriptors,
        nodes: Vec::with_capacity(inodes.len()),
        entries,
    };
    let mut dropped_tags: BTreeMap<u32, u64> = BTreeMap::new();
    let mut unmarked = 0u64;
    for (inode, first_name) in inodes.into_iter().zip(first_name) {
        let mut node = Node {
            attributes: inode.attributes,
            creation_time: inode.creation_time,
            modification_time: inode.last_write_time,
            access_time: inode.last_access_time,
            security: inode.security,
            ..Node::default()
        };
        let at = |tree: &Tree| first_name.map_or_else(String::new, |index| tree.path(EntryId(index)));
        for stream in inode.streams {
            let content = match stream.blob {
                Some(id) => Content::Blob {
                    id,
                    hash: stream.hash,
                    size_bytes: stream.size_bytes,
                },
                None if stream.hash.is_zero() => Content::Bytes(Arc::default()),
                None => {
                    return Err(Error::Unsupported(format!(
                        "{}: its data (SHA-1 {}) is in none of the given files",
                        at(&tree),
                        stream.hash
                    )));
                }
            };
            match stream.kind {
                StreamKind::Data => node.streams.push(Stream {
                    name: stream.name,
                    content,
                }),
                StreamKind::EfsRaw => {
                    if let Content::Blob { id, size_bytes, .. } = content {
                        node.encrypted = Some(Encrypted::new(id, size_bytes));
                    }
                }
                StreamKind::ReparsePoint => {
                    node.reparse = Some(Reparse {
                        tag: inode.reparse_tag,
                        reserved: inode.reparse_reserved,
                        data: content,
                    });
                }
            }
        }
        if node.attributes & ATTRIBUTE_ENCRYPTED != 0 && node.encrypted.is_none() {
            if node.attributes & ATTRIBUTE_DIRECTORY == 0 {
                return Err(Error::Unsupported(format!(
                    "{}: it is marked as encrypted, but the image has no encrypted content of it",
                    at(&tree)
                )));
            }
            node.attributes &= !ATTRIBUTE_ENCRYPTED;
            unmarked += 1;
        }
        for TaggedItem { tag, data } in inode.tagged_items {
            match tag {
                TAG_OBJECT_ID if matches!(data.len(), 16 | 64) => node.object_id = Some(data),
                TAG_EXTENDED_ATTRIBUTES => match extended_attributes::pack(&data) {
                    Some(packed) => node.extended_attributes = Some(packed),
                    None => warnings.push(format!(
                        "{}: malformed extended attributes are dropped",
                        at(&tree)
                    )),
                },
                tag => *dropped_tags.entry(tag).or_default() += 1,
            }
        }
        if inode.attributes & 0x400 != 0 && node.reparse.is_none() {
            node.reparse = Some(Reparse {
                tag: inode.reparse_tag,
                reserved: inode.reparse_reserved,
                data: Content::Bytes(Arc::default()),
            });
        }
        tree.nodes.push(node);
    }
    if unmarked > 0 {
        warnings.push(format!(
            "{unmarked} directories are marked as encrypted, but the image has no keys of them; they become ordinary ones"
        ));
    }
    warnings.extend(dropped_tags.into_iter().map(|(tag, count)| {
        format!("{count} tagged items of kind {tag:#x} are dropped: NTFS has no place for them")
    }));
    Ok(tree)
}

//! Moving parts of a tree: entries are taken off their directory, put into another, and in the end numbered anew.

use std::collections::HashMap;

use crate::image::{Dentry, DentryId, Image, Inode, InodeId};
use crate::path::{name_from_text, to_upper};
use crate::{Error, Result};

const ATTRIBUTE_DIRECTORY: u32 = 0x10;

/// The directory of a path, and its last name.
pub(super) fn split_path(path: &str) -> (&str, &str) {
    let path = path.trim_end_matches(['\\', '/']);
    path.rfind(['\\', '/'])
        .map_or(("", path), |at| (&path[..at], &path[at + 1..]))
}

/// The name that a part of a path gives a new entry.
pub(super) fn new_name(text: &str) -> Result<Box<[u16]>> {
    if matches!(text, "." | "..") {
        // Readers drop such entries.
        return Err(Error::Invalid {
            what: "path",
            reason: format!("{text:?} is no name"),
        });
    }
    Ok(name_from_text(text).into_boxed_slice())
}

/// Takes an entry off its directory.
pub(super) fn detach(image: &mut Image, id: DentryId) {
    let parent = image.dentries[id.0 as usize].parent;
    image.dentries[parent.0 as usize]
        .children
        .retain(|child| *child != id);
}

/// Puts an entry into a directory, in the order of names that Windows has.
pub(super) fn insert(image: &mut Image, directory: DentryId, id: DentryId) {
    image.dentries[id.0 as usize].parent = directory;
    let key = |image: &Image, id: DentryId| -> (Vec<u16>, Box<[u16]>) {
        let name = &image.dentries[id.0 as usize].name;
        (name.iter().map(|&unit| to_upper(unit)).collect(), name.clone())
    };
    let own = key(image, id);
    let children = &image.dentries[directory.0 as usize].children;
    let place = children.partition_point(|&child| key(image, child) < own);
    image.dentries[directory.0 as usize].children.insert(place, id);
}

/// Adds an entry to a directory.
fn add(image: &mut Image, directory: DentryId, name: Box<[u16]>, inode: InodeId) -> DentryId {
    let id = DentryId(u32::try_from(image.dentries.len()).unwrap_or(u32::MAX));
    image.dentries.push(Dentry {
        name,
        short_name: Box::default(),
        parent: directory,
        inode,
        children: Vec::new(),
    });
    insert(image, directory, id);
    id
}

/// The directory at a path; what is missing of it is made, with that time.
fn make_directories(image: &mut Image, path: &str, time: u64) -> Result<DentryId> {
    let mut at = Image::ROOT;
    for part in path.split(['\\', '/']).filter(|part| !part.is_empty()) {
        let name = new_name(part)?;
        at = match image.child(at, &name) {
            Some(found) if is_plain_directory(image, found) => found,
            Some(_) => return Err(in_the_way(path, part)),
            None => {
                let inode = InodeId(u32::try_from(image.inodes.len()).unwrap_or(u32::MAX));
                image.inodes.push(Inode {
                    attributes: ATTRIBUTE_DIRECTORY,
                    creation_time: time,
                    last_access_time: time,
                    last_write_time: time,
                    ..Inode::default()
                });
                add(image, at, name, inode)
            }
        };
    }
    Ok(at)
}

fn is_plain_directory(image: &Image, id: DentryId) -> bool {
    image
        .inode_of(id)
        .is_some_and(|inode| inode.is_directory() && !inode.is_reparse_point())
}

fn in_the_way(path: &str, name: &str) -> Error {
    Error::Invalid {
        what: "adding",
        reason: format!("{path}: {name} is there, and one of the two is no directory"),
    }
}

/// Puts the root of `tree` at a path of `image`.
pub(super) fn graft(image: &mut Image, tree: Image, to: &str) -> Result<()> {
    let Some((root, root_inode)) = tree.dentries.first().zip(tree.inode_of(Image::ROOT)) else {
        return Ok(());
    };
    let time = root_inode.last_write_time;
    let is_directory = root_inode.is_directory();
    let (first_inode, first_descriptor) = (image.inodes.len(), image.security_descriptors.len());
    image
        .security_descriptors
        .extend(tree.security_descriptors.iter().cloned());
    image.inodes.extend(tree.inodes.iter().map(|inode| {
        Inode {
            security: inode
                .security
                .map(|id| id.saturating_add(u32::try_from(first_descriptor).unwrap_or(u32::MAX))),
            ..inode.clone()
        }
    }));
    let inode_of = |dentry: &Dentry| {
        InodeId(
            dentry
                .inode
                .0
                .saturating_add(u32::try_from(first_inode).unwrap_or(u32::MAX)),
        )
    };
    if !is_directory {
        let (folder, name) = split_path(to);
        if name.is_empty() {
            return Err(in_the_way(to, "\\"));
        }
        let folder = make_directories(image, folder, time)?;
        replace(image, folder, new_name(name)?, inode_of(root), to)?;
        return Ok(());
    }
    let top = make_directories(image, to, time)?;
    // Where each directory of the tree went.
    let mut places: HashMap<DentryId, DentryId> = HashMap::from([(Image::ROOT, top)]);
    for (id, dentry) in tree.walk(Image::ROOT).filter(|(id, _)| *id != Image::ROOT) {
        let Some(&folder) = places.get(&dentry.parent) else {
            continue;
        };
        let place = if is_plain_directory(&tree, id) {
            match image.child(folder, &dentry.name) {
                Some(found) if is_plain_directory(image, found) => found,
                Some(_) => return Err(in_the_way(to, &tree.path_of(id))),
                None => add(image, folder, dentry.name.clone(), inode_of(dentry)),
            }
        } else {
            replace(image, folder, dentry.name.clone(), inode_of(dentry), to)?
        };
        places.insert(id, place);
    }
    Ok(())
}

/// Adds a file, in the place of one of the same name.
fn replace(
    image: &mut Image,
    folder: DentryId,
    name: Box<[u16]>,
    inode: InodeId,
    to: &str,
) -> Result<DentryId> {
    if let Some(old) = image.child(folder, &name) {
        if is_plain_directory(image, old) {
            return Err(in_the_way(to, &image.path_of(old)));
        }
        detach(image, old);
    }
    Ok(add(image, folder, name, inode))
}

/// The tree from its root, with new numbers: what was taken off is gone, and links are counted anew.
pub(super) fn rebuild(image: Image) -> Image {
    let order: Vec<DentryId> = image.walk(Image::ROOT).map(|(id, _)| id).collect();
    let mut out = Image {
        security_descriptors: image.security_descriptors,
        ..Image::default()
    };
    let mut dentries: HashMap<DentryId, DentryId> = HashMap::with_capacity(order.len());
    let mut inodes: HashMap<InodeId, InodeId> = HashMap::new();
    for old in order {
        let id = DentryId(u32::try_from(out.dentries.len()).unwrap_or(u32::MAX));
        dentries.insert(old, id);
        let dentry = &image.dentries[old.0 as usize];
        let inode = *inodes.entry(dentry.inode).or_insert_with(|| {
            out.inodes.push(Inode {
                link_count: 0,
                ..image.inodes[dentry.inode.0 as usize].clone()
            });
            InodeId(u32::try_from(out.inodes.len() - 1).unwrap_or(u32::MAX))
        });
        out.inodes[inode.0 as usize].link_count += 1;
        let parent = dentries.get(&dentry.parent).copied().unwrap_or(id);
        if parent != id {
            out.dentries[parent.0 as usize].children.push(id);
        }
        out.dentries.push(Dentry {
            name: dentry.name.clone(),
            short_name: dentry.short_name.clone(),
            parent,
            inode,
            children: Vec::new(),
        });
    }
    out
}

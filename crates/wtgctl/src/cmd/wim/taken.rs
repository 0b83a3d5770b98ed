//! Files that are there already where an extraction puts its own.

use std::path::{Path, PathBuf};

use wim_apply::path::name_to_text;
use wim_apply::{DentryId, Image};

/// A place that is taken.
pub(super) struct Taken {
    pub(super) path: PathBuf,
    /// Neither what is there nor what comes is a directory.
    pub(super) can_be_replaced: bool,
}

/// The places below `folder` that files of the image have and that are taken. Directories are shared, links not
/// followed.
pub(super) fn taken(image: &Image, folder: &Path) -> Vec<Taken> {
    let mut taken = Vec::new();
    let mut pending = vec![(Image::ROOT, folder.to_owned())];
    while let Some((directory, path)) = pending.pop() {
        let children: &[DentryId] = image
            .dentries
            .get(directory.0 as usize)
            .map_or(&[], |dentry| &dentry.children);
        for &child in children {
            let (Some(dentry), Some(inode)) = (image.dentries.get(child.0 as usize), image.inode_of(child))
            else {
                continue;
            };
            let path = path.join(name_to_text(&dentry.name));
            let Ok(found) = path.symlink_metadata() else {
                continue;
            };
            let is_directory = inode.is_directory() && !inode.is_reparse_point();
            if is_directory && found.is_dir() {
                pending.push((child, path));
            } else {
                taken.push(Taken {
                    path,
                    can_be_replaced: !is_directory && !found.is_dir(),
                });
            }
        }
    }
    taken
}

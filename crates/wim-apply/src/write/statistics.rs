//! What the XML document states about the size of an image, and how often it uses each blob.

use std::collections::BTreeMap;

use crate::image::{Image, Inode};
use crate::{BlobHash, ImageInfo};

/// Fills the counts of `info`.
///
/// # Source
/// Which entries count, as observed with wimlib-imagex 1.13.6: the root is a directory, reparse points are
/// files unless they are directories, and the streams of a file count once for each of its names.
pub(super) fn count(image: &Image, info: &mut ImageInfo) {
    let mut directories = 0;
    for dentry in &image.dentries {
        let directory = |inode: &Inode| inode.is_directory() && !inode.is_reparse_point();
        directories += u64::from(image.inodes.get(dentry.inode.0 as usize).is_some_and(directory));
    }
    let (mut total, mut linked) = (0_u64, 0_u64);
    for inode in &image.inodes {
        let size = inode
            .streams
            .iter()
            .fold(0_u64, |sum, stream| sum.saturating_add(stream.size_bytes));
        total = total.saturating_add(size.saturating_mul(inode.link_count.into()));
        linked = linked.saturating_add(size.saturating_mul(u64::from(inode.link_count.saturating_sub(1))));
    }
    info.directory_count = Some(directories);
    info.file_count = Some(image.dentries.len() as u64 - directories);
    info.total_bytes = Some(total);
    info.hard_link_bytes = Some(linked);
}

/// The sum of sizes that a file states: as large as it can be when it is larger.
pub(super) fn sum(sizes: impl Iterator<Item = u64>) -> u64 {
    sizes.fold(0, u64::saturating_add)
}

/// How often an image uses each blob.
pub(super) fn references(image: &Image) -> BTreeMap<BlobHash, u32> {
    let mut uses = BTreeMap::new();
    for inode in &image.inodes {
        for stream in inode.streams.iter().filter(|stream| !stream.hash.is_zero()) {
            let count: &mut u32 = uses.entry(stream.hash).or_default();
            *count = count.saturating_add(inode.link_count);
        }
    }
    uses
}

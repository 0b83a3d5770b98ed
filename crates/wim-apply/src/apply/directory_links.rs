//! The symbolic links of a directory target: what they lead to, and making them after everything else.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;

use super::directory_files::{Files, at, lock, new_file};
use super::directory_tree::Place;
use super::reparse::{LinkTarget, link_target};
use super::{BlobInfo, Loss, TargetError};
use crate::image::{Image, Inode, Stream, StreamKind};
use crate::{BlobId, Error};

/// Largest reparse data that Windows allows.
const MAX_REPARSE_BYTES: u64 = 16 << 10;
/// Most bytes of reparse data that are held: of a million links to places of their own.
const MAX_HELD_BYTES: u64 = 128 << 20;

/// A name that becomes a link.
#[derive(Debug)]
pub(super) struct HostLink {
    pub(super) place: Place,
    pub(super) dentry: crate::DentryId,
}

/// The reparse data of links, each blob once however many links hold it.
#[derive(Debug, Default)]
pub(super) struct LinkData {
    /// Blobs that are wanted.
    blobs: Vec<BlobId>,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    data: HashMap<BlobId, Vec<u8>>,
    bytes: u64,
}

impl LinkData {
    pub(super) fn add(&mut self, blob: BlobId) {
        self.blobs.push(blob);
    }

    /// After the last blob was added.
    pub(super) fn sort(&mut self) {
        self.blobs.sort_unstable();
        self.blobs.dedup();
    }

    /// Keeps bytes of a blob that is wanted.
    pub(super) fn put(&self, blob: &BlobInfo, start: u64, bytes: &[u8]) -> Result<(), TargetError> {
        let end = start.saturating_add(bytes.len() as u64);
        let is_wanted = blob.size_bytes <= MAX_REPARSE_BYTES
            && end <= blob.size_bytes
            && self.blobs.binary_search(&blob.id).is_ok();
        if !is_wanted {
            return Ok(());
        }
        let mut held = lock(&self.held);
        if !held.data.contains_key(&blob.id) {
            held.bytes += blob.size_bytes;
            if held.bytes > MAX_HELD_BYTES {
                return Err(Error::Limit {
                    what: "bytes of reparse data",
                    asked: held.bytes,
                    limit: MAX_HELD_BYTES,
                }
                .into());
            }
            held.data.insert(blob.id, vec![0; blob.size_bytes as usize]);
        }
        if let Some(data) = held.data.get_mut(&blob.id) {
            data[start as usize..end as usize].copy_from_slice(bytes);
        }
        Ok(())
    }

    fn target(&self, inode: &Inode) -> Option<LinkTarget> {
        let blob = reparse_stream(inode)?.blob?;
        link_target(inode, lock(&self.held).data.get(&blob)?)
    }
}

/// The stream that says where a link leads to.
pub(super) fn reparse_stream(inode: &Inode) -> Option<&Stream> {
    inode.streams.iter().find(|s| s.kind == StreamKind::ReparsePoint)
}

/// Makes links. What cannot be one becomes an empty file or directory, and is told.
pub(super) fn make_links(
    files: &Files,
    links: &[HostLink],
    image: &Image,
) -> Result<Option<Loss>, TargetError> {
    let mut lost: Option<Loss> = None;
    for link in links {
        let Some(inode) = image.inode_of(link.dentry) else {
            continue;
        };
        let spot = files.spot(&link.place)?;
        let path = &spot.path;
        let target = files.link_data.target(inode);
        let target = target.filter(|_| cfg!(unix)).map(|target| match target {
            LinkTarget::Relative(target) | LinkTarget::OfHost(target) => target.into(),
            LinkTarget::OfTree(target) if target.is_empty() => files.tree.root().to_owned(),
            LinkTarget::OfTree(target) => files.tree.root().join(target),
        });
        let made = if let Some(target) = target {
            symlink(&target, path)
        } else {
            let loss = lost.get_or_insert_with(|| Loss::none("links to other drives, volumes or shares"));
            loss.add(|| image.path_of(link.dentry));
            if inode.is_directory() && spot.is_beside {
                let taken = files.tree.path(&link.place);
                return Err(at(&taken, std::io::ErrorKind::AlreadyExists.into()));
            }
            if inode.is_directory() {
                std::fs::create_dir(path)
            } else {
                new_file(path).map(|_| ())
            }
        };
        made.map_err(|e| at(path, e))?;
        files.is_made(&spot, &link.place)?;
    }
    Ok(lost)
}

#[cfg(unix)]
fn symlink(target: &Path, path: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, path)
}

#[cfg(not(unix))]
fn symlink(_: &Path, _: &Path) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

//! What each stream of a directory entry is: the format says it only by order and attributes.

use super::metadata_dentry::RawDentry;
use crate::image::{Inode, Stream, StreamKind};
use crate::{BlobHash, BlobId};

const ATTRIBUTE_ENCRYPTED: u32 = 0x4000;

/// Finds the blob of a hash and its size.
pub(super) type Resolve<'a> = &'a dyn Fn(&BlobHash) -> Option<(BlobId, u64)>;

/// The UTF-16 units of a name.
pub(super) fn units(bytes: &[u8]) -> Box<[u16]> {
    bytes
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect()
}

/// Fills `inode.streams`; the attributes are set already. Returns what had to be dropped.
///
/// The unnamed streams are, in order: the reparse data of a reparse point, then the data. A main hash of zero
/// beside unnamed extra streams is a placeholder. Directories have no unnamed data. An encrypted file has one
/// stream, its EFSRPC form; an encrypted directory may have one.
pub(super) fn assign_streams(
    inode: &mut Inode,
    raw: &RawDentry<'_>,
    resolve: Resolve<'_>,
) -> Option<&'static str> {
    let mut dropped = None;
    let encrypted = inode.attributes & ATTRIBUTE_ENCRYPTED != 0;
    let mut has_reparse = !inode.is_reparse_point() || encrypted && !inode.is_directory();
    let mut has_data = inode.is_directory() && !encrypted;
    let main_is_placeholder =
        raw.fixed.main_hash.is_zero() && raw.extra_streams.iter().any(|(_, name)| name.is_empty());
    let main = (!main_is_placeholder).then_some((raw.fixed.main_hash, &[][..]));
    for (hash, name) in main.into_iter().chain(raw.extra_streams.iter().copied()) {
        let kind = if !name.is_empty() {
            StreamKind::Data
        } else if !has_reparse {
            has_reparse = true;
            StreamKind::ReparsePoint
        } else if !has_data {
            has_data = true;
            if hash.is_zero() && (inode.is_reparse_point() || inode.is_directory()) {
                // The empty data beside reparse data, or of a directory, say nothing.
                continue;
            }
            if encrypted {
                StreamKind::EfsRaw
            } else {
                StreamKind::Data
            }
        } else {
            if !hash.is_zero() {
                dropped = Some("has an unnamed stream too many; dropped");
            }
            continue;
        };
        if inode.streams.is_empty() {
            // Most have one: not grown to four.
            inode.streams.reserve_exact(1);
        }
        let found = if hash.is_zero() { None } else { resolve(&hash) };
        inode.streams.push(Stream {
            kind,
            name: units(name),
            hash,
            blob: found.map(|(blob, _)| blob),
            size_bytes: found.map_or(0, |(_, size)| size),
        });
    }
    dropped
}

//! The metadata resource of an image: the reverse of `Image::parse_metadata`.

use crate::image::{Dentry, DentryId, Image, Inode, InodeId, StreamKind};
use crate::layout::{DentryFixed, ExtraStreamFixed};
use crate::{BlobHash, Error, Result};

/// Bytes of a list of siblings without any.
const END_OF_LIST: [u8; 8] = [0; 8];
/// Place of `subdir_offset` in a directory entry.
const SUBDIR_OFFSET_AT: usize = 16;

impl Image {
    /// The uncompressed metadata resource of this image. [`Image::parse_metadata`] reads the same image back,
    /// but for what the format cannot say: a reparse point with several names becomes several files.
    ///
    /// # Errors
    /// `Invalid` when a name, the number of streams, or the security descriptors exceed their length fields.
    pub fn encode_metadata(&self) -> Result<Vec<u8>> {
        let mut out = self.encode_security()?;
        let mut groups = LinkGroups {
            numbers: vec![0; self.inodes.len()],
            last: 0,
        };
        let Some(root) = self.dentries.first() else {
            return Err(Error::Invalid {
                what: "image",
                reason: "it has no root directory".to_owned(),
            });
        };
        let root_at = out.len();
        self.encode_dentry(&mut out, root, &mut groups)?;
        out.extend(END_OF_LIST);
        let mut pending = vec![(Self::ROOT, root_at)];
        while let Some((directory, at)) = pending.pop() {
            let children_at = (out.len() as u64).to_le_bytes();
            if let Some(field) = out.get_mut(at + SUBDIR_OFFSET_AT..at + SUBDIR_OFFSET_AT + 8) {
                field.copy_from_slice(&children_at);
            }
            let first = pending.len();
            for &child in self.children(directory) {
                let Some(dentry) = self.dentries.get(child.0 as usize) else {
                    continue;
                };
                let listed = |inode: &Inode| inode.is_directory() && !inode.is_reparse_point();
                if self.inode_named(dentry).is_some_and(listed) || !dentry.children.is_empty() {
                    pending.push((child, out.len()));
                }
                self.encode_dentry(&mut out, dentry, &mut groups)?;
            }
            out.extend(END_OF_LIST);
            pending[first..].reverse();
        }
        Ok(out)
    }

    fn children(&self, id: DentryId) -> &[DentryId] {
        self.dentries
            .get(id.0 as usize)
            .map_or(&[], |dentry| &dentry.children)
    }

    fn inode_named(&self, dentry: &Dentry) -> Option<&Inode> {
        self.inodes.get(dentry.inode.0 as usize)
    }

    fn encode_security(&self) -> Result<Vec<u8>> {
        let descriptors = &self.security_descriptors;
        let size = descriptors.iter().map(Vec::len).sum::<usize>() + 8 * descriptors.len() + 8;
        let total = u32::try_from(size.next_multiple_of(8)).map_err(|_| Error::Invalid {
            what: "security descriptors",
            reason: format!("{size} bytes in all do not fit the 32-bit length field"),
        })?;
        let mut out = Vec::with_capacity(total as usize);
        out.extend(total.to_le_bytes());
        // Each takes eight bytes at least, so their number fits.
        out.extend((descriptors.len() as u32).to_le_bytes());
        descriptors
            .iter()
            .for_each(|descriptor| out.extend((descriptor.len() as u64).to_le_bytes()));
        descriptors.iter().for_each(|descriptor| out.extend(descriptor));
        out.resize(total as usize, 0);
        Ok(out)
    }

    fn encode_dentry(&self, out: &mut Vec<u8>, dentry: &Dentry, groups: &mut LinkGroups) -> Result<()> {
        let Some(inode) = self.inode_named(dentry) else {
            return Ok(());
        };
        let too_long = |what: &'static str| {
            move || Error::Invalid {
                what,
                reason: "it is longer than its length field allows".to_owned(),
            }
        };
        let (main_hash, extra) = streams(inode);
        let mut fixed = DentryFixed {
            length: 0,
            attributes: inode.attributes,
            security_id: inode.security.and_then(|id| i32::try_from(id).ok()).unwrap_or(-1),
            subdir_offset: 0,
            creation_time: inode.creation_time,
            last_access_time: inode.last_access_time,
            last_write_time: inode.last_write_time,
            main_hash,
            unknown_84: 0,
            link: if inode.is_reparse_point() {
                let flags = u16::from(!inode.reparse_fixed_up);
                DentryFixed::reparse_link(inode.reparse_tag, inode.reparse_reserved, flags)
            } else {
                groups.of(dentry.inode, inode).to_le_bytes()
            },
            extra_stream_count: u16::try_from(extra.len())
                .ok()
                .ok_or_else(too_long("list of streams"))?,
            short_name_bytes: name_bytes(&dentry.short_name).ok_or_else(too_long("short name"))?,
            name_bytes: name_bytes(&dentry.name).ok_or_else(too_long("name"))?,
        };
        let at = out.len();
        out.extend(fixed.encode());
        push_name(out, &dentry.name);
        push_name(out, &dentry.short_name);
        pad(out, at);
        for item in &inode.tagged_items {
            let size = u32::try_from(item.data.len())
                .ok()
                .ok_or_else(too_long("tagged item"))?;
            out.extend(item.tag.to_le_bytes());
            out.extend(size.to_le_bytes());
            out.extend(&item.data);
            pad(out, at);
        }
        fixed.length = (out.len() - at) as u64;
        out[at..at + DentryFixed::SIZE].copy_from_slice(&fixed.encode());
        for (hash, name) in extra {
            let at = out.len();
            let name_bytes = name_bytes(name).ok_or_else(too_long("stream name"))?;
            let mut stream = ExtraStreamFixed {
                length: 0,
                hash,
                name_bytes,
            };
            out.extend(stream.encode());
            push_name(out, name);
            pad(out, at);
            stream.length = (out.len() - at) as u64;
            out[at..at + ExtraStreamFixed::SIZE].copy_from_slice(&stream.encode());
        }
        Ok(())
    }
}

/// Gives each file of several names a group of its own.
struct LinkGroups {
    numbers: Vec<u64>,
    last: u64,
}

impl LinkGroups {
    fn of(&mut self, id: InodeId, inode: &Inode) -> u64 {
        if inode.link_count < 2 || inode.is_directory() {
            return 0;
        }
        match self.numbers.get_mut(id.0 as usize) {
            Some(0) => {
                self.last += 1;
                self.numbers[id.0 as usize] = self.last;
                self.last
            }
            Some(number) => *number,
            None => 0,
        }
    }
}

/// The main hash, and the extra streams: what a stream is follows from its place. Without named streams the
/// data is the main hash. Otherwise, and for reparse points, all are extra streams: the reparse data, the unnamed
/// data (zero when there is none), the named ones.
fn streams(inode: &Inode) -> (BlobHash, Vec<(BlobHash, &[u16])>) {
    let unnamed = |kind| {
        let fits = move |s: &&crate::Stream| s.name.is_empty() && s.kind == kind;
        inode.streams.iter().find(fits).map(|s| s.hash)
    };
    let data = unnamed(StreamKind::Data)
        .or_else(|| unnamed(StreamKind::EfsRaw))
        .unwrap_or_default();
    let mut extra = Vec::new();
    if inode.is_reparse_point() {
        extra.push((unnamed(StreamKind::ReparsePoint).unwrap_or_default(), &[][..]));
    }
    let named = inode
        .streams
        .iter()
        .filter(|s| !s.name.is_empty())
        .map(|s| (s.hash, &s.name[..]));
    let named: Vec<_> = named.collect();
    if extra.is_empty() && named.is_empty() {
        return (data, extra);
    }
    extra.push((data, &[][..]));
    extra.extend(named);
    (BlobHash::ZERO, extra)
}

fn name_bytes(name: &[u16]) -> Option<u16> {
    u16::try_from(name.len() * 2).ok()
}

/// UTF-16LE with a NUL; nothing for an empty name.
fn push_name(out: &mut Vec<u8>, name: &[u16]) {
    if !name.is_empty() {
        out.extend(name.iter().flat_map(|unit| unit.to_le_bytes()));
        out.extend([0; 2]);
    }
}

/// Pads what begins at `start` to a multiple of 8.
fn pad(out: &mut Vec<u8>, start: usize) {
    out.resize(start + (out.len() - start).next_multiple_of(8), 0);
}

//! An NTFS volume as source of a capture.

mod encrypted;
mod windows;

pub use windows::{ReadFile, windows_info};

use std::collections::HashMap;
use std::io::{Cursor, Read, Seek};

use ntfs_image::layout::WOF_STREAM_NAME;
use ntfs_image::read::{
    Attribute, CompactFile, File, StandardInformation, Volume, parse_extended_attributes,
};
use ntfs_image::{CompactFormat, ReparsePoint};
use wim_apply::apply::TargetError;
use wim_apply::write::CaptureSource;
use wim_apply::{
    BlobHash, Dentry, DentryId, Image, ImageInfo, Inode, InodeId, Stream, StreamKind, TaggedItem,
};

use crate::chunk_decoder;
use encrypted::{EncryptedSource, Encryption};

const ATTRIBUTE_DIRECTORY: u32 = 0x10;
const ATTRIBUTE_SPARSE: u32 = 0x200;
const ATTRIBUTE_REPARSE_POINT: u32 = 0x400;
/// Bits beyond these are NTFS's own.
const ATTRIBUTES: u32 = 0x0fff_ffff;
/// Records below are the file system's own, but for the root directory.
const FIRST_USER_RECORD: u64 = 24;
/// An object id with its three birth ids.
const OBJECT_ID_BYTES: usize = 64;
const TAG_OBJECT_ID: u32 = 1;
const TAG_EXTENDED_ATTRIBUTES: u32 = 2;

/// Captures a whole NTFS volume.
///
/// Kept: names, DOS names, hard links, data and named streams, reparse points, security descriptors, attributes,
/// times, object ids, extended attributes. Files that are stored compact (WOF) are captured as what they
/// contain, those encrypted by EFS as their raw form. Left out: the file system's own files, and, with a warning,
/// encrypted files whose keys are missing.
#[derive(Debug)]
pub struct VolumeSource<R> {
    volume: Volume<R>,
    nodes: Vec<Node>,
    current: Option<File>,
    current_raw: Option<EncryptedSource>,
}

/// What is needed to read a file again.
#[derive(Debug)]
struct Node {
    record: u64,
    /// Directory of its first name, and that name.
    name: (InodeId, Box<[u16]>),
    reparse: Option<ReparsePoint>,
    compact: bool,
    /// It is captured as its raw form.
    encrypted: bool,
}

/// The tree that is being read.
#[derive(Default)]
struct Found {
    image: Image,
    inodes: HashMap<u64, InodeId>,
    descriptors: HashMap<Vec<u8>, u32>,
}

impl<R: Read + Seek> VolumeSource<R> {
    /// Of an open volume.
    #[must_use]
    pub fn new(volume: Volume<R>) -> Self {
        Self {
            volume,
            nodes: Vec::new(),
            current: None,
            current_raw: None,
        }
    }

    /// What the Windows on the volume says of itself, for the image's description; `None` when there is none. What
    /// cannot be read goes to `warnings`.
    pub fn windows_info(&mut self, warnings: &mut Vec<String>) -> Option<ImageInfo> {
        windows_info(&mut |path, limit| self.read_file(path, limit), warnings)
    }

    /// The first bytes of a file of the volume, decoded where it is stored compact; `None` when it is not there.
    ///
    /// # Errors
    /// When the volume is damaged there, or reading it fails.
    pub fn read_file(&mut self, path: &str, limit_bytes: u64) -> Result<Option<Vec<u8>>, TargetError> {
        let file = match self.volume.lookup(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ntfs_image::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let compact = self.volume.compact(&file)?;
        let stream: Box<dyn Read + '_> = match &compact {
            Some(compact) => Box::new(self.volume.open_compact(compact, chunk_decoder())?),
            None => Box::new(self.volume.open_stream(&file, &[])?),
        };
        let mut bytes = Vec::new();
        stream.take(limit_bytes).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// Adds a file; `None` for one that cannot be captured.
    fn add(
        &mut self,
        found: &mut Found,
        file: &File,
        name: (InodeId, Box<[u16]>),
    ) -> Result<Option<InodeId>, TargetError> {
        let information = file.standard_information().unwrap_or_default();
        let point = self.volume.reparse_point(file)?;
        let compact = point.as_ref().and_then(CompactFormat::of_reparse_point).is_some();
        let mut node = Node {
            record: file.reference.record,
            name,
            reparse: point.filter(|_| !compact),
            compact,
            encrypted: false,
        };
        let raw_bytes = match EncryptedSource::of(&mut self.volume, file)? {
            Encryption::None => None,
            Encryption::Raw(raw) => {
                node.encrypted = true;
                Some(raw.raw_bytes()?)
            }
            Encryption::Unusable(why) => {
                let id = InodeId(0);
                self.nodes.push(node);
                let path = self.path(self.nodes.len() - 1, id);
                self.nodes.pop();
                let warnings = &mut found.image.warnings;
                warnings.push(format!("{path}: it is encrypted by EFS, {why}; left out"));
                return Ok(None);
            }
        };
        let mut inode = describe(&information, file, &node, raw_bytes);
        if let Some(descriptor) = self.volume.security_descriptor(file)? {
            let next = u32::try_from(found.descriptors.len()).unwrap_or(u32::MAX);
            let descriptors = &mut found.image.security_descriptors;
            inode.security = Some(*found.descriptors.entry(descriptor).or_insert_with_key(|new| {
                descriptors.push(new.clone());
                next
            }));
        }
        if let Some(id) = file.object_id() {
            let mut data = id.to_vec();
            data.resize(OBJECT_ID_BYTES, 0);
            inode.tagged_items.push(TaggedItem {
                tag: TAG_OBJECT_ID,
                data,
            });
        }
        if let Some(packed) = self.volume.extended_attributes(file)? {
            let data = extended_attributes_item(&packed).ok_or("malformed extended attributes")?;
            inode.tagged_items.push(TaggedItem {
                tag: TAG_EXTENDED_ATTRIBUTES,
                data,
            });
        }
        let id = InodeId(u32::try_from(found.image.inodes.len())?);
        if let Some(point) = &mut node.reparse {
            // A junction's target is on the captured volume, wherever that is put.
            inode.reparse_fixed_up = true;
            inode.reparse_tag = point.tag;
            inode.reparse_reserved = point.reserved;
        }
        self.nodes.push(node);
        found.image.inodes.push(inode);
        Ok(Some(id))
    }

    fn path(&self, mut at: usize, root: InodeId) -> String {
        let mut names = Vec::new();
        while at != root.0 as usize
            && let Some(node) = self.nodes.get(at)
        {
            names.push(wim_apply::path::name_to_text(&node.name.1));
            at = node.name.0.0 as usize;
        }
        names
            .iter()
            .rev()
            .fold(String::new(), |path, name| path + "\\" + name)
    }
}

impl<R: Read + Seek> CaptureSource for VolumeSource<R> {
    fn tree(&mut self) -> Result<Image, TargetError> {
        self.nodes.clear();
        let mut found = Found::default();
        let root = self.volume.root()?;
        let record = root.reference.record;
        let Some(inode) = self.add(&mut found, &root, (InodeId(0), Box::default()))? else {
            return Err("the root directory is encrypted".into());
        };
        found.inodes.insert(record, inode);
        add_name(&mut found.image, Box::default(), Box::default(), None, inode);
        let mut pending = vec![(Image::ROOT, record)];
        while let Some((parent, record)) = pending.pop() {
            let directory = self.volume.file(record)?;
            let first = pending.len();
            let parent_inode = found.image.dentries[parent.0 as usize].inode;
            for entry in self.volume.directory(&directory)? {
                let record = entry.reference.record;
                if record < FIRST_USER_RECORD {
                    continue;
                }
                let name: Box<[u16]> = entry.key.name.into();
                let dos_name = entry.dos_name.unwrap_or_default().into();
                if let Some(&inode) = found.inodes.get(&record) {
                    if found.image.inodes[inode.0 as usize].is_directory() {
                        return Err(format!(
                            "{}: a directory with two names",
                            self.path(inode.0 as usize, InodeId(0))
                        )
                        .into());
                    }
                    add_name(&mut found.image, name, dos_name, Some(parent), inode);
                    continue;
                }
                let file = self.volume.file_by_reference(entry.reference)?;
                let Some(inode) = self.add(&mut found, &file, (parent_inode, name.clone()))? else {
                    continue;
                };
                found.inodes.insert(record, inode);
                let id = add_name(&mut found.image, name, dos_name, Some(parent), inode);
                if file.is_directory() {
                    pending.push((id, record));
                }
            }
            pending[first..].reverse();
        }
        // A reparse point cannot have several names in a WIM.
        Ok(found.image)
    }

    fn open(&mut self, inode: InodeId, stream: usize) -> Result<Box<dyn Read + '_>, TargetError> {
        let node = self.nodes.get(inode.0 as usize).ok_or("no such file")?;
        let streams_before = usize::from(node.reparse.is_some());
        if let Some(point) = node.reparse.as_ref().filter(|_| stream == 0) {
            return Ok(Box::new(Cursor::new(point.data.as_slice())));
        }
        let (compact, encrypted) = (node.compact, node.encrypted);
        let file = self.volume.file(node.record)?;
        let file = &*self.current.insert(file);
        if encrypted && stream == streams_before {
            let Encryption::Raw(raw) = EncryptedSource::of(&mut self.volume, file)? else {
                return Err("the encrypted file changed".into());
            };
            let raw = &*self.current_raw.insert(raw);
            return Ok(Box::new(raw.open(&mut self.volume, file)?));
        }
        let attribute = data_streams(file, compact)
            .nth(stream - streams_before)
            .ok_or("no such stream")?;
        if compact && attribute.name.is_empty() {
            let packed: Option<CompactFile<'_>> = self.volume.compact(file)?;
            let packed = packed.ok_or("the compact file changed")?;
            return Ok(Box::new(self.volume.open_compact(&packed, chunk_decoder())?));
        }
        Ok(Box::new(self.volume.open_attribute(attribute)?))
    }

    fn name_of(&self, inode: InodeId) -> String {
        self.path(inode.0 as usize, InodeId(0))
    }
}

/// The data streams that are captured, in their order.
fn data_streams(file: &File, compact: bool) -> impl Iterator<Item = &Attribute> {
    let hidden =
        move |stream: &&Attribute| compact && stream.name.iter().copied().eq(WOF_STREAM_NAME.encode_utf16());
    let unnamed = file.streams().filter(|stream| stream.name.is_empty());
    unnamed.chain(
        file.streams()
            .filter(move |stream| !stream.name.is_empty() && !hidden(stream)),
    )
}

/// Attributes, times and streams; of an encrypted file the length of its raw form, which is its only stream.
fn describe(information: &StandardInformation, file: &File, node: &Node, raw_bytes: Option<u64>) -> Inode {
    let mut attributes = information.attributes & ATTRIBUTES & !ATTRIBUTE_DIRECTORY;
    if file.is_directory() {
        attributes |= ATTRIBUTE_DIRECTORY;
    }
    if node.compact {
        attributes &= !(ATTRIBUTE_REPARSE_POINT | ATTRIBUTE_SPARSE);
    }
    let mut inode = Inode {
        attributes,
        creation_time: information.creation_time,
        last_access_time: information.access_time,
        last_write_time: information.modification_time,
        ..Inode::default()
    };
    let stream = |kind, name: &[u16], size_bytes| Stream {
        kind,
        name: name.into(),
        hash: BlobHash::ZERO,
        blob: None,
        size_bytes,
    };
    if let Some(point) = &node.reparse {
        inode.attributes |= ATTRIBUTE_REPARSE_POINT;
        inode
            .streams
            .push(stream(StreamKind::ReparsePoint, &[], point.data.len() as u64));
    }
    if let Some(raw_bytes) = raw_bytes {
        inode.streams.push(stream(StreamKind::EfsRaw, &[], raw_bytes));
        return inode;
    }
    let data = data_streams(file, node.compact);
    inode
        .streams
        .extend(data.map(|found| stream(StreamKind::Data, &found.name, found.size_bytes())));
    inode
}

fn add_name(
    image: &mut Image,
    name: Box<[u16]>,
    short_name: Box<[u16]>,
    parent: Option<DentryId>,
    inode: InodeId,
) -> DentryId {
    let id = DentryId(u32::try_from(image.dentries.len()).unwrap_or(u32::MAX));
    if let Some(parent) = parent {
        image.dentries[parent.0 as usize].children.push(id);
    }
    image.inodes[inode.0 as usize].link_count += 1;
    image.dentries.push(Dentry {
        name,
        short_name,
        parent: parent.unwrap_or(id),
        inode,
        children: Vec::new(),
    });
    id
}

/// From the form on a volume to the tagged item of a WIM: the reverse of what applying does.
fn extended_attributes_item(packed: &[u8]) -> Option<Vec<u8>> {
    let mut item = Vec::with_capacity(packed.len());
    for attribute in parse_extended_attributes(packed)? {
        item.extend(u16::try_from(attribute.value.len()).ok()?.to_le_bytes());
        item.push(u8::try_from(attribute.name.len()).ok()?);
        item.push(attribute.flags);
        item.extend(attribute.name);
        item.push(0);
        item.extend(attribute.value);
    }
    Some(item)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extended_attributes_lose_their_padding() {
        let mut packed = b"\x1c\0\0\0\0\x0a\x06\0user.hello\0world1\0\0\0".to_vec();
        packed.extend(b"\0\0\0\0\x80\x07\x02\0user.zz\0\x01\x02\0\0");
        let item = b"\x06\0\x0a\0user.hello\0world1\x02\0\x07\x80user.zz\0\x01\x02";
        assert_eq!(extended_attributes_item(&packed).as_deref(), Some(&item[..]));
        assert_eq!(extended_attributes_item(&packed[..20]), None);
    }
}

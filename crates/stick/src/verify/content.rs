//! Every file of the volume against the tree that it was made from.

use std::collections::HashMap;
use std::io::{self, Read, Seek};
use std::sync::atomic::Ordering;

use ntfs_image::layout::{WOF_STREAM_NAME, attribute};
use ntfs_image::read::{Attribute, DirectoryEntry, File, FileReference, Volume};
use ntfs_image::{CompactFormat, NtfsBuilder};
use sha1::{Digest, Sha1};
use wim_apply::codec::{Codec, Decoder};

use super::VerifyReport;
use crate::raw_streams::SectorHasher;
use crate::tree::{ATTRIBUTE_DIRECTORY, Content, Entry, EntryId, Node, NodeId, Tree, display_name};
use crate::{Error, Prepared, Progress, Result, RunOptions};

/// Attribute bits that storage decides: sparse, reparse point, compressed, and the index and view bits of NTFS.
const STORAGE_ATTRIBUTES: u32 = 0x200 | 0x400 | 0x800 | 0x1000_0000 | 0x2000_0000;
/// `FILE_ATTRIBUTE_NORMAL` means "none of the others".
const ATTRIBUTE_NORMAL: u32 = 0x80;
/// Records below this number are the volume's own.
const FIRST_USER_RECORD: u64 = 24;
/// Bytes hashed at a time.
const BLOCK_BYTES: usize = 1 << 18;

/// Compares everything.
pub(super) fn compare<R: Read + Seek>(
    prepared: &Prepared,
    volume: &mut Volume<R>,
    options: &RunOptions<'_>,
    report: &mut VerifyReport,
    progress: &mut dyn FnMut(Progress),
) -> Result<()> {
    let (tree, builder) = (prepared.tree(), &prepared.builder);
    compare_tree(tree, builder, volume, options, report, progress)
}

fn compare_tree<R: Read + Seek>(
    tree: &Tree,
    builder: &NtfsBuilder,
    volume: &mut Volume<R>,
    options: &RunOptions<'_>,
    report: &mut VerifyReport,
    progress: &mut dyn FnMut(Progress),
) -> Result<()> {
    let root = volume.root().map_err(Error::Ntfs)?;
    let mut comparison = Comparison {
        tree,
        builder,
        volume,
        options,
        report,
        progress,
        total_bytes: tree.data_bytes(),
        records: HashMap::new(),
        nodes: HashMap::new(),
        buffer: vec![0; BLOCK_BYTES],
    };
    let root_node = tree.entry(tree.root()).node;
    comparison.node("\\", root_node, &root)?;
    let mut stack = vec![(tree.root(), root)];
    while let Some((entry, directory)) = stack.pop() {
        comparison.directory(entry, &directory, &mut stack)?;
    }
    Ok(())
}

struct Comparison<'a, 'p, R> {
    tree: &'a Tree,
    /// Knows which DOS names could not be kept.
    builder: &'a NtfsBuilder,
    volume: &'a mut Volume<R>,
    options: &'a RunOptions<'a>,
    report: &'a mut VerifyReport,
    progress: &'a mut (dyn FnMut(Progress) + 'p),
    total_bytes: u64,
    /// Which record holds a node: names of one node must lead to one record.
    records: HashMap<NodeId, FileReference>,
    /// The other way round: records lead to one node each.
    nodes: HashMap<u64, NodeId>,
    buffer: Vec<u8>,
}

impl<R: Read + Seek> Comparison<'_, '_, R> {
    fn directory(&mut self, at: EntryId, directory: &File, stack: &mut Vec<(EntryId, File)>) -> Result<()> {
        let path = self.tree.path(at);
        let mut found: HashMap<Vec<u16>, DirectoryEntry> = match self.volume.directory(directory) {
            Ok(entries) => entries.into_iter().map(|e| (e.key.name.clone(), e)).collect(),
            Err(error) => {
                self.report.add("directory-unreadable", path, error);
                return Ok(());
            }
        };
        for &child in &self.tree.entry(at).children {
            if self.options.interrupt.load(Ordering::Relaxed) {
                return Err(Error::Interrupted);
            }
            let entry = self.tree.entry(child);
            let path = format!("{path}\\{}", display_name(&entry.name));
            match found.remove(&*entry.name) {
                None => self.report.add("missing", path, "not on the volume"),
                Some(on_disk) => {
                    self.dos_name(&path, child, &on_disk);
                    if let Some(file) = self.entry(&path, entry, &on_disk)?
                        && self.tree.node(entry.node).attributes & ATTRIBUTE_DIRECTORY != 0
                    {
                        stack.push((child, file));
                    }
                }
            }
        }
        let mut extra: Vec<&DirectoryEntry> = found
            .values()
            .filter(|e| e.reference.record >= FIRST_USER_RECORD)
            .collect();
        extra.sort_by(|a, b| a.key.name.cmp(&b.key.name));
        for entry in extra {
            self.report.add(
                "extra",
                format!("{path}\\{}", display_name(&entry.key.name)),
                "not in the image",
            );
        }
        Ok(())
    }

    /// The DOS name that a fresh stick has: an illegal one, or a second one of a file, is dropped there too.
    fn dos_name(&mut self, path: &str, child: EntryId, on_disk: &DirectoryEntry) {
        // A name of eight and three characters is its own DOS name.
        let found = on_disk
            .dos_name
            .as_deref()
            .filter(|name| *name != on_disk.key.name);
        // Every entry but the root's was added to the builder, in this order.
        let expected = (child.0 as usize)
            .checked_sub(1)
            .and_then(|index| self.builder.dos_name(index));
        if found != expected {
            let shown = |name: Option<&[u16]>| display_name(name.unwrap_or_default());
            let message = format!("DOS name {:?}, expected {:?}", shown(found), shown(expected));
            self.report.add("dos-name-differs", path, message);
        }
    }

    /// One name; gives the file when its node was not compared before.
    fn entry(&mut self, path: &str, entry: &Entry, on_disk: &DirectoryEntry) -> Result<Option<File>> {
        if let Some(&known) = self.records.get(&entry.node) {
            if known != on_disk.reference {
                let message = format!(
                    "record {}, expected a link to record {}",
                    on_disk.reference.record, known.record
                );
                self.report.add("hard-link-broken", path, message);
            }
            return Ok(None);
        }
        self.records.insert(entry.node, on_disk.reference);
        if let Some(other) = self.nodes.insert(on_disk.reference.record, entry.node) {
            let message = format!(
                "shares record {} with another file of the image",
                on_disk.reference.record
            );
            self.report.add("hard-link-extra", path, message);
            self.nodes.insert(on_disk.reference.record, other);
        }
        match self.volume.file_by_reference(on_disk.reference) {
            Ok(file) => {
                self.node(path, entry.node, &file)?;
                Ok(Some(file))
            }
            Err(error) => {
                self.report.add("record-unreadable", path, error);
                Ok(None)
            }
        }
    }

    fn node(&mut self, path: &str, id: NodeId, file: &File) -> Result<()> {
        let node = self.tree.node(id);
        self.report.files_compared += 1;
        if let Err(error) = self.metadata(path, node, file) {
            self.report.add("metadata-unreadable", path, error);
        }
        self.encrypted(path, node, file)?;
        self.streams(path, node, file)
    }

    /// Keys and ciphertext of an encrypted file; neither is looked at.
    fn encrypted(&mut self, path: &str, node: &Node, file: &File) -> Result<()> {
        let expected = node.encrypted.as_ref().and_then(|raw| raw.file.as_ref());
        let metadata = match self.volume.efs(file) {
            Ok(metadata) => metadata,
            Err(error) => {
                self.report.add("metadata-unreadable", path, error);
                return Ok(());
            }
        };
        if metadata.as_ref() != expected.map(|file| &file.raw.metadata) {
            self.report
                .add("encryption-differs", path, "other EFS keys than in the image");
        }
        let Some(expected) = expected else {
            return Ok(());
        };
        for (stream, hash) in expected.raw.streams.iter().zip(&expected.hashes) {
            let place = stream_path(path, &stream.name);
            let Some(on_disk) = file.attribute(attribute::DATA, &stream.name) else {
                self.report.add("size-differs", place, "no such stream");
                continue;
            };
            let valid_bytes = on_disk
                .non_resident()
                .map_or(on_disk.size_bytes(), |value| value.initialized_bytes);
            let found = (on_disk.is_encrypted(), on_disk.size_bytes(), valid_bytes);
            let wanted = (stream.encrypted, stream.size_bytes, stream.valid_bytes);
            if found != wanted {
                let message = format!("encrypted, size and valid length are {found:?}, expected {wanted:?}");
                self.report.add("size-differs", place, message);
                continue;
            }
            match self.sectors(on_disk) {
                Ok(found) if found == *hash => {}
                Ok(_) => self
                    .report
                    .add("data-differs", place, "other ciphertext than in the image"),
                Err(error) => self.report.add("data-unreadable", place, error),
            }
        }
        let raw_bytes = node.encrypted.as_ref().map_or(0, |raw| raw.raw_bytes);
        self.report.bytes_compared = self.report.bytes_compared.saturating_add(raw_bytes);
        Ok(())
    }

    fn sectors(&mut self, on_disk: &Attribute) -> io::Result<wim_apply::BlobHash> {
        let invalid = |error: ntfs_image::Error| io::Error::new(io::ErrorKind::InvalidData, error);
        let mut stream = self.volume.open_ciphertext(on_disk).map_err(invalid)?;
        let (mut hasher, mut at) = (SectorHasher::default(), 0);
        loop {
            match stream.read(&mut self.buffer)? {
                0 => return Ok(hasher.finish()),
                n => hasher.update(at, &self.buffer[..n]),
            }
            at = stream.stream_position()?;
        }
    }

    fn metadata(&mut self, path: &str, node: &Node, file: &File) -> Result<(), ntfs_image::Error> {
        let Some(info) = file.standard_information() else {
            self.report
                .add("metadata-differs", path, "no $STANDARD_INFORMATION");
            return Ok(());
        };
        let plain =
            |attributes: u32| attributes & !(STORAGE_ATTRIBUTES | ATTRIBUTE_NORMAL | ATTRIBUTE_DIRECTORY);
        let mut check = |what: &str, found: u64, expected: u64| {
            if found != expected {
                self.report.add(
                    "metadata-differs",
                    path,
                    format!("{what} {found:#x}, expected {expected:#x}"),
                );
            }
        };
        check(
            "attributes",
            plain(info.attributes).into(),
            plain(node.attributes).into(),
        );
        check("creation time", info.creation_time, node.creation_time);
        check(
            "modification time",
            info.modification_time,
            node.modification_time,
        );
        check("access time", info.access_time, node.access_time);
        check(
            "directory flag",
            file.is_directory().into(),
            (node.attributes & ATTRIBUTE_DIRECTORY != 0).into(),
        );
        if let Some(expected) = node
            .security
            .and_then(|index| self.tree.security_descriptors.get(index as usize))
        {
            let found = self.volume.security_descriptor(file)?;
            if found.as_ref() != Some(expected) {
                self.report.add(
                    "security-differs",
                    path,
                    "another security descriptor than in the image",
                );
            }
        }
        let found = self.volume.reparse_point(file)?;
        let is_compact = found
            .as_ref()
            .is_some_and(|point| CompactFormat::of_reparse_point(point).is_some());
        let same = match (&node.reparse, &found) {
            (None, None) => true,
            (None, Some(_)) => is_compact,
            (Some(expected), Some(found)) => {
                let same_data = matches!(&expected.data, Content::Bytes(bytes) if *bytes == found.data);
                same_data && expected.tag == found.tag && expected.reserved == found.reserved
            }
            (Some(_), None) => false,
        };
        if !same {
            self.report
                .add("reparse-differs", path, "another reparse point than in the image");
        }
        // A file holds the id; the birth ids behind it are in the volume's index, which the checker sees.
        if file.object_id() != node.object_id.as_deref().and_then(|id| id.get(..16)) {
            self.report
                .add("object-id-differs", path, "another object id than in the image");
        }
        if self.volume.extended_attributes(file)? != node.extended_attributes {
            self.report.add(
                "extended-attributes-differ",
                path,
                "other extended attributes than in the image",
            );
        }
        Ok(())
    }

    fn streams(&mut self, path: &str, node: &Node, file: &File) -> Result<()> {
        let compact = match self.volume.compact(file) {
            Ok(compact) => compact.is_some() && node.reparse.is_none(),
            Err(error) => {
                self.report.add("metadata-unreadable", path, error);
                return Ok(());
            }
        };
        let wof: Vec<u16> = WOF_STREAM_NAME.encode_utf16().collect();
        for stream in &node.streams {
            let place = stream_path(path, &stream.name);
            let on_disk = file.attribute(attribute::DATA, &stream.name);
            let size = on_disk.map(Attribute::size_bytes);
            let expected = stream.content.size_bytes();
            if size != Some(expected) && !(size.is_none() && expected == 0 && stream.name.is_empty()) {
                let found = size.map_or_else(|| "no such stream".to_owned(), |size| format!("{size} bytes"));
                self.report.add(
                    "size-differs",
                    place,
                    format!("{found}, expected {expected} bytes"),
                );
                continue;
            }
            if expected == 0 {
                continue;
            }
            let is_compact = compact && stream.name.is_empty();
            match self.same_bytes(file, &stream.name, is_compact, &stream.content) {
                Ok(None) => {}
                Ok(Some(message)) => self.report.add("data-differs", place, message),
                Err(error) => self.report.add("data-unreadable", place, error),
            }
            self.report.bytes_compared = self.report.bytes_compared.saturating_add(expected);
            let (done_bytes, total_bytes) = (self.report.bytes_compared, self.total_bytes);
            (self.progress)(Progress {
                phase: "verify",
                done_bytes,
                total_bytes,
            });
        }
        for on_disk in file.streams() {
            let raw = node.encrypted.as_ref().and_then(|raw| raw.file.as_ref());
            let known = node.streams.iter().any(|s| *s.name == *on_disk.name)
                || raw.is_some_and(|file| file.raw.streams.iter().any(|s| *s.name == *on_disk.name))
                || (on_disk.name.is_empty() && on_disk.size_bytes() == 0)
                || (compact && on_disk.name.is_empty())
                || (compact && on_disk.name == wof);
            if !known {
                self.report.add(
                    "extra",
                    format!("{path}:{}", display_name(&on_disk.name)),
                    "a stream not in the image",
                );
            }
        }
        Ok(())
    }

    /// `None` when the bytes are right, else what is wrong.
    fn same_bytes(
        &mut self,
        file: &File,
        name: &[u16],
        compact: bool,
        content: &Content,
    ) -> io::Result<Option<String>> {
        let invalid = |error: ntfs_image::Error| io::Error::new(io::ErrorKind::InvalidData, error);
        let mut stream: Box<dyn Read + '_> = if compact {
            let info = self.volume.compact(file).map_err(invalid)?;
            let Some(info) = info else {
                return Ok(Some("not a compact file".to_owned()));
            };
            Box::new(self.volume.open_compact(&info, decode_chunk()).map_err(invalid)?)
        } else {
            Box::new(self.volume.open_stream(file, name).map_err(invalid)?)
        };
        match content {
            Content::Bytes(expected) => {
                let mut found = Vec::with_capacity(expected.len());
                stream.read_to_end(&mut found)?;
                Ok((found != **expected).then(|| "other bytes than the edited file".to_owned()))
            }
            Content::Blob { hash, .. } => {
                let mut hasher = Sha1::new();
                loop {
                    match stream.read(&mut self.buffer)? {
                        0 => break,
                        n => hasher.update(&self.buffer[..n]),
                    }
                }
                let found = wim_apply::BlobHash(hasher.finalize().into());
                Ok((found != *hash).then(|| format!("SHA-1 {found}, expected {hash}")))
            }
        }
    }
}

fn stream_path(path: &str, name: &[u16]) -> String {
    if name.is_empty() {
        path.to_owned()
    } else {
        format!("{path}:{}", display_name(name))
    }
}

/// Decodes chunks of compact files with the codecs of WIM.
fn decode_chunk() -> impl FnMut(CompactFormat, &[u8], &mut [u8]) -> io::Result<()> {
    let mut decoder: Option<(CompactFormat, Decoder)> = None;
    move |format, packed, plain| {
        let unusable = || io::Error::from(io::ErrorKind::Unsupported);
        if decoder.as_ref().is_none_or(|(known, _)| *known != format) {
            let codec = if format == CompactFormat::Lzx32K {
                Codec::Lzx
            } else {
                Codec::Xpress
            };
            decoder = Some((
                format,
                Decoder::new(codec, format.chunk_bytes()).ok_or_else(unusable)?,
            ));
        }
        let (_, decoder) = decoder.as_mut().ok_or_else(unusable)?;
        decoder
            .decompress(packed, plain)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a broken fixture is a failed test")]

    use std::io::Cursor;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use ntfs_image::{StreamForm, StreamKey, VolumeSpec};
    use wim_apply::BlobId;
    use wim_apply::efs_raw::{RawFile, RawStream};

    use super::*;
    use crate::apply::volume::describe;
    use crate::tree::{Encrypted, EncryptedFile};

    const KEYS: [u8; 100] = [0xEF; 100];
    const CIPHERTEXT: [u8; 1024] = [0xC1; 1024];

    /// A tree of one encrypted file of 700 bytes.
    fn tree() -> Tree {
        let mut hasher = SectorHasher::default();
        hasher.update(0, &CIPHERTEXT);
        let file = EncryptedFile {
            raw: RawFile {
                metadata: KEYS.to_vec(),
                streams: vec![RawStream::encrypted(&[], 700, 700)],
            },
            hashes: vec![hasher.finish()],
        };
        let root = Node {
            attributes: ATTRIBUTE_DIRECTORY,
            ..Node::default()
        };
        let mut tree = Tree {
            nodes: vec![root],
            entries: vec![Entry {
                name: Box::default(),
                dos_name: Box::default(),
                parent: EntryId(0),
                node: NodeId(0),
                children: Vec::new(),
            }],
            ..Tree::default()
        };
        let mut encrypted = Encrypted::new(BlobId(0), 2000);
        encrypted.file = Some(Arc::new(file));
        let node = Node {
            attributes: 0x4020,
            encrypted: Some(encrypted),
            ..Node::default()
        };
        tree.add(tree.root(), "secret", node);
        tree
    }

    #[test]
    fn other_keys_and_other_ciphertext_are_found() {
        let tree = tree();
        let mut builder = describe(&tree, VolumeSpec::new(32 << 20)).unwrap();
        builder.plan().unwrap();
        let again = describe(&tree, VolumeSpec::new(32 << 20)).unwrap();
        let mut writer = builder.writer(Cursor::new(vec![0; 32 << 20])).unwrap();
        writer
            .begin_stream(StreamKey(1 << 32), StreamForm::Plain, 1024)
            .unwrap();
        writer.write(&CIPHERTEXT).unwrap();
        writer.end_stream().unwrap();
        let bytes = writer.finish().unwrap().0.into_inner();
        let interrupt = AtomicBool::new(false);
        let options = RunOptions {
            threads: 1,
            memory_limit_bytes: None,
            spool_dir: None,
            interrupt: &interrupt,
        };
        let found = |bytes: Vec<u8>| {
            let mut volume = Volume::open(Cursor::new(bytes), &ntfs_image::Limits::default()).unwrap();
            let mut report = VerifyReport::default();
            compare_tree(&tree, &again, &mut volume, &options, &mut report, &mut |_| {}).unwrap();
            let codes = report.findings.iter().map(|finding| finding.code);
            codes.collect::<Vec<_>>()
        };
        assert_eq!(found(bytes.clone()), Vec::<&str>::new());
        for (old, code) in [
            (&CIPHERTEXT[..], "data-differs"),
            (&KEYS[..], "encryption-differs"),
        ] {
            let mut bytes = bytes.clone();
            let at = bytes.windows(old.len()).position(|found| found == old).unwrap();
            bytes[at + 50] ^= 1;
            assert_eq!(found(bytes), [code]);
        }
    }
}

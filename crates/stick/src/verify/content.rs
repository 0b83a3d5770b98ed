//! Every file of the volume against the tree that it was made from.

use std::collections::HashMap;
use std::io::{self, Read, Seek};
use std::sync::atomic::Ordering;

use ntfs_image::layout::{WOF_STREAM_NAME, attribute};
use ntfs_image::read::{DirectoryEntry, File, FileReference, Volume};
use ntfs_image::{CompactFormat, NtfsBuilder};
use sha1::{Digest, Sha1};
use wim_apply::codec::{Codec, Decoder};

use super::VerifyReport;
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
    let root = volume.root().map_err(Error::Ntfs)?;
    let tree = prepared.tree();
    let mut comparison = Comparison {
        tree,
        builder: &prepared.builder,
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
        self.streams(path, node, file)
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
            let place = if stream.name.is_empty() {
                path.to_owned()
            } else {
                format!("{path}:{}", display_name(&stream.name))
            };
            let on_disk = file.attribute(attribute::DATA, &stream.name);
            let size = on_disk.map(ntfs_image::read::Attribute::size_bytes);
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
            let known = node.streams.iter().any(|s| *s.name == *on_disk.name)
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
                Ok((found != *expected).then(|| "other bytes than the edited file".to_owned()))
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

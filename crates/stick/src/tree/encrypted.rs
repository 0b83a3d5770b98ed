//! Files that are encrypted by EFS: their raw form in the image, and what is read of it before the layout.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use wim_apply::efs_raw::RawFile;
use wim_apply::{BlobHash, BlobId};

use super::{ATTRIBUTE_DIRECTORY, Content, EntryId, Stream, Tree};
use crate::{Error, Result};

/// `FILE_ATTRIBUTE_ENCRYPTED`.
pub(super) const ATTRIBUTE_ENCRYPTED: u32 = 0x4000;
/// Most bytes of streams of all encrypted files together, holes included: a few bytes of a raw form can stand for
/// terabytes, and the largest volume has 2 TiB.
const MAX_STREAM_BYTES: u64 = 2 << 40;

/// The raw form of an encrypted file or directory.
#[derive(Clone, Debug)]
pub struct Encrypted {
    /// The blob that holds it.
    pub blob: BlobId,
    /// Its length.
    pub raw_bytes: u64,
    /// What it says; see [`Tree::resolve_encrypted`].
    pub file: Option<Arc<EncryptedFile>>,
}

/// What a raw form holds, without the data.
#[derive(Clone, Debug)]
pub struct EncryptedFile {
    /// Metadata and streams.
    pub raw: RawFile,
    /// Of each stream: SHA-1 of the sectors that are not zero, each with its offset.
    pub hashes: Vec<BlobHash>,
}

impl EncryptedFile {
    /// Memory that it takes, about.
    pub(crate) fn kept_bytes(&self) -> u64 {
        let streams = self.raw.streams.iter();
        let names = streams.map(|stream| 128 + 2 * stream.name.len());
        (self.raw.metadata.len() + names.sum::<usize>()) as u64
    }

    /// Length of all its streams.
    fn stream_bytes(&self) -> u64 {
        let streams = self.raw.streams.iter();
        streams.fold(0, |sum, stream| sum.saturating_add(stream.stored_bytes()))
    }
}

/// Why no more encrypted files are taken.
pub(crate) fn too_many_keys(max_keys_bytes: u64) -> String {
    format!(
        "the keys of encrypted files have over {max_keys_bytes} bytes, an eighth of the memory limit or 512 MiB"
    )
}

impl Encrypted {
    /// Not read yet.
    #[must_use]
    pub fn new(blob: BlobId, raw_bytes: u64) -> Self {
        Self {
            blob,
            raw_bytes,
            file: None,
        }
    }
}

/// What a raw form says, or why a volume cannot hold it.
fn for_volume(
    found: Option<&Result<Arc<EncryptedFile>, wim_apply::Error>>,
    hole_unit_bytes: u64,
) -> Result<Arc<EncryptedFile>, String> {
    let file = match found {
        Some(Ok(file)) => file,
        Some(Err(error)) => return Err(error.to_string()),
        None => return Err("its raw form was not read".to_owned()),
    };
    let mut units = file.raw.streams.iter().map(|stream| stream.hole_unit_bytes);
    if let Some(unit) = units.find(|unit| unit % hole_unit_bytes != 0) {
        return Err(format!(
            "its holes lie in units of {unit} bytes, and the volume has {hole_unit_bytes}"
        ));
    }
    if file.stream_bytes() > MAX_STREAM_BYTES {
        return Err(format!("its streams have over {MAX_STREAM_BYTES} bytes"));
    }
    Ok(Arc::clone(file))
}

impl Tree {
    /// Memory that keys and names of all encrypted files take, about.
    pub(crate) fn keys_bytes(&self) -> u64 {
        let files = self
            .nodes
            .iter()
            .filter_map(|node| node.encrypted.as_ref()?.file.as_ref());
        files.fold(0, |sum: u64, file| sum.saturating_add(file.kept_bytes()))
    }

    /// Every blob that is the raw form of an encrypted file.
    pub fn encrypted_blobs(&self) -> impl Iterator<Item = BlobId> {
        self.nodes
            .iter()
            .filter_map(|node| Some(node.encrypted.as_ref()?.blob))
    }

    /// Puts what the raw forms say to their files. Holes must come in units of `hole_unit_bytes`, in which the volume
    /// can have them. Keys and names of all encrypted files together may have `max_keys_bytes`.
    ///
    /// # Errors
    /// By path: a raw form that could not be read, or that the volume cannot hold as it is.
    pub fn resolve_encrypted(
        &mut self,
        found: &HashMap<BlobId, Result<Arc<EncryptedFile>, wim_apply::Error>>,
        hole_unit_bytes: u64,
        max_keys_bytes: u64,
    ) -> Result<()> {
        if self.encrypted_blobs().next().is_none() {
            return Ok(());
        }
        let streams = self.nodes.iter().flat_map(|node| &node.streams);
        let data: HashSet<BlobId> = streams.filter_map(|stream| stream.content.blob()).collect();
        let (mut kept_bytes, mut stream_bytes) = (0u64, 0u64);
        for at in 0..self.nodes.len() {
            let Some(blob) = self.nodes[at].encrypted.as_ref().map(|raw| raw.blob) else {
                continue;
            };
            let refuse = |why: &dyn std::fmt::Display| {
                let path = self.path_of_node(at);
                Err(Error::Unsupported(format!(
                    "{path}: it is encrypted by EFS, but {why}"
                )))
            };
            let file = match for_volume(found.get(&blob), hole_unit_bytes) {
                Ok(file) => file,
                Err(why) => return refuse(&why),
            };
            if data.contains(&blob) {
                return refuse(&"its raw form is also the content of another file");
            }
            // One blob may be the raw form of many files, each of which gets its own keys and clusters.
            kept_bytes = kept_bytes.saturating_add(file.kept_bytes());
            if kept_bytes > max_keys_bytes {
                return refuse(&too_many_keys(max_keys_bytes));
            }
            stream_bytes = stream_bytes.saturating_add(file.stream_bytes());
            if stream_bytes > MAX_STREAM_BYTES {
                let why = format!("with it, encrypted files have over {MAX_STREAM_BYTES} bytes");
                return refuse(&why);
            }
            if let Some(raw) = &mut self.nodes[at].encrypted {
                raw.file = Some(file);
            }
        }
        Ok(())
    }

    /// Makes empty files, which are not encrypted, of those whose raw form is among `damaged` and says nothing of them
    /// that the volume can hold.
    pub(crate) fn empty_unreadable(
        &mut self,
        found: &HashMap<BlobId, Result<Arc<EncryptedFile>, wim_apply::Error>>,
        damaged: &HashSet<BlobId>,
        hole_unit_bytes: u64,
    ) {
        for node in &mut self.nodes {
            let Some(blob) = node.encrypted.as_ref().map(|raw| raw.blob) else {
                continue;
            };
            if !damaged.contains(&blob) || for_volume(found.get(&blob), hole_unit_bytes).is_ok() {
                continue;
            }
            node.encrypted = None;
            node.attributes &= !ATTRIBUTE_ENCRYPTED;
            if node.attributes & ATTRIBUTE_DIRECTORY == 0 {
                node.streams.push(Stream {
                    name: Box::default(),
                    content: Content::Bytes(Arc::default()),
                });
            }
        }
    }

    fn path_of_node(&self, at: usize) -> String {
        let named = |entry: &super::Entry| entry.node.0 as usize == at;
        let entry = self.entries.iter().position(named);
        entry.map_or_else(String::new, |entry| {
            self.path(EntryId(u32::try_from(entry).unwrap_or(u32::MAX)))
        })
    }
}

#[cfg(test)]
mod tests {
    use wim_apply::efs_raw::RawStream;

    use super::*;
    use crate::tree::Node;

    /// What is said of `files` files that share one raw form.
    fn resolved(files: usize, raw: RawFile) -> std::result::Result<(), String> {
        let mut tree = Tree::empty();
        for number in 0..files {
            let node = Node {
                encrypted: Some(Encrypted::new(BlobId(0), 500)),
                ..Node::default()
            };
            tree.add(tree.root(), &format!("f{number}"), node);
        }
        let hashes = vec![BlobHash::ZERO; raw.streams.len()];
        let file = Arc::new(EncryptedFile { raw, hashes });
        tree.resolve_encrypted(&HashMap::from([(BlobId(0), Ok(file))]), 4096, 512 << 20)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn keys_that_many_files_share_count_for_each() {
        let raw = RawFile {
            metadata: vec![0xEF; 1 << 18],
            streams: Vec::new(),
        };
        assert_eq!(resolved(2048, raw.clone()), Ok(()));
        let error = resolved(2049, raw).expect_err("512 MiB of keys, and more");
        assert!(error.contains("\\f2048: ") && error.contains("keys"), "{error}");
    }

    #[test]
    fn streams_longer_than_any_volume_are_refused() {
        let raw = |size_bytes| RawFile {
            metadata: vec![0xEF; 100],
            streams: vec![RawStream::encrypted(&[], size_bytes, 0)],
        };
        assert_eq!(resolved(2, raw(1 << 40)), Ok(()));
        let error = resolved(3, raw(1 << 40)).expect_err("3 TiB");
        assert!(error.contains("\\f2: "), "{error}");
        assert!(resolved(1, raw(1 << 61)).is_err());
    }
}

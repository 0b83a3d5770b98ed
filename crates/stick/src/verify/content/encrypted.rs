//! Keys and ciphertext of encrypted files.

use std::io::{self, Read, Seek};

use ntfs_image::layout::attribute;
use ntfs_image::read::{Attribute, File};

use super::{Comparison, stream_path};
use crate::Result;
use crate::raw_streams::SectorHasher;
use crate::tree::Node;

impl<R: Read + Seek> Comparison<'_, '_, R> {
    /// Keys and ciphertext of an encrypted file; neither is looked at.
    pub(super) fn encrypted(&mut self, path: &str, node: &Node, file: &File) -> Result<()> {
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
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a broken fixture is a failed test")]

    use std::io::Cursor;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use ntfs_image::read::Volume;
    use ntfs_image::{StreamForm, StreamKey, VolumeSpec};
    use wim_apply::BlobId;
    use wim_apply::efs_raw::{RawFile, RawStream};

    use super::super::compare_tree;
    use super::*;
    use crate::RunOptions;
    use crate::apply::volume::describe;
    use crate::tree::{Encrypted, EncryptedFile, Tree};
    use crate::verify::VerifyReport;

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
        let mut tree = Tree::empty();
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

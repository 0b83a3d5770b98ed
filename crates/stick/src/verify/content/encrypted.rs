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

//! Data of a file: its streams and their bytes.

use std::io::{self, Read, Seek};

use ntfs_image::layout::{WOF_STREAM_NAME, attribute};
use ntfs_image::read::{Attribute, File};
use sha1::{Digest, Sha1};

use super::{Comparison, stream_path};
use crate::compact::chunk_decoder;
use crate::tree::{Content, Node};
use crate::{Progress, Result};
use wim_apply::path::name_to_text;

impl<R: Read + Seek> Comparison<'_, '_, R> {
    pub(super) fn streams(&mut self, path: &str, node: &Node, file: &File) -> Result<()> {
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
                    format!("{path}:{}", name_to_text(&on_disk.name)),
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
            Box::new(
                self.volume
                    .open_compact(&info, chunk_decoder())
                    .map_err(invalid)?,
            )
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

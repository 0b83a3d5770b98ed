//! Raw forms of encrypted files, as streams of the builder.

use std::collections::HashMap;
use std::io::{Seek, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ntfs_image::{
    Content as VolumeContent, EncryptedLengths, Placement, StreamForm, StreamKey, StreamSpec, VolumeWriter,
};
use wim_apply::BlobId;
use wim_apply::apply::TargetError;
use wim_apply::efs_raw::{Parser, Part, RawStream};

use crate::raw_streams::Filler;
use crate::tree::{ATTRIBUTE_SPARSE, Encrypted, EncryptedFile, Node, Tree};
use crate::{Error, Result};

/// The builder's key of a stream in a raw form. Blobs themselves have the keys up to 2^32.
fn key_in_raw(blob: BlobId, stream: usize) -> StreamKey {
    StreamKey((stream as u64 + 1) << 32 | u64::from(blob.0))
}

/// The `$EFS` metadata and the streams of an encrypted file.
pub(super) fn describe_encrypted(node: &Node, encrypted: &Encrypted) -> Result<(Vec<u8>, Vec<StreamSpec>)> {
    let Some(file) = &encrypted.file else {
        return Err(Error::Unsupported(
            "the raw form of an encrypted file was not read".to_owned(),
        ));
    };
    let streams = file.raw.streams.iter().enumerate();
    let spec = |(at, stream): (usize, &RawStream)| StreamSpec {
        name: stream.name.to_vec(),
        content: VolumeContent::Keyed {
            key: key_in_raw(encrypted.blob, at),
            size_bytes: stream.stored_bytes(),
        },
        sparse: stream.sparse || stream.hole_unit_bytes != 0 || node.attributes & ATTRIBUTE_SPARSE != 0,
        placement: Placement::Ascending,
        encrypted: stream.encrypted.then_some(EncryptedLengths {
            size_bytes: stream.size_bytes,
            valid_bytes: stream.valid_bytes,
        }),
    };
    Ok((file.raw.metadata.clone(), streams.map(spec).collect()))
}

/// The encrypted files of a tree, by the blob of their raw form.
pub(super) fn encrypted_files(tree: &Tree) -> HashMap<BlobId, Arc<EncryptedFile>> {
    let files = tree.nodes.iter().filter_map(|node| node.encrypted.as_ref());
    files
        .filter_map(|encrypted| Some((encrypted.blob, Arc::clone(encrypted.file.as_ref()?))))
        .collect()
}

/// A raw form on its way to the streams of its file.
#[derive(Debug)]
pub(super) struct RawDelivery {
    blob: BlobId,
    file: Arc<EncryptedFile>,
    parser: Parser,
    /// Streams that began.
    begun: usize,
    filler: Filler,
}

impl RawDelivery {
    pub(super) fn new(blob: BlobId, file: Arc<EncryptedFile>) -> Self {
        Self {
            blob,
            file,
            parser: Parser::default(),
            begun: 0,
            filler: Filler::default(),
        }
    }

    /// The next bytes. Holes are written as zeros, and few bytes can stand for very long ones: `interrupt` ends them.
    pub(super) fn push<W: Write + Seek>(
        &mut self,
        bytes: &[u8],
        writer: &mut VolumeWriter<W>,
        interrupt: &AtomicBool,
    ) -> Result<(), TargetError> {
        let mut parser = std::mem::take(&mut self.parser);
        let result = parser.push(bytes, &mut |part| self.take(part, writer, interrupt));
        self.parser = parser;
        result
    }

    pub(super) fn finish<W: Write + Seek>(
        mut self,
        writer: &mut VolumeWriter<W>,
        interrupt: &AtomicBool,
    ) -> Result<(), TargetError> {
        let parser = std::mem::take(&mut self.parser);
        parser.finish(&mut |part| self.take(part, writer, interrupt))
    }

    fn take<W: Write + Seek>(
        &mut self,
        part: Part<'_>,
        writer: &mut VolumeWriter<W>,
        interrupt: &AtomicBool,
    ) -> Result<(), TargetError> {
        let write = |writer: &mut VolumeWriter<W>, bytes: &[u8]| -> Result<(), TargetError> {
            if interrupt.load(Ordering::Relaxed) {
                return Err(wim_apply::Error::Interrupted.into());
            }
            Ok(writer.write(bytes)?)
        };
        match part {
            Part::Metadata(_) => {}
            Part::Begin { .. } => {
                let stream = self.file.raw.streams.get(self.begun);
                let stored_bytes = stream.ok_or("a raw form changed")?.stored_bytes();
                let key = key_in_raw(self.blob, self.begun);
                writer.begin_stream(key, StreamForm::Plain, stored_bytes)?;
                self.begun += 1;
                self.filler = Filler::default();
            }
            Part::Data { offset, bytes } => {
                self.filler
                    .data(offset, bytes, &mut |bytes| write(writer, bytes))?;
            }
            Part::End(stream) => {
                self.filler
                    .fill(stream.stored_bytes(), &mut |bytes| write(writer, bytes))?;
                writer.end_stream()?;
            }
        }
        Ok(())
    }
}

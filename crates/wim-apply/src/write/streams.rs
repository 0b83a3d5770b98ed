//! Reading the streams of a tree that is captured, and writing each blob once.

use std::collections::{BTreeMap, HashSet};
use std::io::Read;

use sha1::{Digest, Sha1};

use super::container::{IN_MEMORY_BYTES, changed};
use super::{CaptureSource, FileForm, WimWriter, WriteControl, likeness, statistics};
use crate::apply::Progress;
use crate::image::{Image, InodeId};
use crate::{BlobHash, Error, Result};

/// Bytes that are read at a time.
const READ_BYTES: usize = 1 << 18;

/// Reads streams one after the other, and counts.
pub(super) struct Streams<'a, 'c> {
    source: &'a mut dyn CaptureSource,
    control: &'a mut WriteControl<'c>,
    progress: Progress,
    buffer: Vec<u8>,
}

impl<'a, 'c> Streams<'a, 'c> {
    /// Of a tree, each of whose streams is read so many times.
    pub(super) fn new(
        image: &Image,
        times: usize,
        source: &'a mut dyn CaptureSource,
        control: &'a mut WriteControl<'c>,
    ) -> Self {
        let all = || image.inodes.iter().flat_map(|inode| &inode.streams);
        let size_bytes = statistics::sum(all().map(|stream| stream.size_bytes));
        Self {
            source,
            control,
            progress: Progress {
                bytes_total: size_bytes.saturating_mul(times as u64),
                blobs_total: all().count() * times,
                ..Progress::default()
            },
            buffer: vec![0; READ_BYTES],
        }
    }

    /// All bytes of a stream.
    fn read(
        &mut self,
        inode: InodeId,
        stream: usize,
        counted: bool,
        take: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let name = self.source.name_of(inode);
        let failed = |source| Error::Source {
            what: name.clone(),
            source,
        };
        let mut reader = self.source.open(inode, stream).map_err(failed)?;
        loop {
            self.control.check()?;
            let count = match reader.read(&mut self.buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(failed(error.into())),
            };
            take(&self.buffer[..count])?;
            if counted {
                self.progress.bytes_done += count as u64;
                (self.control.progress)(self.progress);
            }
        }
    }

    /// The hash of a stream of that size.
    fn hash(&mut self, inode: InodeId, stream: usize, size_bytes: u64, counted: bool) -> Result<BlobHash> {
        let (mut hasher, mut left) = (Sha1::new(), Some(size_bytes));
        self.read(inode, stream, counted, &mut |bytes| {
            hasher.update(bytes);
            left = left.and_then(|left| left.checked_sub(bytes.len() as u64));
            left.map(drop).ok_or_else(|| changed(size_bytes))
        })
        .and_then(|()| match left {
            Some(0) => Ok(BlobHash(hasher.finalize().into())),
            _ => Err(changed(size_bytes)),
        })
        .map_err(|error| self.named(error, inode))
    }

    /// An error, with the name of the file that changed if it is about that.
    fn named(&self, error: Error, inode: InodeId) -> Error {
        match error {
            Error::Changed { size_bytes, .. } => Error::Changed {
                what: self.source.name_of(inode),
                size_bytes,
            },
            error => error,
        }
    }

    /// A stream is done, and so many of its bytes need not be read.
    fn done(&mut self, skipped_bytes: u64) {
        self.progress.blobs_done += 1;
        self.progress.bytes_done = self.progress.bytes_done.saturating_add(skipped_bytes);
        (self.control.progress)(self.progress);
    }
}

/// Fills in the hashes of all streams.
pub(super) fn hash_streams(
    image: &mut Image,
    origin: &[InodeId],
    streams: &mut Streams<'_, '_>,
) -> Result<()> {
    for (inode, &from) in image.inodes.iter_mut().zip(origin) {
        for (number, stream) in inode.streams.iter_mut().enumerate() {
            if stream.size_bytes > 0 {
                stream.hash = streams.hash(from, number, stream.size_bytes, true)?;
            }
            streams.done(0);
        }
    }
    Ok(())
}

impl WimWriter<'_> {
    /// Writes the streams of a tree, and fills in their hashes.
    pub(super) fn write_streams(
        &mut self,
        image: &mut Image,
        origin: &[InodeId],
        streams: &mut Streams<'_, '_>,
    ) -> Result<()> {
        let mut sizes: BTreeMap<u64, u32> = BTreeMap::new();
        for stream in image.inodes.iter().flat_map(|inode| &inode.streams) {
            *sizes.entry(stream.size_bytes).or_default() += 1;
        }
        for (inode, &from) in image.inodes.iter_mut().zip(origin) {
            for (number, stream) in inode.streams.iter_mut().enumerate() {
                let size = stream.size_bytes;
                // A large blob that may be a duplicate is hashed before it is compressed.
                let twin = size > IN_MEMORY_BYTES
                    && (sizes.get(&size).is_some_and(|&count| count > 1) || self.container.has_size(size));
                let known = if twin {
                    Some(streams.hash(from, number, size, false)?)
                } else {
                    None
                };
                let mut skipped_bytes = 0;
                stream.hash = match known.filter(|hash| self.container.contains(hash)) {
                    Some(hash) => {
                        skipped_bytes = size;
                        hash
                    }
                    None => self.write_stream(streams, from, number, size, None)?,
                };
                streams.done(skipped_bytes);
            }
        }
        Ok(())
    }

    /// Writes the streams of a tree that was hashed: what is new of it, each blob once.
    pub(super) fn write_hashed_streams(
        &mut self,
        image: &Image,
        origin: &[InodeId],
        streams: &mut Streams<'_, '_>,
    ) -> Result<()> {
        let mut seen = HashSet::new();
        let mut wanted = Vec::new();
        for (number, inode) in image.inodes.iter().enumerate() {
            for (stream_number, stream) in inode.streams.iter().enumerate() {
                if stream.size_bytes > 0 && !self.container.contains(&stream.hash) && seen.insert(stream.hash)
                {
                    wanted.push((number, stream_number, stream));
                } else {
                    streams.done(stream.size_bytes);
                }
            }
        }
        if let FileForm::Solid { .. } = self.options.form {
            let likeness = likeness::of_inodes(image);
            wanted.sort_by_key(|(inode, ..)| likeness.get(*inode));
        }
        let size_bytes = statistics::sum(wanted.iter().map(|(.., stream)| stream.size_bytes));
        self.begin_solid(size_bytes, 0)?;
        for (inode, number, stream) in wanted {
            let Some(&from) = origin.get(inode) else { continue };
            let (size_bytes, hash) = (stream.size_bytes, stream.hash);
            if self.write_stream(streams, from, number, size_bytes, Some(hash))? != hash {
                return Err(streams.named(changed(size_bytes), from));
            }
            streams.done(0);
        }
        self.end_solid()?;
        // To compress the last chunks takes long.
        streams.control.check()
    }

    fn write_stream(
        &mut self,
        streams: &mut Streams<'_, '_>,
        inode: InodeId,
        stream: usize,
        size_bytes: u64,
        hash: Option<BlobHash>,
    ) -> Result<BlobHash> {
        let container = &mut self.container;
        container.begin(size_bytes, hash)?;
        let written = if size_bytes > 0 {
            streams.read(inode, stream, true, &mut |bytes| container.data(bytes))
        } else {
            Ok(())
        };
        written
            .and_then(|()| container.end(&mut |take| streams.read(inode, stream, false, take)))
            .map_err(|error| streams.named(error, inode))
    }
}

//! Capturing a tree into a new image.

use std::collections::BTreeMap;
use std::io::Read;

use sha1::{Digest, Sha1};

use super::container::IN_MEMORY_BYTES;
use super::exclude::exclude;
use super::xml::ImageXml;
use super::{CaptureSource, WimWriter, WriteControl, statistics};
use crate::apply::Progress;
use crate::image::{Image, Inode, InodeId};
use crate::layout::header_flag;
use crate::{BlobHash, Error, ImageInfo, Result};

/// Bytes that are read at a time.
const READ_BYTES: usize = 1 << 18;

/// What was captured.
#[derive(Clone, Debug)]
pub struct CaptureReport {
    /// Number of the new image.
    pub index: u32,
    /// Its counts, and all else that the XML document says.
    pub info: ImageInfo,
    /// What could not be taken.
    pub warnings: Vec<String>,
}

/// Reads streams one after the other, and counts.
struct Streams<'a, 'c> {
    source: &'a mut dyn CaptureSource,
    control: &'a mut WriteControl<'c>,
    progress: Progress,
    buffer: Vec<u8>,
}

impl Streams<'_, '_> {
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
}

impl WimWriter<'_> {
    /// Captures a tree as a new image. `exclude` are patterns as [`select`](crate::select) takes them
    /// (see [`DEFAULT_EXCLUDE`](super::DEFAULT_EXCLUDE)); what fits one that begins with `!` is kept all the same. Of `info`, index and counts are filled in; its
    /// times, when not given, are the newest last write in the tree: this crate reads no clock.
    ///
    /// # Errors
    /// `Io` when the source fails, `Target` when the file does; `Invalid` when content changes while it is read;
    /// `Interrupted`. The file then must not be finished.
    pub fn capture(
        &mut self,
        source: &mut dyn CaptureSource,
        info: &ImageInfo,
        exclude: &[String],
        control: &mut WriteControl<'_>,
    ) -> Result<CaptureReport> {
        let (mut image, origin) = read_tree(source, exclude)?;
        if !image.inodes.first().is_some_and(Inode::is_directory) {
            return Err(Error::Invalid {
                what: "source",
                reason: format!("{} is no directory", source.name_of(InodeId(0))),
            });
        }
        self.write_streams(&mut image, &origin, source, control)?;
        let mut info = info.clone();
        statistics::count(&image, &mut info);
        let newest = image.inodes.iter().map(|inode| inode.last_write_time).max();
        info.creation_time = info.creation_time.or(newest);
        info.last_modification_time = info.last_modification_time.or(info.creation_time);
        self.container.add_metadata(image.encode_metadata()?)?;
        for (hash, count) in statistics::references(&image) {
            self.container.reference(&hash, count);
        }
        if image.inodes.iter().any(|inode| inode.reparse_fixed_up) {
            self.flags |= header_flag::REPARSE_FIX_UP;
        }
        self.images.push(ImageXml::of_info(&info));
        info.index = self.image_count();
        Ok(CaptureReport {
            index: info.index,
            info,
            warnings: image.warnings,
        })
    }

    /// Writes the streams of a tree that was read from `source`, and fills in their hashes.
    pub(super) fn write_streams(
        &mut self,
        image: &mut Image,
        origin: &[InodeId],
        source: &mut dyn CaptureSource,
        control: &mut WriteControl<'_>,
    ) -> Result<()> {
        let mut sizes: BTreeMap<u64, u32> = BTreeMap::new();
        let mut progress = Progress::default();
        for stream in image.inodes.iter().flat_map(|inode| &inode.streams) {
            *sizes.entry(stream.size_bytes).or_default() += 1;
            progress.bytes_total = progress.bytes_total.saturating_add(stream.size_bytes);
            progress.blobs_total += 1;
        }
        let mut streams = Streams {
            source,
            control,
            progress,
            buffer: vec![0; READ_BYTES],
        };
        for (inode, &from) in image.inodes.iter_mut().zip(origin) {
            for (number, stream) in inode.streams.iter_mut().enumerate() {
                let size = stream.size_bytes;
                // A large blob that may be a duplicate is hashed before it is compressed.
                let twin = size > IN_MEMORY_BYTES
                    && (sizes.get(&size).is_some_and(|&count| count > 1) || self.container.has_size(size));
                let known = if twin {
                    Some(hash_stream(&mut streams, from, number)?)
                } else {
                    None
                };
                stream.hash = match known.filter(|hash| self.container.contains(hash)) {
                    Some(hash) => {
                        streams.progress.bytes_done = streams.progress.bytes_done.saturating_add(size);
                        hash
                    }
                    None => self.write_stream(&mut streams, from, number, size)?,
                };
                streams.progress.blobs_done += 1;
            }
        }
        Ok(())
    }

    fn write_stream(
        &mut self,
        streams: &mut Streams<'_, '_>,
        inode: InodeId,
        stream: usize,
        size_bytes: u64,
    ) -> Result<BlobHash> {
        let container = &mut self.container;
        container.begin(size_bytes)?;
        if size_bytes > 0 {
            streams.read(inode, stream, true, &mut |bytes| container.data(bytes))?;
        }
        container.end(&mut |take| streams.read(inode, stream, false, take))
    }
}

/// The tree of a source with the hashes of all streams, and nothing written: what a capture would make.
///
/// # Errors
/// `Io` when the source fails; `Interrupted`.
pub fn hash_tree(
    source: &mut dyn CaptureSource,
    exclude: &[String],
    control: &mut WriteControl<'_>,
) -> Result<Image> {
    let (mut image, origin) = read_tree(source, exclude)?;
    let all = || image.inodes.iter().flat_map(|inode| &inode.streams);
    let progress = Progress {
        bytes_total: all().fold(0, |sum: u64, stream| sum.saturating_add(stream.size_bytes)),
        blobs_total: all().count(),
        ..Progress::default()
    };
    let mut streams = Streams {
        source,
        control,
        progress,
        buffer: vec![0; READ_BYTES],
    };
    for (inode, &from) in image.inodes.iter_mut().zip(&origin) {
        for (number, stream) in inode.streams.iter_mut().enumerate() {
            if stream.size_bytes > 0 {
                stream.hash = hash_stream(&mut streams, from, number)?;
            }
            streams.progress.blobs_done += 1;
            streams.progress.bytes_done = streams.progress.bytes_done.saturating_add(stream.size_bytes);
            (streams.control.progress)(streams.progress);
        }
    }
    Ok(image)
}

pub(super) fn read_tree(
    source: &mut dyn CaptureSource,
    patterns: &[String],
) -> Result<(Image, Vec<InodeId>)> {
    let image = source.tree().map_err(|source| match source.downcast::<Error>() {
        Ok(own) => *own,
        Err(source) => Error::Source {
            what: "the tree".to_owned(),
            source,
        },
    })?;
    exclude(image, patterns)
}

fn hash_stream(streams: &mut Streams<'_, '_>, inode: InodeId, stream: usize) -> Result<BlobHash> {
    let mut hasher = Sha1::new();
    streams.read(inode, stream, false, &mut |bytes| {
        hasher.update(bytes);
        Ok(())
    })?;
    Ok(BlobHash(hasher.finalize().into()))
}

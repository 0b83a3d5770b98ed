//! Capturing a tree into a new image.

use super::exclude::exclude;
use super::streams::{Streams, hash_streams};
use super::xml::ImageXml;
use super::{CaptureSource, FileForm, WimWriter, WriteControl, statistics};
use crate::image::{Image, Inode, InodeId};
use crate::layout::header_flag;
use crate::{Error, ImageInfo, Result};

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
        self.takes_images()?;
        let (mut image, origin) = read_tree(source, exclude)?;
        if !image.inodes.first().is_some_and(Inode::is_directory) {
            return Err(Error::Invalid {
                what: "source",
                reason: format!("{} is no directory", source.name_of(InodeId(0))),
            });
        }
        // Where all hashes have to be known before the first blob is written, everything is read twice.
        let is_plain = self.options.form == FileForm::Plain;
        let mut streams = Streams::new(&image, if is_plain { 1 } else { 2 }, source, control);
        if is_plain {
            self.write_streams(&mut image, &origin, &mut streams)?;
        } else {
            hash_streams(&mut image, &origin, &mut streams)?;
        }
        let mut info = info.clone();
        statistics::count(&image, &mut info);
        let newest = image.inodes.iter().map(|inode| inode.last_write_time).max();
        info.creation_time = info.creation_time.or(newest);
        info.last_modification_time = info.last_modification_time.or(info.creation_time);
        if image.inodes.iter().any(|inode| inode.reparse_fixed_up) {
            self.flags |= header_flag::REPARSE_FIX_UP;
        }
        self.images.push(ImageXml::of_info(&info));
        let metadata = image.encode_metadata()?;
        if self.container.pipable {
            self.begin_pipable()?;
            self.container.add_metadata(metadata)?;
            self.write_hashed_streams(&image, &origin, &mut streams)?;
        } else {
            if !is_plain {
                self.write_hashed_streams(&image, &origin, &mut streams)?;
            }
            self.container.add_metadata(metadata)?;
        }
        for (hash, count) in statistics::references(&image) {
            self.container.reference(&hash, count);
        }
        info.index = self.image_count();
        Ok(CaptureReport {
            index: info.index,
            info,
            warnings: image.warnings,
        })
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
    let mut streams = Streams::new(&image, 1, source, control);
    hash_streams(&mut image, &origin, &mut streams)?;
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

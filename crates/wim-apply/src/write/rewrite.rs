//! Writing a whole file anew: without holes and unused blobs, or from all parts of a split one.

use super::{Compression, ExportImage, FileForm, Output, WimWriter, WriteControl, WriteOptions, WriteReport};
use crate::layout::SolidFormat;
use crate::{Result, SolidResource, Wim};

impl WriteOptions {
    /// Compression, chunk sizes, form and GUID of a file. With an integrity table when it has one.
    #[must_use]
    pub fn like(wim: &Wim) -> Self {
        let solid = wim.solid_resources().first();
        let (compression, chunk_bytes) = match (wim.compression(), solid) {
            (Some((codec, chunk_bytes)), _) => (Compression::of_codec(Some(codec)), chunk_bytes),
            (None, Some(_)) => (Compression::Lzms, Compression::Lzms.default_chunk_bytes()),
            (None, None) => (Compression::None, Compression::None.default_chunk_bytes()),
        };
        let form = match solid {
            Some(solid) => form_of(solid),
            None if wim.header().pipable => FileForm::Pipable,
            None => FileForm::Plain,
        };
        Self {
            compression,
            chunk_bytes,
            form,
            guid: wim.header().guid,
            integrity_table: !wim.header().integrity.is_absent(),
            ..Self::default()
        }
    }
}

/// The form that a solid resource has; the usual one for a resource that would not be written.
fn form_of(solid: &SolidResource) -> FileForm {
    let compression = match solid.header.format {
        SolidFormat::Xpress => Compression::Xpress,
        SolidFormat::Lzx => Compression::Lzx,
        SolidFormat::Lzms => Compression::Lzms,
        SolidFormat::None | SolidFormat::Other(_) => return FileForm::solid(Compression::Lzms),
    };
    let chunk_bytes = solid.header.chunk_bytes;
    match compression.check_chunk_bytes(chunk_bytes) {
        Ok(()) => FileForm::Solid {
            compression,
            chunk_bytes,
        },
        Err(_) => FileForm::solid(compression),
    }
}

/// Writes all images of `wim`, with all the parts that were added to it, to a new file. With the options of
/// [`WriteOptions::like`] resources are copied as they are.
///
/// # Errors
/// As [`WimWriter::create`], [`WimWriter::export`], [`WimWriter::finish`].
pub fn rewrite(
    wim: &Wim,
    out: &mut dyn Output,
    options: &WriteOptions,
    control: &mut WriteControl<'_>,
) -> Result<WriteReport> {
    let mut writer = WimWriter::create(out, options)?;
    let images: Vec<ExportImage> = wim
        .images()
        .iter()
        .map(|info| ExportImage::new(info.index))
        .collect();
    writer.export(wim, &images, control)?;
    writer.set_boot_image(wim.header().boot_index)?;
    writer.finish()
}

//! Writing a whole file anew: without holes and unused blobs, or from all parts of a split one.

use super::{Compression, ExportImage, Output, WimWriter, WriteControl, WriteOptions, WriteReport};
use crate::codec::Codec;
use crate::{Result, Wim};

impl WriteOptions {
    /// Compression, chunk size and GUID of a file; LZX in chunks of 32 KiB for one that uses LZMS. With an
    /// integrity table when it has one.
    #[must_use]
    pub fn like(wim: &Wim) -> Self {
        let (compression, chunk_bytes) = match wim.compression() {
            None if wim.solid_resources().is_empty() => (Compression::None, 32_768),
            Some((Codec::Xpress, chunk_bytes)) => (Compression::Xpress, chunk_bytes),
            Some((Codec::Lzx, chunk_bytes)) => (Compression::Lzx, chunk_bytes),
            None | Some((Codec::Lzms, _)) => (Compression::Lzx, 32_768),
        };
        Self {
            compression,
            chunk_bytes,
            guid: wim.header().guid,
            integrity_table: !wim.header().integrity.is_absent(),
            ..Self::default()
        }
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

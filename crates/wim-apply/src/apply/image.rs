//! Applying one image to a target.

use super::{ApplyOptions, ApplyTarget, Control, DeliverReport, deliver};
use crate::{BlobId, Error, Image, Result, Wim};

/// Applies image `index` of `wim`: `begin`, all blobs in file order, `finish`. What the target cannot keep
/// ([`loss_report`](super::loss_report)) is not asked about here.
///
/// # Errors
/// As [`Wim::image`], [`apply_tree`].
pub fn apply_image(
    wim: &Wim,
    index: u32,
    target: &mut dyn ApplyTarget,
    options: &ApplyOptions,
    control: &mut Control<'_>,
) -> Result<DeliverReport> {
    let image = wim.image(index)?;
    apply_tree(wim, &image, target, options, control)
}

/// Applies an image that was read already, or a part of one ([`Image::subset`]). `control.paths` is not used:
/// errors name paths of this image.
///
/// # Errors
/// `NotFound` when blobs are in files that are not open; [`Error::Target`]; as [`deliver`].
pub fn apply_tree(
    wim: &Wim,
    image: &Image,
    target: &mut dyn ApplyTarget,
    options: &ApplyOptions,
    control: &mut Control<'_>,
) -> Result<DeliverReport> {
    check_complete(wim, image)?;
    let failed = |what: &str| {
        let what = what.to_owned();
        move |source| Error::Target { what, source }
    };
    target.begin(image).map_err(failed("the tree"))?;
    let mut blobs = image.blobs();
    if !target.features().named_streams {
        blobs = unnamed_blobs(image);
    }
    let paths = |id: BlobId| image.paths_of_blob(id);
    let mut control = Control {
        interrupt: control.interrupt,
        progress: &mut *control.progress,
        paths: &paths,
    };
    let report = deliver(wim, &blobs, target, options, &mut control)?;
    target.finish(image).map_err(failed("the end of the tree"))?;
    Ok(report)
}

fn check_complete(wim: &Wim, image: &Image) -> Result<()> {
    let missing = image.paths_of_missing_blobs();
    if missing.is_empty() {
        return Ok(());
    }
    let shown: Vec<&str> = missing.iter().take(5).map(String::as_str).collect();
    let mut name = shown.join(", ");
    if missing.len() > shown.len() {
        name = format!("{name} and {} more", missing.len() - shown.len());
    }
    let parts = wim.missing_parts();
    if !parts.is_empty() {
        let parts: Vec<String> = parts.iter().map(u16::to_string).collect();
        name = format!("{name}; part {} is not open", parts.join(", "));
    }
    Err(Error::NotFound {
        what: "data of files",
        name,
    })
}

/// Every blob but those of named streams only.
fn unnamed_blobs(image: &Image) -> Vec<BlobId> {
    let streams = image.inodes.iter().flat_map(|inode| &inode.streams);
    let mut blobs: Vec<BlobId> = streams
        .filter(|s| s.name.is_empty())
        .filter_map(|s| s.blob)
        .collect();
    blobs.sort_unstable();
    blobs.dedup();
    blobs
}

//! Applying one image to a target.

use std::cell::OnceCell;

use super::{ApplyOptions, ApplyTarget, Control, DeliverReport, deliver};
use crate::path_list::{MAX_ERROR_BYTES, PathList};
use crate::{BlobId, DentryId, Error, Image, Result, Stream, Wim};

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
    let uses = OnceCell::new();
    let paths = |id: BlobId| uses.get_or_init(|| Uses::new(image)).paths(id);
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
    let Some(mut name) = first_paths_without_blobs(image) else {
        return Ok(());
    };
    let parts = wim.missing_parts();
    if !parts.is_empty() {
        let shown: Vec<String> = parts.iter().take(20).map(u16::to_string).collect();
        let more = if parts.len() > shown.len() { ", ..." } else { "" };
        name = format!("{name}; part {}{more} is not open", shown.join(", "));
    }
    Err(Error::NotFound {
        what: "data of files",
        name,
    })
}

/// Which entries use each blob, sorted: of many damaged blobs each is named without going through the whole image.
struct Uses<'a> {
    image: &'a Image,
    of_blobs: Vec<(BlobId, DentryId, &'a Stream)>,
}

impl<'a> Uses<'a> {
    fn new(image: &'a Image) -> Self {
        let mut of_blobs: Vec<_> = image.uses().collect();
        of_blobs.sort_by_key(|(blob, ..)| *blob);
        Self { image, of_blobs }
    }

    fn paths(&self, blob: BlobId) -> Vec<String> {
        let first = self.of_blobs.partition_point(|(used, ..)| *used < blob);
        let uses = self.of_blobs[first..]
            .iter()
            .take_while(|(used, ..)| *used == blob);
        let mut paths = PathList::new(MAX_ERROR_BYTES);
        for (_, id, stream) in uses {
            paths.push(|| self.image.path_of_stream(*id, stream));
        }
        paths.into_paths()
    }
}

/// Some paths of files whose blob is in no opened file, and how many more there are; `None` without any.
pub(crate) fn first_paths_without_blobs(image: &Image) -> Option<String> {
    let mut missing = image.entries_without_blobs();
    let shown: Vec<String> = missing.by_ref().take(5).map(|id| image.path_of(id)).collect();
    let names = shown.join(", ");
    match (shown.len(), missing.count()) {
        (0, _) => None,
        (_, 0) => Some(names),
        (_, more) => Some(format!("{names} and {more} more")),
    }
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

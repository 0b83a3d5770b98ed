//! Changing the tree of an image that is there.

use super::capture::read_tree;
use super::graft::{detach, graft, insert, new_name, rebuild, split_path};
use super::streams::Streams;
use super::{CaptureReport, CaptureSource, WimWriter, WriteControl, statistics};
use crate::image::Image;
use crate::layout::header_flag;
use crate::{Error, Result, Wim, select};

/// One change of a tree. Paths are those of [`Image::lookup`].
#[allow(missing_debug_implementations, reason = "holds a trait object")]
pub enum Edit<'a> {
    /// Takes away what fits a path or pattern ([`select`]), with all that is below.
    Delete {
        /// The path or pattern.
        pattern: String,
    },
    /// Gives a file or directory another path. Its directory must be there, and the path must be free.
    Rename {
        /// Where it is.
        from: String,
        /// Where it is then.
        to: String,
    },
    /// Puts a tree, or a single file that is the root of one, at a path. Directories that lead there are made;
    /// those that are there get the tree's entries; files are replaced.
    Add {
        /// The tree.
        source: &'a mut dyn CaptureSource,
        /// What is left out of it, as in [`WimWriter::capture`].
        exclude: &'a [String],
        /// Where its root goes.
        to: String,
    },
}

impl WimWriter<'_> {
    /// Changes the tree of an image of the file that `self` [edits](Self::edit). What is not named stays as it is;
    /// blobs that nothing uses any more stay in the file until it is [rewritten](super::rewrite).
    ///
    /// # Errors
    /// `NotFound` and `Invalid` for a path that does not fit the tree; as [`Wim::image`] and
    /// [`capture`](Self::capture). The file then must not be finished.
    pub fn update(
        &mut self,
        wim: &Wim,
        index: u32,
        edits: &mut [Edit<'_>],
        control: &mut WriteControl<'_>,
    ) -> Result<CaptureReport> {
        let slot = self.slot_of(index)?;
        let mut image = wim.image(index)?;
        self.count_uses(wim)?;
        let old_references = statistics::references(&image);
        let mut info = wim
            .images()
            .iter()
            .find(|info| info.index == index)
            .cloned()
            .unwrap_or_default();
        let mut warnings = std::mem::take(&mut image.warnings);
        for edit in edits {
            match edit {
                Edit::Delete { pattern } => delete(&mut image, pattern)?,
                Edit::Rename { from, to } => rename(&mut image, from, to)?,
                Edit::Add { source, exclude, to } => {
                    let (mut tree, origin) = read_tree(*source, exclude)?;
                    let mut streams = Streams::new(&tree, 1, *source, control);
                    self.write_streams(&mut tree, &origin, &mut streams)?;
                    warnings.append(&mut tree.warnings);
                    let newest = tree.inodes.iter().map(|inode| inode.last_write_time).max();
                    info.last_modification_time = info.last_modification_time.max(newest);
                    if tree.inodes.iter().any(|inode| inode.reparse_fixed_up) {
                        self.flags |= header_flag::REPARSE_FIX_UP;
                    }
                    graft(&mut image, tree, to)?;
                }
            }
        }
        let image = rebuild(image);
        statistics::count(&image, &mut info);
        self.container.add_metadata(image.encode_metadata()?)?;
        self.container.drain()?;
        if let Some(metadata) = self.container.metadata.pop()
            && let Some(old) = self.container.metadata.get_mut(slot)
        {
            *old = metadata;
        }
        for (hash, count) in statistics::references(&image) {
            self.container.reference(&hash, count);
        }
        for (hash, count) in old_references {
            self.container.release(&hash, count);
        }
        if let Some(xml) = self.images.get_mut(slot) {
            xml.set_counts(&info);
        }
        Ok(CaptureReport {
            index,
            info,
            warnings,
        })
    }
}

fn delete(image: &mut Image, pattern: &str) -> Result<()> {
    for id in select(image, &[pattern], false)? {
        if id == Image::ROOT {
            return Err(Error::Invalid {
                what: "deleting",
                reason: "the root of an image has to stay".to_owned(),
            });
        }
        detach(image, id);
    }
    Ok(())
}

fn rename(image: &mut Image, from: &str, to: &str) -> Result<()> {
    let invalid = |reason: String| Error::Invalid {
        what: "renaming",
        reason,
    };
    let id = image.lookup(from)?;
    let (folder, name) = split_path(to);
    if id == Image::ROOT || name.is_empty() {
        return Err(invalid("the root of an image has no name".to_owned()));
    }
    let folder_id = image.lookup(folder)?;
    if !image
        .inode_of(folder_id)
        .is_some_and(|inode| inode.is_directory() && !inode.is_reparse_point())
    {
        return Err(invalid(format!("{folder} is no directory")));
    }
    let mut above = folder_id;
    while above != Image::ROOT {
        if above == id {
            return Err(invalid(format!("{to} is below {from}")));
        }
        above = image.dentries[above.0 as usize].parent;
    }
    let name = new_name(name)?;
    if image.child(folder_id, &name).is_some_and(|found| found != id) {
        return Err(invalid(format!("{to} exists already")));
    }
    detach(image, id);
    let dentry = &mut image.dentries[id.0 as usize];
    dentry.name = name;
    // It belonged to the old name.
    dentry.short_name = Box::default();
    insert(image, folder_id, id);
    Ok(())
}

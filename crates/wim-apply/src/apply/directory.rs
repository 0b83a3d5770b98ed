//! A directory of the host as target.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use super::directory_files::{Files, at};
use super::directory_links::{HostLink, make_links, reparse_stream};
use super::directory_replace::Replacements;
use super::directory_tree::{ROOT, Tree};
use super::reparse::is_link;
use super::{ApplyTarget, BlobInfo, BlobSink, Features, Form, Loss, ParallelSink, TargetError};
use crate::Error;
use crate::image::{DentryId, Image};
use crate::path::name_to_text;

/// Applies an image to a directory.
///
/// Kept: names, data, hard links, last-write times, symbolic links and junctions. A name that the host cannot hold
/// (unpaired surrogates, `/`) is escaped as [`name_to_text`] says. Everything else is lost: see [`Features`] and
/// [`loss_report`](super::loss_report).
///
/// Links lead where wimlib lets them lead: relative ones stay relative, those that were taken relative to the
/// tree at capture (as Windows' own junctions are) lead to the absolute path of the target, and absolute ones of a
/// host's own keep theirs. What leads to another drive, volume or share becomes an empty file or directory: see
/// [`lost_links`](Self::lost_links).
///
/// Files and directories are made new under the target and symbolic links last of all, so nothing is ever written
/// through a link, and nothing outside the target. Existing files are replaced when that is asked for only, by
/// [`replacing`](Self::replacing).
#[derive(Debug)]
pub struct DirectoryTarget {
    root: PathBuf,
    into_existing: bool,
    replacing: bool,
    files: Arc<Files>,
    links: Vec<HostLink>,
    lost_links: Option<Loss>,
    /// The blob that comes now, and how much of it came.
    current: Option<(BlobInfo, u64)>,
}

/// Of what is no directory, or not made.
const NO_DIRECTORY: u32 = u32::MAX;

impl DirectoryTarget {
    /// A target that must be an empty directory, or not exist yet.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            into_existing: false,
            replacing: false,
            files: Arc::default(),
            links: Vec::new(),
            lost_links: None,
            current: None,
        }
    }

    /// Accepts a directory with content. Directories are shared with what is there; a file or link of the
    /// same name is an error.
    #[must_use]
    pub fn into_existing(mut self) -> Self {
        self.into_existing = true;
        self
    }

    /// As [`into_existing`](Self::into_existing), and files and links of the same name are replaced. The new ones wait
    /// beside them (`.wtgctl-N.new`) until everything was delivered and verified; after a failure or an interruption
    /// before that the old ones are as they were. If the host then refuses to replace one, that and those that still
    /// wait stay as they were. Directories are neither replaced by files and links nor replace them: that is an error.
    #[must_use]
    pub fn replacing(self) -> Self {
        Self {
            replacing: true,
            ..self.into_existing()
        }
    }

    /// Links that were applied as empty files and directories, since they lead to nothing that the host has: what
    /// only their data say, known when the apply is done.
    #[must_use]
    pub fn lost_links(&self) -> Option<&Loss> {
        self.lost_links.as_ref()
    }

    /// Makes the root. Returns its path from the root of the host.
    fn prepare_root(&self) -> Result<PathBuf, TargetError> {
        fs::create_dir_all(&self.root).map_err(|e| at(&self.root, e))?;
        let mut entries = fs::read_dir(&self.root).map_err(|e| at(&self.root, e))?;
        if !self.into_existing && entries.next().is_some() {
            let reason = "it is not empty".to_owned();
            return Err(Error::Invalid {
                what: "target directory",
                reason,
            }
            .into());
        }
        fs::canonicalize(&self.root).map_err(|e| at(&self.root, e))
    }
}

impl BlobSink for DirectoryTarget {
    fn parallel(&self) -> Option<Arc<dyn ParallelSink>> {
        Some(Arc::<Files>::clone(&self.files))
    }

    fn begin_blob(&mut self, blob: &BlobInfo, _: Form, _: u64) -> Result<(), TargetError> {
        self.current = Some((*blob, 0));
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), TargetError> {
        let Some((blob, start)) = &mut self.current else {
            return Ok(());
        };
        self.files.put(blob, *start, bytes)?;
        *start = start.saturating_add(bytes.len() as u64);
        Ok(())
    }

    fn end_blob(&mut self, _: &BlobInfo) -> Result<(), TargetError> {
        self.current = None;
        Ok(())
    }
}

impl ApplyTarget for DirectoryTarget {
    fn features(&self) -> Features {
        Features {
            hard_links: true,
            symbolic_links: cfg!(unix),
            timestamps: true,
            case_sensitive_names: true,
            ..Features::default()
        }
    }

    fn begin(&mut self, image: &Image) -> Result<(), TargetError> {
        let root = self.prepare_root()?;
        let time_of = |id: DentryId| image.inode_of(id).map_or(0, |inode| inode.last_write_time);
        let tree = Tree::new(root, self.into_existing, time_of(Image::ROOT));
        let mut files = Files::new(tree, image.inodes.len());
        files.replacements = self.replacing.then(Replacements::default);
        self.links.clear();
        let mut directories = vec![NO_DIRECTORY; image.dentries.len()];
        for (number, dentry) in image.dentries.iter().enumerate() {
            if number == 0 {
                directories[0] = ROOT;
                continue;
            }
            let parent = directories.get(dentry.parent.0 as usize).copied();
            // What lies below a link, or below nothing, is left out.
            let Some(parent) = parent.filter(|parent| *parent != NO_DIRECTORY) else {
                continue;
            };
            let id = DentryId(u32::try_from(number).unwrap_or(u32::MAX));
            let Some(inode) = image.inode_of(id) else { continue };
            let place = files.tree.add_name(parent, &name_to_text(&dentry.name))?;
            if is_link(inode) {
                if let Some(blob) = reparse_stream(inode).and_then(|stream| stream.blob) {
                    files.link_data.add(blob);
                }
                self.links.push(HostLink { place, dentry: id });
            } else if inode.is_directory() {
                directories[number] = files.tree.add_directory(place, inode.last_write_time);
            } else {
                let blob = inode.unnamed_data().and_then(|stream| stream.blob);
                files.add_name(dentry.inode.0, place, blob, inode.last_write_time);
            }
        }
        files.sort();
        self.files = Arc::new(files);
        Ok(())
    }

    fn finish(&mut self, image: &Image) -> Result<(), TargetError> {
        let files = &self.files;
        files.tree.make_all()?;
        files.make_empty()?;
        self.lost_links = make_links(files, &self.links, image)?;
        files.finish()
    }
}

//! An opened image: its trees, its files, what it says about itself.

use std::io::{Read, Seek};

use crate::el_torito::{self, BootCatalog};
use crate::entry::Location;
use crate::extent::push_extent;
use crate::iso9660::{Descriptors, IsoTree, VolumeDescriptor, read_descriptors};
use crate::source::Source;
use crate::udf::{UdfVolume, find_nsr};
use crate::volume_info::{Iso9660Info, UdfInfo, VolumeInfo};
use crate::walk::Walk;
use crate::{Entry, Error, Extent, ExtentReader, Limits, ReadOptions, Result, View};

/// A disc image, read in place through any `Read + Seek`.
///
/// ```no_run
/// use std::fs::File;
/// use iso_loopback::{IsoImage, Limits};
///
/// let mut image = IsoImage::open(File::open("windows.iso")?, &Limits::default())?;
/// let entry = image.lookup_ignore_case("sources/install.wim")?;
/// let mut file = image.into_file(&entry)?; // Read + Seek + Send, owns the File
/// std::io::copy(&mut file, &mut std::io::sink())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct IsoImage<R> {
    source: Source<R>,
    options: ReadOptions,
    tree: Tree,
    views: Vec<View>,
    descriptors: Descriptors,
}

#[derive(Debug)]
enum Tree {
    Iso(Box<IsoTree>),
    Udf(Box<UdfVolume>),
}

impl<R: Read + Seek> IsoImage<R> {
    /// Opens the most complete tree of an image: UDF when the image says that it holds UDF, else Rock Ridge, else
    /// Joliet, else ISO 9660.
    ///
    /// A damaged UDF side is an error, never a silent change to the ISO 9660 side, which on many discs holds less
    /// (cut files, or nothing but a notice); choose that with [`open_view`](Self::open_view).
    ///
    /// # Errors
    /// [`NotAnImage`](crate::ErrorKind::NotAnImage), [`Truncated`](crate::ErrorKind::Truncated) when the volume is
    /// larger than the image, [`Corrupt`](crate::ErrorKind::Corrupt),
    /// [`Unsupported`](crate::ErrorKind::Unsupported), [`Limit`](crate::ErrorKind::Limit),
    /// [`Io`](crate::ErrorKind::Io).
    pub fn open(reader: R, limits: &Limits) -> Result<Self> {
        Self::open_with(reader, None, &limits.into())
    }

    /// Opens a chosen tree of an image.
    ///
    /// # Errors
    /// As [`open`](Self::open), and [`NotFound`](crate::ErrorKind::NotFound) when the image has no such tree.
    pub fn open_view(reader: R, view: View, options: &ReadOptions) -> Result<Self> {
        Self::open_with(reader, Some(view), options)
    }

    /// Opens a tree (`None`: the most complete one) with options.
    ///
    /// # Errors
    /// As [`open_view`](Self::open_view).
    pub fn open_with(reader: R, view: Option<View>, options: &ReadOptions) -> Result<Self> {
        let mut source = Source::new(reader)?;
        let nsr_step = find_nsr(&mut source, options)?;
        let has_udf = nsr_step.is_some();
        let descriptors = match read_descriptors(&mut source, options) {
            // The ISO 9660 side of a bridge is not needed to read the other.
            Err(_) if has_udf && view.is_none_or(|view| view == View::Udf) => Descriptors::default(),
            result => result?,
        };
        check_complete(&source, options, &descriptors)?;
        let (views, susp_skip) = views(&mut source, options, has_udf, &descriptors)?;
        let view = match view {
            None => *views.first().ok_or_else(|| not_an_image(&mut source))?,
            Some(view) if views.contains(&view) => view,
            Some(view) => {
                return Err(Error::NotFound {
                    what: "tree in the image",
                    name: view.to_string(),
                });
            }
        };
        let tree = match view {
            View::Udf => Tree::Udf(Box::new(UdfVolume::open(&mut source, options, nsr_step)?)),
            View::Joliet => Tree::Iso(iso_tree(view, descriptors.joliet.as_ref(), 0)?),
            View::RockRidge | View::Iso9660 => {
                Tree::Iso(iso_tree(view, descriptors.primary.as_ref(), susp_skip)?)
            }
        };
        Ok(Self {
            source,
            options: options.clone(),
            tree,
            views,
            descriptors,
        })
    }

    /// Size of the image in bytes.
    #[must_use]
    pub fn image_bytes(&self) -> u64 {
        self.source.size_bytes()
    }

    /// The view that is open.
    #[must_use]
    pub fn view(&self) -> View {
        match &self.tree {
            Tree::Iso(tree) => tree.view,
            Tree::Udf(_) => View::Udf,
        }
    }

    pub(crate) fn source(&mut self) -> &mut Source<R> {
        &mut self.source
    }

    pub(crate) fn options(&self) -> &ReadOptions {
        &self.options
    }

    /// Labels, origin and sizes.
    #[must_use]
    pub fn volume_info(&self) -> VolumeInfo {
        let (label, block_bytes) = match &self.tree {
            Tree::Iso(tree) => (tree.descriptor.volume_id.clone(), tree.descriptor.block_bytes),
            Tree::Udf(volume) => (volume.label.clone(), volume.block_bytes),
        };
        VolumeInfo {
            view: self.view(),
            views: self.views.clone(),
            label,
            block_bytes,
            image_bytes: self.source.size_bytes(),
            iso9660: self.descriptors.primary.as_ref().map(Iso9660Info::from),
            joliet_label: self.descriptors.joliet.as_ref().map(|d| d.volume_id.clone()),
            udf: match &self.tree {
                Tree::Udf(volume) => Some(UdfInfo::from(&**volume)),
                Tree::Iso(_) => None,
            },
        }
    }

    /// The El Torito boot catalog; `None` when the image has no boot record.
    ///
    /// # Errors
    /// [`Corrupt`](crate::ErrorKind::Corrupt) when the record names no valid catalog,
    /// [`Io`](crate::ErrorKind::Io).
    pub fn boot_catalog(&mut self) -> Result<Option<BootCatalog>> {
        self.descriptors
            .boot_catalog
            .map(|place| el_torito::read_catalog(&mut self.source, &self.options, place))
            .transpose()
    }

    /// The root directory.
    ///
    /// # Errors
    /// [`Corrupt`](crate::ErrorKind::Corrupt), [`Truncated`](crate::ErrorKind::Truncated),
    /// [`Unsupported`](crate::ErrorKind::Unsupported), [`Io`](crate::ErrorKind::Io).
    pub fn root(&mut self) -> Result<Entry> {
        match &self.tree {
            Tree::Iso(tree) => tree.root(&self.options),
            Tree::Udf(volume) => volume.root(&mut self.source, &self.options),
        }
    }

    /// Entries of a directory in recorded order, without "." and "..".
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) when it is no directory; as [`root`](Self::root), and
    /// [`Limit`](crate::ErrorKind::Limit).
    pub fn read_dir(&mut self, directory: &Entry) -> Result<Vec<Entry>> {
        if !directory.is_dir() {
            return Err(Error::Invalid {
                what: "read_dir",
                reason: format!("{} is not a directory", directory.name),
            });
        }
        match (&self.tree, &directory.location) {
            (Tree::Iso(tree), Location::Iso(sections)) => {
                tree.read_dir(&mut self.source, &self.options, sections)
            }
            (Tree::Udf(volume), Location::Udf(icb)) => volume.read_dir(&mut self.source, &self.options, *icb),
            _ => Err(foreign_entry()),
        }
    }

    /// Finds a path such as `sources/install.wim`. Names must match exactly; symbolic links are not followed.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) with the path up to the missing name; as
    /// [`read_dir`](Self::read_dir).
    pub fn lookup(&mut self, path: &str) -> Result<Entry> {
        self.lookup_by(path, false)
    }

    /// Finds a path as Windows would: where no name matches exactly, case is ignored.
    ///
    /// # Errors
    /// As [`lookup`](Self::lookup).
    pub fn lookup_ignore_case(&mut self, path: &str) -> Result<Entry> {
        self.lookup_by(path, true)
    }

    fn lookup_by(&mut self, path: &str, ignore_case: bool) -> Result<Entry> {
        let mut entry = self.root()?;
        let mut walked = String::new();
        for name in path.split('/').filter(|name| !name.is_empty() && *name != ".") {
            if !walked.is_empty() {
                walked.push('/');
            }
            walked.push_str(name);
            let mut found = self.find(&entry, &|candidate| candidate == name)?;
            if found.is_none() && ignore_case {
                let folded = name.to_lowercase();
                found = self.find(&entry, &|candidate| candidate.to_lowercase() == folded)?;
            }
            entry = found.ok_or_else(|| Error::NotFound {
                what: "path in the image",
                name: walked.clone(),
            })?;
        }
        Ok(entry)
    }

    fn find(&mut self, directory: &Entry, matches: &dyn Fn(&str) -> bool) -> Result<Option<Entry>> {
        match (&self.tree, &directory.location) {
            _ if !directory.is_dir() => Ok(None),
            (Tree::Udf(volume), Location::Udf(icb)) => {
                volume.find(&mut self.source, &self.options, *icb, matches)
            }
            _ => {
                let entries = self.read_dir(directory)?;
                Ok(entries
                    .into_iter()
                    .find(|entry| !entry.associated && matches(&entry.name)))
            }
        }
    }

    /// Every entry below a directory, depth first, in recorded order.
    ///
    /// # Errors
    /// As [`read_dir`](Self::read_dir), here for the directory itself and from the iterator for those below.
    pub fn walk(&mut self, directory: &Entry) -> Result<Walk<'_, R>> {
        Walk::new(self, directory)
    }

    /// Where a file's bytes lie in the image, in file order, neighbouring runs joined. Their lengths sum up to
    /// [`Entry::size_bytes`].
    ///
    /// # Errors
    /// [`Unsupported`](crate::ErrorKind::Unsupported) when the bytes are not the content (zisofs),
    /// [`Truncated`](crate::ErrorKind::Truncated) when they end after the image,
    /// [`Corrupt`](crate::ErrorKind::Corrupt), [`Limit`](crate::ErrorKind::Limit),
    /// [`Io`](crate::ErrorKind::Io).
    pub fn extents(&mut self, entry: &Entry) -> Result<Vec<Extent>> {
        let extents = match (&self.tree, &entry.location) {
            (Tree::Iso(_), Location::Iso(file)) => {
                if let Some((feature, at)) = &file.unsupported {
                    return Err(Error::unsupported("file data", *at, feature.as_str()));
                }
                let mut extents = Vec::new();
                for &(offset, len) in &file.sections {
                    push_extent(&mut extents, Some(offset), len);
                }
                extents
            }
            (Tree::Udf(volume), Location::Udf(icb)) => {
                volume.extents(&mut self.source, &self.options, *icb)?
            }
            _ => return Err(foreign_entry()),
        };
        if !self.options.allow_truncated {
            for extent in &extents {
                if let Some(offset) = extent.image_offset {
                    self.source.check("file data", offset, extent.length_bytes)?;
                }
            }
        }
        Ok(extents)
    }

    /// Opens a file for reading; the image is borrowed meanwhile.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) when it is no file; as [`extents`](Self::extents).
    pub fn open_file(&mut self, entry: &Entry) -> Result<ExtentReader<&mut R>> {
        let extents = self.file_extents(entry)?;
        ExtentReader::new(self.source.reader(), extents)
    }

    /// Opens a file for reading and gives the image up for it: the reader owns what it needs.
    ///
    /// # Errors
    /// As [`open_file`](Self::open_file).
    pub fn into_file(mut self, entry: &Entry) -> Result<ExtentReader<R>> {
        let extents = self.file_extents(entry)?;
        ExtentReader::new(self.source.into_reader(), extents)
    }

    /// Gives the underlying reader back.
    #[must_use]
    pub fn into_inner(self) -> R {
        self.source.into_reader()
    }

    fn file_extents(&mut self, entry: &Entry) -> Result<Vec<Extent>> {
        if !entry.is_file() {
            return Err(Error::Invalid {
                what: "open_file",
                reason: format!("{} is not a file", entry.name),
            });
        }
        self.extents(entry)
    }
}

/// The declared size is checked before anything is read from the trees.
fn check_complete<R: Read + Seek>(
    source: &Source<R>,
    options: &ReadOptions,
    descriptors: &Descriptors,
) -> Result<()> {
    let declared = descriptors
        .primary
        .as_ref()
        .map_or(0, VolumeDescriptor::volume_bytes);
    if declared > source.size_bytes() && !options.allow_truncated {
        return Err(Error::ImageTruncated {
            what: "ISO 9660 primary volume descriptor",
            declared_bytes: declared,
            actual_bytes: source.size_bytes(),
        });
    }
    Ok(())
}

/// The views that the image holds, and the SUSP skip of its Rock Ridge.
fn views<R: Read + Seek>(
    source: &mut Source<R>,
    options: &ReadOptions,
    has_udf: bool,
    descriptors: &Descriptors,
) -> Result<(Vec<View>, usize)> {
    let mut views = Vec::new();
    let mut susp_skip = 0;
    if has_udf {
        views.push(View::Udf);
    }
    if let Some(primary) = &descriptors.primary {
        let plain = IsoTree::new(View::Iso9660, primary.clone(), 0);
        let susp = match plain.detect_susp(source, options) {
            // Whoever opens that side meets the error there.
            Err(_) if has_udf || descriptors.joliet.is_some() => None,
            result => result?,
        };
        if let Some(skip) = susp {
            views.push(View::RockRidge);
            susp_skip = skip;
        }
    }
    if descriptors.joliet.is_some() {
        views.push(View::Joliet);
    }
    if descriptors.primary.is_some() {
        views.push(View::Iso9660);
    }
    Ok((views, susp_skip))
}

fn iso_tree(view: View, descriptor: Option<&VolumeDescriptor>, susp_skip: usize) -> Result<Box<IsoTree>> {
    let descriptor = descriptor.ok_or_else(|| Error::NotFound {
        what: "tree in the image",
        name: view.to_string(),
    })?;
    Ok(Box::new(IsoTree::new(view, descriptor.clone(), susp_skip)))
}

/// Says what the file is instead, where that is easy to tell.
fn not_an_image<R: Read + Seek>(source: &mut Source<R>) -> Error {
    let mut id_at = |at: u64| {
        let mut id = [0; 5];
        source.read_at("volume descriptor", at, &mut id).is_ok() && id == *b"CD001"
    };
    // Raw sectors of 2352 bytes carry 16 (mode 1) or 24 (mode 2) bytes before the data.
    let reason = if id_at(16 * 2352 + 16 + 1) || id_at(16 * 2352 + 24 + 1) {
        "it is a dump of raw 2352-byte sectors; convert it to 2048-byte sectors (bchunk, ccd2iso) first"
            .to_owned()
    } else if source.size_bytes() < 17 * crate::iso9660::SECTOR_BYTES {
        format!(
            "it has {} bytes, less than the smallest volume",
            source.size_bytes()
        )
    } else {
        "no CD001 or NSR volume descriptor from byte 32768 on".to_owned()
    };
    Error::NotAnImage { reason }
}

fn foreign_entry() -> Error {
    Error::Invalid {
        what: "entry",
        reason: "it comes from another view".to_owned(),
    }
}

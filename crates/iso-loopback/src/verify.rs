//! Everything in an image read to its end, and its trees compared with each other.

use std::collections::BTreeMap;
use std::io::{Read, Seek};
use std::ops::ControlFlow;

use crate::{Error, Extent, ExtentReader, IsoImage, ReadOptions, Result, View};

const CHUNK_BYTES: usize = 1 << 20;

/// What [`verify`] found.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct VerifyReport {
    /// Every tree, the most complete first.
    pub trees: Vec<TreeSummary>,
    /// What cannot be read. Empty: everything is there.
    pub findings: Vec<Finding>,
    /// Files that another tree holds differently than the most complete one. Some media are made so on purpose.
    pub differences: Vec<Difference>,
}

/// Counts of one tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TreeSummary {
    /// Which tree.
    pub view: View,
    /// Files in it.
    pub files: u64,
    /// Directories in it, without the root.
    pub directories: u64,
    /// Sum of the files' sizes.
    pub bytes: u64,
    /// Files of the most complete tree that have no file of that name here; `None` where names are cut to 8.3.
    pub missing_files: Option<u64>,
}

/// Something that cannot be read.
#[derive(Debug)]
#[non_exhaustive]
pub struct Finding {
    /// In which tree.
    pub view: View,
    /// Path; empty for the tree itself.
    pub path: String,
    /// What is wrong.
    pub error: Error,
}

/// A file that two trees hold differently.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// Its path.
    pub path: String,
    /// The less complete tree.
    pub view: View,
    /// Size in the most complete tree.
    pub size_bytes: u64,
    /// Size in the other.
    pub other_size_bytes: u64,
}

/// A file's map.
type Files = BTreeMap<String, Vec<Extent>>;

/// Reads every file of an image's most complete tree, walks the others, and compares each file that both have: by place,
/// and where the places differ by bytes.
///
/// `progress` gets the bytes read and to be read, and stops the work when it breaks. ISO 9660 and UDF carry no checksums of
/// file data: that it can be read is all that can be known without a digest from elsewhere.
///
/// # Errors
/// When the image cannot be opened at all, as [`IsoImage::open`]; [`Interrupted`](crate::ErrorKind::Interrupted).
/// Everything else is a [`Finding`].
pub fn verify<R: Read + Seek>(
    mut reader: R,
    options: &ReadOptions,
    progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<VerifyReport> {
    let mut report = VerifyReport::default();
    let views = IsoImage::open_with(&mut reader, None, options)?
        .volume_info()
        .views;
    let mut reference: Option<Files> = None;
    for view in views {
        let mut image = match IsoImage::open_view(&mut reader, view, options) {
            Ok(image) => image,
            Err(error) => {
                report.findings.push(Finding {
                    view,
                    path: String::new(),
                    error,
                });
                continue;
            }
        };
        let (mut summary, files) = collect(&mut image, &mut report)?;
        drop(image);
        match &reference {
            None => {
                read_all(&mut reader, view, &files, summary.bytes, progress, &mut report)?;
                reference = Some(files);
            }
            Some(reference) if view != View::Iso9660 => {
                summary.missing_files = Some(compare(&mut reader, view, reference, &files, &mut report)?);
            }
            Some(_) => {}
        }
        report.trees.push(summary);
    }
    Ok(report)
}

/// Walks a tree; what cannot be read becomes a finding.
fn collect<R: Read + Seek>(
    image: &mut IsoImage<R>,
    report: &mut VerifyReport,
) -> Result<(TreeSummary, Files)> {
    let view = image.view();
    let mut summary = TreeSummary {
        view,
        files: 0,
        directories: 0,
        bytes: 0,
        missing_files: None,
    };
    let mut files = Files::new();
    let finding = |path: String, error| Finding { view, path, error };
    let entries: Vec<_> = match image.root().and_then(|root| Ok(image.walk(&root)?.collect())) {
        Ok(entries) => entries,
        Err(error) => {
            report.findings.push(finding(String::new(), error));
            return Ok((summary, files));
        }
    };
    for step in entries {
        let (path, entry) = match step {
            Ok(step) => step,
            Err(error) => {
                report.findings.push(finding(String::new(), error));
                continue;
            }
        };
        if entry.is_dir() {
            summary.directories += 1;
        }
        if !entry.is_file() || entry.associated {
            continue;
        }
        summary.files += 1;
        summary.bytes = summary.bytes.saturating_add(entry.size_bytes);
        match image.extents(&entry) {
            Ok(extents) => drop(files.insert(path, extents)),
            Err(error) => report.findings.push(finding(path, error)),
        }
    }
    Ok((summary, files))
}

fn read_all<R: Read + Seek>(
    reader: &mut R,
    view: View,
    files: &Files,
    total_bytes: u64,
    progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
    report: &mut VerifyReport,
) -> Result<()> {
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut done = 0_u64;
    for (path, extents) in files {
        let mut file = ExtentReader::new(&mut *reader, extents.clone())?;
        loop {
            if progress(done, total_bytes).is_break() {
                return Err(Error::Interrupted);
            }
            match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(len) => done += len as u64,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(source) => {
                    let at = file.position();
                    let error = Error::Io {
                        what: "file data",
                        at,
                        source,
                    };
                    report.findings.push(Finding {
                        view,
                        path: path.clone(),
                        error,
                    });
                    break;
                }
            }
        }
    }
    Ok(())
}

/// Compares by path; gives the number of files that are missing.
fn compare<R: Read + Seek>(
    reader: &mut R,
    view: View,
    reference: &Files,
    files: &Files,
    report: &mut VerifyReport,
) -> Result<u64> {
    let mut missing = 0;
    for (path, extents) in reference {
        let Some(others) = files.get(path) else {
            missing += 1;
            continue;
        };
        let (size_bytes, other_size_bytes) = (sum(extents), sum(others));
        let same =
            extents == others || (size_bytes == other_size_bytes && same_bytes(reader, extents, others)?);
        if !same {
            report.differences.push(Difference {
                path: path.clone(),
                view,
                size_bytes,
                other_size_bytes,
            });
        }
    }
    Ok(missing)
}

fn sum(extents: &[Extent]) -> u64 {
    extents
        .iter()
        .fold(0, |sum, extent| sum.saturating_add(extent.length_bytes))
}

/// Equal bytes; what cannot be read differs.
fn same_bytes<R: Read + Seek>(reader: &mut R, a: &[Extent], b: &[Extent]) -> Result<bool> {
    let (mut left, mut right) = (vec![0; CHUNK_BYTES], vec![0; CHUNK_BYTES]);
    let mut at = 0_u64;
    let end = sum(a);
    while at < end {
        let len = usize::try_from(end - at).unwrap_or(usize::MAX).min(CHUNK_BYTES);
        let mut read = |extents: &[Extent], buffer: &mut [u8]| -> Result<bool> {
            let mut file = ExtentReader::new(&mut *reader, extents.to_vec())?;
            let found = file
                .seek(std::io::SeekFrom::Start(at))
                .and_then(|_| file.read_exact(buffer));
            Ok(found.is_ok())
        };
        let (left, right) = (
            left.get_mut(..len).unwrap_or_default(),
            right.get_mut(..len).unwrap_or_default(),
        );
        if !read(a, left)? || !read(b, right)? || left != right {
            return Ok(false);
        }
        at += len as u64;
    }
    Ok(true)
}

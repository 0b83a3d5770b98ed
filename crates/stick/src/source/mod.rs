//! Opening SOURCE: a Windows ISO (its image read in place), a WIM, an ESD, or a first SWM part.

mod parts;

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use iso_loopback::{ExtentReader, IsoImage};
use serde::{Deserialize, Serialize};
use wim_apply::Wim;

use crate::{Error, Result};

/// Names under which Windows media hold their image, best first.
const IMAGE_NAMES: [&str; 3] = ["install.wim", "install.esd", "install.swm"];

/// What SOURCE turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// An ISO 9660 or UDF image that holds a Windows image.
    Iso,
    /// A WIM, ESD or SWM file.
    Wim,
}

/// An opened source.
#[derive(Debug)]
pub struct Source {
    /// The file that was named.
    pub path: PathBuf,
    /// What it is.
    pub kind: SourceKind,
    /// Path of the image inside an ISO.
    pub inner_path: Option<String>,
    /// Every file of the host that was opened, the named one first.
    pub files: Vec<PathBuf>,
    /// The image file, all parts added.
    pub wim: Wim,
}

impl Source {
    /// Opens a source, and other files that hold blobs of it: parts of a split image that lie elsewhere, or the
    /// base of a delta.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(path: &Path, references: &[PathBuf]) -> Result<Self> {
        let mut source = Self::open_parts(path, references.is_empty())?;
        for reference in references {
            let reader = BufReader::new(open(reference)?);
            let wrap = |source| Error::Wim {
                path: reference.clone(),
                source,
            };
            source.wim.add_part(reader).map_err(wrap)?;
            source.files.push(reference.clone());
        }
        Ok(source)
    }

    /// Opens a source.
    ///
    /// # Errors
    /// When it is neither kind, truncated or corrupt, holds no image, or lacks a part of a split set.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_parts(path, true)
    }

    fn open_parts(path: &Path, find_parts: bool) -> Result<Self> {
        let mut file = open(path)?;
        let mut magic = [0_u8; 8];
        let got = read_up_to(&mut file, &mut magic).map_err(|source| io_error("reading", path, source))?;
        if got == magic.len() && (&magic == b"MSWIM\0\0\0" || &magic == b"WLPWM\0\0\0") {
            return Self::open_wim(path, file, find_parts);
        }
        Self::open_iso(path, file).map_err(|error| match error {
            Error::Iso { path, source } if source.kind() == iso_loopback::ErrorKind::NotAnImage => {
                Error::Source {
                    path,
                    reason: format!("neither a Windows image file nor a disc image ({source})"),
                }
            }
            error => error,
        })
    }

    fn open_wim(path: &Path, file: File, find_parts: bool) -> Result<Self> {
        let wrap = |source| Error::Wim {
            path: path.to_owned(),
            source,
        };
        let mut wim = Wim::open(BufReader::new(file), &wim_apply::Limits::default()).map_err(wrap)?;
        let mut files = vec![path.to_owned()];
        let (number, count) = (wim.header().part_number, wim.header().part_count);
        let others = if find_parts {
            parts::other_parts(path, number, count)?
        } else {
            Vec::new()
        };
        for part in others {
            let reader = BufReader::new(open(&part)?);
            wim.add_part(reader).map_err(|source| Error::Wim {
                path: part.clone(),
                source,
            })?;
            files.push(part);
        }
        Ok(Self {
            path: path.to_owned(),
            kind: SourceKind::Wim,
            inner_path: None,
            files,
            wim,
        })
    }

    fn open_iso(path: &Path, file: File) -> Result<Self> {
        let wrap = |source| Error::Iso {
            path: path.to_owned(),
            source,
        };
        let mut iso = IsoImage::open(BufReader::new(file), &iso_loopback::Limits::default()).map_err(wrap)?;
        let mut found = None;
        for name in IMAGE_NAMES {
            let inner = format!("sources/{name}");
            match iso.lookup_ignore_case(&inner) {
                Ok(entry) => {
                    found = Some((inner, iso.extents(&entry).map_err(wrap)?));
                    break;
                }
                Err(error) if error.kind() == iso_loopback::ErrorKind::NotFound => {}
                Err(error) => return Err(wrap(error)),
            }
        }
        let Some((inner, extents)) = found else {
            return Err(Error::Source {
                path: path.to_owned(),
                reason: "a disc image without sources/install.wim, install.esd or install.swm: not Windows installation media"
                    .to_owned(),
            });
        };
        let window = ExtentReader::new(BufReader::new(open(path)?), extents).map_err(wrap)?;
        let in_iso = |source| Error::Wim {
            path: path.join(&inner),
            source,
        };
        let mut wim = Wim::open(window, &wim_apply::Limits::default()).map_err(in_iso)?;
        for number in 2..=wim.header().part_count {
            let part = format!("sources/install{number}.swm");
            let entry = match iso.lookup_ignore_case(&part) {
                Ok(entry) => entry,
                Err(error) if error.kind() == iso_loopback::ErrorKind::NotFound => {
                    let count = wim.header().part_count;
                    let reason = format!("{part} is missing: part {number} of {count} of a split image");
                    return Err(Error::Unusable {
                        path: path.to_owned(),
                        reason,
                    });
                }
                Err(error) => return Err(wrap(error)),
            };
            let extents = iso.extents(&entry).map_err(wrap)?;
            let window = ExtentReader::new(BufReader::new(open(path)?), extents).map_err(wrap)?;
            wim.add_part(window).map_err(|source| Error::Wim {
                path: path.join(&part),
                source,
            })?;
        }
        Ok(Self {
            path: path.to_owned(),
            kind: SourceKind::Iso,
            inner_path: Some(inner),
            files: vec![path.to_owned()],
            wim,
        })
    }
}

pub(crate) fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(|source| io_error("opening", path, source))
}

pub(crate) fn io_error(op: &'static str, path: &Path, source: std::io::Error) -> Error {
    Error::Io {
        op,
        path: path.to_owned(),
        source,
    }
}

/// Reads the start of a file, as much as there is, and goes back to it.
fn read_up_to(file: &mut (impl Read + Seek), buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut got = 0;
    while got < buffer.len() {
        match file.read(&mut buffer[got..])? {
            0 => break,
            n => got += n,
        }
    }
    file.seek(SeekFrom::Start(0))?;
    Ok(got)
}

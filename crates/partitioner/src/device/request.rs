//! What target is wished, and everything that speaks against it. Looking changes nothing.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::host::Host;
use super::model::Device;
use super::parse::DeviceNumber;
use super::policy::{Request, check};
use crate::Finding;
use crate::error::{Error, Result};

/// An image file as wished.
#[derive(Clone, Copy, Debug)]
pub struct FileRequest<'a> {
    /// Where.
    pub path: &'a Path,
    /// Size of the image.
    pub size_bytes: u64,
    /// Whether a file that is there may be replaced.
    pub force: bool,
    /// Files that are read meanwhile: the target must be none of them.
    pub sources: &'a [PathBuf],
}

/// A device as wished.
#[derive(Clone, Copy, Debug)]
pub struct DeviceRequest<'a> {
    /// Its node, or a link to it.
    pub path: &'a Path,
    /// The name given to `--erase`.
    pub erase: Option<&'a str>,
    /// Bytes that will be needed.
    pub need_bytes: u64,
    /// Files that are read meanwhile: none may lie on the device.
    pub sources: &'a [PathBuf],
}

/// Whether [`Target::open_file`](super::Target::open_file) would refuse, without creating, opening or changing
/// anything: for plans. The answer may be another one later; opening asks again.
///
/// # Errors
/// `Refused` with codes `target-exists`, `target-is-link`, `target-is-no-file`, `target-is-source`,
/// `target-in-use`; `NotFound` for a folder that is not there; `Io`.
pub fn check_target_file(host: &Host, request: &FileRequest<'_>) -> Result<()> {
    look_at_file(host, request).map(drop)
}

/// The device, unless [`Target::open_device`](super::Target::open_device) would refuse it before it opens it;
/// nothing is opened or changed: for plans. The answer may be another one later; opening asks again. What only an
/// exclusive open shows (`busy`: a mount in another namespace) is not seen here.
///
/// # Errors
/// `Refused` with the codes of [`check`] or `not-a-device`; `NotFound`; `Io`.
pub fn check_target_device(host: &Host, request: &DeviceRequest<'_>) -> Result<Device> {
    let path = request.path;
    let metadata = fs::metadata(path).map_err(not_found_or("device", path))?;
    if !metadata.file_type().is_block_device() {
        return Err(refused(path, "not-a-device", "it is no block device"));
    }
    ask(host, request, &DeviceNumber::from_raw(metadata.rdev()))
}

/// The file that may be replaced, or `None` where one may be created.
pub(super) fn look_at_file(host: &Host, request: &FileRequest<'_>) -> Result<Option<Metadata>> {
    let path = request.path;
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            let folder = folder_of(path);
            let metadata = fs::metadata(folder).map_err(not_found_or("folder", folder))?;
            return if metadata.is_dir() {
                Ok(None)
            } else {
                Err(Error::path("create", path)(io::ErrorKind::NotADirectory.into()))
            };
        }
        Err(e) => return Err(Error::path("look at", path)(e)),
    };
    check_regular(path, &found)?;
    if !request.force {
        return Err(refused(path, "target-exists", "the file is there already"));
    }
    check_free(host, path, &found, request.sources)?;
    Ok(Some(found))
}

/// The file that may be written in place.
pub(super) fn look_at_existing_file(host: &Host, path: &Path, sources: &[PathBuf]) -> Result<Metadata> {
    let found = fs::symlink_metadata(path).map_err(not_found_or("file", path))?;
    check_regular(path, &found)?;
    check_free(host, path, &found, sources)?;
    Ok(found)
}

/// The folder that a file lies in.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

pub(super) fn is_same_file(a: &Metadata, b: &Metadata) -> bool {
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

pub(super) fn refused(path: &Path, code: &'static str, message: &str) -> Error {
    Error::Refused {
        target: path.display().to_string(),
        findings: vec![Finding::new(code, message)],
    }
}

fn check_regular(path: &Path, found: &Metadata) -> Result<()> {
    if found.file_type().is_symlink() {
        return Err(refused(
            path,
            "target-is-link",
            "it is a symbolic link; give the file itself",
        ));
    }
    if !found.is_file() {
        return Err(refused(
            path,
            "target-is-no-file",
            "it is there and is no regular file",
        ));
    }
    Ok(())
}

/// Neither in use by the kernel nor one of the sources, also not by another name.
fn check_free(host: &Host, path: &Path, found: &Metadata, sources: &[PathBuf]) -> Result<()> {
    if let Some(user) = host.use_of_file(path)? {
        return Err(refused(path, "target-in-use", &format!("it is in use as {user}")));
    }
    for source in sources {
        let source = fs::metadata(source).map_err(Error::path("look at", source))?;
        if is_same_file(&source, found) {
            return Err(refused(path, "target-is-source", "it is the source itself"));
        }
    }
    Ok(())
}

fn not_found_or(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |e| match e.kind() {
        io::ErrorKind::NotFound => Error::NotFound {
            what,
            name: path.display().to_string(),
        },
        _ => Error::path("look at", path)(e),
    }
}

/// The device of that number, if the policy has nothing against it.
pub(super) fn ask(host: &Host, request: &DeviceRequest<'_>, number: &DeviceNumber) -> Result<Device> {
    let device = host.device_by_number(*number)?;
    let mut source_devices = Vec::new();
    let mut source_findings = Vec::new();
    for source in request.sources {
        source_devices.extend(host.devices_of_file(source)?);
        if let (Some(backing), Ok(source)) = (&device.backing_file, fs::canonicalize(source))
            && *backing == source
        {
            source_findings.push(Finding::new(
                "holds-source",
                "it is a loop device over the source",
            ));
        }
    }
    let mut findings = check(
        &device,
        &Request {
            erase: request.erase,
            need_bytes: request.need_bytes,
            source_devices: &source_devices,
        },
        &host.devices()?,
    );
    findings.extend(source_findings);
    if findings.is_empty() {
        return Ok(device);
    }
    Err(Error::Refused {
        target: request.path.display().to_string(),
        findings,
    })
}

//! Boot files: which files of an image's `\Windows\Boot` go where on the system partition.
//!
//! [`stage`] is pure: it sees names and sizes through a [`Listing`] and returns a list of copies.
//!
//! # Source
//! Observed on EFI system partitions made by Windows 10 19041 to Windows 11 26100, and in the verbose logs of
//! bcdboot.

mod bios;
mod pe;
mod uefi;

use serde::Serialize;

use crate::bcd::Firmware;
use crate::{Error, Result};

pub use pe::Architecture;

/// The boot manager of an image for UEFI.
pub const UEFI_BOOT_MANAGER: &str = "\\Windows\\Boot\\EFI\\bootmgfw.efi";
/// The same, signed by the certificate authority of 2023; only in newer images.
pub const UEFI_BOOT_MANAGER_EX: &str = "\\Windows\\Boot\\EFI_EX\\bootmgfw_EX.efi";
/// The boot manager of an image for BIOS.
pub const BIOS_BOOT_MANAGER: &str = "\\Windows\\Boot\\PCAT\\bootmgr";

/// The tree of an image, as far as boot files need it. Paths are absolute with `\`; letter case is ignored.
pub trait Listing {
    /// Names in a folder, in any order; `None` when there is no such folder.
    fn list(&self, folder: &str) -> Option<Vec<ListedEntry>>;
}

/// An entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedEntry {
    /// Its name.
    pub name: String,
    /// Whether it is a folder.
    pub is_folder: bool,
}

impl<F: Fn(&str) -> Option<Vec<ListedEntry>>> Listing for F {
    fn list(&self, folder: &str) -> Option<Vec<ListedEntry>> {
        self(folder)
    }
}

/// A copy from the image to the system partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StagedFile {
    /// Path in the image.
    pub source: String,
    /// Path on the system partition.
    pub target: String,
    /// FAT attributes: 1 read-only, 2 hidden, 4 system.
    pub attributes: u8,
}

/// Which certificate authority signs the UEFI boot manager that is copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BootCa {
    /// `Microsoft Windows Production PCA 2011`: boots everywhere, except where Secure Boot has revoked it.
    Pca2011,
    /// `Windows UEFI CA 2023`: boots where Secure Boot is off or knows the new authority.
    Ca2023,
    /// 2011, which every image has.
    #[default]
    Auto,
}

/// Which locales' texts are copied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Locales {
    /// All of the image, as bcdboot does.
    #[default]
    All,
    /// These, such as `en-US`; letter case is ignored.
    Only(Vec<String>),
}

impl Locales {
    fn wants(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.iter().any(|wanted| wanted.eq_ignore_ascii_case(name)),
        }
    }
}

/// What [`stage`] needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageSpec {
    /// What starts the machine.
    pub firmware: Firmware,
    /// Architecture of the boot manager, see [`Architecture::of_pe`].
    pub architecture: Architecture,
    /// Which signature, for UEFI.
    pub boot_ca: BootCa,
    /// Which locales.
    pub locales: Locales,
}

/// Boot files to copy, sorted by target path, each target once.
///
/// # Errors
/// `NotWindows` when the image has no boot manager for the firmware; `Invalid` when the signature of 2023 is
/// asked for and the image has none, or the architecture does not start by BIOS.
pub fn stage(listing: &dyn Listing, spec: &StageSpec) -> Result<Vec<StagedFile>> {
    let mut files = match spec.firmware {
        Firmware::Uefi => uefi::stage(listing, spec)?,
        Firmware::Bios => bios::stage(listing, spec)?,
    };
    files.sort_by(|a, b| a.target.cmp(&b.target));
    Ok(files)
}

/// The boot manager that [`stage`] will copy for UEFI: read its header for [`Architecture::of_pe`].
///
/// # Errors
/// As [`stage`].
pub fn uefi_boot_manager(listing: &dyn Listing, boot_ca: BootCa) -> Result<&'static str> {
    if !exists(listing, UEFI_BOOT_MANAGER) {
        return Err(Error::NotWindows {
            path: UEFI_BOOT_MANAGER.to_owned(),
        });
    }
    match boot_ca {
        BootCa::Pca2011 | BootCa::Auto => Ok(UEFI_BOOT_MANAGER),
        BootCa::Ca2023 if exists(listing, UEFI_BOOT_MANAGER_EX) => Ok(UEFI_BOOT_MANAGER_EX),
        BootCa::Ca2023 => Err(Error::Invalid {
            what: "boot manager signed by the CA of 2023",
            reason: format!("the image has no {UEFI_BOOT_MANAGER_EX}"),
        }),
    }
}

fn exists(listing: &dyn Listing, path: &str) -> bool {
    let Some((folder, name)) = path.rsplit_once('\\') else {
        return false;
    };
    listing.list(folder).is_some_and(|entries| {
        entries
            .iter()
            .any(|e| !e.is_folder && e.name.eq_ignore_ascii_case(name))
    })
}

/// Deepest folder below `\Windows\Boot` that is followed; real images have three.
const MAX_DEPTH: u32 = 16;

/// All files below `folder`, as paths relative to it.
fn walk(listing: &dyn Listing, folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![(String::new(), 0)];
    while let Some((relative, depth)) = folders.pop() {
        let path = format!(
            "{folder}{}{relative}",
            if relative.is_empty() { "" } else { "\\" }
        );
        for entry in listing.list(&path).unwrap_or_default() {
            let path = match relative.as_str() {
                "" => entry.name,
                _ => format!("{relative}\\{}", entry.name),
            };
            if !entry.is_folder {
                found.push(path);
            } else if depth < MAX_DEPTH {
                folders.push((path, depth + 1));
            }
        }
    }
    found.sort();
    found
}

/// The copies of all files below `from` to `to`; files in a locale's folder only if it is wanted.
fn copy_tree(listing: &dyn Listing, from: &str, to: &str, locales: &Locales) -> Vec<StagedFile> {
    walk(listing, from)
        .into_iter()
        .filter(|path| match path.split_once('\\') {
            Some((folder, rest)) if rest.to_ascii_lowercase().ends_with(".mui") => locales.wants(folder),
            _ => true,
        })
        .map(|path| StagedFile {
            source: format!("{from}\\{path}"),
            target: format!("{to}\\{path}"),
            attributes: 0,
        })
        .collect()
}

//! What can boot from an image, and from where.

use std::io::{Read, Seek};

use crate::{BootCatalog, ErrorKind, IsoImage, Result};

/// Ways in which an image boots, as found in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BootSupport {
    /// El Torito catalog: boots as a disc.
    pub catalog: Option<BootCatalog>,
    /// An MBR with boot code or partitions before the volume (isohybrid): boots as a disk under BIOS.
    pub has_mbr: bool,
    /// A GPT before the volume: boots as a disk under UEFI.
    pub has_gpt: bool,
    /// UEFI programs at the default path, such as `EFI/BOOT/BOOTX64.EFI`: boots when copied to a FAT volume.
    pub efi_loaders: Vec<String>,
    /// A GRUB menu made for loopback use: boots from the image as a file.
    pub loopback_cfg: Option<String>,
    /// Windows setup's boot image.
    pub windows_boot_image: Option<String>,
    /// Windows image to install: WIM, ESD, or the first part of a split WIM.
    pub windows_install_image: Option<String>,
}

impl<R: Read + Seek> IsoImage<R> {
    /// Finds out what can boot from the image, in the view that is open.
    ///
    /// # Errors
    /// As [`lookup`](Self::lookup) and [`boot_catalog`](Self::boot_catalog), without
    /// [`NotFound`](ErrorKind::NotFound).
    pub fn boot_support(&mut self) -> Result<BootSupport> {
        let mut head = [0; 520];
        let (has_mbr, has_gpt) = match self.source().read_at("master boot record", 0, &mut head) {
            Ok(()) => (is_mbr(&head), head.ends_with(b"EFI PART")),
            Err(_) => (false, false),
        };
        Ok(BootSupport {
            catalog: self.boot_catalog()?,
            has_mbr,
            has_gpt,
            efi_loaders: self.efi_loaders()?,
            loopback_cfg: self.first_of(&[
                "boot/grub/loopback.cfg",
                "boot/grub2/loopback.cfg",
                "grub/loopback.cfg",
            ])?,
            windows_boot_image: self.first_of(&["sources/boot.wim"])?,
            windows_install_image: self.first_of(&[
                "sources/install.wim",
                "sources/install.esd",
                "sources/install.swm",
            ])?,
        })
    }

    fn efi_loaders(&mut self) -> Result<Vec<String>> {
        let folder = match self.lookup_ignore_case("EFI/BOOT") {
            Ok(folder) if folder.is_dir() => folder,
            Ok(_) => return Ok(Vec::new()),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut loaders: Vec<String> = self
            .read_dir(&folder)?
            .into_iter()
            .filter(crate::Entry::is_file)
            .filter(|entry| {
                let name = entry.name.to_ascii_lowercase();
                name.starts_with("boot") && name.ends_with(".efi")
            })
            .map(|entry| format!("EFI/BOOT/{}", entry.name))
            .collect();
        loaders.sort();
        Ok(loaders)
    }

    fn first_of(&mut self, paths: &[&str]) -> Result<Option<String>> {
        for path in paths {
            match self.lookup_ignore_case(path) {
                Ok(entry) if entry.is_file() => return Ok(Some((*path).to_owned())),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}

/// The signature, and something that it would be for: code or a partition. The system area is zero on plain discs.
fn is_mbr(sector: &[u8; 520]) -> bool {
    let (signed, rest) = (sector.get(510..512), sector.get(..510).unwrap_or_default());
    signed == Some(&[0x55, 0xaa]) && rest.iter().any(|byte| *byte != 0)
}

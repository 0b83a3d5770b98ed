//! Boot files of the active partition of an MBR disk.

use super::{Architecture, BIOS_BOOT_MANAGER, Listing, StageSpec, StagedFile, copy_tree, exists};
use crate::{Error, Result};

const READ_ONLY: u8 = 1;
const HIDDEN: u8 = 2;
const SYSTEM: u8 = 4;

pub(super) fn stage(listing: &dyn Listing, spec: &StageSpec) -> Result<Vec<StagedFile>> {
    if !matches!(spec.architecture, Architecture::X86 | Architecture::X64) {
        return Err(Error::Invalid {
            what: "boot files for BIOS",
            reason: format!("{} machines start by UEFI only", spec.architecture.name()),
        });
    }
    if !exists(listing, BIOS_BOOT_MANAGER) {
        return Err(Error::NotWindows {
            path: BIOS_BOOT_MANAGER.to_owned(),
        });
    }
    let mut files = copy_tree(listing, "\\Windows\\Boot\\PCAT", "\\Boot", &spec.locales);
    for file in &mut files {
        match file.target.to_ascii_lowercase().as_str() {
            "\\boot\\bootmgr" => {
                "\\bootmgr".clone_into(&mut file.target);
                file.attributes = READ_ONLY | HIDDEN | SYSTEM;
            }
            "\\boot\\bootnxt" => {
                "\\BOOTNXT".clone_into(&mut file.target);
                file.attributes = HIDDEN | SYSTEM;
            }
            _ => {}
        }
    }
    for folder in ["Fonts", "Resources"] {
        let from = format!("\\Windows\\Boot\\{folder}");
        files.extend(copy_tree(
            listing,
            &from,
            &format!("\\Boot\\{folder}"),
            &spec.locales,
        ));
    }
    Ok(files)
}

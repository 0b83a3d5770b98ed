//! Boot files of the EFI system partition.

use super::{BootCa, Listing, StageSpec, StagedFile, copy_tree, uefi_boot_manager, walk};
use crate::Result;

const TARGET: &str = "\\EFI\\Microsoft\\Boot";

/// Code integrity policy that locks the firmware to newer boot managers; on a stick it can make a machine
/// refuse its own Windows (0xc0000428).
const NEVER_COPIED: &str = "SkuSiPolicy.p7b";

pub(super) fn stage(listing: &dyn Listing, spec: &StageSpec) -> Result<Vec<StagedFile>> {
    let boot_manager = uefi_boot_manager(listing, spec.boot_ca)?;
    let mut files = copy_tree(listing, "\\Windows\\Boot\\EFI", TARGET, &spec.locales);
    files.retain(|file| !last_name(&file.target).eq_ignore_ascii_case(NEVER_COPIED));
    for folder in ["Fonts", "Resources"] {
        let from = format!("\\Windows\\Boot\\{folder}");
        let to = format!("{TARGET}\\{folder}");
        files.extend(copy_tree(listing, &from, &to, &spec.locales));
    }
    if spec.boot_ca == BootCa::Ca2023 {
        replace_by_ex(listing, &mut files, "\\Windows\\Boot\\EFI_EX", TARGET);
        replace_by_ex(
            listing,
            &mut files,
            "\\Windows\\Boot\\Fonts_EX",
            &format!("{TARGET}\\Fonts"),
        );
    }
    files.push(StagedFile {
        source: boot_manager.to_owned(),
        target: format!("\\EFI\\Boot\\{}", spec.architecture.fallback_name()),
        attributes: 0,
    });
    Ok(files)
}

/// Files of `folder` named `X_EX.ext` take the place of `X.ext` on the target; one without a
/// counterpart is added.
fn replace_by_ex(listing: &dyn Listing, files: &mut Vec<StagedFile>, folder: &str, target: &str) {
    for path in walk(listing, folder) {
        let Some(plain) = without_ex(&path) else {
            continue;
        };
        let source = format!("{folder}\\{path}");
        let target = format!("{target}\\{plain}");
        match files
            .iter_mut()
            .find(|file| file.target.eq_ignore_ascii_case(&target))
        {
            Some(file) => file.source = source,
            None => files.push(StagedFile {
                source,
                target,
                attributes: 0,
            }),
        }
    }
}

/// `a\bootmgfw_EX.efi` → `a\bootmgfw.efi`; `en-US\bootmgfw_EX.efi.mui` → `en-US\bootmgfw.efi.mui`.
fn without_ex(path: &str) -> Option<String> {
    let (folder, name) = path.rsplit_once('\\').map_or(("", path), |(f, n)| (f, n));
    let (stem, extension) = name.split_once('.')?;
    let cut = stem.len().checked_sub(3)?;
    let (plain, ex) = stem.split_at_checked(cut)?;
    if !ex.eq_ignore_ascii_case("_EX") || plain.is_empty() {
        return None;
    }
    Some(match folder {
        "" => format!("{plain}.{extension}"),
        _ => format!("{folder}\\{plain}.{extension}"),
    })
}

fn last_name(path: &str) -> &str {
    path.rsplit('\\').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::without_ex;

    #[test]
    fn ex_names_lose_their_mark() {
        assert_eq!(without_ex("bootmgfw_EX.efi").as_deref(), Some("bootmgfw.efi"));
        assert_eq!(
            without_ex("de-DE\\bootmgr_ex.efi.mui").as_deref(),
            Some("de-DE\\bootmgr.efi.mui")
        );
        assert_eq!(without_ex("chs_boot_EX.ttf").as_deref(), Some("chs_boot.ttf"));
        assert_eq!(without_ex("bootmgfw.efi"), None);
        assert_eq!(without_ex("_EX.efi"), None);
        assert_eq!(without_ex("日_EX"), None);
    }
}

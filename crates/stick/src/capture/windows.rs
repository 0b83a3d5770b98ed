//! What a Windows system says of itself, for the `WINDOWS` element of a captured image.

use regf_hive::{Hive, Limits, Value};
use wim_apply::apply::TargetError;
use wim_apply::{Architecture, ImageInfo, Version};

/// The SOFTWARE hive.
const SOFTWARE: &str = "\\Windows\\System32\\config\\SOFTWARE";
/// The SYSTEM hive.
const SYSTEM: &str = "\\Windows\\System32\\config\\SYSTEM";
/// A program that every Windows has, for the architecture.
const KERNEL32: &str = "\\Windows\\System32\\kernel32.dll";
/// Most bytes of a hive that are read.
const MAX_HIVE_BYTES: u64 = 512 << 20;
/// Bytes of a program that hold its PE header.
const PE_HEADER_BYTES: u64 = 4096;

/// Reads a file of a tree by its Windows path, at most so many bytes; `None` when it is not there.
pub type ReadFile<'a> = dyn FnMut(&str, u64) -> Result<Option<Vec<u8>>, TargetError> + 'a;

/// Product, edition, version, architecture and languages of the Windows in a tree, from its registry and one
/// program. `None` when it holds no Windows; what cannot be read is left out, with the reason in `warnings`.
pub fn windows_info(read: &mut ReadFile<'_>, warnings: &mut Vec<String>) -> Option<ImageInfo> {
    let kernel32 = read(KERNEL32, PE_HEADER_BYTES).unwrap_or_else(|error| {
        warnings.push(format!("{KERNEL32}: {error}; the architecture is not noted"));
        None
    });
    let mut hive = |path: &str, lost: &str| {
        read_hive(read, path).unwrap_or_else(|error| {
            warnings.push(format!("{path}: {error}; {lost} are not noted"));
            None
        })
    };
    let software = hive(SOFTWARE, "product, edition and version");
    let system = hive(SYSTEM, "product type and languages");
    if kernel32.is_none() && software.is_none() && system.is_none() {
        return None;
    }
    let mut info = ImageInfo {
        architecture: kernel32.as_deref().and_then(architecture),
        system_root: Some("WINDOWS".to_owned()),
        ..ImageInfo::default()
    };
    if let Some(hive) = &software {
        product(hive, &mut info);
    }
    if let Some(hive) = &system {
        languages(hive, &mut info);
    }
    Some(info)
}

fn read_hive(read: &mut ReadFile<'_>, path: &str) -> Result<Option<Hive>, TargetError> {
    let Some(bytes) = read(path, MAX_HIVE_BYTES)? else {
        return Ok(None);
    };
    let limits = Limits::default();
    // A system that was not shut down cleanly still has its name.
    let hive = Hive::read(&bytes, &limits).or_else(|_| Hive::read_dirty(&bytes, &limits))?;
    Ok(Some(hive))
}

fn product(software: &Hive, info: &mut ImageInfo) {
    let Some(key) = software.key("Microsoft\\Windows NT\\CurrentVersion") else {
        return;
    };
    let text = |name: &str| {
        let text = key.value(name).and_then(Value::as_string)?;
        Some(text).filter(|text| !text.is_empty())
    };
    let number = |name: &str| key.value(name).and_then(Value::as_dword);
    info.product_name = text("ProductName");
    info.edition_id = text("EditionID");
    info.installation_type = text("InstallationType");
    // DISM and wimlib name an image so when nothing else is given.
    info.display_name.clone_from(&info.product_name);
    info.display_description.clone_from(&info.product_name);
    info.flags.clone_from(&info.edition_id);
    let build = text("CurrentBuild").or_else(|| text("CurrentBuildNumber"));
    // Before Windows 10 there is only `6.1`.
    let old = text("CurrentVersion");
    let old = old.as_deref().and_then(|version| version.split_once('.'));
    let part = |name: &str, old: Option<&str>| number(name).or_else(|| old?.parse().ok());
    info.version = build.and_then(|build| {
        Some(Version {
            major: part("CurrentMajorVersionNumber", old.map(|old| old.0))?,
            minor: part("CurrentMinorVersionNumber", old.map(|old| old.1))?,
            build: build.parse().ok()?,
            service_pack_build: number("UBR").unwrap_or(0),
        })
    });
}

fn languages(system: &Hive, info: &mut ImageInfo) {
    let current = system
        .value("Select", "Current")
        .and_then(Value::as_dword)
        .unwrap_or(1);
    let Some(set) = system.key(&format!("ControlSet{current:03}")) else {
        return;
    };
    let text = |path: &str, name: &str| set.key(path)?.value(name).and_then(Value::as_string);
    info.product_type = text("Control\\ProductOptions", "ProductType");
    let Some(installed) = set.key("Control\\MUI\\UILanguages") else {
        return;
    };
    let names = installed.subkeys().iter();
    info.languages = names.map(|key| key.name().to_string()).collect();
    let default = text("Control\\Nls\\Language", "InstallLanguage")
        .and_then(|number| u32::from_str_radix(&number, 16).ok());
    let is_default =
        |key: &&regf_hive::Key| default.is_some() && key.value("LCID").and_then(Value::as_dword) == default;
    info.default_language = match (installed.subkeys().iter().find(is_default), installed.subkeys()) {
        (Some(key), _) => Some(key.name().to_string()),
        (None, [only]) => Some(only.name().to_string()),
        (None, _) => None,
    };
}

/// Of a PE program.
///
/// # Source
/// Microsoft PE format, "MS-DOS stub" (0x3c) and "Machine types"; numbers of `PROCESSOR_ARCHITECTURE_*`.
fn architecture(program: &[u8]) -> Option<Architecture> {
    let at = program.get(0x3c..0x40)?.try_into().ok().map(u32::from_le_bytes)?;
    let header = program.get(usize::try_from(at).ok()?..)?;
    let machine = header.strip_prefix(b"PE\0\0")?.get(..2)?;
    Some(match u16::from_le_bytes([machine[0], machine[1]]) {
        0x14c => Architecture::X86,
        0x1c4 => Architecture::Arm,
        0x200 => Architecture::Ia64,
        0x8664 => Architecture::Amd64,
        0xaa64 => Architecture::Arm64,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unreadable_is_a_warning_and_what_is_missing_is_not() {
        let mut warnings = Vec::new();
        let info = windows_info(
            &mut |path, _| match path {
                KERNEL32 => Ok(Some(b"MZ".to_vec())),
                SOFTWARE => Err("bad sector".into()),
                _ => Ok(None),
            },
            &mut warnings,
        );
        assert!(info.is_some());
        assert_eq!(
            warnings,
            [format!(
                "{SOFTWARE}: bad sector; product, edition and version are not noted"
            )]
        );
    }

    #[test]
    fn a_damaged_hive_is_a_warning_that_names_what_is_lost() {
        let mut warnings = Vec::new();
        let read: &mut ReadFile<'_> = &mut |path, _| Ok((path == SYSTEM).then(|| b"no hive".to_vec()));
        assert!(windows_info(read, &mut warnings).is_none());
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].starts_with(SYSTEM), "{warnings:?}");
        assert!(
            warnings[0].ends_with("; product type and languages are not noted"),
            "{warnings:?}"
        );
    }
}

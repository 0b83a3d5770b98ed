//! System32, the boot files and the registry.

use std::path::{Path, PathBuf};

use super::{LOCALES, Plan, name_of, text};
use crate::sample::volume::{Volume, crc};
use crate::sample::{hives, parts};
use crate::sh::Result;

/// Where a program lies.
pub(super) fn place_of(name: &str) -> String {
    let folder = if name.ends_with(".sys") {
        "System32/drivers"
    } else {
        "System32"
    };
    format!("Windows/{folder}/{name}")
}

pub(super) fn system32(volume: &mut Volume, programs: &[PathBuf]) -> Result {
    for path in programs {
        volume.copy(&place_of(&name_of(path)), path)?;
    }
    for (locale, path) in LOCALES
        .iter()
        .flat_map(|locale| programs.iter().take(40).map(move |p| (locale, p)))
    {
        let mui = format!("Windows/System32/{locale}/{}.mui", name_of(path));
        volume.file(&mui, &text(&mui, 2000 + crc(mui.as_bytes()) as usize % 9000))?;
    }
    let proof = boot_proof(&programs[0])?;
    volume.file("Windows/System32/wtgctl-boot-proof.txt", proof.as_bytes())
}

/// What the boot manager's stand-in prints: a sentence, and the hash of a large file that it computes as well.
fn boot_proof(ntdll: &Path) -> Result<String> {
    let hash = testkit::manifest::sha1_hex(&std::fs::read(ntdll)?);
    Ok(format!(
        "read from the Windows volume, where ntdll.dll has {hash}\n"
    ))
}

pub(super) fn boot(volume: &mut Volume, plan: &Plan<'_>) -> Result {
    let programs = [
        ("bootmgfw", include_str!("../bootmgfw.cfg")),
        ("winload", "echo winload.efi of the sample\nhalt\n"),
        ("winresume", "echo winresume.efi of the sample\nhalt\n"),
        ("memtest", "echo memtest.efi of the sample\nhalt\n"),
    ];
    for (name, script) in programs {
        parts::efi_program(script, &plan.work.join(format!("{name}.efi")))?;
    }
    let own = |name: &str| {
        plan.bootmgr
            .map(|dir| dir.join(name))
            .filter(|path| path.is_file())
    };
    let efi = |name: &str| own(name).unwrap_or_else(|| plan.work.join(name));
    for (target, source) in [
        ("Windows/Boot/EFI/bootmgfw.efi", "bootmgfw.efi"),
        ("Windows/Boot/EFI/bootmgr.efi", "bootmgfw.efi"),
        ("Windows/Boot/EFI/memtest.efi", "memtest.efi"),
        ("Windows/Boot/EFI_EX/bootmgfw_EX.efi", "bootmgfw.efi"),
        ("Windows/Boot/EFI_EX/bootmgr_EX.efi", "bootmgfw.efi"),
        ("Windows/System32/winload.efi", "winload.efi"),
        ("Windows/System32/winresume.efi", "winresume.efi"),
        ("Windows/System32/Boot/winload.efi", "winload.efi"),
        ("Windows/System32/Boot/winresume.efi", "winresume.efi"),
    ] {
        volume.copy(target, &efi(source))?;
    }
    for locale in LOCALES {
        for name in [
            "EFI/LOCALE/bootmgfw.efi",
            "EFI/LOCALE/bootmgr.efi",
            "EFI/LOCALE/memtest.efi",
            "PCAT/LOCALE/bootmgr.exe",
            "PCAT/LOCALE/memtest.exe",
            "Resources/LOCALE/bootres.dll",
        ] {
            let path = format!("Windows/Boot/{}.mui", name.replace("LOCALE", locale));
            volume.file(&path, &text(&path, 3000))?;
        }
        let path = format!("Windows/System32/{locale}/winload.efi.mui");
        volume.file(&path, &text(&path, 3000))?;
    }
    for (path, len) in [
        ("Windows/Boot/EFI/boot.stl", 9000),
        ("Windows/Boot/EFI/winsipolicy.p7b", 11_000),
        ("Windows/Boot/EFI/SecureBootRecovery.efi", 40_000),
        (
            "Windows/Boot/EFI/CIPolicies/Active/{0283AC0F-FFF1-49AE-ADA1-8A933130CAD6}.cip",
            3000,
        ),
        ("Windows/Boot/PCAT/bootmgr", 40_000),
        ("Windows/Boot/PCAT/bootnxt", 1),
        ("Windows/Boot/PCAT/memtest.exe", 30_000),
        ("Windows/Boot/Resources/bootres.dll", 50_000),
        ("Windows/Boot/Misc/PCAT/bootspaces.dll", 5000),
        ("Windows/System32/winload.exe", 60_000),
    ] {
        volume.file(path, &text(path, len))?;
    }
    volume.file(
        "Windows/System32/WimBootCompress.ini",
        include_bytes!("../WimBootCompress.ini"),
    )?;
    let fonts = parts::files_below(&plan.wine.join("usr/share/wine/fonts")).unwrap_or_default();
    for (number, name) in [
        "chs_boot",
        "cht_boot",
        "jpn_boot",
        "kor_boot",
        "malgun_boot",
        "msyh_boot",
        "segmono_boot",
        "segoe_slboot",
        "segoen_slboot",
        "wgl4_boot",
    ]
    .iter()
    .enumerate()
    {
        let path = format!("Windows/Boot/Fonts/{name}.ttf");
        match fonts.get(number) {
            Some(font) => volume.copy(&path, font)?,
            None => volume.file(&path, &text(&path, 20_000))?,
        }
    }
    Ok(())
}

pub(super) fn registry(volume: &mut Volume, plan: &Plan<'_>) -> Result {
    let dir = plan.work.join("hives");
    std::fs::create_dir_all(&dir)?;
    hives::write(&dir)?;
    for name in ["SYSTEM", "SOFTWARE"] {
        volume.copy(&format!("Windows/System32/config/{name}"), &dir.join(name))?;
    }
    for path in ["Users/Default/NTUSER.DAT", "Windows/System32/config/DEFAULT"] {
        volume.copy(path, &dir.join("NTUSER.DAT"))?;
    }
    for name in ["SYSTEM.LOG1", "SYSTEM.LOG2", "SOFTWARE.LOG1"] {
        volume.file(&format!("Windows/System32/config/{name}"), b"")?;
    }
    volume.dir("Windows/System32/config/TxR")?;
    volume.dir("Windows/System32/config/systemprofile/AppData/Local")
}

//! Staging of boot files from a listing like that of a real image.

use bootcfg::bcd::Firmware;
use bootcfg::files::{Architecture, BootCa, ListedEntry, Locales, StageSpec, StagedFile, stage};
use bootcfg::{Error, ErrorKind};

const IMAGE: &[&str] = &[
    "EFI\\bootmgfw.efi",
    "EFI\\bootmgr.efi",
    "EFI\\memtest.efi",
    "EFI\\boot.stl",
    "EFI\\winsipolicy.p7b",
    "EFI\\SkuSiPolicy.p7b",
    "EFI\\kd_02_8086.dll",
    "EFI\\CIPolicies\\Active\\{82443e1e-8a39-4b4a-96a8-f40ddc00b9f3}.cip",
    "EFI\\en-US\\bootmgfw.efi.mui",
    "EFI\\de-DE\\bootmgfw.efi.mui",
    "EFI\\qps-ploc\\memtest.efi.mui",
    "EFI_EX\\bootmgfw_EX.efi",
    "EFI_EX\\bootmgr_EX.efi",
    "Fonts\\segoe_slboot.ttf",
    "Fonts_EX\\segoe_slboot_EX.ttf",
    "Resources\\bootres.dll",
    "Resources\\en-US\\bootres.dll.mui",
    "PCAT\\bootmgr",
    "PCAT\\bootnxt",
    "PCAT\\memtest.exe",
    "PCAT\\en-US\\bootmgr.exe.mui",
];

/// A listing of these paths below `\Windows\Boot`.
fn listing(paths: &'static [&'static str]) -> impl Fn(&str) -> Option<Vec<ListedEntry>> {
    move |folder: &str| {
        let prefix = format!("{folder}\\").to_lowercase();
        let mut entries: Vec<ListedEntry> = Vec::new();
        for path in paths {
            let path = format!("\\Windows\\Boot\\{path}");
            if path.to_lowercase().starts_with(&prefix) {
                let rest = &path[prefix.len()..];
                let (name, is_folder) = rest.split_once('\\').map_or((rest, false), |(n, _)| (n, true));
                if !entries.iter().any(|e| e.name == name) {
                    entries.push(ListedEntry {
                        name: name.to_owned(),
                        is_folder,
                    });
                }
            }
        }
        (!entries.is_empty()).then_some(entries)
    }
}

fn spec() -> StageSpec {
    StageSpec {
        firmware: Firmware::Uefi,
        architecture: Architecture::X64,
        boot_ca: BootCa::Auto,
        locales: Locales::All,
    }
}

fn source_of<'f>(files: &'f [StagedFile], target: &str) -> Option<&'f str> {
    files
        .iter()
        .find(|f| f.target == target)
        .map(|f| f.source.as_str())
}

#[test]
fn uefi_copies_all_but_the_policy_and_adds_the_fallback() {
    let files = stage(&listing(IMAGE), &spec()).expect("stage");
    let source = |target| source_of(&files, target);
    assert_eq!(
        source("\\EFI\\Boot\\bootx64.efi"),
        Some("\\Windows\\Boot\\EFI\\bootmgfw.efi")
    );
    assert_eq!(
        source("\\EFI\\Microsoft\\Boot\\bootmgfw.efi"),
        Some("\\Windows\\Boot\\EFI\\bootmgfw.efi")
    );
    let deep = "CIPolicies\\Active\\{82443e1e-8a39-4b4a-96a8-f40ddc00b9f3}.cip";
    assert!(source_of(&files, &format!("\\EFI\\Microsoft\\Boot\\{deep}")).is_some());
    assert!(source("\\EFI\\Microsoft\\Boot\\Fonts\\segoe_slboot.ttf").is_some());
    assert!(source("\\EFI\\Microsoft\\Boot\\Resources\\en-US\\bootres.dll.mui").is_some());
    assert!(source("\\EFI\\Microsoft\\Boot\\qps-ploc\\memtest.efi.mui").is_some());
    assert!(
        !files
            .iter()
            .any(|f| f.target.to_lowercase().contains("skusipolicy"))
    );
    assert!(
        files.is_sorted_by(|a, b| a.target < b.target),
        "sorted, and each target once"
    );
    assert_eq!(files.len(), 14);
}

#[test]
fn ca_2023_takes_the_ex_files_under_the_plain_names() {
    let spec = StageSpec {
        boot_ca: BootCa::Ca2023,
        architecture: Architecture::Arm64,
        ..spec()
    };
    let files = stage(&listing(IMAGE), &spec).expect("stage");
    let source = |target| source_of(&files, target);
    let ex = Some("\\Windows\\Boot\\EFI_EX\\bootmgfw_EX.efi");
    assert_eq!(source("\\EFI\\Boot\\bootaa64.efi"), ex);
    assert_eq!(source("\\EFI\\Microsoft\\Boot\\bootmgfw.efi"), ex);
    assert_eq!(
        source("\\EFI\\Microsoft\\Boot\\Fonts\\segoe_slboot.ttf"),
        Some("\\Windows\\Boot\\Fonts_EX\\segoe_slboot_EX.ttf")
    );
    assert_eq!(
        source("\\EFI\\Microsoft\\Boot\\memtest.efi"),
        Some("\\Windows\\Boot\\EFI\\memtest.efi")
    );
    assert!(!files.iter().any(|f| f.target.contains("_EX")));

    let old: &'static [&'static str] = &["EFI\\bootmgfw.efi"];
    let error = stage(&listing(old), &spec).expect_err("no EFI_EX");
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[test]
fn locales_can_be_chosen() {
    let spec = StageSpec {
        locales: Locales::Only(vec!["EN-us".to_owned()]),
        ..spec()
    };
    let files = stage(&listing(IMAGE), &spec).expect("stage");
    assert!(
        files
            .iter()
            .any(|f| f.target.ends_with("\\en-US\\bootmgfw.efi.mui"))
    );
    assert!(
        !files
            .iter()
            .any(|f| f.target.contains("de-DE") || f.target.contains("qps-ploc"))
    );
    assert!(files.iter().any(|f| f.target.ends_with(".cip")), "not a locale");
}

#[test]
fn bios_moves_the_boot_manager_to_the_root_and_hides_it() {
    let spec = StageSpec {
        firmware: Firmware::Bios,
        ..spec()
    };
    let files = stage(&listing(IMAGE), &spec).expect("stage");
    let manager = files.iter().find(|f| f.target == "\\bootmgr").expect("bootmgr");
    assert_eq!(
        (manager.source.as_str(), manager.attributes),
        ("\\Windows\\Boot\\PCAT\\bootmgr", 7)
    );
    assert_eq!(
        files
            .iter()
            .find(|f| f.target == "\\BOOTNXT")
            .expect("BOOTNXT")
            .attributes,
        6
    );
    assert!(source_of(&files, "\\Boot\\en-US\\bootmgr.exe.mui").is_some());
    let arm = StageSpec {
        architecture: Architecture::Arm64,
        ..spec
    };
    assert_eq!(
        stage(&listing(IMAGE), &arm).expect_err("arm64").kind(),
        ErrorKind::Invalid
    );
}

#[test]
fn an_image_without_boot_files_is_refused() {
    let empty: &'static [&'static str] = &[];
    for firmware in [Firmware::Uefi, Firmware::Bios] {
        let error = stage(&listing(empty), &StageSpec { firmware, ..spec() }).expect_err("not Windows");
        assert!(matches!(error, Error::NotWindows { .. }), "{error}");
        assert!(error.to_string().contains("not an applied Windows"), "{error}");
    }
}

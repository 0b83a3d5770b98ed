//! Registry hives that hivex wrote: an empty hive of ours, filled by `hivexsh`.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use crate::sh::{self, Result};

/// A key with its values, as `hivexsh` takes them.
type Key = (&'static str, &'static [(&'static str, &'static str)]);

const SYSTEM: &[Key] = &[
    (
        r"Select",
        &[
            ("Current", "dword:1"),
            ("Default", "dword:1"),
            ("Failed", "dword:0"),
            ("LastKnownGood", "dword:1"),
        ],
    ),
    (
        r"Setup",
        &[
            ("CmdLine", "string:oobe\\windeploy.exe"),
            ("SystemSetupInProgress", "dword:1"),
            ("SetupType", "dword:2"),
        ],
    ),
    (
        r"ControlSet001\Control",
        &[
            ("CurrentUser", "string:USERNAME"),
            ("SystemStartOptions", "string: NOEXECUTE=OPTIN"),
        ],
    ),
    (
        r"ControlSet001\Control\ProductOptions",
        &[("ProductType", "string:WinNT")],
    ),
    (
        r"ControlSet001\Control\Session Manager",
        &[
            ("BootExecute", "hex:7:61,00,00,00,00,00"),
            ("ProtectionMode", "dword:1"),
        ],
    ),
    (
        r"ControlSet001\Control\Session Manager\Environment",
        &[
            ("PROCESSOR_ARCHITECTURE", "string:AMD64"),
            ("Path", "expandstring:%SystemRoot%\\system32;%SystemRoot%"),
        ],
    ),
    (
        r"ControlSet001\Control\Session Manager\Power",
        &[("HiberbootEnabled", "dword:1")],
    ),
    (
        r"ControlSet001\Control\Power",
        &[("HibernateEnabledDefault", "dword:1")],
    ),
    (
        r"ControlSet001\Control\Nls\Language",
        &[("InstallLanguage", "string:0409"), ("Default", "string:0409")],
    ),
    (
        r"ControlSet001\Control\MUI\UILanguages\en-US",
        &[("LCID", "dword:0x409"), ("Type", "dword:0x91")],
    ),
    (
        r"ControlSet001\Services\partmgr",
        &[
            ("Start", "dword:0"),
            ("Type", "dword:1"),
            ("ImagePath", "expandstring:System32\\drivers\\partmgr.sys"),
        ],
    ),
    (
        r"ControlSet001\Services\USBSTOR",
        &[
            ("Start", "dword:3"),
            ("Type", "dword:1"),
            ("BootFlags", "dword:4"),
        ],
    ),
    (
        r"ControlSet001\Services\Tcpip\Parameters",
        &[("Hostname", "string:sample"), ("NV Hostname", "string:sample")],
    ),
];

const SOFTWARE: &[Key] = &[
    (
        r"Microsoft\Windows NT\CurrentVersion",
        &[
            ("ProductName", "string:Windows 10 Pro"),
            ("EditionID", "string:Professional"),
            ("InstallationType", "string:Client"),
            ("CurrentBuild", "string:22621"),
            ("CurrentBuildNumber", "string:22621"),
            ("CurrentMajorVersionNumber", "dword:10"),
            ("CurrentMinorVersionNumber", "dword:0"),
            ("UBR", "dword:0x6b8"),
            ("DisplayVersion", "string:22H2"),
            ("CSDVersion", "string:"),
        ],
    ),
    (
        r"Microsoft\Windows\CurrentVersion\Policies\System",
        &[("EnableLUA", "dword:1")],
    ),
    (
        r"Microsoft\Windows\CurrentVersion\Setup\OOBE",
        &[("SkipMachineOOBE", "dword:0")],
    ),
    (r"Policies\Microsoft", &[]),
];

const SMALL: &[Key] = &[(
    r"Environment",
    &[("TEMP", "expandstring:%USERPROFILE%\\AppData\\Local\\Temp")],
)];

/// Writes SYSTEM, SOFTWARE and a user's hive into `dir`.
pub(crate) fn write(dir: &Path) -> Result {
    fill(&dir.join("SYSTEM"), SYSTEM, 120)?;
    fill(&dir.join("SOFTWARE"), SOFTWARE, 0)?;
    fill(&dir.join("NTUSER.DAT"), SMALL, 0)
}

/// `services`: so many more service keys, for lists of some length.
fn fill(hive: &Path, keys: &[Key], services: u32) -> Result {
    let mut script = String::new();
    let mut made = std::collections::BTreeSet::new();
    for (path, values) in keys {
        key(&mut script, &mut made, path);
        let _ = writeln!(script, "setval {}", values.len());
        for (name, value) in *values {
            let _ = writeln!(script, "{name}\n{value}");
        }
    }
    for number in 0..services {
        key(
            &mut script,
            &mut made,
            &format!("ControlSet001\\Services\\Sample{number:03}"),
        );
        let _ = writeln!(
            script,
            "setval 2\nStart\ndword:{}\nDisplayName\nstring:Sample {number}",
            number % 5
        );
    }
    script.push_str("commit\n");
    std::fs::write(hive, empty())?;
    let script_file = hive.with_extension("hivexsh");
    std::fs::write(&script_file, script)?;
    let said = sh::run(
        Command::new("hivexsh")
            .args(["-w", "-f"])
            .arg(&script_file)
            .arg(hive),
    )?;
    std::fs::remove_file(&script_file)?;
    if !said.stderr.is_empty() {
        return Err(format!("hivexsh: {}", String::from_utf8_lossy(&said.stderr)).into());
    }
    Ok(())
}

/// Goes to a key, making what is not there.
fn key(script: &mut String, made: &mut std::collections::BTreeSet<String>, path: &str) {
    script.push_str("cd \\\n");
    let mut so_far = String::new();
    for part in path.split('\\') {
        so_far.push('\\');
        so_far.push_str(part);
        if made.insert(so_far.to_lowercase()) {
            let _ = writeln!(script, "add {part}");
        }
        let _ = writeln!(script, "cd {part}");
    }
}

/// An empty hive: base block, one bin with the root key and its security descriptor.
///
/// # Source
/// "Windows registry file format specification" (msuhanov), "Base block", "Hive bin", "Key node", "Key security"
fn empty() -> Vec<u8> {
    const BLOCK: usize = 4096;
    const ROOT: u32 = 0x20;
    const NONE: u32 = u32::MAX;
    const NAME: &[u8] = b"CMI-CreateHive{199DAFC2-6F16-4946-BF90-5A3FC3A60902}";
    const WRITTEN: u64 = 133_170_048_000_000_000;
    let root_cell = (4 + 76 + NAME.len()).next_multiple_of(8);
    let security = ROOT + u32::try_from(root_cell).unwrap_or(0);
    let descriptor = super::descriptors::of("Windows/System32/config/SYSTEM");
    let security_cell = (4 + 20 + descriptor.len()).next_multiple_of(8);

    let mut bin = Vec::new();
    let put32 = |bytes: &mut Vec<u8>, values: &[u32]| {
        values
            .iter()
            .for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
    };
    let cell_size = |len: usize| (i32::try_from(len).unwrap_or(0)).wrapping_neg().cast_unsigned();
    bin.extend_from_slice(b"hbin");
    put32(&mut bin, &[0, 4096, 0, 0]);
    bin.extend_from_slice(&WRITTEN.to_le_bytes());
    put32(&mut bin, &[0]);
    put32(&mut bin, &[cell_size(root_cell)]);
    bin.extend_from_slice(b"nk\x2c\x00");
    bin.extend_from_slice(&WRITTEN.to_le_bytes());
    put32(
        &mut bin,
        &[0, NONE, 0, 0, NONE, NONE, 0, NONE, security, NONE, 0, 0, 0, 0, 0],
    );
    bin.extend_from_slice(&u16::try_from(NAME.len()).unwrap_or(0).to_le_bytes());
    bin.extend_from_slice(&[0, 0]);
    bin.extend_from_slice(NAME);
    bin.resize(ROOT as usize + root_cell, 0);
    put32(&mut bin, &[cell_size(security_cell)]);
    bin.extend_from_slice(b"sk\x00\x00");
    put32(
        &mut bin,
        &[
            security,
            security,
            1,
            u32::try_from(descriptor.len()).unwrap_or(0),
        ],
    );
    bin.extend_from_slice(&descriptor);
    bin.resize(ROOT as usize + root_cell + security_cell, 0);
    let free = u32::try_from(BLOCK - bin.len()).unwrap_or(0);
    put32(&mut bin, &[free]);
    bin.resize(BLOCK, 0);

    let mut base = b"regf".to_vec();
    put32(&mut base, &[1, 1]);
    base.extend_from_slice(&WRITTEN.to_le_bytes());
    put32(&mut base, &[1, 3, 0, 1, ROOT, 4096, 1]);
    base.resize(508, 0);
    let checksum = base.chunks_exact(4).fold(0, |sum, word| {
        sum ^ u32::from_le_bytes([word[0], word[1], word[2], word[3]])
    });
    put32(&mut base, &[checksum]);
    base.resize(BLOCK, 0);
    base.extend_from_slice(&bin);
    base
}

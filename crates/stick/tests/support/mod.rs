//! A tiny Windows-like image, captured by wimlib.

#![allow(clippy::unwrap_used, reason = "a broken fixture is a failed test")]

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use regf_hive::{Hive, WriteOptions};
use stick::{BootCa, Compact, RunOptions, Spec, Target, Verify};

/// Never set.
static RUNNING: AtomicBool = AtomicBool::new(false);

/// One thread, nothing else.
pub(crate) fn options() -> RunOptions<'static> {
    RunOptions {
        threads: 1,
        memory_limit_bytes: None,
        spool_dir: None,
        interrupt: &RUNNING,
    }
}

/// A PE header for x64 and some bytes.
fn program(len: usize) -> Vec<u8> {
    let mut state = len as u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let mut bytes: Vec<u8> = (0..len).map(|_| next()).collect();
    bytes[..2].copy_from_slice(b"MZ");
    bytes[0x3c..0x40].copy_from_slice(&0x80_u32.to_le_bytes());
    bytes[0x80..0x84].copy_from_slice(b"PE\0\0");
    bytes[0x84..0x86].copy_from_slice(&0x8664_u16.to_le_bytes());
    bytes
}

/// A SYSTEM hive with what the offline settings need.
fn system_hive() -> Vec<u8> {
    let descriptor = bootcfg::unattend::security_descriptor();
    let mut hive = Hive::new("ROOT", descriptor, 5).unwrap();
    hive.create_key("ControlSet001\\Control\\Session Manager\\Power")
        .unwrap();
    hive.create_key("ControlSet001\\Services\\partmgr\\Parameters")
        .unwrap();
    let select = regf_hive::Value::dword("Current", 1);
    hive.create_key("Select").unwrap().set_value(select);
    hive.write(&WriteOptions::new()).unwrap()
}

/// Writes the tree below `dir`.
fn write_tree(dir: &Path) {
    let put = |path: &str, bytes: &[u8]| {
        let path = dir.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    put("Windows/Boot/EFI/bootmgfw.efi", &program(20_000));
    put("Windows/Boot/EFI/memtest.efi", &program(9_000));
    put("Windows/Boot/Fonts/segoe_slboot.ttf", b"font");
    put("Windows/Boot/Resources/bootres.dll", &program(4_500));
    put("Windows/System32/winload.efi", &program(30_000));
    put("Windows/System32/config/SYSTEM", &system_hive());
    put("Windows/System32/large.dll", &program(1_500_000));
    put("Windows/System32/empty", b"");
    for i in 0..40 {
        put(
            &format!("Windows/System32/small{i:02}.txt"),
            format!("file {i}\n").repeat(i + 1).as_bytes(),
        );
    }
    std::fs::hard_link(
        dir.join("Windows/System32/small03.txt"),
        dir.join("Windows/linked.txt"),
    )
    .unwrap();
}

/// An image of that tree in `dir`; `None` when wimlib is not there and skipping was asked for.
pub(crate) fn image(dir: &Path, compress: &str) -> Option<PathBuf> {
    let tree = dir.join("tree");
    write_tree(&tree);
    let wim = dir.join(format!("{compress}.wim"));
    let mut command = testkit::tool("wimlib-imagex")?;
    command
        .arg("capture")
        .arg(&tree)
        .arg(&wim)
        .arg("Tiny")
        .arg(format!("--compress={compress}"));
    testkit::run(&mut command);
    Some(wim)
}

/// A stick from `source` in `dir/stick.img`.
pub(crate) fn spec(source: &Path, dir: &Path, seed: u64) -> Spec {
    Spec {
        source: source.to_owned(),
        image: None,
        target: Target::File {
            path: dir.join("stick.img"),
            size_bytes: 448 << 20,
            force: false,
        },
        seed,
        unattend: None,
        compact: Compact::Off,
        verify: Verify::Inline,
        sector_bytes: 512,
        boot_ca: BootCa::Pca2011,
    }
}

//! The tree of a Windows installation, from free parts.

mod files;
mod store;
mod system;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::volume::{Volume, crc};
use super::{Size, descriptors, parts};
use crate::sh::Result;

/// What a tree is made of.
pub(crate) struct Plan<'a> {
    pub(crate) size: Size,
    pub(crate) wine: &'a Path,
    pub(crate) wheels: Option<&'a Path>,
    /// A folder with Microsoft's bootmgfw.efi and memtest.efi, to be used in place of the stand-ins.
    pub(crate) bootmgr: Option<&'a Path>,
    pub(crate) work: &'a Path,
}

/// How many of each kind.
struct Counts {
    pe_bytes: u64,
    manifests: usize,
    packages: usize,
    drivers: usize,
    links_per_file: usize,
}

impl Counts {
    fn of(size: Size) -> Self {
        match size {
            Size::Small => Self {
                pe_bytes: 60 << 20,
                manifests: 400,
                packages: 150,
                drivers: 60,
                links_per_file: 1,
            },
            Size::Large => Self {
                pe_bytes: u64::MAX,
                manifests: 11_000,
                packages: 4000,
                drivers: 1500,
                links_per_file: 3,
            },
        }
    }
}

const LOCALES: &[&str] = &["de-DE", "en-US", "fr-FR", "ja-JP", "qps-ploc", "zh-CN"];
const SUFFIX: &str = "31bf3856ad364e35_10.0.22621.1_none";

/// Makes the volume image.
pub(crate) fn fill(plan: &Plan<'_>, image: &Path) -> Result {
    let counts = Counts::of(plan.size);
    let size_bytes = if plan.size == Size::Small {
        256 << 20
    } else {
        4 << 30
    };
    let mut volume = Volume::create(image, size_bytes)?;
    let programs = choose(plan, counts.pe_bytes)?;
    system::system32(&mut volume, &programs)?;
    system::boot(&mut volume, plan)?;
    system::registry(&mut volume, plan)?;
    if let Some(wheels) = plan.wheels {
        store::applications(&mut volume, wheels)?;
    }
    store::side_by_side(&mut volume, &programs, &counts)?;
    store::packages(&mut volume, &counts)?;
    files::data(&mut volume, plan)?;
    files::users(&mut volume)?;
    files::special(&mut volume)?;
    volume.each(|volume, path| volume.descriptor(path, &descriptors::of(path)))?;
    files::attributes(&volume)?;
    volume.finish()
}

/// Adds what the second edition of install.wim has more than the first.
pub(crate) fn second_edition(image: &Path, work: &Path) -> Result {
    let mut volume = Volume::open(image)?;
    volume.file(
        "Windows/Professional.xml",
        b"<?xml version=\"1.0\"?>\r\n<edition name=\"Professional\"/>\r\n",
    )?;
    for number in 0..20 {
        let path = format!("Windows/System32/GroupPolicy/Policy{number:02}.pol");
        volume.file(&path, &text(&path, 300 + number * 97))?;
    }
    volume.file(
        "Windows/System32/gpedit.msc",
        &std::fs::read(work.join("memtest.efi"))?,
    )?;
    volume.each(|volume, path| volume.descriptor(path, &descriptors::of(path)))?;
    volume.finish()
}

/// wine's PE files up to so many bytes: what every program needs first, then by name.
fn choose(plan: &Plan<'_>, limit_bytes: u64) -> Result<Vec<PathBuf>> {
    const FIRST: &[&str] = &[
        "ntdll.dll",
        "kernel32.dll",
        "kernelbase.dll",
        "user32.dll",
        "ucrtbase.dll",
        "ole32.dll",
    ];
    let dir = plan.wine.join("usr/lib/x86_64-linux-gnu/wine/x86_64-windows");
    let first = FIRST.iter().map(|name| dir.join(name));
    let rest = parts::files_below(&dir)?.into_iter().filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        !FIRST.contains(&name.as_ref())
    });
    let mut bytes = 0;
    let mut chosen = Vec::new();
    for path in first.chain(rest) {
        bytes += path
            .metadata()
            .map_err(|e| format!("{}: {e}", path.display()))?
            .len();
        if bytes > limit_bytes {
            break;
        }
        chosen.push(path);
    }
    Ok(chosen)
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// Text that compresses as manifests do, the same for the same name.
fn text(name: &str, len: usize) -> Vec<u8> {
    let mut text = format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<!-- {name} -->\r\n");
    let mut state = crc(name.as_bytes());
    while text.len() < len {
        state = state.wrapping_mul(0x0019_660d).wrapping_add(0x3c6e_f35f);
        let _ = write!(
            text,
            "  <file name=\"{:06x}.dll\" size=\"{}\" hashalg=\"SHA1\"/>\r\n",
            state >> 8,
            state % 100_000
        );
    }
    text.truncate(len);
    text.into_bytes()
}

/// Bytes that do not compress, the same for the same name.
fn noise(name: &str, len: usize) -> Vec<u8> {
    let mut state = u64::from(crc(name.as_bytes())) | 1 << 40;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    })
    .flatten()
    .take(len)
    .collect()
}

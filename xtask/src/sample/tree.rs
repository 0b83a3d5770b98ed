//! The tree of a Windows installation, from free parts.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::volume::{ARCHIVE, HIDDEN, NOT_CONTENT_INDEXED, READ_ONLY, SYSTEM, Volume, crc};
use super::{Size, descriptors, hives, parts};
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
    system32(&mut volume, &programs)?;
    boot(&mut volume, plan)?;
    registry(&mut volume, plan)?;
    if let Some(wheels) = plan.wheels {
        applications(&mut volume, wheels)?;
    }
    side_by_side(&mut volume, &programs, &counts)?;
    packages(&mut volume, &counts)?;
    data(&mut volume, plan)?;
    users(&mut volume)?;
    special(&mut volume)?;
    volume.each(|volume, path| volume.descriptor(path, &descriptors::of(path)))?;
    attributes(&volume)?;
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

fn system32(volume: &mut Volume, programs: &[PathBuf]) -> Result {
    for path in programs {
        let name = name_of(path);
        let folder = if name.ends_with(".sys") {
            "System32/drivers"
        } else {
            "System32"
        };
        volume.copy(&format!("Windows/{folder}/{name}"), path)?;
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

fn boot(volume: &mut Volume, plan: &Plan<'_>) -> Result {
    let programs = [
        ("bootmgfw", include_str!("bootmgfw.cfg")),
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
        include_bytes!("WimBootCompress.ini"),
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

fn registry(volume: &mut Volume, plan: &Plan<'_>) -> Result {
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

fn applications(volume: &mut Volume, wheels: &Path) -> Result {
    for file in parts::files_below(wheels)? {
        let relative = file.strip_prefix(wheels)?.to_string_lossy().into_owned();
        volume.copy(&format!("Program Files/Sample/{relative}"), &file)?;
    }
    Ok(())
}

/// Components: manifests, and hard links between the store and System32.
fn side_by_side(volume: &mut Volume, programs: &[PathBuf], counts: &Counts) -> Result {
    for path in programs {
        let name = name_of(path);
        let folder = if name.ends_with(".sys") {
            "System32/drivers"
        } else {
            "System32"
        };
        let source = format!("Windows/{folder}/{name}");
        let stem = name.replace('.', "-").to_lowercase();
        for number in 0..counts.links_per_file {
            let hash = crc(name.as_bytes()) ^ u32::try_from(number).unwrap_or(0).wrapping_mul(0x9e37);
            let kind = ["microsoft-windows", "microsoft-onecore", "microsoft-server"][number % 3];
            let component = format!(
                "amd64_{kind}-{stem}_{SUFFIX}_{hash:08x}{:08x}",
                crc(source.as_bytes())
            );
            volume.link(&source, &format!("Windows/WinSxS/{component}/{name}"))?;
        }
        if counts.links_per_file > 1 {
            volume.link(&source, &format!("Windows/SysWOW64/{name}"))?;
            volume.link(&source, &format!("Windows/WinSxS/Backup/{stem}_{name}"))?;
        }
    }
    for number in 0..counts.manifests {
        let name = format!(
            "amd64_sample-component-{number:05}_{SUFFIX}_{:08x}",
            crc(&number.to_le_bytes())
        );
        let path = format!("Windows/WinSxS/Manifests/{name}.manifest");
        volume.file(&path, &text(&path, 300 + crc(path.as_bytes()) as usize % 1500))?;
    }
    // More names than one record holds.
    let many = "Windows/WinSxS/many-names.dll";
    volume.file(many, &text(many, 30_000))?;
    // A short name is given before there are links: ntfs-3g refuses it after.
    volume.dos_name(many, "MANY-N~1.DLL")?;
    for number in 0..70 {
        volume.link(
            many,
            &format!("Windows/WinSxS/many/a-rather-long-name-of-the-same-file-{number:03}.dll"),
        )?;
    }
    Ok(())
}

fn packages(volume: &mut Volume, counts: &Counts) -> Result {
    for number in 0..counts.packages {
        let stem =
            format!("Windows/servicing/Packages/Sample-Package-{number:04}~{SUFFIX}~amd64~~10.0.22621.1");
        volume.file(&format!("{stem}.mum"), &text(&stem, 700 + number % 900))?;
        volume.file(&format!("{stem}.cat"), &noise(&stem, 1000 + number % 700))?;
    }
    for number in 0..counts.drivers {
        let name = format!("sample{number:04}.inf");
        let folder = format!(
            "Windows/System32/DriverStore/FileRepository/{name}_amd64_{:08x}",
            crc(name.as_bytes())
        );
        volume.file(
            &format!("{folder}/{name}"),
            &text(&name, 2500 + number * 7 % 5000),
        )?;
        volume.link(&format!("{folder}/{name}"), &format!("Windows/INF/{name}"))?;
        volume.file(&format!("{folder}/sample{number:04}.sys"), &noise(&name, 6000))?;
    }
    Ok(())
}

/// Sizes around what fits a record, a cluster, a chunk; and wine's own data files.
fn data(volume: &mut Volume, plan: &Plan<'_>) -> Result {
    let sizes = [
        0,
        1,
        7,
        8,
        511,
        512,
        4095,
        4096,
        4097,
        32_767,
        32_768,
        32_769,
        65_536,
        1 << 20,
    ];
    for len in sizes.into_iter().chain((560..760).step_by(4)) {
        let path = format!("Windows/Resources/Sizes/{len}.bin");
        volume.file(&path, &noise(&path, len))?;
    }
    let share = plan.wine.join("usr/share/wine");
    for file in parts::files_below(&share)? {
        let relative = file.strip_prefix(&share)?.to_string_lossy().into_owned();
        volume.copy(&format!("Windows/Globalization/{relative}"), &file)?;
    }
    Ok(())
}

fn users(volume: &mut Volume) -> Result {
    for dir in [
        "PerfLogs",
        "Program Files (x86)/Common Files",
        "Program Files/Common Files",
        "ProgramData/Microsoft",
        "Users/Public/Desktop",
        "Users/Public/Documents",
        "Users/Default/AppData/Roaming",
        "Windows/Temp",
        "Windows/Panther",
    ] {
        volume.dir(dir)?;
    }
    volume.junction("Documents and Settings", "C:\\Users")?;
    volume.junction("ProgramData/Application Data", "C:\\ProgramData")?;
    volume.symlink("Users/All Users", "C:\\ProgramData", true)?;
    volume.junction("Users/Default User", "C:\\Users\\Default")?;
    volume.symlink(
        "Users/Public/Documents/system.dll",
        "..\\..\\..\\Windows\\System32\\ntdll.dll",
        false,
    )?;
    volume.symlink("Users/Public/Documents/here", ".", true)?;
    volume.symlink(
        "Users/Public/Documents/absolute.txt",
        "C:\\Windows\\System32\\wtgctl-boot-proof.txt",
        false,
    )?;
    for path in [
        "Users/desktop.ini",
        "Users/Public/desktop.ini",
        "Users/Public/Desktop/desktop.ini",
    ] {
        volume.file(
            path,
            b"[.ShellClassInfo]\r\nLocalizedResourceName=@%SystemRoot%\\system32\\shell32.dll,-21813\r\n",
        )?;
    }
    volume.file("Users/Default/Empty list.txt", b"nobody may read this")
}

/// Names, streams, short names, identifiers, holes, depth.
fn special(volume: &mut Volume) -> Result {
    let names = [
        "\u{4f60}\u{597d}.txt",
        "e\u{301}.txt",
        "\u{e9}.txt",
        "\u{1f600}.txt",
        "\u{3a9}mega.txt",
        "\u{df}.txt",
        "name with  spaces .x",
        "semi;colon,comma=equals+plus[].txt",
        "UPPER.TXT",
        "lower.txt",
        "no extension",
        "two.dots.in.name.tar.gz",
        "\u{130}stanbul.txt",
        "\u{ff21}\u{ff22}.txt",
    ];
    for name in names {
        let path = format!("Users/Public/Documents/{name}");
        volume.file(&path, name.as_bytes())?;
    }
    let streamed = "Users/Public/Documents/streams.txt";
    volume.file(streamed, b"the main stream")?;
    volume.stream(streamed, "Zone.Identifier", b"[ZoneTransfer]\r\nZoneId=3\r\n")?;
    volume.stream(streamed, "large", &noise(streamed, 100_000))?;
    volume.stream(streamed, "\u{6d41}", b"a stream with such a name")?;
    volume.stream(streamed, "empty", b"")?;
    volume.file("Users/Public/Documents/only a stream.txt", b"")?;
    volume.stream("Users/Public/Documents/only a stream.txt", "s", b"all there is")?;
    for (path, short) in [
        ("Program Files", "PROGRA~1"),
        ("Program Files (x86)", "PROGRA~2"),
        ("ProgramData", "PROGRA~3"),
        ("Documents and Settings", "DOCUME~1"),
        ("Users/Public/Documents/no extension", "NOEXTE~1"),
        ("Users/Public/Documents/two.dots.in.name.tar.gz", "TWODOT~1.GZ"),
        ("Windows/System32/wtgctl-boot-proof.txt", "WTGCTL~1.TXT"),
    ] {
        volume.dos_name(path, short)?;
    }
    for (number, path) in (0u8..).zip([streamed, "Users/Default", "Windows/explorer.lnk.txt"]) {
        if number == 2 {
            volume.file(path, b"followed by its identifier")?;
        }
        let mut id = *b"\x10\x32\x54\x76\x98\xba\x1c\x4e\x80wtgctl\0";
        id[15] = number;
        volume.object_id(path, id)?;
    }
    volume.sparse("ProgramData/Microsoft/sparse.dat", 5 << 20, b"the end")?;
    let deep: String = (0..24).fold("ProgramData/Microsoft/deep".into(), |mut path, n| {
        let _ = write!(path, "/level-{n:02}");
        path
    });
    volume.file(&format!("{deep}/bottom.txt"), b"down here")
}

fn attributes(volume: &Volume) -> Result {
    for (path, value) in [
        ("Users/desktop.ini", HIDDEN | SYSTEM | ARCHIVE),
        ("Users/Public/desktop.ini", HIDDEN | SYSTEM | ARCHIVE),
        ("Users/Public/Documents/lower.txt", READ_ONLY | ARCHIVE),
        ("Users/Default/NTUSER.DAT", HIDDEN | ARCHIVE | NOT_CONTENT_INDEXED),
        ("Windows/System32/wtgctl-boot-proof.txt", READ_ONLY),
        ("ProgramData", HIDDEN),
        ("Users/Default", HIDDEN | READ_ONLY),
        ("Windows/WinSxS/Manifests", NOT_CONTENT_INDEXED),
    ] {
        volume.attributes(path, value)?;
    }
    Ok(())
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

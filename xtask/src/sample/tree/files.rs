//! Sizes, names and kinds of files, each for what is special about it.

use std::fmt::Write as _;

use super::{Plan, noise};
use crate::sample::parts;
use crate::sample::volume::{ARCHIVE, HIDDEN, NOT_CONTENT_INDEXED, READ_ONLY, SYSTEM, Volume};
use crate::sh::Result;

/// Sizes around what fits a record, a cluster, a chunk; and wine's own data files.
pub(super) fn data(volume: &mut Volume, plan: &Plan<'_>) -> Result {
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

pub(super) fn users(volume: &mut Volume) -> Result {
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
pub(super) fn special(volume: &mut Volume) -> Result {
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

pub(super) fn attributes(volume: &Volume) -> Result {
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

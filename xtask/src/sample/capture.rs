//! Images of a filled volume, in every container that Windows media have, written by wimlib and genisoimage.

use std::path::Path;
use std::process::Command;

use super::{Size, tree};
use crate::sh::{self, Result};

/// Makes `install.wim`, `boot.wim`, `install.esd`, `install.swm` and `windows.iso` in `dir`.
pub(crate) fn run(size: Size, volume: &Path, work: &Path, dir: &Path) -> Result {
    // Levels: quick for the small sample, as usual for the large one.
    let (lzx, lzms, part_mib) = match size {
        Size::Small => ("LZX:50", "LZMS:10", "5"),
        Size::Large => ("LZX:50", "LZMS:20", "60"),
    };
    let install = dir.join("install.wim");
    let everything = work.join("everything.ini");
    std::fs::write(&everything, "[ExclusionList]\n")?;
    let config = format!("--config={}", everything.display());
    sh::step("install.wim (LZX)", || {
        let compress = format!("--compress={lzx}");
        wimlib(
            "capture",
            &[volume, &install],
            &["Core", &compress, &config, "--check"],
        )?;
        describe(&install, "1", "Core", "Windows 11 Home")?;
        tree::second_edition(volume, work)?;
        wimlib("append", &[volume, &install], &["Professional", &config])?;
        describe(&install, "2", "Professional", "Windows 11 Pro")
    })?;
    sh::step("boot.wim (XPRESS)", || {
        let boot = dir.join("boot.wim");
        let setup = work.join("setup.ini");
        std::fs::write(
            &setup,
            "[ExclusionList]\n/Windows/WinSxS\n/Windows/servicing\n/Windows/SysWOW64\n/Program Files\n/Users\n",
        )?;
        let config = format!("--config={}", setup.display());
        wimlib(
            "capture",
            &[volume, &boot],
            &["Microsoft Windows PE (amd64)", "--compress=XPRESS", &config],
        )?;
        describe(&boot, "1", "WindowsPE", "Microsoft Windows PE (amd64)")
    })?;
    sh::step("install.esd (solid LZMS)", || {
        let compress = format!("--solid-compress={lzms}");
        sh::run(
            Command::new("wimlib-imagex")
                .arg("export")
                .arg(&install)
                .arg("all")
                .arg(dir.join("install.esd"))
                .args(["--solid", &compress]),
        )?;
        Ok(())
    })?;
    sh::step("install.swm (split)", || {
        wimlib("split", &[&install, &dir.join("install.swm")], &[part_mib])
    })?;
    sh::step("windows.iso (UDF bridge)", || iso(work, dir))
}

fn wimlib(verb: &str, files: &[&Path], rest: &[&str]) -> Result {
    sh::run(Command::new("wimlib-imagex").arg(verb).args(files).args(rest))?;
    Ok(())
}

/// What Windows' own tools write about an image.
fn describe(wim: &Path, image: &str, edition: &str, name: &str) -> Result {
    let properties = [
        ("DISPLAYNAME", name),
        ("DISPLAYDESCRIPTION", name),
        ("FLAGS", edition),
        ("WINDOWS/ARCH", "9"),
        ("WINDOWS/EDITIONID", edition),
        (
            "WINDOWS/INSTALLATIONTYPE",
            if edition == "WindowsPE" {
                "WindowsPE"
            } else {
                "Client"
            },
        ),
        (
            "WINDOWS/PRODUCTNAME",
            "Microsoft\u{ae} Windows\u{ae} Operating System",
        ),
        ("WINDOWS/PRODUCTTYPE", "WinNT"),
        ("WINDOWS/SYSTEMROOT", "WINDOWS"),
        ("WINDOWS/LANGUAGES/LANGUAGE", "en-US"),
        ("WINDOWS/LANGUAGES/DEFAULT", "en-US"),
        ("WINDOWS/VERSION/MAJOR", "10"),
        ("WINDOWS/VERSION/MINOR", "0"),
        ("WINDOWS/VERSION/BUILD", "22621"),
        ("WINDOWS/VERSION/SPBUILD", "1720"),
        ("WINDOWS/VERSION/SPLEVEL", "0"),
    ];
    let mut command = Command::new("wimlib-imagex");
    command.arg("info").arg(wim).arg(image);
    for (property, value) in properties {
        command.args(["--image-property", &format!("{property}={value}")]);
    }
    sh::run(&mut command)?;
    Ok(())
}

/// Media as Microsoft lays them out: the images under `sources`, boot files beside them.
fn iso(work: &Path, dir: &Path) -> Result {
    let media = work.join("media");
    for sub in ["sources", "efi/boot", "boot"] {
        std::fs::create_dir_all(media.join(sub))?;
    }
    for name in ["install.wim", "boot.wim"] {
        std::fs::hard_link(dir.join(name), media.join("sources").join(name))?;
    }
    std::fs::copy(work.join("bootmgfw.efi"), media.join("efi/boot/bootx64.efi"))?;
    std::fs::copy(work.join("bootmgfw.efi"), media.join("bootmgr.efi"))?;
    std::fs::write(media.join("boot/bcd"), b"")?;
    std::fs::write(media.join("setup.exe"), b"MZ stand-in")?;
    std::fs::write(media.join("sources/ei.cfg"), b"[Channel]\r\nRetail\r\n")?;
    sh::run(
        Command::new("genisoimage")
            .args([
                "-quiet",
                "-udf",
                "-iso-level",
                "3",
                "-allow-limited-size",
                "-J",
                "-V",
                "SAMPLE_X64",
                "-o",
            ])
            .arg(dir.join("windows.iso"))
            .arg(&media),
    )?;
    Ok(())
}

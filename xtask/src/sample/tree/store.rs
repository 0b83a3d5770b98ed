//! What comes by the hundred: programs, components with their hard links, packages, drivers.

use std::path::{Path, PathBuf};

use super::{Counts, SUFFIX, name_of, noise, system, text};
use crate::sample::parts;
use crate::sample::volume::{Volume, crc};
use crate::sh::Result;

pub(super) fn applications(volume: &mut Volume, wheels: &Path) -> Result {
    for file in parts::files_below(wheels)? {
        let relative = file.strip_prefix(wheels)?.to_string_lossy().into_owned();
        volume.copy(&format!("Program Files/Sample/{relative}"), &file)?;
    }
    Ok(())
}

/// Components: manifests, and hard links between the store and System32.
pub(super) fn side_by_side(volume: &mut Volume, programs: &[PathBuf], counts: &Counts) -> Result {
    for path in programs {
        let name = name_of(path);
        let source = system::place_of(&name);
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

pub(super) fn packages(volume: &mut Volume, counts: &Counts) -> Result {
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

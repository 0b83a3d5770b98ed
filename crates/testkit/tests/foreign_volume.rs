//! The oracles against a volume that mkntfs and wimlib made from the small sample: all of them find it clean, all
//! of them see the same tree, and each of them notices when something is wrong.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use testkit::kernel::{self, Driver, Job};
use testkit::{manifest, oracles};

/// A volume with the first image of the small sample. `None` when skipped.
fn volume(dir: &Path) -> Option<(PathBuf, PathBuf)> {
    let wim = testkit::samples::generated("small", "install.wim")?;
    let image = dir.join("volume.img");
    std::fs::File::create(&image).unwrap().set_len(200 << 20).unwrap();
    testkit::run(testkit::tool("mkntfs")?.args(["-q", "-F"]).arg(&image));
    testkit::run(
        testkit::tool("wimlib-imagex")?
            .arg("apply")
            .arg(&wim)
            .arg("1")
            .arg(&image),
    );
    Some((wim, image))
}

#[test]
fn everyone_sees_the_same_tree() {
    let dir = tempfile::tempdir().unwrap();
    let Some((wim, image)) = volume(dir.path()) else {
        return;
    };
    oracles::ntfs_gate(&image);
    let Some(source) = manifest::from_wimlib(&wim, "1") else {
        return;
    };
    let Some(captured) = manifest::capture_with_wimlib(&image) else {
        return;
    };
    source.assert_same(&captured, "image and captured volume");
    let Some(mounted) = manifest::from_ntfs3g(&image) else {
        return;
    };
    // ntfs-3g does not show the short name of a file with very many names.
    source
        .without_facts(&["links", "dos_name"])
        .assert_same_shared(&mounted.clone(), "image and ntfs-3g");

    let Some(found) = kernel::run(&[&image], Driver::Ntfs3, Job::Read) else {
        return;
    };
    assert_eq!(found[0].error, None);
    mounted
        .without_facts(&["type", "target", "links"])
        .assert_same_shared(&found[0].manifest, "ntfs-3g and ntfs3");

    let Some(found) = kernel::run(&[&image], Driver::Ntfs3, Job::Write) else {
        return;
    };
    assert_eq!(found[0].error, None);
    assert!(found[0].manifest.0.contains_key("written/deep/moved"));
    oracles::ntfs_gate(&image);
}

#[test]
fn faults_are_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let Some((_, image)) = volume(dir.path()) else {
        return;
    };
    let Some(before) = manifest::from_ntfs3g(&image) else {
        return;
    };
    let mount = manifest::NtfsMount::new(&image, "rw").unwrap();
    std::fs::write(mount.path().join("Users/Public/new"), b"").unwrap();
    std::fs::write(
        mount.path().join("Users/Public/Documents/streams.txt:large"),
        b"x",
    )
    .unwrap();
    mount.unmount();
    let lines = before.without_facts(&["modified", "accessed"]).diff(
        &manifest::from_ntfs3g(&image)
            .unwrap()
            .without_facts(&["modified", "accessed"]),
    );
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("streams.txt: sha1:large: left"), "{lines:?}");
    assert_eq!(lines[1], "only right: /Users/Public/new");

    // The second copy of the first records, by the boot sector's word.
    let mut file = std::fs::File::options()
        .read(true)
        .write(true)
        .open(&image)
        .unwrap();
    let mut boot = [0; 512];
    file.read_exact(&mut boot).unwrap();
    let cluster = u64::from(u16::from_le_bytes([boot[11], boot[12]])) * u64::from(boot[13]);
    let mirror = u64::from_le_bytes(boot[0x38..0x40].try_into().unwrap()) * cluster;
    file.seek(SeekFrom::Start(mirror + 0x100)).unwrap();
    file.write_all(b"damaged").unwrap();
    drop(file);
    let verdicts = oracles::ntfs_verdicts(&image);
    assert!(
        verdicts.is_empty() || verdicts.iter().any(|v| !v.clean),
        "{verdicts:?}"
    );
}

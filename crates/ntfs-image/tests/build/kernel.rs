//! Linux' own drivers and ntfs-3g mount a built volume read-write, work on it, and leave it clean.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use ntfs_image::VolumeSpec;
use testkit::kernel::{Driver, Job, run};
use testkit::manifest::NtfsMount;

use crate::features::{MOUNTABLE, everything};
use crate::limits::many_files;
use crate::support::{build, check, noise, spec};

/// All volumes in one boot: it takes longer than the work on them. Linux 7.2's `ntfs` driver damages volumes with
/// records of 4096 bytes when it writes, `mkntfs`' own, too: it is not asked about them.
fn mount_and_write(driver: Driver) {
    let sizes = [(512, 512), (512, 4096), (512, 65536), (4096, 4096)].into_iter();
    let sizes = sizes.filter(|(sector_bytes, _)| driver == Driver::Ntfs3 || *sector_bytes == 512);
    let specs = sizes.map(|(sector_bytes, cluster_bytes)| VolumeSpec {
        sector_bytes,
        cluster_bytes,
        mft_record_bytes: if sector_bytes == 4096 { 4096 } else { 1024 },
        ..spec(160)
    });
    let volumes: Vec<_> = specs
        .map(|spec| (spec.sector_bytes, everything(spec, &MOUNTABLE).build().0))
        .collect();
    let paths: Vec<&Path> = volumes.iter().map(|(_, volume)| &*volume.path).collect();
    let Some(found) = run(&paths, driver, Job::Write) else {
        return;
    };
    for ((sector_bytes, volume), found) in volumes.iter().zip(&found) {
        assert!(
            found.error.is_none(),
            "{}\n{}",
            found.error.as_deref().unwrap_or_default(),
            found.messages
        );
        assert!(found.manifest.0.len() > 1000, "{}", found.messages);
        check(&volume.path, *sector_bytes);
    }
}

#[test]
fn ntfs_3g_mounts_and_writes() {
    let (volume, _) = everything(spec(256), &MOUNTABLE).build();
    let Some(mount) = NtfsMount::new(&volume.path, "rw") else {
        return;
    };
    let at = |name: &str| mount.path().join(name);
    fs::create_dir(at("new")).unwrap();
    for n in 0..300 {
        fs::write(at(&format!("new/file {n}")), noise(n * 50, n as u64)).unwrap();
    }
    // Into a directory with blocks, and out of it.
    fs::write(at("large/one more"), noise(70_000, 1)).unwrap();
    let old = fs::read_dir(at("large")).unwrap().next().unwrap().unwrap().path();
    fs::rename(old, at("new/moved")).unwrap();
    fs::remove_dir_all(at("limits")).unwrap();
    // More than its record holds.
    let mut file = fs::OpenOptions::new()
        .append(true)
        .open(at("new/file 3"))
        .unwrap();
    file.write_all(&noise(1 << 20, 2)).unwrap();
    drop(file);
    mount.unmount();
    check(&volume.path, 512);
    let mount = NtfsMount::new(&volume.path, "ro").expect("as before");
    let grown = fs::read(mount.path().join("new/file 3")).unwrap();
    assert!(grown == [noise(150, 3), noise(1 << 20, 2)].concat());
    mount.unmount();
}

#[test]
fn ntfs3_mounts_and_writes() {
    mount_and_write(Driver::Ntfs3);
}

#[test]
fn the_ntfs_driver_of_linux_7_mounts_and_writes() {
    mount_and_write(Driver::Ntfs);
}

/// On demand, with `WTGCTL_KERNEL_MANY_FILES=1`: it takes minutes.
#[test]
fn ntfs3_mounts_and_writes_a_hundred_thousand_files() {
    const FILES: u64 = 100_000;
    #[allow(
        clippy::disallowed_methods,
        reason = "how thorough a test is, is for the one who runs it to say"
    )]
    if std::env::var_os("WTGCTL_KERNEL_MANY_FILES").is_none() {
        return;
    }
    let (builder, deliveries) = many_files(FILES);
    let volume = build(builder, &deliveries);
    check(&volume.path, 512);
    let Some(found) = run(&[&volume.path], Driver::Ntfs3, Job::Write) else {
        return;
    };
    let found = &found[0];
    assert!(found.error.is_none(), "{:?}\n{}", found.error, found.messages);
    // Every file that was there, with its content, beside what the kernel made.
    let mut sizes: BTreeMap<&str, &str> = BTreeMap::new();
    for (path, facts) in &found.manifest.0 {
        let name = path.rsplit('/').next().unwrap_or_default();
        if let (Some(number), Some(size)) = (name.strip_prefix("file "), facts.get("size")) {
            assert!(sizes.insert(number, size).is_none(), "{path}");
        }
    }
    assert_eq!(sizes.len() as u64, FILES);
    for (number, size) in sizes {
        let number: u64 = number.parse().unwrap();
        assert_eq!(size.parse(), Ok(number * 31 % 900), "file {number}");
    }
    check(&volume.path, 512);
}

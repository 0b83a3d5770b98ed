//! Volumes and sticks with 4096-byte sectors.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use partitioner::Window;
use stick::{BootCa, Compact, Prepared, Spec, Target, Verify, VolumeOptions};
use testkit::manifest::from_ntfs3g;
use testkit::samples::generated;

use crate::volume::make;
use crate::volume_options::{plain, run_options};

#[test]
fn volume_with_large_sectors_holds_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let Some(source) = generated("small", "install.wim") else {
        return;
    };
    let volumes = [dir.path().join("512.img"), dir.path().join("4096.img")];
    make(&source, plain(), &volumes[0]);
    let large = VolumeOptions {
        sector_bytes: 4096,
        ..plain()
    };
    make(&source, large, &volumes[1]);
    let mut boot = [0; 13];
    File::open(&volumes[1]).unwrap().read_exact(&mut boot).unwrap();
    assert_eq!(boot[11..], [0, 0x10], "bytes per sector");
    testkit::oracles::ntfs_gate(&volumes[1]);
    let (Some(expected), Some(found)) = (from_ntfs3g(&volumes[0]), from_ntfs3g(&volumes[1])) else {
        return;
    };
    expected.assert_same(&found, "sectors of 512 and 4096 bytes");
}

/// Plain and compact: the Windows partition of a whole stick, for each size of sectors.
#[test]
fn windows_partition_of_a_stick_is_clean() {
    for (sector_bytes, compact) in [(512, Compact::Auto), (4096, Compact::Off), (4096, Compact::Auto)] {
        let dir = tempfile::tempdir().unwrap();
        let Some(source) = generated("small", "windows.iso") else {
            return;
        };
        let stick = dir.path().join("stick.img");
        let spec = Spec {
            source,
            image: Some("Core".into()),
            target: Target::File {
                path: stick.clone(),
                size_bytes: 1 << 30,
                force: false,
            },
            seed: 7,
            unattend: None,
            compact,
            verify: Verify::Inline,
            sector_bytes,
            boot_ca: BootCa::Pca2011,
        };
        let prepared = Prepared::new(spec, &run_options()).unwrap();
        let windows = prepared.plan.disk.partitions.last().unwrap().number;
        prepared.apply(&run_options(), &mut |_| {}).unwrap();
        let volume = dir.path().join("windows.img");
        cut_out(&stick, windows, &volume);
        testkit::oracles::ntfs_gate(&volume);
    }
}

/// Copies a partition into a file, blocks of zeros as holes.
fn cut_out(stick: &Path, number: u32, volume: &Path) {
    let mut stick = File::open(stick).unwrap();
    let limits = partitioner::Limits::default();
    let (first_byte, size_bytes) = partitioner::find_partition(&mut stick, number, &limits).unwrap();
    let mut window = Window::new(stick, first_byte, size_bytes);
    let mut out = File::create(volume).unwrap();
    out.set_len(size_bytes).unwrap();
    let mut block = vec![0; 1 << 16];
    loop {
        let len = window.read(&mut block).unwrap();
        match &block[..len] {
            [] => return,
            zeros if zeros.iter().all(|byte| *byte == 0) => {
                out.seek(SeekFrom::Current(len as i64)).unwrap();
            }
            data => out.write_all(data).unwrap(),
        }
    }
}

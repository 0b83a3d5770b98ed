//! Volumes that Windows and others made: the check finds nothing.

use std::io::{Cursor, Read, Seek};

use ntfs_image::Limits;
use ntfs_image::check::{CheckReport, Code, check};

mod check_base;

fn assert_clean(what: &str, source: impl Read + Seek) -> CheckReport {
    let report = check(source, &Limits::default());
    assert!(report.is_clean(), "{what}: {:#?}", report.findings);
    report
}

/// The first partition of a disk with an MBR.
fn first_partition(disk: &[u8]) -> &[u8] {
    let word = |at: usize| u32::from_le_bytes(disk[at..at + 4].try_into().expect("four bytes")) as usize;
    &disk[word(446 + 8) * 512..][..word(446 + 12) * 512]
}

#[test]
fn volumes_of_windows_are_clean() {
    let Some(volume) =
        check_base::sample_member("ntfs-vhd/ncorrupt-ntfs_default.img.tar.xz", "ntfs_default.img")
    else {
        return;
    };
    let report = assert_clean("ntfs_default.img", Cursor::new(volume));
    assert_eq!(report.stats.records_in_use, 29);
    assert_eq!(report.findings, []);
    for disk in ["ntfs-fixed.vhd", "ntfs-parent.vhd"] {
        let archive = "ntfs-vhd/dfvfs-ntfs-fat-vhd-vhdx.tar.xz";
        let Some(bytes) = check_base::sample_member(archive, disk) else {
            return;
        };
        let report = assert_clean(disk, Cursor::new(first_partition(&bytes)));
        assert_eq!(report.findings, [], "{disk}");
    }
}

/// 12.7 GiB, formatted by Windows, most of it holes: unpacked as a sparse file.
#[test]
fn a_large_volume_of_windows_is_clean() {
    let Some(folder) = testkit::sample_dir() else {
        return;
    };
    let archive = folder.join("ntfs-vhd/ncorrupt-check_only_formatted_on_windows_ntfs.img.tar.xz");
    let out = tempfile::tempdir().unwrap();
    let Some(mut tar) = testkit::tool("tar") else {
        return;
    };
    testkit::run(tar.arg("-xSJf").arg(archive).arg("-C").arg(out.path()));
    let file = std::fs::File::open(out.path().join("ntfs.img")).unwrap();
    let report = assert_clean("formatted_on_windows", file);
    assert_eq!(report.stats.clusters, 3_321_087);
}

/// An older mkntfs, whose `$UpCase` is that of Windows XP.
#[test]
fn an_older_table_is_only_noted() {
    let sample = "ntfs-vhd/util-linux-ntfs.img.xz";
    let Some(bytes) = testkit::sample(sample) else {
        return;
    };
    let report = assert_clean(sample, Cursor::new(bytes));
    let codes: Vec<Code> = report.findings.iter().map(|f| f.code).collect();
    assert_eq!(codes, [Code::UpcaseOld]);
}

#[test]
fn volumes_of_mkntfs_are_clean_in_every_geometry() {
    let folder = tempfile::tempdir().unwrap();
    for (sector, cluster) in [
        (512, 512),
        (512, 1024),
        (512, 2048),
        (512, 4096),
        (512, 8192),
        (512, 65536),
        (1024, 4096),
        (4096, 4096),
        (4096, 65536),
    ] {
        let Some(mut mkntfs) = testkit::tool("mkntfs") else {
            return;
        };
        let path = folder.path().join(format!("{sector}-{cluster}.img"));
        std::fs::File::create(&path).unwrap().set_len(40 << 20).unwrap();
        let (sector, cluster) = (sector.to_string(), cluster.to_string());
        testkit::run(
            mkntfs
                .args(["-F", "-q", "-s", &sector, "-c", &cluster, "-L", "x"])
                .arg(&path),
        );
        let what = format!("sectors {sector}, clusters {cluster}");
        let report = assert_clean(&what, std::fs::File::open(&path).unwrap());
        assert_eq!(report.findings, [], "{what}");
    }
}

#[test]
fn what_is_not_ntfs_is_one_finding() {
    for bytes in [vec![], vec![0; 100], vec![0; 1 << 20], vec![0xff; 1 << 20]] {
        let report = check(Cursor::new(bytes), &Limits::default());
        assert_eq!(report.findings.len(), 1, "{:#?}", report.findings);
        assert!(report.has(Code::BootPrimary));
    }
}

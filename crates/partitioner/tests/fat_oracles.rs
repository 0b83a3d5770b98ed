//! Our FAT32 volumes read by fsck.fat, mtools and the `fatfs` crate.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use partitioner::fat32::{Attributes, Content, FatBuilder, FatSpec, FatTime};
use partitioner::{Error, ErrorKind};

fn spec(size_bytes: u64, sector_bytes: u32) -> FatSpec {
    FatSpec {
        size_bytes,
        sector_bytes,
        hidden_sectors: 2048,
        volume_id: 0x1234_ABCD,
        label: "System".into(),
        time: FatTime::from_unix_seconds(1_700_000_000),
    }
}

/// Bytes of a keyed file, the same each time.
fn content(key: u64, size_bytes: u64) -> Vec<u8> {
    let mut state = key.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..size_bytes)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        })
        .collect()
}

/// Names and sizes that try what directories and names can do.
fn tree() -> BTreeMap<String, u64> {
    let mut files = BTreeMap::new();
    for (path, size) in [
        ("EFI/Microsoft/Boot/BCD", 32_768),
        ("EFI/Microsoft/Boot/bootmgfw.efi", 1_500_123),
        ("EFI/Boot/bootx64.efi", 1_500_123),
        ("EFI/Boot/BOOTX64X.EFI", 1),
        ("empty.txt", 0),
        ("one cluster", 512),
        ("one cluster and one", 513),
        ("lower.txt", 10),
        ("UPPER.TXT2", 11),
        (".hidden", 12),
        ("a.b.c.d", 13),
        ("a+b,c;d=e[f].txt", 14),
        ("日本語のファイル.txt", 15),
        ("emoji 😀.bin", 16),
        ("ÄÖÜ.txt", 17),
        ("ABCDEF~1.TXT", 18),
        ("abcdefghi.txt", 19),
        ("deep/a/b/c/d/e/f/g/h/i/j/k/file", 20),
    ] {
        files.insert(path.to_owned(), size);
    }
    files.insert(format!("long/{}", "n".repeat(255)), 21);
    files.insert(format!("long/{}", "m".repeat(26)), 22);
    files.insert(format!("long/{}", "m".repeat(27)), 23);
    for i in 0..1500 {
        files.insert(format!("many/file with a long name {i}.dat"), i % 3000);
    }
    files
}

fn build(spec: FatSpec, files: &BTreeMap<String, u64>, image: &Path) -> partitioner::Result<()> {
    let mut builder = FatBuilder::new(spec.clone())?;
    builder.add_directory("empty directory", Attributes::HIDDEN, spec.time)?;
    for (key, (path, &size_bytes)) in (0u64..).zip(files) {
        let content = if key % 2 == 0 {
            Content::Keyed { key, size_bytes }
        } else {
            Content::Bytes(content(key, size_bytes))
        };
        builder.add_file(path, content, Attributes::ARCHIVE, spec.time)?;
    }
    let sizes: Vec<u64> = files.values().copied().collect();
    let plan = builder.plan()?;
    let mut out = File::create(image).unwrap();
    out.set_len(spec.size_bytes).unwrap();
    plan.write(&mut out, |key| Ok(Cursor::new(content(key, sizes[key as usize]))))
}

fn fsck(image: &Path) -> String {
    let Some(mut command) = testkit::tool("fsck.fat") else {
        return String::new();
    };
    // Exit code 0: nothing found.
    let output = testkit::run(command.arg("-nv").arg(image));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(path);
        }
    }
    found
}

#[test]
fn fsck_is_clean_and_mtools_reads_every_byte() {
    for (sector_bytes, size_bytes) in [(512, 100 << 20), (512, 300 << 20), (4096, 300 << 20)] {
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("fat.img");
        let files = tree();
        build(spec(size_bytes, sector_bytes), &files, &image).unwrap();
        let report = fsck(&image);
        assert!(
            report.contains("FATs, 32 bit entries") && !report.contains("differ"),
            "{report}"
        );
        assert!(
            report.contains(&format!("{} files", files.len() + 21)) || report.contains("files,"),
            "{report}"
        );

        let Some(mut mcopy) = testkit::tool("mcopy") else {
            return;
        };
        let out = folder.path().join("out");
        std::fs::create_dir(&out).unwrap();
        testkit::run(
            mcopy
                .env("MTOOLS_SKIP_CHECK", "1")
                .env("LC_ALL", "C.UTF-8")
                .arg("-s")
                .arg("-n")
                .arg("-i")
                .arg(&image)
                .arg("::*")
                .arg(&out),
        );
        assert!(out.join("empty directory").is_dir());
        assert_eq!(files_below(&out).len(), files.len());
        for (key, (path, &size)) in (0u64..).zip(&files) {
            // mtools 4.0.33 writes two `_` for a character beyond the BMP.
            let path = path.replace('😀', "__");
            let bytes = std::fs::read(out.join(&path)).unwrap_or_else(|e| panic!("{path}: {e}"));
            assert!(bytes == content(key, size), "{path}");
        }
    }
}

#[test]
fn mdir_shows_label_serial_aliases_and_times() {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("fat.img");
    build(spec(64 << 20, 512), &tree(), &image).unwrap();
    let Some(mut mdir) = testkit::tool("mdir") else {
        return;
    };
    let output = testkit::run(
        mdir.env("LC_ALL", "C.UTF-8")
            .arg("-a")
            .arg("-i")
            .arg(&image)
            .arg("::/"),
    );
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for wanted in [
        "Volume in drive : is SYSTEM",
        "Volume Serial Number is 1234-ABCD",
        "LOWER    TXT        10 2023-11-14  22:13  lower.txt",
        "UPPER~1  TXT        11 2023-11-14  22:13  UPPER.TXT2",
        "ABCDEF~1 TXT        18 2023-11-14  22:13",
        "ABCDEF~2 TXT        19 2023-11-14  22:13  abcdefghi.txt",
    ] {
        assert!(text.contains(wanted), "{wanted} in\n{text}");
    }
    let Some(mut mattrib) = testkit::tool("mattrib") else {
        return;
    };
    let output = testkit::run(
        mattrib
            .arg("-i")
            .arg(&image)
            .arg("::/empty directory")
            .arg("::/lower.txt"),
    );
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        text.lines()
            .any(|l| l.contains('H') && l.contains("empty directory")),
        "{text}"
    );
    assert!(
        text.lines()
            .any(|l| l.trim_start().starts_with('A') && l.contains("lower.txt")),
        "{text}"
    );
}

#[test]
fn the_fatfs_crate_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("fat.img");
    let files = tree();
    build(spec(64 << 20, 512), &files, &image).unwrap();
    let volume = fatfs::FileSystem::new(
        File::open(&image).map(ReadOnly).unwrap(),
        fatfs::FsOptions::new().update_accessed_date(false),
    )
    .unwrap();
    assert_eq!(volume.fat_type(), fatfs::FatType::Fat32);
    assert_eq!(
        (volume.volume_label(), volume.volume_id()),
        ("SYSTEM".into(), 0x1234_ABCD)
    );
    let counted = volume.stats().unwrap().free_clusters();
    for (key, (path, &size)) in (0u64..).zip(&files) {
        // It reads entries one by one: a sample of the large directory is enough.
        if path.starts_with("many/") && key % 50 != 0 {
            continue;
        }
        let mut bytes = Vec::new();
        volume
            .root_dir()
            .open_file(path)
            .unwrap_or_else(|e| panic!("{path}: {e}"))
            .read_to_end(&mut bytes)
            .unwrap();
        assert!(bytes == content(key, size), "{path}");
    }
    assert!(counted > 100_000);
}

/// `fatfs` wants `Write`, and must not use it here.
struct ReadOnly(File);

impl Read for ReadOnly {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl io::Write for ReadOnly {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::PermissionDenied.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl io::Seek for ReadOnly {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

#[test]
fn smallest_volumes_are_fat32() {
    for sector_bytes in [512, 4096] {
        let least = partitioner::fat32::minimum_size_bytes(sector_bytes);
        for size_bytes in [
            least,
            least + 511,
            least + 4096,
            2 * least,
            9 << 30,
            20 << 30,
            40 << 30,
        ] {
            let folder = tempfile::tempdir().unwrap();
            let image = folder.path().join("fat.img");
            build(
                spec(size_bytes, sector_bytes),
                &[("file".to_owned(), 9)].into(),
                &image,
            )
            .unwrap();
            let report = fsck(&image);
            assert!(report.contains("32 bit entries"), "{report}");
        }
        let Err(Error::NoSpace { need_bytes, .. }) = FatBuilder::new(spec(least / 2, sector_bytes)) else {
            panic!("half the least must not do");
        };
        assert_eq!(need_bytes, least);
    }
}

#[test]
fn a_file_of_four_gib_less_one_fits_and_more_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("fat.img");
    let largest = u64::from(u32::MAX);
    let mut builder = FatBuilder::new(spec(5 << 30, 512)).unwrap();
    let keyed = |size_bytes| Content::Keyed { key: 1, size_bytes };
    let error = builder
        .add_file("big", keyed(largest + 1), Attributes::NONE, FatTime::MIN)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit);
    builder
        .add_file("big", keyed(largest), Attributes::NONE, FatTime::MIN)
        .unwrap();
    let mut out = Sparse(File::create(&image).unwrap());
    out.0.set_len(5 << 30).unwrap();
    builder
        .plan()
        .unwrap()
        .write(&mut out, |_| {
            Ok(Cursor::new(&[9; 1000][..]).chain(io::repeat(0).take(largest - 1000)))
        })
        .unwrap();
    // fsck.fat 4.2 counts a chain's bytes in 32 bits, which 2^32 bytes of clusters overflow: no oracle here.
    let volume =
        fatfs::FileSystem::new(ReadOnly(File::open(&image).unwrap()), fatfs::FsOptions::new()).unwrap();
    let mut file = volume.root_dir().open_file("big").unwrap();
    assert_eq!(io::Seek::seek(&mut file, io::SeekFrom::End(0)).unwrap(), largest);
    io::Seek::seek(&mut file, io::SeekFrom::Start(998)).unwrap();
    let mut four = [5; 4];
    file.read_exact(&mut four).unwrap();
    assert_eq!(four, [9, 9, 0, 0]);
}

/// Leaves holes for blocks of zeros, so that the test needs no 4 GiB of disk.
struct Sparse(File);

impl io::Write for Sparse {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        use io::Seek;
        if bytes.len() == 1 << 20 && bytes.iter().all(|&b| b == 0) {
            self.0.seek_relative(bytes.len() as i64)?;
            return Ok(bytes.len());
        }
        self.0.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl io::Seek for Sparse {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

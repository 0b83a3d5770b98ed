//! Volumes of mkfs.fat and mtools read by us, and damage found by our check.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read};
use std::path::Path;

use partitioner::fat32::{self, Attributes, Content, FatBuilder, FatSpec, FatTime, FatTimes, FatType};
use partitioner::{ErrorKind, Limits};
use proptest::prelude::*;

fn bytes_of(size: usize) -> Vec<u8> {
    (0..size).map(|i| (i * 7 % 253) as u8).collect()
}

/// A volume of mkfs.fat, filled by mcopy. `None` without the tools.
fn foreign(
    image: &Path,
    arguments: &[&str],
    size_bytes: u64,
    files: &BTreeMap<&str, usize>,
) -> Option<Vec<u8>> {
    fs::File::create(image).unwrap().set_len(size_bytes).unwrap();
    testkit::run(testkit::tool("mkfs.fat")?.args(arguments).arg(image));
    let folder = tempfile::tempdir().unwrap();
    for (path, &size) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes_of(size)).unwrap();
    }
    let mut mcopy = testkit::tool("mcopy")?;
    mcopy.env("LC_ALL", "C.UTF-8").args(["-s", "-Q", "-i"]).arg(image);
    for entry in fs::read_dir(folder.path()).unwrap() {
        mcopy.arg(entry.unwrap().path());
    }
    testkit::run(mcopy.arg("::/"));
    Some(fs::read(image).unwrap())
}

fn all_files(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut volume = fat32::open(Cursor::new(bytes), Limits::default()).unwrap();
    let mut entries = Vec::new();
    volume
        .walk(|path, entry| {
            entries.push((path.to_owned(), entry.clone()));
            Ok(())
        })
        .unwrap();
    entries
        .into_iter()
        .filter(|(_, entry)| !entry.is_directory())
        .map(|(path, entry)| {
            let mut content = Vec::new();
            volume
                .open_file(&entry)
                .unwrap()
                .read_to_end(&mut content)
                .unwrap();
            assert_eq!(content.len(), entry.size_bytes as usize);
            (path, content)
        })
        .collect()
}

#[test]
fn volumes_of_mkfs_and_mtools_are_read() {
    let files: BTreeMap<&str, usize> = [
        ("EFI/Boot/bootx64.efi", 300_000),
        ("EFI/日本 long name.txt", 1),
        ("EMPTY", 0),
        ("lower.txt", 5000),
        ("Mixed Case Name.Extension", 513),
    ]
    .into();
    for (arguments, size_bytes, fat_type) in [
        (&["-F", "12", "-n", "SMALL"][..], 4 << 20, FatType::Fat12),
        (&["-F", "16", "-n", "MIDDLE"], 64 << 20, FatType::Fat16),
        (&["-F", "32", "-n", "LARGE"], 64 << 20, FatType::Fat32),
        (
            &["-F", "32", "-S", "4096", "-n", "SECTORS"],
            300 << 20,
            FatType::Fat32,
        ),
        (&["-F", "16", "-f", "1", "-s", "64"], 200 << 20, FatType::Fat16),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let Some(bytes) = foreign(&folder.path().join("i"), arguments, size_bytes, &files) else {
            return;
        };
        let mut volume = fat32::open(Cursor::new(&bytes), Limits::default()).unwrap();
        let info = volume.info().unwrap();
        assert_eq!(
            (info.fat_type, info.size_bytes),
            (fat_type, size_bytes),
            "{arguments:?}"
        );
        assert_eq!(
            info.label.as_deref(),
            arguments.iter().skip_while(|&&a| a != "-n").nth(1).copied()
        );
        assert_eq!(volume.check().unwrap(), [], "{arguments:?}");
        let found = all_files(&bytes);
        let expected: BTreeMap<String, Vec<u8>> = files
            .iter()
            .map(|(p, &s)| ((*p).to_owned(), bytes_of(s)))
            .collect();
        assert!(found == expected, "{:?}", found.keys());
        // Found by long and by short name, in any case.
        for path in [
            "efi/BOOT/BOOTX64.efi",
            "/EFI\\boot\\bootx64.EFI",
            "mixedc~1.ext",
            "MIXED CASE NAME.EXTENSION",
        ] {
            volume.entry(path).unwrap();
        }
        assert_eq!(volume.entry("EFI/none").unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(volume.list("lower.txt").unwrap_err().kind(), ErrorKind::NotFound);
    }
}

fn ours(size_bytes: u64) -> Vec<u8> {
    let mut builder = FatBuilder::new(FatSpec {
        size_bytes,
        sector_bytes: 512,
        hidden_sectors: 0,
        volume_id: 7,
        label: "OURS".into(),
        time: FatTime::MIN,
    })
    .unwrap();
    for (path, size) in [
        ("a/one long name.txt", 3000),
        ("a/b/two", 700),
        ("three", 100),
        ("a/b/four", 0),
    ] {
        builder
            .add_file(
                path,
                Content::Bytes(bytes_of(size)),
                Attributes::HIDDEN,
                FatTime::MIN,
            )
            .unwrap();
    }
    let mut out = Cursor::new(vec![0; size_bytes as usize]);
    builder
        .plan()
        .unwrap()
        .write(&mut out, |_| Ok(std::io::empty()))
        .unwrap();
    out.into_inner()
}

#[test]
fn damage_is_found() {
    let sound = ours(34 << 20);
    let check = |bytes: &[u8]| -> Vec<&'static str> {
        let mut volume = fat32::open(Cursor::new(bytes), Limits::default()).unwrap();
        volume.check().unwrap().into_iter().map(|f| f.code).collect()
    };
    assert_eq!(check(&sound), [""; 0]);
    let boot = |at: usize| u32::from_le_bytes(sound[at..at + 4].try_into().unwrap()) as usize;
    let reserved = usize::from(u16::from_le_bytes(sound[14..16].try_into().unwrap()));
    let (fat, copy) = (reserved * 512, boot(36) * 512);
    let data = fat + 2 * copy;
    // Clusters: 2 root, 3 a, 4 b, 5 to 10 "one long name.txt", 11 and 12 "two", 13 "three".
    let damage = |changes: &[(usize, &[u8])]| {
        let mut bytes = sound.clone();
        for (at, new) in changes {
            bytes[*at..at + new.len()].copy_from_slice(new);
        }
        check(&bytes)
    };
    let link = |cluster: usize, value: u32| -> Vec<&'static str> {
        let value = value.to_le_bytes();
        damage(&[(fat + cluster * 4, &value), (fat + copy + cluster * 4, &value)])
    };
    assert_eq!(damage(&[(6 * 512 + 40, &[1])]), ["fat-boot-backup"]);
    assert_eq!(damage(&[(fat + copy + 400, &[1])]), ["fat-copies-differ"]);
    assert_eq!(damage(&[(fat, &[0xF0]), (fat + copy, &[0xF0])]), ["fat-media"]);
    assert_eq!(link(1, 0x07FF_FFFF), ["fat-dirty"]);
    assert_eq!(damage(&[(512 + 488, &[1])]), ["fat-free-count"]);
    assert_eq!(link(6, 0), ["fat-chain", "fat-lost-clusters", "fat-free-count"]);
    assert_eq!(link(6, 0x0FFF_FFF7), ["fat-chain", "fat-lost-clusters"]);
    assert_eq!(link(6, 0x00FF_0000), ["fat-chain", "fat-lost-clusters"]);
    assert_eq!(link(6, 0x0FFF_FFFF), ["fat-size", "fat-lost-clusters"]);
    assert_eq!(link(10, 11), ["fat-size", "fat-cross-link"]);
    assert_eq!(link(10, 5), ["fat-cross-link"]);
    assert_eq!(link(50, 0x0FFF_FFFF), ["fat-lost-clusters", "fat-free-count"]);
    assert_eq!(damage(&[(data + 512 + 26, &[9])]), ["fat-dots"]);
    assert_eq!(damage(&[(data + 512 + 2 * 32 + 13, &[9])]), ["fat-long-name"]);
    // "four" is called "TWO" like its neighbour: entries of b are dot, dotdot, then a long and a short one each.
    let shorts: Vec<usize> = (0..8)
        .map(|i| data + 1024 + i * 32)
        .filter(|&at| sound[at + 11] == 2)
        .collect();
    let [two, four] = shorts[..] else {
        panic!("{shorts:?}")
    };
    let name = sound[two..two + 11].to_vec();
    assert_eq!(damage(&[(four, &name)]), ["fat-long-name", "fat-name-twice"]);
}

#[test]
fn a_loop_of_directories_ends() {
    let mut bytes = ours(34 << 20);
    let reserved = usize::from(u16::from_le_bytes(bytes[14..16].try_into().unwrap()));
    let fat = u32::from_le_bytes(bytes[36..40].try_into().unwrap()) as usize;
    let data = (reserved + 2 * fat) * 512;
    // Entries of "a": dot, dotdot, 2 long and 1 short for the first file, then "b" with its long name.
    let b = (0..16)
        .map(|i| data + 512 + i * 32)
        .find(|&at| &bytes[at..at + 11] == b"B          ")
        .unwrap();
    bytes[b + 26] = 3;
    let mut volume = fat32::open(Cursor::new(&bytes), Limits::default()).unwrap();
    assert_eq!(volume.walk(|_, _| Ok(())).unwrap_err().kind(), ErrorKind::Limit);
    let codes: Vec<_> = volume.check().unwrap().into_iter().map(|f| f.code).collect();
    assert!(codes.contains(&"fat-cross-link"), "{codes:?}");
}

/// Every public reader; what it says does not matter, that it ends does.
fn drive(bytes: &[u8]) {
    let limits = Limits {
        max_fat_entries: 20_000,
        ..Limits::default()
    };
    let Ok(mut volume) = fat32::open(Cursor::new(bytes), limits) else {
        return;
    };
    let _ = volume.info();
    let _ = volume.count_free_clusters();
    let _ = volume.check();
    let mut entries = Vec::new();
    let _ = volume.walk(|path, entry| {
        entries.push((path.to_owned(), entry.clone()));
        Ok(())
    });
    for (path, entry) in entries.into_iter().take(50) {
        let _ = volume.entry(&path);
        if let Ok(file) = volume.open_file(&entry) {
            let _ = std::io::copy(&mut file.take(1 << 20), &mut std::io::sink());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn damaged_volumes_never_panic(changes in prop::collection::vec((0usize..90, any::<u8>()), 0..3), deep in prop::collection::vec((0usize..600_000, any::<u8>()), 0..8)) {
        let mut bytes = ours(34 << 20);
        let data = 34 * 512;
        for (at, value) in changes {
            bytes[at] = value;
        }
        for (at, value) in deep {
            bytes[data + at] = value;
        }
        drive(&bytes);
        drive(&bytes[..700_000]);
    }

    #[test]
    fn our_own_trees_come_back(
        names in prop::collection::btree_map("[a-zA-Z0-9 ._~é日-]{0,20}[a-zA-Z0-9]", 0usize..3000, 1..40),
    ) {
        let mut builder = FatBuilder::new(FatSpec {
            size_bytes: 34 << 20, sector_bytes: 512, hidden_sectors: 0, volume_id: 7, label: String::new(), time: FatTime::MIN,
        }).unwrap();
        let mut expected = BTreeMap::new();
        for (name, size) in &names {
            let path = format!("dir/{name}");
            if builder.add_file(&path, Content::Bytes(bytes_of(*size)), Attributes::ARCHIVE, FatTime::MIN).is_ok() {
                expected.insert(path, bytes_of(*size));
            }
        }
        let mut out = Cursor::new(vec![0; 34 << 20]);
        builder.plan().unwrap().write(&mut out, |_| Ok(std::io::empty())).unwrap();
        let mut volume = fat32::open(&mut out, Limits::default()).unwrap();
        prop_assert_eq!(volume.check().unwrap(), vec![]);
        prop_assert!(all_files(out.get_ref()) == expected);
    }
}

#[test]
fn dump_accounts_for_every_byte() {
    let bytes = ours(34 << 20);
    let mut volume = fat32::open(Cursor::new(&bytes), Limits::default()).unwrap();
    let regions = volume.dump().unwrap();
    let mut at = 0;
    for region in &regions {
        assert_eq!(region.first_byte, at, "{regions:?}");
        at += region.size_bytes;
    }
    assert_eq!(at, 34 << 20);
    let names: Vec<&str> = regions.iter().map(|r| r.what.as_str()).collect();
    assert_eq!(
        names[..7],
        [
            "<boot sector>",
            "<FSInfo>",
            "<reserved>",
            "<backup of the boot sector>",
            "<reserved>",
            "<FAT 1>",
            "<FAT 2>"
        ]
    );
    assert_eq!(
        names[7..13],
        [
            "<root directory>",
            "a",
            "a/b",
            "a/one long name.txt",
            "a/b/two",
            "three"
        ]
    );
    let file = regions.iter().find(|r| r.what == "a/one long name.txt").unwrap();
    assert!(bytes[file.first_byte as usize..][..3000] == bytes_of(3000));
    assert_eq!(file.size_bytes, 3072);
}

#[test]
fn what_is_planned_is_what_is_read() {
    let time = FatTime::from_unix_seconds(1_700_000_001);
    let mut builder = FatBuilder::new(FatSpec {
        size_bytes: 64 << 20,
        sector_bytes: 512,
        hidden_sectors: 0,
        volume_id: 0x1234_5678,
        label: String::new(),
        time,
    })
    .unwrap();
    let times = FatTimes {
        created: FatTime::from_filetime(133_485_408_015_550_000),
        modified: FatTime::from_filetime(133_485_408_035_550_000),
        accessed: FatTime::from_filetime(133_485_999_035_550_000),
    };
    let content = |size| Content::Bytes(bytes_of(size));
    builder
        .add_file(
            "\\EFI\\Boot\\bootx64.efi",
            content(5000),
            Attributes::READ_ONLY,
            times,
        )
        .unwrap();
    builder
        .add_file("/a long name.txt", content(0), Attributes::HIDDEN, time)
        .unwrap();
    let plan = builder.plan().unwrap();
    assert_eq!(plan.volume_id(), 0x1234_5678);
    let mut planned: Vec<_> = plan
        .entries()
        .into_iter()
        .map(|e| (e.path, e.attributes, e.times))
        .collect();
    let mut image = Cursor::new(vec![0; 64 << 20]);
    plan.write(&mut image, |_| Ok::<&[u8], _>(b"")).unwrap();
    let mut found = Vec::new();
    let mut volume = fat32::open(image, Limits::default()).unwrap();
    volume
        .walk(|path, e| {
            found.push((path.to_owned(), e.attributes, e.times));
            Ok(())
        })
        .unwrap();
    planned.sort_by(|a, b| a.0.cmp(&b.0));
    found.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(planned.len(), 4);
    assert_eq!(planned, found);
}

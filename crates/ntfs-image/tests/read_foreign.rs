//! Volumes written by ntfs-3g and wimlib read as ntfs-3g and wimlib say.

#![allow(clippy::unwrap_used, reason = "what cannot be had fails the test")]

use std::io::{Cursor, Read, Seek, SeekFrom};

use ntfs_image::read::{FileReference, Volume, parse_extended_attributes};
use ntfs_image::{Limits, layout};

mod check_base;

type Memory = Volume<Cursor<Vec<u8>>>;

fn open(bytes: Vec<u8>) -> Memory {
    Volume::open(Cursor::new(bytes), &Limits::default()).expect("the volume of make.sh")
}

fn content(volume: &mut Memory, path: &str) -> Vec<u8> {
    stream(volume, path, "")
}

fn stream(volume: &mut Memory, path: &str, name: &str) -> Vec<u8> {
    let file = volume.lookup(path).expect("the volume of make.sh");
    let name: Vec<u16> = name.encode_utf16().collect();
    let mut bytes = Vec::new();
    volume
        .open_stream(&file, &name)
        .expect("the volume of make.sh")
        .read_to_end(&mut bytes)
        .expect("the volume of make.sh");
    bytes
}

fn shell(len: usize) -> Vec<u8> {
    let mut bytes = std::fs::read("/bin/sh").expect("the volume of make.sh");
    bytes.truncate(len);
    bytes
}

/// What `make.sh` put there, in both volumes.
fn check_content(volume: &mut Memory) {
    for size in [0, 1, 100, 500, 700, 720, 740, 4095, 4096, 4097, 65536] {
        assert_eq!(
            content(volume, &format!(r"Windows\size-{size}")),
            shell(size),
            "size {size}"
        );
    }
    assert_eq!(
        content(volume, r"windows\SYSTEM32\Kernel.DLL"),
        shell(300_000),
        "whatever the case"
    );
    let short = volume.lookup(r"Windows\System32\SHORT12.DLL").unwrap().reference;
    assert_eq!(
        short,
        volume.lookup(r"Windows\System32\kernel.dll").unwrap().reference,
        "by DOS name"
    );
    assert_eq!(
        stream(volume, r"Windows\System32\kernel.dll", "Zone.Identifier"),
        b"stream\n"
    );
    assert_eq!(
        stream(volume, r"Windows\System32\kernel.dll", "large"),
        shell(9000)
    );
    assert_eq!(stream(volume, r"deep\a", "on a directory"), b"d\n");
    for name in [
        "ÄÖÜ.txt",
        "äöüß",
        "Ω",
        "ｆｕｌｌ",
        "文件",
        "ǆ",
        "zz",
        "ZZ 2",
        "_x",
        "{y}",
        "😀 emoji",
    ] {
        assert_eq!(
            content(volume, &format!(r"names\{name}")),
            format!("{name}\n").into_bytes()
        );
    }
    assert!(volume.lookup(r"names\ÄÖÜß").is_ok(), "upper case through $UpCase");
    assert!(volume.lookup(r"names\nothing").is_err());
    let numbers: Vec<u8> = (1..=60_000).flat_map(|n| format!("{n}\n").into_bytes()).collect();
    assert_eq!(content(volume, r"packed\numbers"), numbers, "LZNT1");
    assert_eq!(content(volume, r"packed\binary"), shell(200_000), "LZNT1");
    let mut sparse = vec![0; 1_000_000];
    sparse[500_000] = b'X';
    assert_eq!(content(volume, r"names\sparse"), sparse);
    assert_eq!(content(volume, "fragmented"), shell(4096).repeat(40));
}

#[test]
fn content_is_what_was_written() {
    let Some((tree, base)) = check_base::volumes() else {
        return;
    };
    for bytes in [tree, base] {
        check_content(&mut open(bytes));
    }
}

#[test]
fn metadata_is_what_was_written() {
    let Some((tree, base)) = check_base::volumes() else {
        return;
    };
    for (bytes, with_ea) in [(tree, true), (base, false)] {
        let mut volume = open(bytes);
        assert_eq!(
            String::from_utf16_lossy(&volume.information().unwrap().label),
            "Baseline"
        );
        let packed = volume.lookup(r"packed\numbers").unwrap();
        assert!(packed.data().unwrap().is_compressed());
        assert!(
            volume
                .lookup(r"names\sparse")
                .unwrap()
                .data()
                .unwrap()
                .is_sparse()
        );

        let many = volume.lookup("many names").unwrap();
        let entries = volume.directory(&many).unwrap();
        assert_eq!(entries.len(), 1500);
        let system = volume.lookup(r"Windows\System32").unwrap();
        let entries = volume.directory(&system).unwrap();
        assert_eq!(entries.len(), 61, "60 links and kernel.dll, its DOS name folded");
        let dos = entries.iter().find_map(|entry| entry.dos_name.as_ref()).unwrap();
        assert_eq!(String::from_utf16_lossy(dos), "SHORT12.DLL");

        let linked = volume.lookup(r"Windows\WinSxS\linked.dll").unwrap();
        assert_eq!((linked.names().count(), linked.link_count), (61, 61));
        assert!(
            linked
                .attributes
                .iter()
                .any(|a| a.record != linked.reference.record),
            "several records"
        );

        let junction = volume.lookup("junction").unwrap();
        let point = volume.reparse_point(&junction).unwrap().unwrap();
        assert_eq!((point.tag, point.data.len()), (0xa000_0003, 28));
        let symlink = volume.lookup("symlink").unwrap();
        assert_eq!(volume.reparse_point(&symlink).unwrap().unwrap().tag, 0xa000_000c);

        let a = volume.lookup(r"deep\a").unwrap();
        let id = a.object_id().unwrap();
        assert_eq!(
            id[..16],
            [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0x12]
        );
        let descriptor = volume.security_descriptor(&a).unwrap().unwrap();
        assert_eq!(descriptor.len(), 0x50);
        assert_eq!(
            descriptor[32..36],
            [2, 1, 0x1f, 0],
            "the mask given to the second file"
        );

        let hidden = volume.lookup(r"Windows\size-100").unwrap();
        assert_eq!(hidden.file_attributes() & 0x23, 0x23);
        if with_ea {
            let zz = volume.lookup(r"names\zz").unwrap();
            let packed = volume.extended_attributes(&zz).unwrap().unwrap();
            let list = parse_extended_attributes(&packed).unwrap();
            assert_eq!(
                (&list[0].name[..], &list[0].value[..]),
                (&b"TEST"[..], &[1, 2, 3, 4, 5][..])
            );
        }
    }
}

#[test]
fn a_reference_to_a_record_that_was_reused_leads_nowhere() {
    let Some((_, base)) = check_base::volumes() else {
        return;
    };
    let mut volume = open(base);
    let current = volume.lookup("fragmented").unwrap().reference;
    assert!(volume.file_by_reference(current).is_ok());
    let former = FileReference {
        sequence: current.sequence + 1,
        ..current
    };
    let error = volume
        .file_by_reference(former)
        .expect_err("another sequence number");
    assert_eq!(error.kind(), ntfs_image::ErrorKind::NotFound);
}

/// As Windows leaves them.
#[test]
fn walk_passes_over_records_of_zeros() {
    let Some((_, base)) = check_base::volumes() else {
        return;
    };
    let mut volume = open(base.clone());
    let files = volume.walk().count();
    let count = volume.record_count();
    let free = (24..count).find(|&number| volume.record(number).is_ok_and(|record| !record.is_in_use()));
    let number = free.expect("a free record");
    let at = volume.record_offset(number).unwrap() as usize;
    let mut bytes = base;
    bytes[at..at + volume.boot().record_bytes as usize].fill(0);
    let mut volume = open(bytes);
    assert!(volume.record(number).is_err());
    assert!(volume.walk().all(|file| file.is_ok()));
    assert_eq!(volume.walk().count(), files);
}

#[test]
fn walk_sees_every_file_once() {
    let Some((_, base)) = check_base::volumes() else {
        return;
    };
    let mut volume = open(base);
    let files: Vec<FileReference> = volume.walk().map(|file| file.unwrap().reference).collect();
    let mut seen = vec![FileReference {
        record: layout::record::ROOT,
        sequence: 5,
    }];
    let mut at = 0;
    while let Some(&reference) = seen.get(at) {
        at += 1;
        let file = volume.file_by_reference(reference).unwrap();
        if file.is_directory() {
            let entries = volume.directory(&file).unwrap();
            seen.extend(
                entries
                    .iter()
                    .map(|e| e.reference)
                    .filter(|&r| r.record != layout::record::ROOT),
            );
        }
    }
    seen.sort_unstable();
    seen.dedup();
    // Records 12 to 15 are in use and have no name.
    let named: Vec<_> = files
        .iter()
        .copied()
        .filter(|r| !(12..16).contains(&r.record))
        .collect();
    assert_eq!(seen, named);
}

#[test]
fn streams_seek() {
    let Some((tree, _)) = check_base::volumes() else {
        return;
    };
    let mut volume = open(tree);
    let whole = content(&mut volume, r"packed\numbers");
    let file = volume.lookup(r"packed\numbers").unwrap();
    let mut stream = volume.open_stream(&file, &[]).unwrap();
    for at in [0, 1, 65_535, 65_536, 100_000, whole.len() - 3] {
        stream.seek(SeekFrom::Start(at as u64)).unwrap();
        let mut bytes = vec![0; 3];
        stream.read_exact(&mut bytes).unwrap();
        assert_eq!(bytes, whole[at..at + 3], "at {at}");
    }
    assert_eq!(stream.seek(SeekFrom::End(-2)).unwrap(), whole.len() as u64 - 2);
    assert_eq!(stream.read(&mut [0; 10]).unwrap(), 2);
    assert!(stream.seek(SeekFrom::Current(-(whole.len() as i64) - 1)).is_err());
}

/// Without its boot sector and its first record the volume opens through the backup and the mirror.
#[test]
fn backup_and_mirror_stand_in() {
    let Some((_, mut base)) = check_base::volumes() else {
        return;
    };
    let at = open(base.clone()).record_offset(0).unwrap() as usize;
    base[..512].fill(0);
    base[at..at + 4].fill(0);
    let mut volume = open(base);
    assert_ne!(volume.boot().at, 0);
    assert_eq!(content(&mut volume, r"Windows\size-1"), shell(1));
}

/// The `ntfs` crate sees the same names and bytes.
#[test]
fn agrees_with_the_ntfs_crate() {
    let Some((_, base)) = check_base::volumes() else {
        return;
    };
    let mut source = Cursor::new(base.clone());
    let foreign = ntfs::Ntfs::new(&mut source).unwrap();
    let mut ours = open(base);
    let mut queue = vec![layout::record::ROOT];
    let mut compared = 0;
    while let Some(number) = queue.pop() {
        let directory = foreign.file(&mut source, number).unwrap();
        let index = directory.directory_index(&mut source).unwrap();
        let mut entries = index.entries();
        let mut theirs = Vec::new();
        while let Some(entry) = entries.next(&mut source) {
            let entry = entry.unwrap();
            let key = entry.key().unwrap().unwrap();
            let name: Vec<u16> = key.name().u16_iter().collect();
            theirs.push((
                entry.file_reference().file_record_number(),
                name,
                key.is_directory(),
            ));
        }
        let file = ours.file(number).unwrap();
        let mut mine = Vec::new();
        for entry in ours.directory(&file).unwrap() {
            let directory = entry.key.attributes & layout::file_attribute::INDEX_PRESENT != 0;
            mine.push((entry.reference.record, entry.key.name, directory));
            if let Some(name) = entry.dos_name {
                mine.push((entry.reference.record, name, directory));
            }
        }
        for (child, _, is_directory) in &theirs {
            if *is_directory && *child > 24 {
                queue.push(*child);
            }
        }
        compared += theirs.len();
        theirs.sort();
        mine.sort();
        assert_eq!(mine, theirs, "directory {number}");
    }
    assert!(compared > 1600, "{compared}");
}

//! MBR tables of sfdisk and of real disks, read as sfdisk reads them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Cursor, Write};
use std::process::Stdio;

use partitioner::{ErrorKind, Limits, mbr};

fn sfdisk_json(bytes: &[u8]) -> Option<String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let output = testkit::run(testkit::tool("sfdisk")?.arg("-J").arg(file.path()));
    Some(String::from_utf8(output.stdout).unwrap())
}

fn same_as_sfdisk(bytes: &[u8]) {
    let table = mbr::read(&mut Cursor::new(bytes), 512, &Limits::default()).unwrap();
    let Some(json) = sfdisk_json(bytes) else { return };
    assert!(
        json.contains(&format!("\"id\": \"{:#010x}\"", table.disk_signature)),
        "{json}"
    );
    assert_eq!(
        json.matches("\"start\"").count(),
        table.partitions.len(),
        "{json}"
    );
    for p in &table.partitions {
        let line = json.lines().collect::<Vec<_>>().join(" ");
        let wanted = format!(
            "\"start\": {},         \"size\": {},",
            p.first_lba, p.sector_count
        );
        let squeezed = |s: &str| s.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(squeezed(&line).contains(&squeezed(&wanted)), "{wanted} in {json}");
        assert!(
            json.contains(&format!("\"type\": \"{:x}\"", p.type_byte)),
            "{json}"
        );
    }
}

/// A disk partitioned by sfdisk, with four logical partitions.
fn foreign() -> Option<Vec<u8>> {
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(64 << 20).unwrap();
    let mut child = testkit::tool("sfdisk")?
        .arg(file.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let script = "label: dos\nlabel-id: 0x1234abcd\n,8M,7,*\n,4M,c\n,,E\n,4M,83\n,5M,83\n,6M,7\n,7M,83\n";
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    Some(std::fs::read(file.path()).unwrap())
}

#[test]
fn tables_of_sfdisk_and_real_disks() {
    if let Some(bytes) = foreign() {
        same_as_sfdisk(&bytes);
        let table = mbr::read(&mut Cursor::new(&bytes), 512, &Limits::default()).unwrap();
        assert_eq!(
            table.partitions.iter().map(|p| p.number).collect::<Vec<_>>(),
            [1, 2, 3, 5, 6, 7, 8]
        );
        assert!(table.partitions[0].active && !table.is_protective());
    }
    if let Some(bytes) = testkit::sample("partition/dfvfs-mbr.raw.xz") {
        same_as_sfdisk(&bytes);
    }
}

#[test]
fn hostile_chains_end() {
    let Some(bytes) = foreign() else { return };
    let read = |bytes: &[u8], limits| mbr::read(&mut Cursor::new(bytes), 512, &limits).map_err(|e| e.kind());
    let table = read(&bytes, Limits::default()).unwrap();
    let extended = table.partitions[2].first_lba as usize * 512;
    // The first record leads far away, to itself, and to a number that overflows 32 bits.
    for (link, kind) in [
        (0x7FFF_FFFFu32, ErrorKind::Corrupt),
        (u32::MAX, ErrorKind::Corrupt),
    ] {
        let mut bytes = bytes.clone();
        bytes[extended + 470..extended + 474].copy_from_slice(&link.to_le_bytes());
        assert_eq!(read(&bytes, Limits::default()), Err(kind));
    }
    let two = Limits {
        max_logical_partitions: 2,
        ..Limits::default()
    };
    assert_eq!(read(&bytes, two), Err(ErrorKind::Limit));
    let second = (table.partitions[4].first_lba as usize - 2048) * 512;
    let mut looped = bytes.clone();
    looped[second + 470..second + 474].copy_from_slice(&1u32.to_le_bytes());
    assert_eq!(read(&looped, Limits::default()), Err(ErrorKind::Corrupt));
    for length in [0, 1, 511, 512] {
        assert_eq!(
            read(&bytes[..length], Limits::default()).is_ok(),
            length == 512,
            "{length}"
        );
    }
    assert_eq!(read(&[0; 512], Limits::default()), Err(ErrorKind::NotFound));
}

#[test]
fn partitions_are_found_by_number() {
    let Some(bytes) = foreign() else { return };
    let find = |number| partitioner::find_partition(&mut Cursor::new(&bytes), number, &Limits::default());
    assert_eq!(find(1).unwrap(), (1 << 20, 8 << 20));
    assert_eq!(find(8).unwrap().1, 7 << 20);
    assert_eq!(find(4).unwrap_err().kind(), ErrorKind::NotFound);
    let cut = &bytes[..2 << 20];
    let cut = partitioner::find_partition(&mut Cursor::new(cut), 1, &Limits::default());
    assert_eq!(cut.unwrap_err().kind(), ErrorKind::Corrupt);
}

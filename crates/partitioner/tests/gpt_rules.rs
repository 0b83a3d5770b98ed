//! What the planner places, what the checks refuse, and what a damaged table reads as.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Cursor;

use partitioner::gpt::{self, DiskSpec, GptCopy, GptTable, Partition, PartitionSize, PartitionSpec};
use partitioner::{Error, ErrorKind, Limits};
use proptest::prelude::*;
use uuid::Uuid;

fn part(number: u32, first_lba: u64, last_lba: u64) -> Partition {
    Partition {
        number,
        type_guid: gpt::BASIC_DATA,
        guid: Uuid::from_u128(u128::from(number)),
        first_lba,
        last_lba,
        attributes: 0,
        name: String::new(),
    }
}

fn table(partitions: Vec<Partition>) -> GptTable {
    GptTable {
        partitions,
        ..GptTable::empty(Uuid::from_u128(9), 10_240 * 512, 512).unwrap()
    }
}

fn disk_with(table: &GptTable) -> Vec<u8> {
    let mut disk = Cursor::new(vec![0; table.size_bytes as usize]);
    table.write_backup(&mut disk).unwrap();
    table.write_primary(&mut disk).unwrap();
    disk.into_inner()
}

fn read(bytes: &[u8]) -> partitioner::Result<gpt::FoundGpt> {
    gpt::read(&mut Cursor::new(bytes), None, &Limits::default())
}

fn codes(found: &gpt::FoundGpt) -> Vec<&str> {
    found.findings.iter().map(|f| f.code).collect()
}

#[test]
fn bad_tables_are_refused() {
    let refused = |parts: Vec<Partition>, reason: &str| {
        let error = table(parts).check().unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    };
    table(vec![part(1, 4000, 4999), part(2, 5000, 5000), part(3, 34, 3999)])
        .check()
        .unwrap();
    // The three that the `gpt` crate 4.1.0 accepts.
    refused(vec![part(1, 4000, 4999), part(2, 3500, 4499)], "overlaps");
    refused(vec![part(1, 4000, 4999), part(2, 4200, 4299)], "overlaps");
    refused(vec![part(1, 10_100, 11_099)], "outside the usable");
    refused(vec![part(1, 33, 40)], "outside the usable");
    refused(vec![part(1, 10_000, 10_207)], "outside the usable");
    refused(vec![part(1, 50, 49)], "outside the usable");
    refused(vec![part(0, 50, 60)], "number");
    refused(vec![part(129, 50, 60)], "number");
    refused(vec![part(1, 50, 60), part(1, 70, 80)], "twice");
    refused(
        vec![
            part(1, 50, 60),
            Partition {
                guid: Uuid::from_u128(1),
                ..part(2, 70, 80)
            },
        ],
        "identity of",
    );
    refused(
        vec![Partition {
            type_guid: Uuid::nil(),
            ..part(1, 50, 60)
        }],
        "zeros",
    );
    refused(
        vec![Partition {
            name: "x".repeat(37),
            ..part(1, 50, 60)
        }],
        "36",
    );
    let misaligned = table(vec![part(1, 50, 60)]);
    assert!(
        misaligned
            .check_alignment(4096)
            .unwrap_err()
            .to_string()
            .contains("no multiple")
    );
}

#[test]
fn too_small_says_how_much() {
    let wish = |size_bytes| DiskSpec {
        disk_guid: Uuid::from_u128(1),
        size_bytes,
        sector_bytes: 512,
        alignment_bytes: 1 << 20,
        partitions: vec![
            PartitionSpec {
                type_guid: gpt::EFI_SYSTEM,
                guid: Uuid::from_u128(2),
                size: PartitionSize::Bytes(40 << 20),
                attributes: 0,
                name: "a".into(),
            },
            PartitionSpec {
                type_guid: gpt::BASIC_DATA,
                guid: Uuid::from_u128(3),
                size: PartitionSize::Rest { min_bytes: 8 << 20 },
                attributes: 0,
                name: "b".into(),
            },
        ],
    };
    let Err(Error::NoSpace {
        need_bytes,
        have_bytes,
        ..
    }) = gpt::plan(&wish(30 << 20))
    else {
        panic!("must not fit");
    };
    assert_eq!((need_bytes, have_bytes), ((49 << 20) + 33 * 512, 30 << 20));
    let table = gpt::plan(&wish(need_bytes)).unwrap();
    assert_eq!(table.partitions[1].size_bytes(512), 8 << 20);
    assert!(gpt::plan(&wish(need_bytes - 512)).is_err());
    assert_eq!(
        gpt::plan(&wish(100 << 20)).unwrap().partitions[1].last_lba,
        99 * 2048 - 1
    );
}

#[test]
fn the_backup_takes_over_and_it_is_said() {
    let good = table(vec![part(1, 2048, 4095), part(5, 4096, 8191)]);
    let sound = disk_with(&good);
    assert_eq!(read(&sound).unwrap().findings, []);

    let mut bytes = sound.clone();
    bytes[512 + 60] ^= 1;
    let found = read(&bytes).unwrap();
    assert_eq!(
        (found.used, codes(&found), &found.table),
        (GptCopy::Backup, vec!["gpt-primary-bad"], &good)
    );

    let mut bytes = sound.clone();
    bytes[1024] ^= 1;
    assert_eq!(read(&bytes).unwrap().used, GptCopy::Backup);

    let mut bytes = sound.clone();
    let last = bytes.len() - 512;
    bytes[last] = 0;
    let found = read(&bytes).unwrap();
    assert_eq!(
        (found.used, codes(&found)),
        (GptCopy::Primary, vec!["gpt-backup-bad"])
    );

    let mut bytes = sound.clone();
    bytes[510] = 0;
    assert_eq!(codes(&read(&bytes).unwrap()), ["gpt-no-protective-mbr"]);

    let mut bytes = sound.clone();
    bytes.extend(vec![0; 1 << 20]);
    assert_eq!(codes(&read(&bytes).unwrap()), ["gpt-backup-not-at-end"]);

    let mut bytes = sound.clone();
    let other = table(vec![part(1, 2048, 4095)]).encode().unwrap();
    bytes[other.backup_at as usize..].copy_from_slice(&other.backup);
    assert_eq!(codes(&read(&bytes).unwrap()), ["gpt-copies-differ"]);

    let mut bytes = sound;
    gpt::wipe(&mut Cursor::new(&mut bytes), good.size_bytes, 512).unwrap();
    assert_eq!(read(&bytes).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn hostile_counts_are_bounded() {
    let mut bytes = disk_with(&table(vec![part(1, 2048, 4095)]));
    for copy in [512, bytes.len() - 512] {
        bytes[copy + 80..copy + 84].copy_from_slice(&u32::MAX.to_le_bytes());
        bytes[copy + 16..copy + 20].fill(0);
        let crc = crc32fast::hash(&bytes[copy..copy + 92]);
        bytes[copy + 16..copy + 20].copy_from_slice(&crc.to_le_bytes());
    }
    assert_eq!(read(&bytes).unwrap_err().kind(), ErrorKind::Limit);
    for length in [0, 1, 511, 512, 513, 1024, 4096, 8192] {
        assert!(read(&bytes[..length]).is_err());
    }
}

proptest! {
    #[test]
    fn planned_tables_are_sound_and_come_back(
        sizes in prop::collection::vec(1u64..6_000_000, 0..12),
        rest in prop::option::of(0usize..12),
        large_sectors: bool,
        slack in 0u64..10_000_000,
    ) {
        let sector_bytes = if large_sectors { 4096 } else { 512 };
        let mut partitions: Vec<PartitionSpec> = sizes.iter().zip(1..).map(|(&bytes, n)| PartitionSpec {
            type_guid: gpt::BASIC_DATA,
            guid: Uuid::from_u128(n),
            size: PartitionSize::Bytes(bytes),
            attributes: bytes << 48,
            name: format!("part {n}"),
        }).collect();
        if let Some(wish) = rest.and_then(|i| partitions.get_mut(i)) {
            wish.size = PartitionSize::Rest { min_bytes: 100 };
        }
        let size_bytes = sizes.iter().map(|s| s + (2 << 20)).sum::<u64>() + (3 << 20) + slack;
        let spec = DiskSpec { disk_guid: Uuid::from_u128(77), size_bytes, sector_bytes, alignment_bytes: 1 << 20, partitions };
        let table = gpt::plan(&spec).unwrap();
        table.check().unwrap();
        table.check_alignment(1 << 20).unwrap();
        for (wish, p) in spec.partitions.iter().zip(&table.partitions) {
            if let PartitionSize::Bytes(bytes) = wish.size {
                prop_assert_eq!(p.sector_count(), bytes.div_ceil(u64::from(sector_bytes)));
            }
        }
        let found = gpt::read(&mut Cursor::new(disk_with(&table)), None, &Limits::default()).unwrap();
        prop_assert_eq!(found.findings, vec![]);
        prop_assert_eq!(found.table, table);
    }
}

#[test]
fn signatures_of_a_partition_are_cleared_and_its_neighbours_are_not() {
    const MIB: usize = 1 << 20;
    for size in [0, 5, MIB / 2, MIB + 5, 2 * MIB, 6 * MIB + 4096] {
        let mut bytes = vec![7; 8 * MIB];
        let first = MIB + 512;
        gpt::wipe_signatures(&mut Cursor::new(&mut bytes), first as u64, size as u64).unwrap();
        assert_eq!(bytes.len(), 8 * MIB);
        let (before, rest) = bytes.split_at(first);
        let (inside, after) = rest.split_at(size);
        assert!(before.iter().chain(after).all(|&b| b == 7), "{size}");
        for (i, &byte) in inside.iter().enumerate() {
            let cleared = i < MIB
                || i >= size.saturating_sub(MIB)
                || [MIB, 2 * MIB, 4 * MIB]
                    .iter()
                    .any(|at| (*at..at + 4096).contains(&i));
            assert_eq!(byte == 0, cleared, "{size}: {i}");
        }
    }
}

/// Found by fuzzing: a table that was read from the head of a larger disk.
#[test]
fn a_table_without_room_for_its_copies_is_not_encoded() {
    let mut table = GptTable::empty(Uuid::from_u128(1), 64 << 20, 512).unwrap();
    table.size_bytes = 20 * 512;
    assert_eq!(table.encode().unwrap_err().kind(), ErrorKind::Invalid);
    let mut table = GptTable::empty(Uuid::from_u128(1), 64 << 20, 512).unwrap();
    table.first_usable_lba = 3;
    assert_eq!(table.encode().unwrap_err().kind(), ErrorKind::Invalid);
}

//! Our tables read by sgdisk, sfdisk and the `gpt` crate; sgdisk's tables and real disks read by us.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Cursor;
use std::path::Path;

use partitioner::Limits;
use partitioner::gpt::{self, DiskSpec, GptCopy, GptTable, PartitionSize, PartitionSpec};
use uuid::Uuid;

fn spec(size_bytes: u64, sector_bytes: u32) -> DiskSpec {
    let part = |n: u128, type_guid, size, attributes, name: &str| PartitionSpec {
        type_guid,
        guid: Uuid::from_u128(0x5_0000 + n),
        size,
        attributes,
        name: name.into(),
    };
    DiskSpec {
        disk_guid: Uuid::from_u128(0x1234_5678_9abc_def0_1122_3344_5566_7788),
        size_bytes,
        sector_bytes,
        alignment_bytes: gpt::DEFAULT_ALIGNMENT_BYTES,
        partitions: vec![
            part(
                1,
                gpt::EFI_SYSTEM,
                PartitionSize::Bytes(20 << 20),
                gpt::attribute::WINDOWS_NO_DRIVE_LETTER,
                "EFI system partition",
            ),
            part(
                2,
                gpt::MICROSOFT_RESERVED,
                PartitionSize::Bytes(16 << 20),
                0,
                "Microsoft reserved partition",
            ),
            part(
                3,
                gpt::BASIC_DATA,
                PartitionSize::Rest { min_bytes: 1 << 20 },
                0,
                "Windows 启动",
            ),
            part(
                4,
                gpt::WINDOWS_RECOVERY,
                PartitionSize::Bytes(5 << 20),
                gpt::attribute::REQUIRED | gpt::attribute::WINDOWS_NO_DRIVE_LETTER,
                "Recovery",
            ),
        ],
    }
}

fn disk_with(table: &GptTable) -> Vec<u8> {
    let mut disk = Cursor::new(vec![0xA5; table.size_bytes as usize]);
    gpt::wipe(&mut disk, table.size_bytes, table.sector_bytes).unwrap();
    table.write_backup(&mut disk).unwrap();
    table.write_primary(&mut disk).unwrap();
    disk.into_inner()
}

fn sgdisk(image: &Path, arguments: &[&str]) -> String {
    let Some(mut command) = testkit::tool("sgdisk") else {
        return String::new();
    };
    let output = testkit::run(command.args(arguments).arg(image));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn sgdisk_and_sfdisk_accept_our_table() {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("disk.img");
    let table = gpt::plan(&spec(64 << 20, 512)).unwrap();
    std::fs::write(&image, disk_with(&table)).unwrap();
    let report = sgdisk(&image, &["-v"]);
    assert!(report.contains("No problems found"), "{report}");
    for p in &table.partitions {
        let info = sgdisk(&image, &["-i", &p.number.to_string()]);
        let guid = p.guid.to_string().to_uppercase();
        for wanted in [
            format!("Partition unique GUID: {guid}"),
            format!("First sector: {} ", p.first_lba),
            format!("Last sector: {} ", p.last_lba),
            format!("Attribute flags: {:016X}", p.attributes),
            format!("Partition name: '{}'", p.name),
        ] {
            assert!(info.contains(&wanted), "{wanted} in\n{info}");
        }
    }
    let Some(mut sfdisk) = testkit::tool("sfdisk") else {
        return;
    };
    let json = testkit::run(sfdisk.arg("-J").arg(&image));
    let json = String::from_utf8(json.stdout).unwrap();
    assert!(
        json.contains(&format!(
            "\"id\": \"{}\"",
            table.disk_guid.to_string().to_uppercase()
        )),
        "{json}"
    );
    for p in &table.partitions {
        assert!(json.contains(&format!("\"start\": {}", p.first_lba)), "{json}");
        assert!(
            json.contains(&format!("\"size\": {}", p.sector_count())),
            "{json}"
        );
        assert!(json.contains(&p.type_guid.to_string().to_uppercase()), "{json}");
    }
    assert!(
        testkit::run(testkit::tool("sfdisk").unwrap().arg("--verify").arg(&image))
            .status
            .success()
    );
}

#[test]
fn the_gpt_crate_reads_both_sector_sizes() {
    for (sector, block) in [
        (512, ::gpt::disk::LogicalBlockSize::Lb512),
        (4096, ::gpt::disk::LogicalBlockSize::Lb4096),
    ] {
        let table = gpt::plan(&spec(64 << 20, sector)).unwrap();
        let disk = Cursor::new(disk_with(&table));
        let foreign = ::gpt::GptConfig::new()
            .writable(false)
            .logical_block_size(block)
            .open_from_device(disk)
            .unwrap();
        assert_eq!(foreign.guid().to_string(), table.disk_guid.to_string());
        assert_eq!(foreign.partitions().len(), table.partitions.len());
        for p in &table.partitions {
            let q = &foreign.partitions()[&p.number];
            assert_eq!(
                (q.first_lba, q.last_lba, q.flags),
                (p.first_lba, p.last_lba, p.attributes)
            );
            assert_eq!(
                (q.name.as_str(), q.part_guid.to_string()),
                (p.name.as_str(), p.guid.to_string())
            );
            assert_eq!(q.part_type_guid.guid.to_string(), p.type_guid.to_string());
        }
        assert_eq!(
            foreign.primary_header().unwrap().first_usable,
            table.first_usable_lba
        );
        assert_eq!(
            foreign.backup_header().unwrap().last_usable,
            table.last_usable_lba
        );
    }
}

#[test]
fn we_read_what_sgdisk_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("disk.img");
    std::fs::write(&image, vec![0; 32 << 20]).unwrap();
    sgdisk(
        &image,
        &[
            "-U",
            "6C5B1B3A-93C5-4F4E-9A19-30A5A4C0D5A0",
            "-n",
            "1:2048:+4M",
            "-t",
            "1:EF00",
            "-c",
            "1:boot ünï",
            "-A",
            "1:set:63",
            "-n",
            "7:0:0",
            "-t",
            "7:0700",
        ],
    );
    let bytes = std::fs::read(&image).unwrap();
    let found = gpt::read(&mut Cursor::new(&bytes), None, &Limits::default()).unwrap();
    assert_eq!(
        (found.used, found.findings.as_slice()),
        (GptCopy::Primary, [].as_slice())
    );
    let table = found.table;
    assert_eq!(
        table.disk_guid.to_string(),
        "6c5b1b3a-93c5-4f4e-9a19-30a5a4c0d5a0"
    );
    assert_eq!(
        table.partitions.iter().map(|p| p.number).collect::<Vec<_>>(),
        [1, 7]
    );
    let first = table.partition(1).unwrap();
    assert_eq!((first.first_lba, first.sector_count()), (2048, 8192));
    assert_eq!((first.name.as_str(), first.attributes), ("boot ünï", 1 << 63));
    assert_eq!(
        (first.type_guid, table.partition(7).unwrap().type_guid),
        (gpt::EFI_SYSTEM, gpt::BASIC_DATA)
    );
    // Same data, same bytes as sgdisk wrote: both copies of the table.
    let ours = table.encode().unwrap();
    assert_eq!(ours.primary_head[512..], bytes[512..1024]);
    assert_eq!(ours.primary_entries, bytes[1024..34 * 512]);
    assert_eq!(ours.backup, bytes[ours.backup_at as usize..]);
}

#[test]
fn real_disks_are_read_as_sfdisk_reads_them() {
    for name in [
        "dfvfs-gpt.raw.xz",
        "dfvfs-gpt_non_sequential.raw.xz",
        "gpt.img.xz",
    ] {
        let Some(bytes) = testkit::sample(&format!("partition/{name}")) else {
            return;
        };
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("disk.img");
        std::fs::write(&image, &bytes).unwrap();
        let found = gpt::read(&mut Cursor::new(&bytes), None, &Limits::default()).unwrap();
        let Some(mut sfdisk) = testkit::tool("sfdisk") else {
            return;
        };
        let json = String::from_utf8(testkit::run(sfdisk.arg("-J").arg(&image)).stdout).unwrap();
        assert!(!found.table.partitions.is_empty(), "{name}");
        assert_eq!(
            json.matches("\"start\"").count(),
            found.table.partitions.len(),
            "{name}\n{json}"
        );
        for p in &found.table.partitions {
            for wanted in [
                format!("\"start\": {},", p.first_lba),
                format!("\"size\": {},", p.sector_count()),
                format!("\"uuid\": \"{}\"", p.guid.to_string().to_uppercase()),
            ] {
                assert!(json.contains(&wanted), "{name}: {wanted} in\n{json}");
            }
        }
    }
}

//! Disks: the table, and the volume in each partition.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};

use partitioner::Window;
use partitioner::gpt;

use super::volumes::{at_boot_sector, damaged};
use super::{HEAD_BYTES, Thing};

/// A GPT disk.
pub(super) fn gpt(mut file: File) -> Thing {
    let thing = Thing::new("gpt-disk", "disk with a GUID partition table");
    let found = match gpt::read(&mut file, None, &partitioner::Limits::default()) {
        Ok(found) => found,
        Err(error) => return damaged(thing, &error),
    };
    let table = &found.table;
    let mut thing = thing
        .fact("disk_guid", table.disk_guid.to_string())
        .fact("sector_bytes", table.sector_bytes);
    thing
        .problems
        .extend(found.findings.iter().map(|finding| finding.message.clone()));
    for partition in &table.partitions {
        let type_name = gpt::type_name(partition.type_guid).unwrap_or("unknown type");
        let (first_byte, size_bytes) = (
            partition.first_byte(table.sector_bytes),
            partition.size_bytes(table.sector_bytes),
        );
        let mut child = Thing::new("partition", format!("{} ({type_name})", partition.name))
            .fact("number", partition.number)
            .fact("guid", partition.guid.to_string())
            .fact("type_guid", partition.type_guid.to_string())
            .fact("first_lba", partition.first_lba)
            .fact("last_lba", partition.last_lba)
            .fact("size_bytes", size_bytes);
        child.children.extend(volume(&file, first_byte, size_bytes));
        thing.children.push(child);
    }
    thing
}

fn volume(file: &File, first_byte: u64, size_bytes: u64) -> Option<Thing> {
    let window = || {
        Some(Window::new(
            BufReader::new(file.try_clone().ok()?),
            first_byte,
            size_bytes,
        ))
    };
    let mut head = Vec::new();
    let mut reader = window()?;
    reader.seek(SeekFrom::Start(0)).ok()?;
    reader.take(HEAD_BYTES as u64).read_to_end(&mut head).ok()?;
    at_boot_sector(&head, || {
        window().ok_or_else(|| crate::Error::Unsupported("the file cannot be opened again".to_owned()))
    })
}

/// A disk with an MBR, or nothing that is known.
pub(super) fn mbr_or_unknown(mut file: File, head: &[u8]) -> Thing {
    if head.get(510..512) != Some(&[0x55, 0xaa]) {
        return Thing::new("unknown", "nothing that is known here");
    }
    let thing = Thing::new("mbr-disk", "disk with a master boot record");
    match partitioner::mbr::read(&mut file, 512, &partitioner::Limits::default()) {
        Ok(table) => {
            let mut thing = thing.fact("disk_signature", format!("{:08x}", table.disk_signature));
            for partition in &table.partitions {
                let (first_byte, size_bytes) = (partition.first_lba * 512, partition.sector_count * 512);
                let mut child = Thing::new("partition", format!("type {:#04x}", partition.type_byte))
                    .fact("number", partition.number)
                    .fact("first_lba", partition.first_lba)
                    .fact("size_bytes", size_bytes);
                child.children.extend(volume(&file, first_byte, size_bytes));
                thing.children.push(child);
            }
            thing
        }
        Err(error) => damaged(thing, &error),
    }
}

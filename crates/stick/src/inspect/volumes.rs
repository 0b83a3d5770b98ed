//! Volumes, recognised by their boot sector.

use std::io::{Read, Seek};

use super::Thing;
use wim_apply::path::label_to_text;

/// The volume whose boot sector starts `head`, if it is one; `reopen` gives a reader of the whole volume.
pub(super) fn at_boot_sector<R: Read + Seek>(
    head: &[u8],
    reopen: impl FnOnce() -> crate::Result<R>,
) -> Option<Thing> {
    let has = |at: usize, magic: &[u8]| head.get(at..at + magic.len()) == Some(magic);
    if has(3, b"NTFS    ") {
        return Some(match reopen() {
            Ok(reader) => ntfs(reader),
            Err(error) => damaged(Thing::new("ntfs", "NTFS volume"), &error),
        });
    }
    if has(3, b"-FVE-FS-") {
        return Some(Thing::new("bitlocker", "BitLocker encrypted volume"));
    }
    if has(3, b"EXFAT   ") {
        return Some(Thing::new("exfat", "exFAT volume"));
    }
    let kind = if has(82, b"FAT32   ") {
        "FAT32"
    } else if has(54, b"FAT16   ") {
        "FAT16"
    } else if has(54, b"FAT12   ") {
        "FAT12"
    } else {
        return None;
    };
    let title = format!("{kind} volume");
    Some(match reopen() {
        Ok(reader) => fat(reader, title),
        Err(error) => damaged(Thing::new("fat", title), &error),
    })
}

pub(super) fn damaged(mut thing: Thing, error: &dyn std::error::Error) -> Thing {
    thing.problems.push(error.to_string());
    thing
}

fn ntfs<R: Read + Seek>(reader: R) -> Thing {
    let thing = Thing::new("ntfs", "NTFS volume");
    let mut volume = match ntfs_image::read::Volume::open(reader, &ntfs_image::Limits::default()) {
        Ok(volume) => volume,
        Err(error) => return damaged(thing, &error),
    };
    let boot = *volume.boot();
    let thing = thing
        .fact("cluster_bytes", boot.cluster_bytes)
        .fact("mft_record_bytes", boot.record_bytes)
        .fact("mft_records", volume.record_count())
        .fact("serial", format!("{:016x}", boot.serial));
    match volume.information() {
        Ok(info) => thing
            .fact("label", label_to_text(&info.label))
            .fact("version", format!("{}.{}", info.version.0, info.version.1))
            .fact("dirty", info.flags & 1 != 0),
        Err(error) => damaged(thing, &error),
    }
}

fn fat<R: Read + Seek>(reader: R, title: String) -> Thing {
    let thing = Thing::new("fat", title);
    match partitioner::fat32::open(reader, partitioner::Limits::default())
        .and_then(|mut volume| volume.info())
    {
        Ok(info) => thing
            .maybe("label", info.label)
            .fact("cluster_bytes", info.cluster_bytes)
            .maybe("serial", info.volume_id.map(|id| format!("{id:08x}"))),
        Err(error) => damaged(thing, &error),
    }
}

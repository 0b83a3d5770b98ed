//! The EFI system partition: boot files, and a boot store that names this disk's partitions.

use std::io::{Read, Seek};

use bootcfg::bcd::device::{DiskId, PartitionId};
use bootcfg::bcd::{Device, Store, element_ids, object_ids};
use ntfs_image::read::Volume;
use partitioner::fat32::{self, FatVolume};

use super::VerifyReport;
use super::disk::{PartitionWindow, Stick};
use crate::boot::BCD_PATH;
use crate::{Error, Prepared, Result};

/// Checks the partition.
pub(super) fn check<R: Read + Seek>(
    stick: &Stick,
    against: Option<&Prepared>,
    windows: &mut Volume<R>,
    report: &mut VerifyReport,
) -> Result<()> {
    let mut fat =
        fat32::open(stick.esp_window()?, partitioner::Limits::default()).map_err(Error::Partitioner)?;
    let fallback = ["bootx64.efi", "bootaa64.efi", "bootia32.efi", "bootarm.efi"]
        .into_iter()
        .map(|name| format!("\\EFI\\Boot\\{name}"))
        .find_map(|path| read(&mut fat, &path));
    for finding in fat.check().map_err(Error::Partitioner)? {
        report.add("fat", "EFI system partition", &finding.message);
    }
    if fallback.is_none() {
        report.add(
            "boot-file-missing",
            "\\EFI\\Boot",
            "no program for firmware to start",
        );
    }
    match read(&mut fat, BCD_PATH) {
        None => report.add(
            "boot-file-missing",
            BCD_PATH,
            "the boot store is missing or cannot be read",
        ),
        Some(bytes) => store(stick, &bytes, windows, report),
    }
    for (path, expected) in against.iter().flat_map(|prepared| &prepared.boot.contents) {
        if path == BCD_PATH {
            // It names this stick's own partitions; checked above.
            continue;
        }
        report.files_compared += 1;
        report.bytes_compared += expected.len() as u64;
        match read(&mut fat, path) {
            None => report.add("missing", path, "not on the EFI system partition"),
            Some(found) if found != **expected => {
                report.add("data-differs", path, "other bytes than in the image");
            }
            Some(_) => {}
        }
    }
    Ok(())
}

fn read(fat: &mut FatVolume<PartitionWindow>, path: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let entry = fat.entry(path).ok()?;
    fat.open_file(&entry).ok()?.read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// The default entry must lead to a loader on this disk's Windows partition.
fn store<R: Read + Seek>(stick: &Stick, bytes: &[u8], windows: &mut Volume<R>, report: &mut VerifyReport) {
    let mut bad = |message: String| report.add("boot-store", BCD_PATH, message);
    let store = match Store::read(bytes, &regf_hive::Limits::default()) {
        Ok(store) => store,
        Err(error) => return bad(error.to_string()),
    };
    let Some(loader) = store.default_entry().and_then(|id| store.objects.get(&id)) else {
        return bad("has no default entry".to_owned());
    };
    let (Ok(esp), Ok(partition)) = (stick.esp(), stick.windows()) else {
        return;
    };
    let disk = stick.table.disk_guid;
    let names = |device: Option<&Device>, guid| {
        matches!(device, Some(Device::Partition(found))
            if found.partition == PartitionId::Guid(guid) && found.disk == DiskId::Guid(disk))
    };
    for (element, what) in [
        (element_ids::DEVICE, "device"),
        (element_ids::OS_DEVICE, "osdevice"),
    ] {
        if !names(loader.device(element), partition.guid) {
            bad(format!(
                "the default entry's {what} is not this disk's Windows partition {}",
                partition.guid
            ));
        }
    }
    let manager = store.objects.get(&object_ids::BOOT_MANAGER);
    if !names(
        manager.and_then(|manager| manager.device(element_ids::DEVICE)),
        esp.guid,
    ) {
        bad(format!(
            "the boot manager's device is not this disk's EFI system partition {}",
            esp.guid
        ));
    }
    match loader.string(element_ids::PATH) {
        None => bad("the default entry names no loader".to_owned()),
        Some(path) => {
            if let Err(error) = windows.lookup(path) {
                bad(format!(
                    "the loader {path} is not on the Windows partition: {error}"
                ));
            }
        }
    }
}

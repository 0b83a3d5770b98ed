//! The EFI system partition: boot files, and a boot store that names this disk's partitions.

use std::collections::HashMap;
use std::io::{Read, Seek};

use bootcfg::bcd::device::{DiskId, PartitionId};
use bootcfg::bcd::{Device, Element, LoaderIds, Store, element_ids, object_ids};
use ntfs_image::read::Volume;
use partitioner::fat32::{self, FatVolume, PlannedEntry};

use super::disk::{PartitionWindow, Stick};
use super::{ESP, Expected, VerifyReport};
use crate::boot::{self, BCD_PATH};
use crate::{Prepared, Result};

/// Files that firmware or Windows may add.
const RUNTIME_FILES: [&str; 5] = [
    "BCD.LOG",
    "BCD.LOG1",
    "BCD.LOG2",
    "BOOTSTAT.DAT",
    "WPSettings.dat",
];

/// Checks the partition.
pub(super) fn check<R: Read + Seek>(
    stick: &Stick<'_>,
    expected: Expected<'_>,
    windows: Option<&mut Volume<R>>,
    report: &mut VerifyReport,
) -> Result<()> {
    let against = expected.content;
    let mut fat = match fat32::open(stick.esp_window()?, partitioner::Limits::default()) {
        Ok(fat) => fat,
        Err(error) => {
            report.add("fat", ESP, error);
            return Ok(());
        }
    };
    match fat.check() {
        Ok(findings) => findings
            .iter()
            .for_each(|finding| report.add("fat", ESP, &finding.message)),
        Err(error) => report.add("fat", ESP, error),
    }
    if let (Some(seed), Ok(info)) = (expected.seed, fat.info()) {
        let expected = boot::volume_id(seed);
        if info.volume_id != Some(expected) {
            let found = info.volume_id.unwrap_or_default();
            report.add(
                "fat",
                ESP,
                format_args!("serial number {found:08x}, expected {expected:08x}"),
            );
        }
    }
    let fallback = ["bootx64.efi", "bootaa64.efi", "bootia32.efi", "bootarm.efi"]
        .into_iter()
        .find_map(|name| read(&mut fat, &format!("\\EFI\\Boot\\{name}")));
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
        Some(bytes) => store(stick, &bytes, against, windows, report),
    }
    let Some(prepared) = against else { return Ok(()) };
    let contents = &prepared.boot.contents;
    for (path, expected) in contents.iter().filter(|(path, _)| path != BCD_PATH) {
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
    entries(&mut fat, prepared, report);
    Ok(())
}

/// Names, attributes and times of everything on the volume.
fn entries(fat: &mut FatVolume<PartitionWindow<'_>>, prepared: &Prepared, report: &mut VerifyReport) {
    let store = BCD_PATH
        .trim_start_matches('\\')
        .replace('\\', "/")
        .to_lowercase();
    let mut planned: HashMap<String, PlannedEntry> = prepared
        .esp
        .entries()
        .into_iter()
        .map(|entry| (entry.path.to_lowercase(), entry))
        .collect();
    let walked = fat.walk(|path, found| {
        let name = path.rsplit('/').next().unwrap_or_default();
        let is_runtime = RUNTIME_FILES.iter().any(|file| file.eq_ignore_ascii_case(name));
        let key = path.to_lowercase();
        let place = format!("\\{}", path.replace('/', "\\"));
        match planned.remove(&key) {
            None if found.is_directory() || is_runtime => {}
            None => report.add(
                "extra",
                place,
                "on the EFI system partition, and not in the image",
            ),
            // Whatever is booted writes to the store.
            Some(_) if key == store => {}
            Some(expected) => {
                if found.attributes != expected.attributes {
                    let (found, expected) = (found.attributes.0, expected.attributes.0);
                    let message = format!("attributes {found:#x}, expected {expected:#x}");
                    report.add("metadata-differs", &place, message);
                }
                // Whoever reads a file may set its access date.
                let times = [
                    ("creation time", found.times.created, expected.times.created),
                    ("modification time", found.times.modified, expected.times.modified),
                ];
                for (what, found, expected) in times {
                    if found != expected {
                        let (found, expected) = (found.to_text(), expected.to_text());
                        let message = format!("{what} {found}, expected {expected}");
                        report.add("metadata-differs", &place, message);
                    }
                }
            }
        }
        Ok(())
    });
    if let Err(error) = walked {
        report.add("fat", ESP, error);
    }
}

fn read(fat: &mut FatVolume<PartitionWindow<'_>>, path: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let entry = fat.entry(path).ok()?;
    fat.open_file(&entry).ok()?.read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// The default entry must lead to a loader on this disk's Windows partition.
fn store<R: Read + Seek>(
    stick: &Stick<'_>,
    bytes: &[u8],
    against: Option<&Prepared>,
    windows: Option<&mut Volume<R>>,
    report: &mut VerifyReport,
) {
    let mut bad = |message: String| report.add("boot-store", BCD_PATH, message);
    let store = match Store::read(bytes, &regf_hive::Limits::default()) {
        Ok(store) => store,
        Err(error) => return bad(error.to_string()),
    };
    let entry = store
        .default_entry()
        .and_then(|id| Some((id, store.objects.get(&id)?)));
    let Some((loader_id, loader)) = entry else {
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
    match (loader.string(element_ids::PATH), windows) {
        (None, _) => bad("the default entry names no loader".to_owned()),
        (Some(_), None) => {}
        (Some(path), Some(windows)) => {
            if let Err(error) = windows.lookup(path) {
                bad(format!(
                    "the loader {path} is not on the Windows partition: {error}"
                ));
            }
        }
    }
    let Some(prepared) = against else { return };
    let resume = match loader.elements.get(&element_ids::DEFAULT_OR_RESUME) {
        Some(Element::Object(id)) => *id,
        _ => return bad("the default entry names no resume object".to_owned()),
    };
    let ids = LoaderIds {
        loader: loader_id,
        resume,
    };
    let expected = prepared.boot.store.build(disk, esp.guid, partition.guid, ids);
    for (id, object) in &expected.objects {
        match store.objects.get(id) {
            None => bad(format!("object {{{id}}} is missing")),
            Some(found) => {
                let differing = object
                    .elements
                    .iter()
                    .filter(|(element, value)| found.elements.get(element) != Some(value));
                let added = found
                    .elements
                    .keys()
                    .filter(|element| !object.elements.contains_key(element));
                for element in differing.map(|(element, _)| element).chain(added) {
                    bad(format!(
                        "element {element:08x} of object {{{id}}} is not as a new stick has it"
                    ));
                }
            }
        }
    }
    for id in store
        .objects
        .keys()
        .filter(|id| !expected.objects.contains_key(id))
    {
        bad(format!("object {{{id}}} is not in the store of a new stick"));
    }
}

//! Looking at the machine: sysfs, mountinfo, swaps, udev's database, by-id links.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::model::{Device, DeviceKind, Mount, Transport};
use super::parse::{DeviceNumber, MountLine, parse_mountinfo, parse_swaps, printable, udev_property};
use crate::error::{Error, Result};

/// Holders of holders of holders: no real stack is deeper.
const MAX_STACK: usize = 64;

/// The machine, or a folder with the same files under it.
#[derive(Clone, Debug)]
pub struct Host {
    root: PathBuf,
}

impl Default for Host {
    fn default() -> Self {
        Self::at("/")
    }
}

/// What is looked up once for all devices.
struct Tables {
    mounts: Vec<MountLine>,
    swaps: Vec<String>,
    /// Link name and device name.
    by_id: Vec<(String, String)>,
    /// File system identity and device name.
    btrfs: Vec<(String, String)>,
}

/// A device, its partitions and holders.
#[derive(Default)]
struct Stack {
    names: BTreeSet<String>,
    /// Other names of the same: `/dev/mapper/x`.
    paths: Vec<String>,
    numbers: Vec<DeviceNumber>,
    holders: BTreeSet<String>,
}

impl Host {
    /// A machine whose `/sys`, `/proc`, `/dev` and `/run` lie under `root`.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Every whole disk and loop device, sorted by name. Loop devices without a file, and what has no size (an
    /// empty card slot), are left out.
    ///
    /// # Errors
    /// `Io` when `/sys/block` or `/proc/self/mountinfo` cannot be read: without them nothing is known to be safe.
    pub fn devices(&self) -> Result<Vec<Device>> {
        let tables = self.tables()?;
        let folder = self.root.join("sys/block");
        let entries = fs::read_dir(&folder).map_err(Error::path("list", &folder))?;
        let mut devices = Vec::new();
        for entry in entries {
            let entry = entry.map_err(Error::path("list", &folder))?;
            // A device may go away while the list is read.
            if let Some(device) = self.device(&entry.file_name().to_string_lossy(), &tables)
                && device.size_bytes > 0
                && matches!(device.kind, DeviceKind::Disk | DeviceKind::Loop)
            {
                devices.push(device);
            }
        }
        devices.sort_by(|a, b| a.name.len().cmp(&b.name.len()).then_with(|| a.name.cmp(&b.name)));
        Ok(devices)
    }

    /// One block device by number, of whatever kind.
    ///
    /// # Errors
    /// `NotFound` when there is none; `Io` as for [`devices`](Self::devices).
    pub fn device_by_number(&self, number: DeviceNumber) -> Result<Device> {
        let not_found = || Error::NotFound {
            what: "block device",
            name: number.to_string(),
        };
        let link = self.root.join("sys/dev/block").join(number.to_string());
        let folder = fs::canonicalize(&link).map_err(|_| not_found())?;
        let name = folder
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .ok_or_else(not_found)?;
        self.device(&name, &self.tables()?).ok_or_else(not_found)
    }

    /// Numbers of the block devices on which a file lies, or which it is. A file on btrfs counts as lying on every
    /// device of that name in mountinfo.
    ///
    /// # Errors
    /// `Io` when the file is not there or mountinfo cannot be read.
    pub fn devices_of_file(&self, path: &Path) -> Result<Vec<DeviceNumber>> {
        use std::os::unix::fs::FileTypeExt;
        let metadata = fs::metadata(path).map_err(Error::path("look at", path))?;
        if metadata.file_type().is_block_device() {
            return Ok(vec![DeviceNumber::from_raw(metadata.rdev())]);
        }
        let number = DeviceNumber::from_raw(metadata.dev());
        let mut numbers = vec![number];
        for mount in self.tables()?.mounts {
            if mount.number == number
                && mount.source.starts_with("/dev/")
                && let Ok(node) = fs::metadata(self.root.join(mount.source.trim_start_matches('/')))
                && node.file_type().is_block_device()
            {
                numbers.push(DeviceNumber::from_raw(node.rdev()));
            }
        }
        Ok(numbers)
    }

    /// Whether a file is in use as a loop device or as swap, and as what.
    pub(super) fn use_of_file(&self, path: &Path) -> Result<Option<String>> {
        let path = fs::canonicalize(path).map_err(Error::path("look at", path))?;
        let tables = self.tables()?;
        if tables.swaps.iter().any(|swap| Path::new(swap) == path) {
            return Ok(Some("swap".into()));
        }
        let used = self
            .devices()?
            .into_iter()
            .find(|d| d.backing_file.as_deref() == Some(&path));
        Ok(used.map(|d| d.path.display().to_string()))
    }

    fn tables(&self) -> Result<Tables> {
        let mountinfo = self.root.join("proc/self/mountinfo");
        let mounts = fs::read(&mountinfo).map_err(Error::path("read", &mountinfo))?;
        // Not there on a kernel without swap.
        let swaps = fs::read(self.root.join("proc/swaps")).unwrap_or_default();
        let mut by_id: Vec<(String, String)> = names_in(&self.root.join("dev/disk/by-id"))
            .into_iter()
            .filter_map(|link| {
                let target = fs::read_link(self.root.join("dev/disk/by-id").join(&link)).ok()?;
                Some((link, target.file_name()?.to_string_lossy().into_owned()))
            })
            .collect();
        by_id.sort();
        let btrfs_folder = self.root.join("sys/fs/btrfs");
        let btrfs = names_in(&btrfs_folder)
            .into_iter()
            .flat_map(|id| {
                names_in(&btrfs_folder.join(&id).join("devices"))
                    .into_iter()
                    .map(move |device| (id.clone(), device))
            })
            .collect();
        Ok(Tables {
            mounts: parse_mountinfo(&String::from_utf8_lossy(&mounts)),
            swaps: parse_swaps(&String::from_utf8_lossy(&swaps)),
            by_id,
            btrfs,
        })
    }

    fn device(&self, name: &str, tables: &Tables) -> Option<Device> {
        let folder = self.folder(name)?;
        let number = DeviceNumber::parse(&text(&folder, "dev")?)?;
        let mut stack = Stack::default();
        self.collect(name, &mut stack, 0);
        for (id, device) in &tables.btrfs {
            if stack.names.contains(device) {
                stack.holders.insert(format!("btrfs {id}"));
            }
        }
        let kind = kind_of(name, &folder);
        let transport = self.transport(name, kind, &folder);
        let read = |file: &str| text(&folder, file);
        let flag = |file: &str| read(file).is_some_and(|v| v != "0");
        let udev = text(&self.root, &format!("run/udev/data/b{number}")).unwrap_or_default();
        let usb = usb_folder(&folder);
        let serial = udev_property(&udev, "ID_SERIAL_SHORT")
            .map(str::to_owned)
            .or_else(|| text(usb.as_deref()?, "serial"))
            .or_else(|| read("device/serial"))
            .or_else(|| read("serial"));
        let model = [
            read("device/vendor").filter(|v| !v.starts_with("0x")),
            read("device/model").or_else(|| read("device/name")),
        ];
        let model = model.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let some = |s: String| Some(printable(&s)).filter(|s| !s.is_empty());
        Some(Device {
            name: name.to_owned(),
            path: Path::new("/dev").join(name.replace('!', "/")),
            number,
            kind,
            by_id: tables
                .by_id
                .iter()
                .filter(|(_, device)| device == name)
                .map(|(link, _)| link.clone())
                .collect(),
            model: some(model),
            serial: serial.and_then(some),
            // In units of 512 bytes whatever the sector is.
            size_bytes: read("size")?.parse::<u64>().ok()?.checked_mul(512)?,
            logical_sector_bytes: read("queue/logical_block_size")
                .and_then(|v| v.parse().ok())
                .unwrap_or(512),
            physical_sector_bytes: read("queue/physical_block_size")
                .and_then(|v| v.parse().ok())
                .unwrap_or(512),
            removable: flag("removable"),
            transport,
            read_only: flag("ro"),
            mounts: mounts_of(&stack, tables),
            swaps: tables
                .swaps
                .iter()
                .filter(|swap| stack.is(swap))
                .cloned()
                .collect(),
            holders: stack.holders.into_iter().collect(),
            partitions: partitions_in(&folder),
            backing_file: raw_text(&folder, "loop/backing_file").map(PathBuf::from),
            diskseq: read("diskseq").and_then(|v| v.parse().ok()),
            members: stack.numbers,
        })
    }

    fn folder(&self, name: &str) -> Option<PathBuf> {
        // `class/block` knows partitions and holders too; `block` serves where only that is there.
        ["sys/class/block", "sys/block"]
            .iter()
            .find_map(|base| fs::canonicalize(self.root.join(base).join(name)).ok())
    }

    /// Adds a device, its partitions and whatever holds any of them.
    fn collect(&self, name: &str, stack: &mut Stack, depth: usize) {
        if depth > MAX_STACK || !stack.names.insert(name.to_owned()) {
            return;
        }
        let Some(folder) = self.folder(name) else { return };
        stack
            .numbers
            .extend(text(&folder, "dev").and_then(|v| DeviceNumber::parse(&v)));
        if let Some(mapped) = text(&folder, "dm/name") {
            stack.paths.push(format!("/dev/mapper/{mapped}"));
        }
        for partition in partitions_in(&folder) {
            self.collect(&partition, stack, depth + 1);
        }
        for holder in names_in(&folder.join("holders")) {
            self.collect(&holder, stack, depth + 1);
            stack.holders.insert(holder);
        }
    }

    fn transport(&self, name: &str, kind: DeviceKind, folder: &Path) -> Transport {
        if kind == DeviceKind::Loop {
            return Transport::Loop;
        }
        let root = fs::canonicalize(&self.root).unwrap_or_else(|_| self.root.clone());
        let inside = folder.strip_prefix(&root).unwrap_or(folder);
        let on = |bus: &str| {
            inside.components().any(|part| {
                let part = part.as_os_str().to_string_lossy();
                part.strip_prefix(bus)
                    .is_some_and(|number| number.starts_with(|c: char| c.is_ascii_digit()))
            })
        };
        if on("usb") {
            Transport::Usb
        } else if name.starts_with("nvme") || on("nvme") {
            Transport::Nvme
        } else if on("mmc") {
            match text(folder, "device/type").as_deref() {
                Some("SD") => Transport::SdCard,
                _ => Transport::Emmc,
            }
        } else if on("ata") {
            Transport::Ata
        } else if on("virtio") {
            Transport::Virtio
        } else {
            Transport::Other
        }
    }
}

impl Stack {
    /// Whether a path names one of the stack's devices.
    fn is(&self, path: &str) -> bool {
        self.paths.iter().any(|known| known == path)
            || path
                .strip_prefix("/dev/")
                .is_some_and(|name| self.names.contains(&name.replace('/', "!")))
    }
}

fn mounts_of(stack: &Stack, tables: &Tables) -> Vec<Mount> {
    tables
        .mounts
        .iter()
        .filter(|line| stack.numbers.contains(&line.number) || stack.is(&line.source))
        .map(|line| Mount {
            device: printable(&line.source),
            mount_point: printable(&line.mount_point),
        })
        .collect()
}

fn kind_of(name: &str, folder: &Path) -> DeviceKind {
    let starts = |prefixes: &[&str]| prefixes.iter().any(|p| name.starts_with(p));
    if folder.join("partition").exists() {
        DeviceKind::Partition
    } else if name.starts_with("loop") {
        DeviceKind::Loop
    } else if starts(&[
        "dm-", "md", "ram", "zram", "sr", "fd", "nbd", "drbd", "bcache", "mtdblock", "zd",
    ]) || text(folder, "hidden").is_some_and(|v| v == "1")
        || (name.starts_with("mmcblk") && (name.contains("boot") || name.contains("rpmb")))
    {
        DeviceKind::Other
    } else {
        DeviceKind::Disk
    }
}

/// The USB device that a disk hangs on: the nearest folder above with a vendor number.
fn usb_folder(folder: &Path) -> Option<PathBuf> {
    folder
        .ancestors()
        .find(|above| above.join("idVendor").exists())
        .map(Path::to_path_buf)
}

fn partitions_in(folder: &Path) -> Vec<String> {
    names_in(folder)
        .into_iter()
        .filter(|name| folder.join(name).join("partition").exists())
        .collect()
}

/// Names in a folder, sorted; none when it is not there.
fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// A file's text without white space at its ends; `None` when it is empty or not there.
fn text(folder: &Path, file: &str) -> Option<String> {
    raw_text(folder, file)
        .map(|t| t.trim().to_owned())
        .filter(|t| !t.is_empty())
}

/// A file's text without the last line feed.
fn raw_text(folder: &Path, file: &str) -> Option<String> {
    let bytes = fs::read(folder.join(file)).ok()?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Some(text.strip_suffix('\n').map_or(text.clone(), str::to_owned))
}

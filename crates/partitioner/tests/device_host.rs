//! Device listing and policy on made-up machines.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use partitioner::device::{Device, DeviceKind, DeviceNumber, Host, Request, Transport, check, check_safe};

/// A folder that looks like a machine.
struct Machine(tempfile::TempDir);

impl Machine {
    fn new() -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        machine.file(
            "proc/self/mountinfo",
            "27 1 259:2 / / rw - ext4 /dev/nvme0n1p2 rw\n",
        );
        machine.file("proc/swaps", "Filename Type Size Used Priority\n");
        for folder in [
            "sys/block",
            "sys/class/block",
            "sys/dev/block",
            "dev/disk/by-id",
            "run/udev/data",
        ] {
            fs::create_dir_all(machine.0.path().join(folder)).unwrap();
        }
        machine.disk(
            "pci0000:00/0000:00:1d.0/nvme/nvme0",
            "nvme0n1",
            "259:0",
            &[("nvme0n1p1", "259:1"), ("nvme0n1p2", "259:2")],
        );
        machine
    }

    fn file(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn append(&self, path: &str, text: &str) {
        let old = fs::read_to_string(self.0.path().join(path)).unwrap();
        self.file(path, &(old + text));
    }

    fn link(&self, path: &str, to: &Path) {
        symlink(to, self.0.path().join(path)).unwrap();
    }

    /// A disk of 16 GiB below a bus folder, with its partitions.
    fn disk(&self, bus: &str, name: &str, number: &str, partitions: &[(&str, &str)]) {
        let base = format!("sys/devices/{bus}/block/{name}");
        for (file, text) in [
            ("size", "33554432\n"),
            ("removable", "0\n"),
            ("ro", "0\n"),
            ("diskseq", "9\n"),
            ("queue/logical_block_size", "512\n"),
            ("queue/physical_block_size", "4096\n"),
        ] {
            self.file(&format!("{base}/{file}"), text);
        }
        self.node(&base, name, number);
        self.link(&format!("sys/block/{name}"), &self.0.path().join(&base));
        for (partition, number) in partitions {
            let folder = format!("{base}/{partition}");
            self.file(&format!("{folder}/partition"), "1\n");
            self.file(&format!("{folder}/size"), "2048\n");
            self.node(&folder, partition, number);
        }
    }

    fn node(&self, folder: &str, name: &str, number: &str) {
        self.file(&format!("{folder}/dev"), &format!("{number}\n"));
        fs::create_dir_all(self.0.path().join(folder).join("holders")).unwrap();
        self.link(&format!("sys/class/block/{name}"), &self.0.path().join(folder));
        self.link(&format!("sys/dev/block/{number}"), &self.0.path().join(folder));
    }

    /// A USB stick `sdb` with two partitions, a serial number and a by-id link.
    fn stick() -> Self {
        let machine = Self::new();
        let usb = "pci0000:00/0000:00:14.0/usb2/2-1";
        let scsi = format!("{usb}/2-1:1.0/host6/target6:0:0/6:0:0:0");
        machine.file(&format!("sys/devices/{usb}/idVendor"), "0781\n");
        machine.file(&format!("sys/devices/{usb}/serial"), "4C530001\n");
        machine.file(&format!("sys/devices/{scsi}/vendor"), "SanDisk \n");
        machine.file(
            &format!("sys/devices/{scsi}/model"),
            "Ultra\u{1b}[31m Fit       \n",
        );
        machine.disk(&scsi, "sdb", "8:16", &[("sdb1", "8:17"), ("sdb2", "8:18")]);
        machine.link(
            &format!("sys/devices/{scsi}/block/sdb/device"),
            &machine.0.path().join("sys/devices").join(&scsi),
        );
        machine.link(
            "dev/disk/by-id/usb-SanDisk_Ultra_Fit_4C530001-0:0",
            Path::new("../../sdb"),
        );
        machine.link(
            "dev/disk/by-id/usb-SanDisk_Ultra_Fit_4C530001-0:0-part1",
            Path::new("../../sdb1"),
        );
        machine
    }

    fn host(&self) -> Host {
        Host::at(self.0.path())
    }

    fn get(&self, name: &str) -> Device {
        let list = self.host().devices().unwrap();
        list.into_iter().find(|d| d.name == name).unwrap()
    }

    fn codes(&self, name: &str, erase: Option<&str>) -> Vec<&'static str> {
        let all = self.host().devices().unwrap();
        let request = Request {
            erase,
            ..Request::default()
        };
        check(&self.get(name), &request, &all)
            .into_iter()
            .map(|f| f.code)
            .collect()
    }
}

const ID: &str = "usb-SanDisk_Ultra_Fit_4C530001-0:0";
const SDB: &str = "sys/devices/pci0000:00/0000:00:14.0/usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0/block/sdb";

#[test]
fn a_stick_is_described() {
    let machine = Machine::stick();
    let list = machine.host().devices().unwrap();
    assert_eq!(
        list.iter().map(|d| d.name.as_str()).collect::<Vec<_>>(),
        ["sdb", "nvme0n1"]
    );
    let stick = &list[0];
    assert_eq!(stick.path, Path::new("/dev/sdb"));
    assert_eq!((stick.kind, stick.transport), (DeviceKind::Disk, Transport::Usb));
    assert_eq!(stick.number, DeviceNumber { major: 8, minor: 16 });
    assert_eq!(stick.model.as_deref(), Some("SanDisk Ultra [31m Fit"));
    assert_eq!(stick.serial.as_deref(), Some("4C530001"));
    assert_eq!(
        (
            stick.size_bytes,
            stick.logical_sector_bytes,
            stick.physical_sector_bytes
        ),
        (16 << 30, 512, 4096)
    );
    assert_eq!(stick.by_id, [ID]);
    assert_eq!(stick.partitions, ["sdb1", "sdb2"]);
    assert_eq!(stick.diskseq, Some(9));
    assert!(stick.mounts.is_empty() && stick.holders.is_empty() && stick.swaps.is_empty());
    assert_eq!(list[1].transport, Transport::Nvme);
}

#[test]
fn only_the_right_name_opens_it() {
    let machine = Machine::stick();
    for name in [ID, "4C530001", &format!("/dev/disk/by-id/{ID}")] {
        assert_eq!(machine.codes("sdb", Some(name)), [""; 0], "{name}");
    }
    assert_eq!(machine.codes("sdb", None), ["not-named"]);
    for name in [
        "",
        "sdb",
        "/dev/sdb",
        "4C53000",
        "SanDisk",
        &format!("{ID}-part1"),
        "/dev/disk/by-id/",
    ] {
        assert_eq!(machine.codes("sdb", Some(name)), ["named-otherwise"], "{name}");
    }
    // A second disk with the same serial number: the number names neither.
    machine.disk("pci0000:00/0000:00:14.0/usb3/3-1", "sdc", "8:32", &[]);
    machine.file("run/udev/data/b8:32", "E:ID_SERIAL_SHORT=4C530001\n");
    assert_eq!(machine.codes("sdb", Some("4C530001")), ["ambiguous-name"]);
    assert_eq!(machine.codes("sdb", Some(ID)), [""; 0]);
    // No name at all.
    machine.disk("pci0000:00/0000:00:14.0/usb4/4-1", "sdd", "8:48", &[]);
    assert_eq!(machine.codes("sdd", Some("x")), ["no-name"]);
}

#[test]
fn the_bus_is_believed_before_the_flag() {
    let machine = Machine::stick();
    // removable is 0 on the stick: a USB SSD. It may be written.
    assert!(!machine.get("sdb").removable);
    assert_eq!(machine.codes("sdb", Some(ID)), [""; 0]);
    let disks = [
        ("pci0/ata3/host2", "sde", "0", false),
        ("pci0/ata3/host2", "sdf", "1", false),
        ("pci0/nvme/nvme1", "nvme1n1", "1", false),
        ("pci0/host9/target9", "sdg", "0", false),
        ("pci0/host9/target9", "sdh", "1", true),
        ("pci0/virtio4", "vdb", "0", false),
    ];
    for (minor, (bus, name, removable, allowed)) in (100..).zip(disks) {
        machine.disk(bus, name, &format!("8:{minor}"), &[]);
        machine.file(&format!("sys/devices/{bus}/block/{name}/removable"), removable);
        let safe = check_safe(&machine.get(name), &Request::default());
        assert_eq!(safe.is_empty(), allowed, "{name}: {safe:?}");
    }
    for (kind, allowed) in [("SD", true), ("MMC", false)] {
        let (bus, name) = (
            format!("platform/mmc_host/mmc{}/mmc0:1", kind.len()),
            format!("mmcblk{}", kind.len()),
        );
        machine.disk(&bus, &name, &format!("179:{}", kind.len()), &[]);
        machine.file(&format!("sys/devices/{bus}/block/{name}/device/type"), kind);
        assert_eq!(
            check_safe(&machine.get(&name), &Request::default()).is_empty(),
            allowed,
            "{kind}"
        );
    }
}

#[test]
fn the_system_disk_is_refused_whatever_it_is_called() {
    let machine = Machine::stick();
    machine.file("run/udev/data/b259:0", "E:ID_SERIAL_SHORT=S5\n");
    assert_eq!(
        machine.codes("nvme0n1", Some("S5")),
        ["not-removable", "system-disk"]
    );
    // A system that runs from the stick, through LVM on encryption on its second partition.
    machine.file(
        "proc/self/mountinfo",
        "27 1 253:1 / / rw - ext4 /dev/mapper/vg-root rw\n",
    );
    for (name, number) in [("dm-0", "253:0"), ("dm-1", "253:1")] {
        machine.node(&format!("sys/devices/virtual/block/{name}"), name, number);
    }
    machine.file(&format!("{SDB}/sdb2/holders/dm-0"), "");
    machine.file("sys/devices/virtual/block/dm-0/holders/dm-1", "");
    assert_eq!(machine.codes("sdb", Some(ID)), ["system-disk", "held"]);
    assert_eq!(machine.get("sdb").holders, ["dm-0", "dm-1"]);
}

#[test]
fn whatever_is_in_use_is_refused() {
    let check = |change: &dyn Fn(&Machine), expected: &[&str]| {
        let machine = Machine::stick();
        change(&machine);
        assert_eq!(machine.codes("sdb", Some(ID)), expected);
    };
    let mounts = "proc/self/mountinfo";
    check(
        &|m| m.append(mounts, "60 27 8:17 / /media/x rw - vfat /dev/sdb1 rw\n"),
        &["mounted"],
    );
    check(
        &|m| m.append(mounts, "60 27 8:16 / /media/x rw - vfat /dev/sdb rw\n"),
        &["mounted"],
    );
    // btrfs: the number in mountinfo belongs to no device.
    check(
        &|m| m.append(mounts, "60 27 0:55 / /media/x rw - btrfs /dev/sdb2 rw\n"),
        &["mounted"],
    );
    check(&|m| m.file("sys/fs/btrfs/1234/devices/sdb2", ""), &["held"]);
    check(
        &|m| m.append("proc/swaps", "/dev/sdb2 partition 1 0 -2\n"),
        &["swap"],
    );
    check(&|m| m.file(&format!("{SDB}/holders/md0"), ""), &["held"]);
    check(&|m| m.file(&format!("{SDB}/ro"), "1\n"), &["read-only"]);
    check(
        &|m| m.file(&format!("{SDB}/queue/logical_block_size"), "2048\n"),
        &["sector-size"],
    );
    check(
        &|m| m.append(mounts, "60 27 8:17 / /home rw - ext4 /dev/sdb1 rw\n"),
        &["system-disk"],
    );
    // Names that only begin alike are other devices.
    check(
        &|m| m.append(mounts, "60 27 65:17 / /media/x rw - vfat /dev/sdb11 rw\n"),
        &[],
    );
    check(&|m| m.append("proc/swaps", "/dev/sdba partition 1 0 -2\n"), &[]);
}

#[test]
fn partitions_and_other_things_are_no_disks() {
    let machine = Machine::stick();
    let part = machine
        .host()
        .device_by_number(DeviceNumber { major: 8, minor: 17 })
        .unwrap();
    assert_eq!(part.kind, DeviceKind::Partition);
    let codes: Vec<_> = check_safe(&part, &Request::default())
        .into_iter()
        .map(|f| f.code)
        .collect();
    assert_eq!(codes, ["not-a-whole-disk"]);
    machine.disk("virtual", "dm-5", "253:5", &[]);
    machine.disk("virtual", "zram0", "252:0", &[]);
    assert_eq!(machine.host().devices().unwrap().len(), 2);
    let dm = machine
        .host()
        .device_by_number(DeviceNumber { major: 253, minor: 5 })
        .unwrap();
    assert_eq!(check_safe(&dm, &Request::default())[0].code, "not-a-whole-disk");
    assert!(
        machine
            .host()
            .device_by_number(DeviceNumber { major: 1, minor: 1 })
            .is_err()
    );
}

#[test]
fn size_and_source_are_looked_at() {
    let machine = Machine::stick();
    let device = machine.get("sdb");
    let codes = |request: &Request<'_>| -> Vec<_> {
        check_safe(&device, request).into_iter().map(|f| f.code).collect()
    };
    assert_eq!(
        codes(&Request {
            need_bytes: (16 << 30) + 1,
            ..Request::default()
        }),
        ["too-small"]
    );
    for minor in [16, 17, 18] {
        let source_devices = &[DeviceNumber { major: 8, minor }];
        assert_eq!(
            codes(&Request {
                source_devices,
                ..Request::default()
            }),
            ["holds-source"]
        );
    }
    let source_devices = &[DeviceNumber { major: 8, minor: 19 }];
    assert_eq!(
        codes(&Request {
            source_devices,
            ..Request::default()
        }),
        [""; 0]
    );
}

#[test]
fn a_machine_that_cannot_be_seen_is_an_error() {
    let machine = Machine::stick();
    fs::remove_file(machine.0.path().join("proc/self/mountinfo")).unwrap();
    machine.host().devices().unwrap_err();
    Host::at(machine.0.path().join("nowhere")).devices().unwrap_err();
}

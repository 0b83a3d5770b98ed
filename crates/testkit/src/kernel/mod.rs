//! Kernel jobs: a Linux kernel in QEMU mounts volumes, runs a script on them and hands back what it found.
//!
//! No root and no kernel driver of the machine is involved. The initial RAM file system holds busybox, the
//! modules of one file system and the walker of [`crate::manifest`]; volumes are virtio drives; results come back
//! on a raw drive, since the serial line is slow.

mod cpio;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::manifest::Manifest;
use crate::oracles;
use cpio::Cpio;

/// A file system driver of Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    /// ntfs3 of Linux 6.12.
    Ntfs3,
    /// The `ntfs` driver of Linux 7.1 and later.
    Ntfs,
    /// vfat of Linux 6.12.
    Vfat,
    /// udf of Linux 6.12.
    Udf,
    /// iso9660 of Linux 6.12.
    Iso9660,
}

impl Driver {
    /// The name that `mount -t` takes.
    #[must_use]
    pub fn mount_type(self) -> &'static str {
        match self {
            Self::Ntfs3 => "ntfs3",
            Self::Ntfs => "ntfs",
            Self::Vfat => "vfat",
            Self::Udf => "udf",
            Self::Iso9660 => "iso9660",
        }
    }

    fn root(self) -> &'static str {
        match self {
            Self::Ntfs => "kernel-ntfs",
            _ => "kernel-ntfs3",
        }
    }

    /// Modules to load, with those they need first; built-in ones are passed over.
    fn modules(self) -> &'static [&'static str] {
        match self {
            Self::Ntfs3 => &["ntfs3"],
            Self::Ntfs => &["ntfs"],
            Self::Vfat => &["fat", "vfat"],
            Self::Udf => &["cdrom", "crc-itu-t", "udf"],
            Self::Iso9660 => &["cdrom", "isofs"],
        }
    }

    fn mount_options(self) -> &'static str {
        match self {
            // Lower-case short names would be shown differently by each reader.
            Self::Vfat => "shortname=mixed,iocharset=utf8",
            Self::Ntfs3 | Self::Udf | Self::Iso9660 => "iocharset=utf8",
            Self::Ntfs => "nls=utf8",
        }
    }
}

/// What a job does with each volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// Mounts it read-only and reads everything.
    Read,
    /// Mounts it read-write, makes, renames, grows and removes files and folders, unmounts, mounts again and
    /// reads everything. The image file is changed.
    Write,
}

/// What the kernel found on one volume.
#[derive(Clone, Debug)]
pub struct Found {
    /// Everything on it; empty when `error` is set.
    pub manifest: Manifest,
    /// What could not be done, and the kernel's messages about it.
    pub error: Option<String>,
    /// The file system driver's messages, whatever they are.
    pub messages: String,
}

/// What one volume's manifest is, as a kernel driver sees it. `None` when skipped.
///
/// # Panics
/// When the kernel cannot mount or read it, or an oracle is missing and skipping was not asked for.
#[must_use]
pub fn from_kernel(image: &Path, driver: Driver) -> Option<Manifest> {
    let found = run(&[image], driver, Job::Read)?.remove(0);
    assert!(
        found.error.is_none(),
        "{}: {}",
        image.display(),
        found.error.unwrap_or_default()
    );
    Some(found.manifest)
}

/// Runs one job on many volumes in one boot; what was found is in the order of `images`. `None` when skipped.
///
/// # Panics
/// When the virtual machine does not come to its end, or an oracle is missing and skipping was not asked for.
#[must_use]
pub fn run(images: &[&Path], driver: Driver, job: Job) -> Option<Vec<Found>> {
    let initramfs = initramfs(driver, job, images.len())?;
    let kernel = kernel_file(&oracles::file(driver.root())?);
    let mut qemu = crate::tool("qemu-system-x86_64")?;
    let dir = tempfile::tempdir().expect("temporary folder");
    let initrd = dir.path().join("initramfs");
    std::fs::write(&initrd, initramfs).expect("initramfs");
    let results = dir.path().join("results");
    let results_file = std::fs::File::create(&results).expect("results drive");
    results_file.set_len(RESULTS_BYTES).expect("results drive");

    qemu.args([
        "-machine",
        "q35,accel=tcg",
        "-cpu",
        "max",
        "-smp",
        "1",
        "-m",
        "1536",
    ])
    .args(["-nographic", "-no-reboot", "-nic", "none", "-kernel"])
    .arg(kernel)
    .arg("-initrd")
    .arg(&initrd)
    .args(["-append", "console=ttyS0 quiet panic=-1"]);
    drive(&mut qemu, &results, false);
    for image in images {
        drive(&mut qemu, image, job == Job::Read);
    }
    let log = crate::run_for(&mut qemu, TIME_LIMIT).unwrap_or_else(|e| panic!("kernel job: {e}"));
    assert!(log.contains(END_MARKER), "kernel job does not end:\n{log}");
    let unpacked = dir.path().join("unpacked");
    std::fs::create_dir(&unpacked).expect("results folder");
    crate::run(
        Command::new("tar")
            .arg("-xf")
            .arg(&results)
            .arg("-C")
            .arg(&unpacked),
    );
    Some((0..images.len()).map(|number| found(&unpacked, number)).collect())
}

const RESULTS_BYTES: u64 = 1 << 30;
const TIME_LIMIT: std::time::Duration = std::time::Duration::from_secs(900);
const END_MARKER: &str = "kernel-job-ends-here";

fn drive(qemu: &mut Command, image: &Path, read_only: bool) {
    let path = image
        .canonicalize()
        .unwrap_or_else(|e| panic!("{}: {e}", image.display()));
    let path = path.display().to_string().replace(',', ",,");
    let read_only = if read_only { "on" } else { "off" };
    qemu.arg("-drive").arg(format!(
        "file={path},format=raw,if=virtio,cache=unsafe,file.locking=off,readonly={read_only}"
    ));
}

fn found(unpacked: &Path, number: usize) -> Found {
    let read = |name: &str| std::fs::read(unpacked.join(format!("{number}.{name}"))).unwrap_or_default();
    let text = |name: &str| String::from_utf8_lossy(&read(name)).into_owned();
    let (error, messages) = (text("error"), text("messages"));
    Found {
        manifest: Manifest::from_text(&text("manifest")),
        error: (!error.is_empty()).then(|| format!("{error}\n{messages}")),
        messages,
    }
}

/// The kernel's own file: in `boot`, or beside its modules in newer releases.
fn kernel_file(root: &Path) -> PathBuf {
    let named_vmlinuz = |path: &PathBuf| {
        path.file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("vmlinuz"))
    };
    let files = |dir: &Path| -> Vec<PathBuf> {
        std::fs::read_dir(dir)
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect()
    };
    let mut candidates = files(&root.join("boot"));
    for version in files(&root.join("usr/lib/modules")) {
        candidates.extend(files(&version));
    }
    candidates
        .into_iter()
        .find(named_vmlinuz)
        .unwrap_or_else(|| panic!("no kernel in {}", root.display()))
}

fn initramfs(driver: Driver, job: Job, volumes: usize) -> Option<Vec<u8>> {
    let kernel = oracles::file(driver.root())?;
    let walk = oracles::file("walk.static")?;
    let busybox = crate::tool("busybox")?.get_program().to_owned();
    let mut archive = Cpio::default();
    for dir in ["bin", "dev", "mnt", "modules", "out", "proc", "sys", "tmp"] {
        archive.dir(dir);
    }
    let program = |path: &Path| std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    archive.program("bin/busybox", &program(Path::new(&busybox)));
    archive.program("bin/walk", &program(&walk));
    let mut script = String::from(INIT_HEAD);
    let usual = ["virtio_blk", "nls_utf8", "nls_cp437", "nls_iso8859-1"];
    for name in usual.iter().chain(driver.modules()) {
        let Some(module) = find_module(&kernel.join("usr/lib/modules"), name) else {
            continue;
        };
        archive.program(&format!("modules/{name}.ko"), &crate::read_unpacked(&module));
        let _ = writeln!(script, "insmod /modules/{name}.ko || echo \"cannot load {name}\"");
    }
    let _ = writeln!(
        script,
        "TYPE={}; OPTIONS={}",
        driver.mount_type(),
        driver.mount_options()
    );
    script.push_str(FUNCTIONS);
    for number in 0..volumes {
        let name = drive_name(number + 1);
        let verb = match job {
            Job::Read => "read_volume",
            Job::Write => "write_volume",
        };
        let _ = writeln!(script, "{verb} {number} /dev/{name}");
    }
    let _ = write!(
        script,
        "cd /out && tar cf /dev/vda . && sync\necho {END_MARKER}\npoweroff -f\n"
    );
    archive.program("init", script.as_bytes());
    Some(archive.finish())
}

/// The name of a virtio drive: `vda` … `vdz`, `vdaa` …
fn drive_name(number: usize) -> String {
    let letter = |n: usize| char::from(b'a' + u8::try_from(n % 26).unwrap_or(0));
    match number / 26 {
        0 => format!("vd{}", letter(number)),
        first => format!("vd{}{}", letter(first - 1), letter(number)),
    }
}

/// A module's file below `lib/modules/VERSION/kernel`; `None` when it is built in.
fn find_module(dir: &Path, name: &str) -> Option<PathBuf> {
    let wanted = [name.replace('_', "-"), name.replace('-', "_")];
    let mut queue = vec![dir.to_path_buf()];
    while let Some(dir) = queue.pop() {
        for entry in std::fs::read_dir(&dir).ok()?.flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                queue.push(path);
            } else if let Some(stem) = path
                .file_name()
                .and_then(|n| n.to_str())
                .and_then(|n| n.split(".ko").next())
                && path.to_string_lossy().contains(".ko")
                && wanted.iter().any(|w| w == stem)
            {
                return Some(path);
            }
        }
    }
    None
}

const INIT_HEAD: &str = "#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs tmp /out
";

/// The messages of a volume are those since the one before.
const FUNCTIONS: &str = "
open_volume() { # number device mode
  dmesg -c >/dev/null
  mount -t $TYPE -o $3,$OPTIONS $2 /mnt 2>/out/$1.error
}
close_volume() { # number
  umount /mnt 2>>/out/$1.error
  dmesg >>/out/$1.messages
}
read_volume() { # number device
  if open_volume $1 $2 ro; then
    walk /mnt >/out/$1.manifest 2>>/out/$1.error
    close_volume $1
  else
    dmesg >>/out/$1.messages
  fi
}
write_volume() { # number device
  if open_volume $1 $2 rw; then
    (
      set -e
      mkdir /mnt/written /mnt/written/deep
      i=0; while [ $i -lt 300 ]; do echo content $i >/mnt/written/a-file-with-a-longer-name-$i.txt; i=$((i+1)); done
      dd if=/dev/zero bs=64k count=40 2>/dev/null | tr '\\0' x >/mnt/written/large
      mv /mnt/written/large /mnt/written/deep/moved
      mv /mnt/written/a-file-with-a-longer-name-1.txt /mnt/at-the-top.txt
      ln /mnt/written/deep/moved /mnt/written/linked
      i=100; while [ $i -lt 200 ]; do rm /mnt/written/a-file-with-a-longer-name-$i.txt; i=$((i+1)); done
      echo more >>/mnt/written/deep/moved
      rm /mnt/written/a-file-with-a-longer-name-2.txt
    ) 2>>/out/$1.error
    sync
    close_volume $1
    [ -s /out/$1.error ] || read_volume $1 $2
  else
    dmesg >>/out/$1.messages
  fi
}
";

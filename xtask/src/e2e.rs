//! `cargo xtask e2e`: the main job on the small sample, judged by foreign programs.
//!
//! One stick from the ISO: partition tables, FAT volume, NTFS gate, the same tree in the image and on the volume by
//! wimlib, ntfs-3g and the kernel, boot under OVMF, determinism, `plan` then `apply`, refusals, every container.

use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::kernel::{self, Driver, Job};
use testkit::manifest::{self, Manifest};
use testkit::oracles;

use crate::sh::{self, Result, step};
use crate::stick_image::{self, Volumes};
use crate::{boot_test, sample, wtgctl};

const SIZE: &str = "1G";

/// What `create` changes in the tree: the hives it patches and the folders it makes.
const CHANGED: &[&str] = &["Windows/System32/config/SYSTEM", "Windows/Panther"];

/// What to judge.
#[derive(clap::Args, Default)]
pub(crate) struct Args {
    /// This binary instead of one built now.
    #[arg(long)]
    binary: Option<PathBuf>,
}

/// Runs the whole proof.
pub(crate) fn run(args: &Args) -> Result {
    let sample = sample::dir(sample::Size::Small);
    let binary = match &args.binary {
        Some(binary) => binary.clone(),
        None => step("build wtgctl (release)", wtgctl::build)?,
    };
    let dir = tempfile::tempdir_in(testkit::workspace_root().join("target"))?;
    let proof = Proof {
        binary,
        sample,
        dir: dir.path().to_path_buf(),
    };
    let stick = proof.dir.join("stick.img");
    step("create from the ISO", || {
        proof.create("windows.iso", &stick, &["--index", "1", "--seed", "7"])
    })?;
    let volumes = step("partition tables: sgdisk, sfdisk", || {
        stick_image::split(&stick, 512, &proof.dir)
    })?;
    step("FAT volume: fsck.fat, mtools", || proof.fat(&volumes))?;
    step("NTFS volume: ntfsck, checkdisk, rust-fs-ntfs", || {
        gate(&volumes.windows)
    })?;
    let mounted = step("the same tree: wimlib, ntfs-3g", || {
        proof.same_tree(&volumes.windows)
    })?;
    step("the same tree: kernel ntfs3; read-write, gate again", || {
        kernel_reads(&volumes.windows, &mounted)
    })?;
    // What follows depends on nothing before it: all of it runs, and every fault is told.
    let mut faults = Vec::new();
    let mut check = |name: &str, body: &dyn Fn() -> Result| {
        if let Err(error) = step(name, body) {
            faults.push(error.to_string());
        }
    };
    check("verify", &|| proof.verify(&stick));
    check("boot under OVMF", &|| boot_test::check(&stick, false, 512));
    check("determinism, threads, plan and apply", &|| {
        proof.determinism(&stick)
    });
    check("refusals", &|| proof.refusals(&stick));
    check("compact: gate and boot", &|| proof.compact());
    check("4096-byte sectors: tables and gate", &|| proof.large_sectors());
    check("WIM, ESD, SWM give the same volume", &|| {
        proof.containers(&mounted)
    });
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults.join("\n\n").into())
    }
}

/// What all parts need.
struct Proof {
    binary: PathBuf,
    sample: PathBuf,
    dir: PathBuf,
}

impl Proof {
    fn create(&self, source: &str, target: &Path, more: &[&str]) -> Result {
        wtgctl::create(&self.binary, &self.sample.join(source), target, SIZE, more)?;
        Ok(())
    }

    /// Runs the binary and expects an exit code.
    fn wtgctl(&self, args: &[&str], code: i32) -> Result {
        let output = wtgctl::command(&self.binary, args).output()?;
        if output.status.code() == Some(code) {
            return Ok(());
        }
        Err(format!(
            "wtgctl {}: {}, expected exit code {code}\n{}{}",
            args.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
        .into())
    }

    fn fat(&self, volumes: &Volumes) -> Result {
        sh::run(Command::new("fsck.fat").arg("-n").arg(&volumes.esp))?;
        let same = |on_stick: &str, in_image: &str| -> Result {
            let fat = sh::run(
                Command::new("mcopy")
                    .arg("-i")
                    .arg(&volumes.esp)
                    .arg(format!("::{on_stick}"))
                    .arg("-"),
            )?;
            let image = sh::run(
                Command::new("wimlib-imagex")
                    .arg("extract")
                    .arg(self.sample.join("install.wim"))
                    .args(["1", in_image, "--to-stdout"]),
            )?;
            if fat.stdout == image.stdout {
                Ok(())
            } else {
                Err(format!("{on_stick} is not {in_image}").into())
            }
        };
        same("EFI/Boot/bootx64.efi", "/Windows/Boot/EFI/bootmgfw.efi")?;
        same(
            "EFI/Microsoft/Boot/bootmgfw.efi",
            "/Windows/Boot/EFI/bootmgfw.efi",
        )?;
        same("EFI/Microsoft/Boot/memtest.efi", "/Windows/Boot/EFI/memtest.efi")?;
        same(
            "EFI/Microsoft/Boot/Fonts/segmono_boot.ttf",
            "/Windows/Boot/Fonts/segmono_boot.ttf",
        )?;
        same(
            "EFI/Microsoft/Boot/en-US/bootmgfw.efi.mui",
            "/Windows/Boot/EFI/en-US/bootmgfw.efi.mui",
        )?;
        let store = self.dir.join("BCD");
        sh::run(
            Command::new("mcopy")
                .arg("-n")
                .arg("-i")
                .arg(&volumes.esp)
                .arg("::EFI/Microsoft/Boot/BCD")
                .arg(&store),
        )?;
        let script = self.dir.join("script");
        std::fs::write(&script, "cd Objects\nls\n")?;
        let objects = sh::read(Command::new("hivexsh").arg("-f").arg(&script).arg(&store))?;
        if !objects
            .to_lowercase()
            .contains("{9dea862c-5cdd-4e70-acc1-f32b344d4795}")
        {
            return Err(format!("hivexsh finds no boot manager in the store:\n{objects}").into());
        }
        Ok(())
    }

    /// The volume has what the image has, seen by wimlib; returns what ntfs-3g sees, which is the same.
    fn same_tree(&self, volume: &Path) -> Result<Manifest> {
        let wim = self.sample.join("install.wim");
        let image = manifest::from_wimlib(&wim, "1")
            .ok_or("no wimlib")?
            .without(CHANGED);
        let captured = manifest::capture_with_wimlib(volume)
            .ok_or("no wimlib")?
            .without(CHANGED);
        same(&image, &captured, "image and captured volume")?;
        // A volume that wimlib itself filled from the image, for what only mounted volumes show: times.
        let reference = self.dir.join("reference.img");
        std::fs::File::create(&reference)?.set_len(400 << 20)?;
        sh::run(
            Command::new("/usr/sbin/mkntfs")
                .args(["-q", "-F"])
                .arg(&reference),
        )?;
        sh::run(
            Command::new("wimlib-imagex")
                .arg("apply")
                .arg(&wim)
                .arg("1")
                .arg(&reference),
        )?;
        let expected = manifest::from_ntfs3g(&reference)
            .ok_or("no ntfs-3g")?
            .without(CHANGED);
        std::fs::remove_file(&reference)?;
        let mounted = manifest::from_ntfs3g(volume).ok_or("no ntfs-3g")?;
        same(
            &expected,
            &mounted.clone().without(CHANGED),
            "wimlib's volume and ours, by ntfs-3g",
        )?;
        Ok(mounted)
    }

    fn verify(&self, stick: &Path) -> Result {
        let source = self.sample.join("windows.iso");
        let args = [
            "verify",
            path(stick)?,
            "--against",
            path(&source)?,
            "--index",
            "1",
            "--seed",
            "7",
        ];
        self.wtgctl(&args, 0)?;
        // A changed byte in a file's data is found.
        let damaged = self.dir.join("damaged.img");
        std::fs::copy(stick, &damaged)?;
        stick_image::damage(&damaged, "read from the Windows volume")?;
        self.wtgctl(
            &[
                "verify",
                path(&damaged)?,
                "--against",
                path(&source)?,
                "--index",
                "1",
                "--seed",
                "7",
            ],
            1,
        )?;
        std::fs::remove_file(damaged)?;
        Ok(())
    }

    fn determinism(&self, stick: &Path) -> Result {
        let again = self.dir.join("again.img");
        self.create(
            "windows.iso",
            &again,
            &["--index", "1", "--seed", "7", "--threads", "1"],
        )?;
        identical(stick, &again, true)?;
        let plan = self.dir.join("plan.json");
        std::fs::remove_file(&again)?;
        let source = self.sample.join("windows.iso");
        self.wtgctl(
            &[
                "plan",
                path(&source)?,
                "--target",
                path(&again)?,
                "--size",
                SIZE,
                "--index",
                "1",
                "--seed",
                "7",
                "--out",
                path(&plan)?,
            ],
            0,
        )?;
        self.wtgctl(&["apply", path(&plan)?, "--quiet"], 0)?;
        identical(stick, &again, true)?;
        self.create("windows.iso", &again, &["--index", "1", "--seed", "8"])?;
        identical(stick, &again, false)?;
        std::fs::remove_file(again)?;
        Ok(())
    }

    fn refusals(&self, stick: &Path) -> Result {
        let iso = self.sample.join("windows.iso");
        let other = self.dir.join("other.img");
        // An existing target; several images and none named; too small; not an image; a corrupt blob.
        self.wtgctl(
            &[
                "create",
                path(&iso)?,
                "--target",
                path(stick)?,
                "--size",
                SIZE,
                "--index",
                "1",
            ],
            4,
        )?;
        self.wtgctl(
            &["create", path(&iso)?, "--target", path(&other)?, "--size", SIZE],
            2,
        )?;
        self.wtgctl(
            &["create", path(stick)?, "--target", path(&other)?, "--size", SIZE],
            3,
        )?;
        let broken = self.dir.join("broken.wim");
        let mut bytes = std::fs::read(self.sample.join("install.wim"))?;
        let middle = bytes.len() / 2;
        bytes[middle..middle + 64].fill(0xa5);
        std::fs::write(&broken, bytes)?;
        self.wtgctl(
            &[
                "create",
                path(&broken)?,
                "--target",
                path(&other)?,
                "--size",
                SIZE,
                "--index",
                "1",
            ],
            3,
        )?;
        if other.exists() && sh::read(Command::new("sfdisk").arg("-J").arg(&other)).is_ok() {
            return Err("a target made from a corrupt image has a partition table".into());
        }
        std::fs::remove_file(broken)?;
        Ok(())
    }

    fn compact(&self) -> Result {
        let stick = self.dir.join("compact.img");
        self.create(
            "windows.iso",
            &stick,
            &["--index", "1", "--seed", "7", "--compact", "auto"],
        )?;
        let dir = self.dir.join("compact");
        std::fs::create_dir(&dir)?;
        let volumes = stick_image::split(&stick, 512, &dir)?;
        gate(&volumes.windows)?;
        boot_test::check(&stick, true, 512)?;
        std::fs::remove_dir_all(dir)?;
        std::fs::remove_file(stick)?;
        Ok(())
    }

    fn large_sectors(&self) -> Result {
        let stick = self.dir.join("large-sectors.img");
        self.create(
            "windows.iso",
            &stick,
            &["--index", "1", "--seed", "7", "--sector-size", "4096"],
        )?;
        let dir = self.dir.join("large-sectors");
        std::fs::create_dir(&dir)?;
        let volumes = stick_image::split(&stick, 4096, &dir)?;
        sh::run(Command::new("fsck.fat").arg("-n").arg(&volumes.esp))?;
        gate(&volumes.windows)?;
        std::fs::remove_dir_all(dir)?;
        std::fs::remove_file(stick)?;
        Ok(())
    }

    fn containers(&self, expected: &Manifest) -> Result {
        for source in ["install.wim", "install.esd", "install.swm"] {
            let stick = self.dir.join("container.img");
            self.create(source, &stick, &["--index", "1", "--seed", "7"])?;
            let dir = self.dir.join("container");
            std::fs::create_dir(&dir)?;
            let volumes = stick_image::split(&stick, 512, &dir)?;
            let mounted = manifest::from_ntfs3g(&volumes.windows).ok_or("no ntfs-3g")?;
            same(expected, &mounted, source)?;
            std::fs::remove_dir_all(dir)?;
            std::fs::remove_file(stick)?;
        }
        Ok(())
    }
}

fn path(path: &Path) -> Result<&str> {
    Ok(path.to_str().ok_or("a path that is not UTF-8")?)
}

fn gate(volume: &Path) -> Result {
    let findings: Vec<String> = oracles::ntfs_verdicts(volume)
        .into_iter()
        .filter(|verdict| !verdict.clean)
        .map(|verdict| format!("{}:\n{}", verdict.checker, verdict.text))
        .collect();
    if findings.is_empty() {
        Ok(())
    } else {
        Err(findings.join("\n").into())
    }
}

fn kernel_reads(volume: &Path, mounted: &Manifest) -> Result {
    let found = kernel::run(&[volume], Driver::Ntfs3, Job::Read)
        .ok_or("no kernel")?
        .remove(0);
    if let Some(error) = found.error {
        return Err(error.into());
    }
    let left = mounted.clone().without_facts(&["type", "target", "links"]);
    let lines = left.diff_shared(&found.manifest);
    report(&lines, "ntfs-3g and ntfs3")?;
    let written = volume.with_extension("written.img");
    std::fs::copy(volume, &written)?;
    let found = kernel::run(&[&written], Driver::Ntfs3, Job::Write)
        .ok_or("no kernel")?
        .remove(0);
    if let Some(error) = found.error {
        return Err(error.into());
    }
    gate(&written)?;
    std::fs::remove_file(written)?;
    Ok(())
}

fn same(left: &Manifest, right: &Manifest, what: &str) -> Result {
    report(&left.diff(right), what)
}

fn report(lines: &[String], what: &str) -> Result {
    const SHOWN: usize = 30;
    if lines.is_empty() {
        return Ok(());
    }
    let shown = lines[..lines.len().min(SHOWN)].join("\n");
    Err(format!("{what}: {} differences\n{shown}", lines.len()).into())
}

fn identical(left: &Path, right: &Path, expected: bool) -> Result {
    let same = Command::new("cmp")
        .arg("-s")
        .arg(left)
        .arg(right)
        .status()?
        .success();
    if same == expected {
        return Ok(());
    }
    Err(format!("{} and {}: identical is {same}", left.display(), right.display()).into())
}

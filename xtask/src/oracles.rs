//! `cargo xtask oracles`: checkers, kernels and newer tools that Debian 12 does not have.
//!
//! Each oracle is a folder of `target/oracles` (or of `WTGCTL_ORACLES`), made once for each recipe: a stamp in it
//! holds the recipe, so that a changed recipe makes it anew and an interrupted one is never taken for made.

use std::path::Path;
use std::process::Command;

use testkit::oracles::{RUST_FS_NTFS_VERSION, dir};

use crate::apt::Suite;
use crate::sh::{self, Result};

/// Which oracles to make.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Also those that only some tasks need: newer wimlib and 7-Zip, the kernel with the new `ntfs` driver.
    #[arg(long)]
    pub(crate) all: bool,
    /// Only these.
    #[arg(value_enum)]
    pub(crate) only: Vec<Oracle>,
}

/// The oracles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Oracle {
    /// ntfsprogs-plus, exfatprogs, dosfstools, udftools, fdisk, checkdisk with the Python it needs.
    Checkers,
    /// rust-fs-ntfs.
    RustFsNtfs,
    /// Linux 6.12 with ntfs3.
    KernelNtfs3,
    /// The static program that walks a mounted volume inside a kernel job.
    Walk,
    /// wimlib, 7-Zip and ntfs-3g as Debian unstable has them.
    Newer,
    /// Debian unstable's kernel with the new `ntfs` driver.
    KernelNtfs,
}

/// What tests of the workspace need.
const USUAL: &[Oracle] = &[
    Oracle::Checkers,
    Oracle::RustFsNtfs,
    Oracle::KernelNtfs3,
    Oracle::KernelNtfs,
    Oracle::Walk,
];
const ALL: &[Oracle] = &[
    Oracle::Checkers,
    Oracle::RustFsNtfs,
    Oracle::KernelNtfs3,
    Oracle::Walk,
    Oracle::Newer,
    Oracle::KernelNtfs,
];

/// Makes the chosen oracles.
pub(crate) fn run(args: &Args) -> Result {
    let chosen = match (args.only.as_slice(), args.all) {
        ([], false) => USUAL,
        ([], true) => ALL,
        (only, _) => only,
    };
    for oracle in chosen {
        make(*oracle)?;
    }
    Ok(())
}

/// Makes all that tests of the workspace need.
pub(crate) fn make_for_tests() -> Result {
    USUAL.iter().copied().try_for_each(make)
}

fn make(oracle: Oracle) -> Result {
    match oracle {
        Oracle::Checkers => cached("checkers", "sid, checkdisk 0.1.0, recipe 2", checkers),
        Oracle::RustFsNtfs => cached("rust-fs-ntfs", RUST_FS_NTFS_VERSION, rust_fs_ntfs),
        Oracle::KernelNtfs3 => cached("kernel-ntfs3", "bookworm-backports 6.12, recipe 1", |root| {
            kernel("bookworm-backports", "linux-image-6.12.", "+deb12-amd64", root)
        }),
        Oracle::Walk => sh::step("oracle walk", walk),
        Oracle::Newer => cached("newer", "sid, recipe 1", |root| {
            let apt = root.join("apt");
            Suite::open("sid", &apt)?.unpack_closure(&["wimtools", "7zip", "ntfs-3g"], root)
        }),
        Oracle::KernelNtfs => cached("kernel-ntfs", "sid, recipe 3", |root| {
            kernel("sid", "linux-image-", "-amd64", root)
        }),
    }
}

/// Makes `name` with `body` unless its stamp says that this recipe has been made.
fn cached(name: &str, recipe: &str, body: impl FnOnce(&Path) -> Result) -> Result {
    let root = dir().join(name);
    if sh::read_or_empty(&root.join("stamp")) == recipe {
        return Ok(());
    }
    sh::step(&format!("oracle {name}"), || {
        if root.exists() {
            std::fs::remove_dir_all(&root)?;
        }
        std::fs::create_dir_all(&root)?;
        body(&root)?;
        std::fs::write(root.join("stamp"), recipe)?;
        Ok(())
    })?;
    for line in sh::read_or_empty(&root.join("packages.txt")).lines() {
        let used = [
            "ntfsprogs-plus_",
            "exfatprogs_",
            "wimtools_",
            "7zip_",
            "linux-image-",
        ];
        if used.iter().any(|prefix| line.starts_with(prefix)) {
            println!("using {line}");
        }
    }
    Ok(())
}

fn checkers(root: &Path) -> Result {
    let apt = root.join("apt");
    Suite::open("sid", &apt)?.unpack_closure(
        &[
            "ntfsprogs-plus",
            "exfatprogs",
            "dosfstools",
            "udftools",
            "fdisk",
            "python3",
        ],
        root,
    )?;
    let wheels = root.join("wheels");
    sh::run(
        Command::new(dir().join("venv/bin/python3"))
            .args(["-m", "pip", "download", "-q", "--no-deps", "--retries", "5"])
            .args(["--python-version", "3.14", "--only-binary=:all:", "-d"])
            .arg(&wheels)
            .arg("checkdisk==0.1.0"),
    )?;
    for wheel in std::fs::read_dir(&wheels)? {
        sh::run(
            Command::new("unzip")
                .args(["-q", "-o"])
                .arg(wheel?.path())
                .arg("-d")
                .arg(root.join("checkdisk")),
        )?;
    }
    Ok(())
}

fn rust_fs_ntfs(root: &Path) -> Result {
    sh::run(
        Command::new("cargo")
            .args(["install", "--quiet", "rust-fs-ntfs", "--features", "cli"])
            .args(["--version", RUST_FS_NTFS_VERSION, "--root"])
            .arg(root)
            .env("CARGO_TARGET_DIR", root.join("build")),
    )?;
    std::fs::remove_dir_all(root.join("build"))?;
    Ok(())
}

fn kernel(suite: &str, prefix: &str, suffix: &str, root: &Path) -> Result {
    let apt = root.join("apt");
    let suite = Suite::open(suite, &apt)?;
    let package = suite.newest(prefix, suffix)?;
    let version = package.trim_start_matches("linux-image-");
    suite.unpack_alone(&suite.with_parts(&package, version)?, root)
}

/// Builds the walker of mounted volumes as a static program, for initramfs without a C library.
fn walk() -> Result {
    let target = dir().join("walk");
    sh::run(
        Command::new("cargo")
            .args(["build", "--quiet", "--package", "testkit", "--bin", "walk"])
            .args(["--target", "x86_64-unknown-linux-gnu", "--target-dir"])
            .arg(&target)
            .env("RUSTFLAGS", "-C target-feature=+crt-static")
            .current_dir(testkit::workspace_root()),
    )?;
    let built = target.join("x86_64-unknown-linux-gnu/debug/walk");
    std::fs::copy(built, dir().join("walk.static"))?;
    Ok(())
}

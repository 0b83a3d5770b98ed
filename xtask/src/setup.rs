//! `cargo xtask setup`: the packages that tests, samples and tasks need, from Debian and PyPI.

use std::path::Path;
use std::process::Command;

use crate::apt;
use crate::sh::{self, Result};

/// What tasks need of Debian 12 beside the programs that tests run. Programs are run, nothing is linked.
const PACKAGES: &[&str] = &[
    "binutils",
    "g++",
    "grub-efi-amd64-bin",
    "grub-pc-bin",
    "ovmf",
    "python3-hivex",
    "python3-venv",
    "strace",
    "time",
    "unzip",
    "valgrind",
];

/// Python packages of the oracles' environment.
const PYTHON: &[&str] = &["regipy", "python-registry", "dissect.regf"];

/// Installs what is missing and says what that was.
pub(crate) fn run() -> Result {
    let mut packages: Vec<&str> = testkit::programs::packages()
        .chain(PACKAGES.iter().copied())
        .collect();
    packages.sort_unstable();
    packages.dedup();
    let installed = sh::step("Debian packages", || apt::install(&packages))?;
    if !installed.is_empty() {
        println!("installed: {}", installed.join(" "));
    }
    if let Some((program, package)) = testkit::programs::missing().first() {
        return Err(format!("{program} is still missing: package {package} does not have it").into());
    }
    let venv = testkit::oracles::dir().join("venv");
    sh::step("Python packages", || python(&venv))
}

/// Makes the Python environment; the system's own modules (hivex) are visible in it.
fn python(venv: &Path) -> Result {
    let stamp = venv.join("stamp");
    let wanted = PYTHON.join(" ");
    if sh::read_or_empty(&stamp) == wanted {
        return Ok(());
    }
    sh::run(
        Command::new("/usr/bin/python3")
            .args(["-m", "venv", "--clear", "--system-site-packages"])
            .arg(venv),
    )?;
    sh::run(
        Command::new(venv.join("bin/python3"))
            .args(["-m", "pip", "install", "-q", "--retries", "5"])
            .args(PYTHON),
    )?;
    std::fs::write(stamp, &wanted)?;
    println!("installed from PyPI: {wanted}");
    Ok(())
}

//! `cargo xtask demo`: from nothing to a stick that boots in QEMU.

use std::process::Command;

use crate::sh::{Result, step};
use crate::{boot_test, sample, setup, wtgctl};

/// Installs what it needs, makes the small sample and a stick of it, inspects and boots that.
pub(crate) fn run() -> Result {
    setup::run()?;
    sample::make(sample::Size::Small)?;
    let binary = step("build wtgctl", wtgctl::build)?;
    let stick = testkit::workspace_root().join("target/stick.img");
    let source = sample::dir(sample::Size::Small).join("windows.iso");
    let show = |command: &mut Command| -> Result {
        println!("\n$ {}", shown(command));
        let status = command.status()?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("{status}").into())
        }
    };
    show(
        Command::new(&binary)
            .arg("create")
            .arg(&source)
            .arg("--target")
            .arg(&stick)
            .args(["--size", "4G", "--index", "Professional", "--force"]),
    )?;
    show(Command::new(&binary).arg("inspect").arg(&stick))?;
    println!("\nboot in QEMU with OVMF; the boot manager is a stand-in that reads the Windows volume:");
    boot_test::show(&stick)?;
    println!(
        "\n{} boots. Write it to a stick with: wtgctl write",
        stick.display()
    );
    Ok(())
}

/// A command as a person would type it.
fn shown(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program())
        .file_name()
        .unwrap_or_default();
    std::iter::once(program)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

//! `cargo xtask ci`: everything that CI runs, with every oracle required. The time of each step is printed.

use std::process::Command;

use crate::sh::{Result, run, step};
use crate::{e2e, fuzz_smoke, oracles, sample, setup, tidy};

/// Runs everything; the first fault ends it.
pub(crate) fn run_all() -> Result {
    setup::run()?;
    oracles::make_for_tests()?;
    sample::make(sample::Size::Small)?;
    step("cargo fmt --check", || cargo(&["fmt", "--all", "--check"]))?;
    step("tidy", tidy::run)?;
    step("cargo clippy", || {
        cargo(&[
            "clippy",
            "--quiet",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ])
    })?;
    step("cargo test", || {
        cargo(&["test", "--quiet", "--workspace", "--no-fail-fast"])
    })?;
    fuzz_smoke::run(&fuzz_smoke::Args::default())?;
    step("cargo doc", || {
        cargo(&["doc", "--quiet", "--workspace", "--no-deps"])
    })?;
    e2e::run(&e2e::Args::default())
}

fn cargo(args: &[&str]) -> Result {
    run(Command::new("cargo")
        .args(args)
        .env("RUSTDOCFLAGS", "-D warnings")
        .env_remove("WTGCTL_SKIP_ORACLES")
        .current_dir(testkit::workspace_root()))?;
    Ok(())
}

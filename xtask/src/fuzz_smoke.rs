//! `cargo xtask fuzz-smoke`: each fuzz target for a few seconds, by cargo-fuzz on the stable toolchain.

use std::process::Command;

use crate::fuzz_seeds;
use crate::sh::{self, Result};

/// For how long.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Seconds for each target.
    #[arg(long, default_value_t = 10)]
    pub(crate) seconds: u32,
}

const CARGO_FUZZ_VERSION: &str = "0.13.2";

/// Runs every target from its committed seeds; a crash is an error that says how to see it again.
pub(crate) fn run(args: &Args) -> Result {
    let root = testkit::workspace_root();
    let tools = testkit::oracles::dir().join("cargo-fuzz");
    let binary = tools.join("bin/cargo-fuzz");
    if !binary.exists() {
        sh::run(
            Command::new("cargo")
                .args([
                    "install",
                    "--quiet",
                    "cargo-fuzz",
                    "--locked",
                    "--version",
                    CARGO_FUZZ_VERSION,
                    "--root",
                ])
                .arg(&tools)
                .env("CARGO_TARGET_DIR", tools.join("build")),
        )?;
        std::fs::remove_dir_all(tools.join("build"))?;
    }
    let fuzz = |args: &[&str]| {
        let mut command = Command::new(&binary);
        // Without sanitizers the stable toolchain is enough.
        command.arg("fuzz").args(args).current_dir(&root);
        command
    };
    sh::run(&mut fuzz(&["build", "-s", "none", "--features", "libfuzzer"]))?;
    let targets = sh::read(&mut fuzz(&["list"]))?;
    let seeds = tempfile::tempdir()?;
    fuzz_seeds::make(seeds.path())?;
    for target in targets.lines() {
        let corpus = tempfile::tempdir()?;
        let mut command = fuzz(&["run", "-s", "none", "--features", "libfuzzer", target]);
        command.arg(corpus.path());
        let committed = root.join("fuzz/corpus").join(target);
        command.args(
            [committed, seeds.path().join(target)]
                .iter()
                .filter(|folder| folder.is_dir()),
        );
        command.arg("--").args([
            &format!("-max_total_time={}", args.seconds),
            "-seed=1",
            "-timeout=10",
            "-rss_limit_mb=1024",
        ]);
        sh::run(&mut command)?;
    }
    Ok(())
}

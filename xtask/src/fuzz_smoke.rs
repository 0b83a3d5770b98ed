//! `cargo xtask fuzz-smoke`: each fuzz target by libFuzzer on the stable toolchain, from the committed corpus and seeds
//! by foreign programs.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fuzz_seeds;
use crate::sh::{self, Result};

/// Which targets, and for how long.
#[derive(Default, clap::Args)]
pub(crate) struct Args {
    /// Only these targets.
    targets: Vec<String>,
    /// Seconds for each target, new inputs being kept in `target/fuzz-corpus`. Without: a fixed count of runs from a
    /// fixed seed, the same every time.
    #[arg(long)]
    seconds: Option<u32>,
    /// With `AddressSanitizer`, whose runtime the toolchain brings; the flag for it needs `RUSTC_BOOTSTRAP`, which is set.
    #[arg(long)]
    address: bool,
}

/// Name, and runs that take a few seconds.
const TARGETS: &[(&str, u32)] = &[
    ("bcd", 20_000),
    ("efs_raw", 20_000),
    ("fat", 10_000),
    ("gpt", 10_000),
    ("hive", 10_000),
    ("iso", 10_000),
    ("lzms", 10_000),
    ("lzx", 10_000),
    ("ntfs_check", 1_000),
    ("ntfs_read", 3_000),
    ("udf", 10_000),
    ("wim_file", 500),
    ("wim_header", 10_000),
    ("wim_metadata", 20_000),
    ("wim_xml", 10_000),
    ("xpress", 10_000),
];

/// What cargo-fuzz would pass: coverage by edge, and the operands of comparisons.
const COVERAGE_FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Runs the targets; a crash is an error that says where its input lies.
pub(crate) fn run(args: &Args) -> Result {
    for name in &args.targets {
        if !TARGETS.iter().any(|(known, _)| known == name) {
            return Err(format!("no fuzz target {name:?}").into());
        }
    }
    let binary = build(args.address)?;
    let root = testkit::workspace_root();
    let findings = root.join("target/fuzz-findings");
    let seeds = tempfile::tempdir()?;
    fuzz_seeds::make(seeds.path())?;
    for (target, runs) in TARGETS {
        if !args.targets.is_empty() && !args.targets.iter().any(|name| name == target) {
            continue;
        }
        sh::step(&format!("fuzz {target}"), || {
            let folders = [root.join("fuzz/corpus").join(target), seeds.path().join(target)];
            let passing = tempfile::tempdir()?;
            let (corpus, length) = match args.seconds {
                Some(seconds) => {
                    let kept = root.join("target/fuzz-corpus").join(target);
                    (kept, format!("-max_total_time={seconds}"))
                }
                None => (passing.path().to_owned(), format!("-runs={runs}")),
            };
            run_target(&binary, target, &corpus, &folders, &length, &findings)
        })?;
    }
    Ok(())
}

/// Builds the one program that holds all targets.
fn build(address: bool) -> Result<PathBuf> {
    let root = testkit::workspace_root();
    let rustc = sh::read(Command::new("rustc").arg("-vV"))?;
    let host = rustc
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .ok_or("rustc -vV names no host")?;
    // A folder for each set of flags, or each build would undo the other.
    let target_dir = root
        .join("target")
        .join(if address { "fuzz-address" } else { "fuzz" });
    let mut flags = COVERAGE_FLAGS.to_owned();
    let mut cargo = Command::new("cargo");
    if address {
        flags.push_str(" -Zsanitizer=address");
        cargo.env("RUSTC_BOOTSTRAP", "1");
    }
    // With `--target`, build scripts and macros are built without these flags.
    cargo
        .args(["build", "--quiet", "-p", "wtg-fuzz", "--features", "libfuzzer"])
        .args(["--bin", "wtg-fuzz", "--profile", "fuzz", "--target", host])
        .arg("--target-dir")
        .arg(&target_dir)
        .env("RUSTFLAGS", flags)
        .current_dir(&root);
    sh::step("build of the fuzz targets", || sh::run(&mut cargo))?;
    Ok(target_dir.join(host).join("fuzz/wtg-fuzz"))
}

fn run_target(
    binary: &Path,
    target: &str,
    corpus: &Path,
    seeds: &[PathBuf],
    length: &str,
    findings: &Path,
) -> Result {
    std::fs::create_dir_all(corpus)?;
    std::fs::create_dir_all(findings)?;
    let prefix = findings.join(format!("{target}-"));
    sh::run(
        Command::new(binary)
            .env("WTG_FUZZ_TARGET", target)
            .arg(corpus)
            .args(seeds.iter().filter(|folder| folder.is_dir()))
            .args([length, "-seed=1", "-timeout=60", "-rss_limit_mb=2048"])
            .arg(format!("-artifact_prefix={}", prefix.display())),
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn all_targets_are_listed() {
        let source = testkit::workspace_root().join("fuzz/src/lib.rs");
        let source = std::fs::read_to_string(source).unwrap();
        let names: Vec<&str> = source
            .lines()
            .filter_map(|line| line.trim().strip_prefix("(\"")?.split('"').next())
            .collect();
        let known: Vec<&str> = super::TARGETS.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, known);
    }
}

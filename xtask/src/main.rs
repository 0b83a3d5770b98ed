//! Tasks of the workspace: `cargo xtask help`. One file for each task.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "tasks talk to people")]
#![allow(
    clippy::disallowed_methods,
    reason = "tasks run foreign programs, read the environment and the clock"
)]

mod apt;
mod bench;
mod boot_test;
mod ci;
mod demo;
mod e2e;
mod flash;
mod fuzz_seeds;
mod fuzz_smoke;
mod kernel_job;
mod oracles;
mod sample;
mod setup;
mod sh;
mod stick_image;
mod tidy;
mod wtgctl;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Tasks of the workspace.
#[derive(Parser)]
#[command(name = "xtask", bin_name = "cargo xtask", subcommand_required = true)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what building and testing needs, through apt and pip; only what is missing.
    Setup,
    /// Fetch and build the oracles that Debian 12 does not have, into `target/oracles`.
    Oracles(oracles::Args),
    /// Make a Windows-like sample from free parts, in `target/sample`.
    Sample(sample::Args),
    /// Mount volumes with a Linux kernel in QEMU and read, or write, everything.
    KernelJob(kernel_job::Args),
    /// Boot a stick of the sample in QEMU with OVMF.
    BootTest(boot_test::Args),
    /// From nothing to a stick that boots in QEMU: installs, makes a sample, creates, inspects, boots.
    Demo,
    /// Everything that CI runs.
    Ci,
    /// The main job on the small sample, judged by foreign programs.
    E2e(e2e::Args),
    /// Each fuzz target for a few seconds.
    FuzzSmoke(fuzz_smoke::Args),
    /// Whole programs against what a person would run today, as ratios in one run.
    BenchVsPeers(bench::Args),
    /// Instructions of the decoders beside libwim's, by callgrind.
    BenchInstructions(bench::instructions::Args),
    /// What the writes of this project and of its peers mean on a modelled cheap stick.
    FlashModel(flash::Args),
    /// Rules of the house that no compiler checks.
    Tidy,
}

fn main() -> ExitCode {
    let result = match Cli::parse().task {
        Task::Setup => setup::run(),
        Task::Oracles(args) => oracles::run(&args),
        Task::Sample(args) => sample::run(&args),
        Task::KernelJob(args) => kernel_job::run(&args),
        Task::BootTest(args) => boot_test::run(&args),
        Task::Demo => demo::run(),
        Task::Ci => ci::run_all(),
        Task::E2e(args) => e2e::run(&args),
        Task::FuzzSmoke(args) => fuzz_smoke::run(&args),
        Task::BenchVsPeers(args) => bench::run(&args),
        Task::BenchInstructions(args) => bench::instructions::run(&args),
        Task::FlashModel(args) => flash::run(&args),
        Task::Tidy => tidy::run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

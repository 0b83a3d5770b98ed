//! Tasks of the workspace: `cargo xtask help`. One file for each task.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "tasks talk to people")]
#![allow(
    clippy::disallowed_methods,
    reason = "tasks run foreign programs, read the environment and the clock"
)]

mod apt;
mod oracles;
mod sample;
mod setup;
mod sh;

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
}

fn main() -> ExitCode {
    let result = match Cli::parse().task {
        Task::Setup => setup::run(),
        Task::Oracles(args) => oracles::run(&args),
        Task::Sample(args) => sample::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

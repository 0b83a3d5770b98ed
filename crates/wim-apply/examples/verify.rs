//! Verifies a WIM: `cargo run --release --example verify -- THREADS FILE [PART ...]`.

#![allow(clippy::print_stderr, reason = "an example talks to its user")]

use std::fs::File;
use std::process::ExitCode;

use wim_apply::apply::{ApplyOptions, Control, verify};
use wim_apply::{Limits, Wim};

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let threads = args.next().ok_or("number of threads?")?.parse()?;
    let mut wim = Wim::open(File::open(args.next().ok_or("file?")?)?, &Limits::default())?;
    for part in args {
        wim.add_part(File::open(part)?)?;
    }
    let options = ApplyOptions {
        threads,
        ..ApplyOptions::default()
    };
    let report = Control::silent(&wim, |control| verify(&wim, &options, control))?;
    for failure in &report.blobs.failures {
        eprintln!("{}", failure.error);
    }
    eprintln!("{} blobs, {} bytes", report.blobs.blobs, report.blobs.size_bytes);
    Ok(if report.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

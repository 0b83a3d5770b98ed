//! Prints the manifest of a mounted volume: run inside a kernel job, where there is no C library.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program")]

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(root) = std::env::args_os().nth(1) else {
        eprintln!("usage: walk MOUNT_POINT");
        return ExitCode::from(2);
    };
    match testkit::manifest::walk(Path::new(&root), false) {
        Ok(manifest) => {
            print!("{}", manifest.to_text());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("walk: {error}");
            ExitCode::FAILURE
        }
    }
}

//! `cargo xtask bench-instructions`: instructions of each decoder beside libwim's, as callgrind counts them.
//!
//! They do not depend on how busy the machine is; they do not know of mispredicted branches either.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::sections;
use crate::sample::{self, Size};
use crate::sh::{self, Result};

/// Where the counts go.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Put the table into docs/benchmarks.md.
    #[arg(long)]
    write: bool,
}

/// Counts, prints, and writes when asked. Always the small sample: callgrind is slow.
pub(crate) fn run(args: &Args) -> Result {
    sample::make(Size::Small)?;
    let program = sh::step("build codec_instructions", build)?;
    let dir = tempfile::tempdir()?;
    let sample = sample::dir(Size::Small);
    let chunks_128k = dir.path().join("lzms.wim");
    sh::step("make an LZMS file of 128 KiB chunks", || {
        sh::run(
            Command::new("wimlib-imagex")
                .arg("export")
                .arg(sample.join("boot.wim"))
                .arg("1")
                .arg(&chunks_128k)
                .args(["--compress=LZMS", "--chunk-size=128K", "--quiet"]),
        )
    })?;
    let mut text = String::from(
        "`cargo xtask bench-instructions`: sample small, wimlib's decoder in the same process.\n\n\
| | bytes decoded | ours, instructions per byte | libwim, instructions per byte | ratio |\n|---|---|---|---|---|\n",
    );
    for (name, file, chunks) in [
        ("XPRESS 32K", sample.join("boot.wim"), 400),
        ("LZX 32K", sample.join("install.wim"), 400),
        ("LZMS 128K", chunks_128k, 100),
        ("LZMS solid", sample.join("install.esd"), 1),
    ] {
        let count = |who| count(&program, who, &file, chunks, dir.path());
        let (ours, theirs) = sh::step(name, || Ok((count("ours")?, count("libwim")?)))?;
        let per_byte = |counted: &Counted| counted.instructions as f64 / counted.bytes as f64;
        let _ = writeln!(
            text,
            "| {name} | {} | {:.2} | {:.2} | {:.2} |",
            ours.bytes,
            per_byte(&ours),
            per_byte(&theirs),
            per_byte(&theirs) / per_byte(&ours),
        );
    }
    println!("{text}");
    if args.write {
        sections::write("instructions", &text)?;
    }
    Ok(())
}

fn build() -> Result<PathBuf> {
    let text = sh::read(
        Command::new("cargo")
            .args(["bench", "--quiet", "--package", "wtg-benches"])
            .args(["--bench", "codec_instructions", "--no-run"])
            .args(["--message-format", "json"])
            .current_dir(testkit::workspace_root()),
    )?;
    sh::executable_of(&text)
}

struct Counted {
    instructions: u64,
    bytes: u64,
}

fn count(program: &Path, who: &str, file: &Path, chunks: usize, dir: &Path) -> Result<Counted> {
    let output = sh::run(
        Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg("--toggle-collect=*measured*")
            .arg(program)
            .arg(who)
            .arg(file)
            .arg(chunks.to_string())
            .current_dir(dir),
    )?;
    let (said, counted) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    Ok(Counted {
        instructions: collected(&counted).ok_or_else(|| format!("callgrind says {counted}"))?,
        bytes: decoded(&said).ok_or_else(|| format!("the benchmark says {said}"))?,
    })
}

/// The number in callgrind's `Collected : 1234`.
fn collected(text: &str) -> Option<u64> {
    let (_, rest) = text.split_once("Collected :")?;
    rest.split_whitespace()
        .next()?
        .parse()
        .ok()
        .filter(|count| *count > 0)
}

/// The number in the benchmark's `Lzx, 400 chunks, 1234 bytes`.
fn decoded(text: &str) -> Option<u64> {
    let (before, _) = text.lines().next()?.rsplit_once(" bytes")?;
    before.rsplit(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_from_both_programs() {
        assert_eq!(
            collected("==7== Events    : Ir\n==7== Collected : 1234\n"),
            Some(1234)
        );
        assert_eq!(collected("==7== Collected : 0\n"), None);
        assert_eq!(decoded("Lzx, 400 chunks, 1234 bytes\nours: 1 s\n"), Some(1234));
        assert_eq!(decoded(""), None);
    }
}

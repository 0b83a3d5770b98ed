//! `cargo xtask bench-vs-peers`: whole programs against what a person would run today, in one run, as ratios.
//!
//! Each group is printed, and written into its section of docs/benchmarks.md when asked, as soon as it is measured;
//! a program that fails costs its row, not the group.

mod device_bytes;
pub(crate) mod groups;
pub(crate) mod instructions;
mod measure;
pub(crate) mod sections;
mod table;

use std::path::PathBuf;

use crate::sample::{self, Size};
use crate::sh::{self, Result};
use crate::wtgctl;

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The sample.
    #[arg(long, value_enum, default_value_t = Size::Large)]
    sample: Size,
    /// Timed runs of each program; the median is shown.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Folder for what is written; default: one in memory (`/dev/shm`).
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Flush to the disk as part of each run; needs --dir. Only jobs that write few, large files are run.
    #[arg(long, requires = "dir")]
    sync: bool,
    /// This binary instead of one built now.
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Put each table into its section of docs/benchmarks.md.
    #[arg(long)]
    write: bool,
    /// Only groups whose name has this: create, ntfs-lzx, verify-xpress, device-bytes, programs…
    #[arg(long)]
    only: Option<String>,
}

/// Measures, prints, and writes when asked.
pub(crate) fn run(args: &Args) -> Result {
    sample::make(args.sample)?;
    let binary = match &args.binary {
        Some(binary) => binary.canonicalize()?,
        None => sh::step("build wtgctl (release)", wtgctl::build)?,
    };
    let dir = match &args.dir {
        Some(dir) => {
            std::fs::create_dir_all(dir)?;
            tempfile::tempdir_in(dir)?
        }
        None => tempfile::tempdir_in("/dev/shm")?,
    };
    let chosen = |id: &str| args.only.as_ref().is_none_or(|only| id.contains(only.as_str()));
    let jobs = groups::Jobs::new(args.sample, &binary);
    for group in jobs.groups() {
        if !chosen(group.id) || (args.sync && !group.to_disk()) {
            continue;
        }
        if group.of_programs() && !sample::programs::made() {
            eprintln!("{}: left out without `cargo xtask sample programs`", group.title);
            continue;
        }
        // Calls to a disk are those to memory.
        let count_writes = group.writes && !args.sync;
        let more = format!(
            ", {}{}, median of {} runs",
            if args.dir.is_some() {
                "a file system on a disk"
            } else {
                "in memory"
            },
            if args.sync { " with sync" } else { "" },
            args.runs.max(1)
        );
        let conditions = sections::conditions(group.sample(args.sample), &binary, &more)?;
        let outcomes = sh::step(group.title, || {
            Ok(measure::measure(
                &group,
                dir.path(),
                args.runs,
                args.sync,
                count_writes,
            ))
        })?;
        for (contestant, outcome) in group.contestants.iter().zip(&outcomes) {
            if let Err(error) = outcome {
                eprintln!("{}: {error}", contestant.name);
            }
        }
        let id = if args.sync {
            format!("disk-{}", group.id)
        } else {
            group.id.to_owned()
        };
        report(
            args,
            &id,
            group.title,
            &format!("{conditions}{}", table::table(&group, &outcomes, count_writes)),
        )?;
    }
    if chosen("device-bytes") && !args.sync {
        let conditions = sections::conditions(args.sample.name(), &binary, "")?;
        let table = sh::step("device bytes", || {
            device_bytes::table(&jobs, args.sample, &binary, dir.path())
        })?;
        report(
            args,
            "device-bytes",
            "device bytes",
            &format!("{conditions}{table}"),
        )?;
    }
    Ok(())
}

fn report(args: &Args, id: &str, title: &str, text: &str) -> Result {
    println!("### {title}\n\n{text}");
    if args.write {
        sections::write(id, text)?;
    }
    Ok(())
}

//! `cargo xtask flash-model`: what the writes of two programs mean on a cheap stick.
//!
//! The writes of each program to the volume are recorded ([`record`]), go through a page cache or not ([`cache`]), and
//! are played to a model of a stick ([`device`]). The model is ours; docs/benchmarks.md says what it leaves out.

mod cache;
mod device;
pub(crate) mod record;

use std::fmt::Write as _;
use std::path::PathBuf;

use device::{Device, Mapping, Stick, Usage};
use record::Event;

use crate::bench::groups::Jobs;
use crate::bench::sections;
use crate::sample::{self, Size};
use crate::sh::{self, Result};
use crate::wtgctl;

/// What to record, and the stick.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The sample.
    #[arg(long, value_enum, default_value_t = Size::Large)]
    sample: Size,
    /// This binary instead of one built now.
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Folder for what is written while it is recorded.
    #[arg(long, default_value = "/dev/shm")]
    dir: PathBuf,
    /// Put the tables into docs/benchmarks.md.
    #[arg(long)]
    write: bool,
    /// Erase block of the stick, in KiB.
    #[arg(long, default_value_t = 4096)]
    erase_block_kib: u64,
    /// Page of the stick, in KiB.
    #[arg(long, default_value_t = 16)]
    page_kib: u64,
    /// Erase blocks that are open at a time.
    #[arg(long, default_value_t = 4)]
    open_blocks: usize,
    /// Speed of one ascending pass, in MB/s.
    #[arg(long, default_value_t = 20.0)]
    program_mb_per_s: f64,
}

/// Page caches: none, small ones, and one that a machine with 8 GiB grants a device.
const CACHES: [(&str, Option<u64>); 4] = [
    ("none", None),
    ("64 MiB", Some(64 << 20)),
    ("256 MiB", Some(256 << 20)),
    ("1 GiB", Some(1 << 30)),
];

/// A program's writes.
struct Trace {
    /// Its name, or the names of all whose writes are the same.
    name: String,
    /// It does the first one's job.
    compares: bool,
    events: Vec<Event>,
}

/// Records, models, prints, and writes into the docs when asked.
pub(crate) fn run(args: &Args) -> Result {
    if args.page_kib == 0 || args.open_blocks == 0 || args.erase_block_kib < args.page_kib {
        return Err("a stick has pages, open blocks, and erase blocks of at least a page".into());
    }
    sample::make(args.sample)?;
    let binary = match &args.binary {
        Some(binary) => binary.canonicalize()?,
        None => sh::step("build wtgctl (release)", wtgctl::build)?,
    };
    let jobs = Jobs::new(args.sample, &binary);
    let mut traces: Vec<Trace> = Vec::new();
    for (name, script, file) in [
        (
            "mkntfs, wimlib-imagex apply",
            jobs.ntfs_peer("install.wim"),
            "volume.img",
        ),
        ("wtgctl", jobs.ntfs("install.wim", ""), "volume.img"),
        (
            "wtgctl, compact",
            jobs.ntfs("install.wim", "--compact auto"),
            "volume.img",
        ),
        (
            "wtgctl, compact, deferred",
            jobs.ntfs("install.wim", "--compact auto --verify deferred"),
            "volume.img",
        ),
        ("wtgctl create: a whole stick", jobs.create(""), "stick.img"),
    ] {
        let dir = tempfile::tempdir_in(&args.dir)?;
        let script = format!("PATH=$PATH:/usr/sbin:/sbin\n{script}\n");
        let events = sh::step(&format!("record {name}"), || {
            record::record(&script, dir.path(), file)
        })?;
        if let Some(same) = traces
            .iter_mut()
            .find(|trace| same_writes(&trace.events, &events))
        {
            same.name = format!("{}; {name}", same.name);
            continue;
        }
        traces.push(Trace {
            name: name.to_owned(),
            compares: file == "volume.img",
            events,
        });
    }
    let device = Device {
        erase_block_bytes: args.erase_block_kib << 10,
        page_bytes: args.page_kib << 10,
        open_blocks: args.open_blocks,
        program_bytes_per_s: args.program_mb_per_s * 1e6,
        ..Device::default()
    };
    let report = format!(
        "{}{}{}",
        conditions(args, &binary, &device)?,
        programs(&traces, &device),
        sh::step("model", || Ok(variants(&traces, &device)))?
    );
    println!("{report}");
    if args.write {
        sections::write("flash-model", &report)?;
    }
    Ok(())
}

/// Whether two programs wrote the same extents in the same order; where they flushed hangs on the time they took.
fn same_writes(one: &[Event], other: &[Event]) -> bool {
    let is_write = |event: &&Event| **event != Event::Flush;
    one.iter().filter(is_write).eq(other.iter().filter(is_write))
}

fn play(trace: &Trace, cache: Option<u64>, device: &Device) -> Usage {
    let mut stick = Stick::new(*device);
    cache::replay(&trace.events, cache, |offset, len| stick.write(offset, len));
    stick.finish()
}

fn conditions(args: &Args, binary: &std::path::Path, device: &Device) -> Result<String> {
    Ok(format!(
        "{}\nStick: erase blocks of {} KiB, pages of {} KiB, {} open, {:.0} MB/s programming, {:.0} MB/s reading for \
copies, {:.0} ms for an erase, {:.2} ms for each command of at most {} KiB.\n",
        sections::conditions(args.sample.name(), binary, "")?,
        device.erase_block_bytes >> 10,
        device.page_bytes >> 10,
        device.open_blocks,
        device.program_bytes_per_s / 1e6,
        device.read_bytes_per_s / 1e6,
        device.erase_s * 1e3,
        device.command_s * 1e3,
        device.command_bytes >> 10,
    ))
}

/// Everything about each program on one stick, with both mappings and each cache.
fn programs(traces: &[Trace], device: &Device) -> String {
    let mut text = String::from(
        "\n| mapping | cache | program | writes sent | MB sent | MB programmed | amplification | erases | s | ratio |\n\
|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for mapping in [Mapping::Linear, Mapping::Log] {
        let device = Device { mapping, ..*device };
        for (cache_name, cache) in CACHES {
            let mut first = None;
            for trace in traces {
                let mut writes = 0;
                cache::replay(&trace.events, cache, |_, _| writes += 1);
                let usage = play(trace, cache, &device);
                let seconds = usage.seconds(&device);
                let first = *first.get_or_insert(seconds);
                let ratio = if trace.compares {
                    format!("{:.1}", first / seconds)
                } else {
                    "-".to_owned()
                };
                let _ = writeln!(
                    text,
                    "| {} | {cache_name} | {} | {writes} | {:.0} | {:.0} | {:.2} | {} | {seconds:.0} | {ratio} |",
                    mapping.name(),
                    trace.name,
                    usage.sent_bytes as f64 / 1e6,
                    usage.programmed_bytes as f64 / 1e6,
                    usage.programmed_bytes as f64 / usage.sent_bytes.max(1) as f64,
                    usage.erases,
                );
            }
        }
    }
    text
}

/// Seconds of the first program, and how many times faster the next two are, on other sticks.
fn variants(traces: &[Trace], device: &Device) -> String {
    let [peer, plain, compact, ..] = traces else {
        return String::new();
    };
    let mut text = String::from("\n| mapping | erase block | open |");
    // The largest makes all sticks alike.
    let (_, caches) = CACHES.split_last().unwrap_or((&CACHES[0], &[]));
    for (cache, _) in caches {
        let _ = write!(text, " cache {cache}: peer s | plain | compact |");
    }
    text.push_str("\n|---|---|---|---|---|---|---|---|---|---|---|---|\n");
    for mapping in [Mapping::Linear, Mapping::Log] {
        for erase_block_mib in [2, 4, 8] {
            for open_blocks in [2, 4, 8] {
                let device = Device {
                    mapping,
                    erase_block_bytes: erase_block_mib << 20,
                    open_blocks,
                    ..*device
                };
                let _ = write!(
                    text,
                    "| {} | {erase_block_mib} MiB | {open_blocks} |",
                    mapping.name()
                );
                for (_, cache) in caches {
                    let [peer, plain, compact] =
                        [peer, plain, compact].map(|trace| play(trace, *cache, &device).seconds(&device));
                    let _ = write!(
                        text,
                        " {peer:.0} | {:.1}x | {:.1}x |",
                        peer / plain,
                        peer / compact
                    );
                }
                text.push('\n');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flushes_do_not_make_writes_differ() {
        let write = |offset| Event::Write { offset, len: 1 };
        assert!(same_writes(
            &[write(1), Event::Flush, write(2)],
            &[write(1), write(2), Event::Flush]
        ));
        assert!(!same_writes(&[write(1), write(2)], &[write(2), write(1)]));
        assert!(!same_writes(&[write(1), write(2)], &[write(1)]));
    }
}

//! `cargo xtask bench-vs-peers`: whole programs against what a person would run today, in one run, as ratios.
//!
//! Wall and CPU time and peak memory come from GNU time, write calls and bytes from strace in a run of its own (which
//! is not timed). Programs take turns, so that a machine's mood falls on all of them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

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
    /// Flush to the disk as part of each run.
    #[arg(long)]
    sync: bool,
    /// This binary instead of one built now.
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Append the tables to docs/benchmarks.md.
    #[arg(long)]
    append: bool,
    /// Only groups whose name has this.
    #[arg(long)]
    only: Option<String>,
}

/// One way to do a job: a shell script, run by `sh -e` in an empty folder.
struct Contestant {
    name: &'static str,
    script: String,
}

/// A job and those who do it; the first is what others are compared with.
struct Group {
    name: &'static str,
    contestants: Vec<Contestant>,
}

/// What one contestant took.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    wall_s: f64,
    cpu_s: f64,
    peak_kib: u64,
    write_calls: u64,
    written_bytes: u64,
}

/// Measures, prints, and appends when asked.
pub(crate) fn run(args: &Args) -> Result {
    sample::make(args.sample)?;
    let binary = match &args.binary {
        Some(binary) => binary.canonicalize()?,
        None => sh::step("build wtgctl (release)", wtgctl::build)?,
    };
    let dir = match &args.dir {
        Some(dir) => tempfile::tempdir_in(dir)?,
        None => tempfile::tempdir_in("/dev/shm")?,
    };
    let mut report = head(args, &binary)?;
    for group in groups(&sample::dir(args.sample), &binary, args.sample) {
        if args
            .only
            .as_ref()
            .is_some_and(|only| !group.name.contains(only.as_str()))
        {
            continue;
        }
        let costs = measure(&group, dir.path(), args)?;
        report.push_str(&table(&group, &costs));
        eprintln!("{}", table(&group, &costs));
    }
    println!("{report}");
    if args.append {
        let path = testkit::workspace_root().join("docs/benchmarks.md");
        let before = sh::read_or_empty(&path);
        std::fs::write(&path, format!("{before}{report}"))?;
    }
    Ok(())
}

fn groups(sample: &Path, binary: &Path, size: Size) -> Vec<Group> {
    let (wtgctl, sample) = (binary.display(), sample.display());
    let (stick, volume) = match size {
        Size::Small => ("1G", "512M"),
        Size::Large => ("4G", "3G"),
    };
    let one = |name, script: String| Contestant { name, script };
    let stick_peer = format!(
        "truncate -s {stick} stick.img
sgdisk -n 1:0:+260M -t 1:EF00 -n 2:0:+16M -t 2:0C01 -n 3:0:-1M -t 3:0700 stick.img >/dev/null 2>&1
mkdir boot && wimlib-imagex extract {sample}/install.wim 1 /Windows/Boot/EFI /Windows/Boot/Fonts /Windows/Boot/Resources \
--dest-dir=boot --no-acls --quiet 2>/dev/null
truncate -s 260M esp.img && mkfs.fat -F 32 esp.img >/dev/null
mmd -i esp.img ::EFI ::EFI/Boot ::EFI/Microsoft ::EFI/Microsoft/Boot
mcopy -i esp.img boot/EFI/bootmgfw.efi ::EFI/Boot/bootx64.efi
mcopy -s -i esp.img boot/EFI boot/Fonts boot/Resources ::EFI/Microsoft/Boot
truncate -s {volume} windows.img
mkntfs -q -F windows.img >/dev/null 2>&1
wimlib-imagex apply {sample}/install.wim 1 windows.img --quiet
dd if=esp.img of=stick.img bs=1M seek=1 conv=notrunc,sparse status=none
dd if=windows.img of=stick.img bs=1M seek=277 conv=notrunc,sparse status=none"
    );
    let create = |more: &str| {
        format!(
            "{wtgctl} create {sample}/install.wim --index 1 --target stick.img --size {stick} --seed 7 --quiet {more}"
        )
    };
    let ntfs = |wim: &str, more: &str| {
        format!("{wtgctl} wim apply {sample}/{wim} 1 --ntfs volume.img --size {volume} --quiet {more}")
    };
    let ntfs_peer = |wim: &str| {
        format!(
            "truncate -s {volume} volume.img\nmkntfs -q -F volume.img >/dev/null 2>&1\n\
wimlib-imagex apply {sample}/{wim} 1 volume.img --quiet"
        )
    };
    let verify = |wim: &str| {
        vec![
            one(
                "wimlib-imagex verify",
                format!("wimlib-imagex verify {sample}/{wim} --quiet"),
            ),
            one(
                "wtgctl, 1 thread",
                format!("{wtgctl} wim verify {sample}/{wim} --quiet --threads 1"),
            ),
            one(
                "wtgctl, 2 threads",
                format!("{wtgctl} wim verify {sample}/{wim} --quiet --threads 2"),
            ),
        ]
    };
    let apply = |wim: &str| {
        vec![
            one(
                "wimlib-imagex apply",
                format!("mkdir out && wimlib-imagex apply {sample}/{wim} 1 out --no-acls --quiet"),
            ),
            one(
                "wtgctl, 1 thread",
                format!("{wtgctl} wim apply {sample}/{wim} 1 out --quiet --threads 1"),
            ),
            one(
                "wtgctl, 2 threads",
                format!("{wtgctl} wim apply {sample}/{wim} 1 out --quiet --threads 2"),
            ),
        ]
    };
    vec![
        Group {
            name: "create: a whole stick",
            contestants: vec![
                one("sgdisk, mkfs.fat, mcopy, mkntfs, wimlib, dd", stick_peer),
                one("wtgctl create", create("")),
                one("wtgctl create, 1 thread", create("--threads 1")),
                one("wtgctl create, compact", create("--compact auto")),
                one(
                    "wtgctl create, compact, deferred",
                    create("--compact auto --verify deferred"),
                ),
            ],
        },
        Group {
            name: "ntfs: a volume from an LZX image",
            contestants: vec![
                one("mkntfs, wimlib-imagex apply", ntfs_peer("install.wim")),
                one("wtgctl", ntfs("install.wim", "")),
                one("wtgctl, 1 thread", ntfs("install.wim", "--threads 1")),
                one("wtgctl, compact", ntfs("install.wim", "--compact auto")),
                one(
                    "wtgctl, compact, deferred",
                    ntfs("install.wim", "--compact auto --verify deferred"),
                ),
            ],
        },
        Group {
            name: "ntfs: a volume from a solid image",
            contestants: vec![
                one("mkntfs, wimlib-imagex apply", ntfs_peer("install.esd")),
                one("wtgctl", ntfs("install.esd", "")),
            ],
        },
        Group {
            name: "verify: LZX",
            contestants: verify("install.wim"),
        },
        Group {
            name: "verify: XPRESS",
            contestants: verify("boot.wim"),
        },
        Group {
            name: "verify: solid LZMS",
            contestants: verify("install.esd"),
        },
        Group {
            name: "apply to a folder: LZX",
            contestants: apply("install.wim"),
        },
        Group {
            name: "apply to a folder: XPRESS",
            contestants: apply("boot.wim"),
        },
        Group {
            name: "apply to a folder: solid LZMS",
            contestants: apply("install.esd"),
        },
    ]
}

/// The median of each contestant's runs; `Err` inside for one that failed.
fn measure(group: &Group, dir: &Path, args: &Args) -> Result<Vec<std::result::Result<Cost, String>>> {
    let count = group.contestants.len();
    let mut runs: Vec<std::result::Result<Vec<Cost>, String>> = vec![Ok(Vec::new()); count];
    for _ in 0..args.runs.max(1) {
        for (contestant, so_far) in group.contestants.iter().zip(&mut runs) {
            if let Ok(costs) = so_far {
                match timed(contestant, dir, args.sync) {
                    Ok(cost) => costs.push(cost),
                    Err(error) => *so_far = Err(error.to_string()),
                }
            }
        }
    }
    group
        .contestants
        .iter()
        .zip(runs)
        .map(|(contestant, runs)| {
            Ok(match runs {
                Err(error) => {
                    eprintln!("{}: {error}", contestant.name);
                    Err(error)
                }
                Ok(mut costs) => {
                    costs.sort_by(|a, b| a.wall_s.total_cmp(&b.wall_s));
                    let mut cost = costs[costs.len() / 2];
                    (cost.write_calls, cost.written_bytes) = traced(contestant, dir)?;
                    Ok(cost)
                }
            })
        })
        .collect()
}

fn script(contestant: &Contestant, dir: &Path, sync: bool) -> Result<(tempfile::TempDir, String)> {
    let work = tempfile::tempdir_in(dir)?;
    let sync = if sync { "\nsync -f ." } else { "" };
    Ok((
        work,
        format!("PATH=$PATH:/usr/sbin:/sbin\n{}{sync}\n", contestant.script),
    ))
}

fn timed(contestant: &Contestant, dir: &Path, sync: bool) -> Result<Cost> {
    let (work, script) = script(contestant, dir, sync)?;
    let times = tempfile::NamedTempFile::new()?;
    sh::run(
        Command::new("/usr/bin/time")
            .args(["-f", "%e %U %S %M", "-o"])
            .arg(times.path())
            .args(["sh", "-e", "-c", &script])
            .current_dir(work.path()),
    )?;
    let text = std::fs::read_to_string(times.path())?;
    let numbers: Vec<f64> = text
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    let [wall_s, user_s, system_s, peak_kib] = numbers[..] else {
        return Err(format!("GNU time says {text}").into());
    };
    Ok(Cost {
        wall_s,
        cpu_s: user_s + system_s,
        peak_kib: peak_kib as u64,
        ..Cost::default()
    })
}

/// Calls that write files, and the bytes they wrote.
fn traced(contestant: &Contestant, dir: &Path) -> Result<(u64, u64)> {
    let (work, script) = script(contestant, dir, false)?;
    let trace = tempfile::NamedTempFile::new()?;
    sh::run(
        Command::new("strace")
            .args([
                "-f",
                "--seccomp-bpf",
                "-q",
                "-e",
                "signal=none",
                "-e",
                "trace=write,pwrite64,writev,pwritev,pwritev2,copy_file_range",
            ])
            .args(["-s", "0", "-o"])
            .arg(trace.path())
            .args(["sh", "-e", "-c", &script])
            .current_dir(work.path()),
    )?;
    let mut calls = 0;
    let mut bytes = 0;
    for line in std::fs::read_to_string(trace.path())?.lines() {
        if let Some(result) = line
            .rsplit_once("= ")
            .and_then(|(_, result)| result.parse::<u64>().ok())
        {
            calls += 1;
            bytes += result;
        }
    }
    Ok((calls, bytes))
}

fn head(args: &Args, binary: &Path) -> Result<String> {
    let version = sh::read(Command::new(binary).arg("--version"))?;
    let wimlib = sh::read(Command::new("wimlib-imagex").arg("--version"))?;
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let load = sh::read_or_empty(Path::new("/proc/loadavg"));
    let command = std::env::args().skip(1).collect::<Vec<_>>().join(" ");
    let place = if args.dir.is_some() {
        "a folder on disk"
    } else {
        "memory"
    };
    Ok(format!(
        "\n## {}, {}, {cores} cores, load {} at the start\n\n`cargo xtask {command}`: sample {}, to {place}{}, median of {} runs; \
ratios are the first row's cost divided by that row's.\n",
        version.trim(),
        wimlib.lines().next().unwrap_or_default().trim(),
        load.split_whitespace().next().unwrap_or_default(),
        args.sample.name(),
        if args.sync { " with sync" } else { "" },
        args.runs.max(1),
    ))
}

fn table(group: &Group, costs: &[std::result::Result<Cost, String>]) -> String {
    let mut text = format!(
        "\n### {}\n\n| | wall s | ratio | CPU s | ratio | peak MiB | write calls | ratio | MB written | ratio |\n\
|---|---|---|---|---|---|---|---|---|---|\n",
        group.name
    );
    let first = costs.iter().flatten().next().copied().unwrap_or_default();
    for (contestant, cost) in group.contestants.iter().zip(costs) {
        let Ok(cost) = cost else {
            let _ = writeln!(text, "| {} | failed | | | | | | | | |", contestant.name);
            continue;
        };
        let ratio = |a: f64, b: f64| {
            if b == 0.0 {
                "-".to_owned()
            } else {
                format!("{:.2}", a / b)
            }
        };
        let _ = writeln!(
            text,
            "| {} | {:.2} | {} | {:.2} | {} | {} | {} | {} | {:.0} | {} |",
            contestant.name,
            cost.wall_s,
            ratio(first.wall_s, cost.wall_s),
            cost.cpu_s,
            ratio(first.cpu_s, cost.cpu_s),
            cost.peak_kib / 1024,
            cost.write_calls,
            ratio(first.write_calls as f64, cost.write_calls as f64),
            cost.written_bytes as f64 / 1e6,
            ratio(first.written_bytes as f64, cost.written_bytes as f64),
        );
    }
    text
}

//! What a script costs: time and memory by GNU time, write calls by strace in a run of its own, which is not timed.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Command;

use super::groups::{Contestant, Group};
use crate::sh::{self, Result};

/// What one contestant took.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    pub(super) wall_s: f64,
    pub(super) cpu_s: f64,
    pub(super) peak_kib: u64,
    pub(super) write_calls: u64,
    pub(super) written_bytes: u64,
}

/// A contestant's cost, or what went wrong.
pub(super) type Outcome = std::result::Result<Cost, String>;

/// The median of each contestant's runs, by wall time. Programs take turns, so that a machine's mood falls on all.
pub(super) fn measure(
    group: &Group,
    dir: &Path,
    runs: usize,
    sync: bool,
    count_writes: bool,
) -> Vec<Outcome> {
    let mut all: Vec<std::result::Result<Vec<Cost>, String>> = vec![Ok(Vec::new()); group.contestants.len()];
    for _ in 0..runs.max(1) {
        for (contestant, so_far) in group.contestants.iter().zip(&mut all) {
            if let Ok(costs) = so_far {
                match timed(contestant, dir, sync) {
                    Ok(cost) => costs.push(cost),
                    Err(error) => *so_far = Err(error.to_string()),
                }
            }
        }
    }
    group
        .contestants
        .iter()
        .zip(all)
        .map(|(contestant, costs)| {
            let mut costs = costs?;
            costs.sort_by(|a, b| a.wall_s.total_cmp(&b.wall_s));
            let mut cost = costs[costs.len() / 2];
            if count_writes {
                (cost.write_calls, cost.written_bytes) =
                    traced(contestant, dir).map_err(|error| error.to_string())?;
            }
            Ok(cost)
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
    if sync {
        // What earlier runs left behind is not this one's.
        sh::run(Command::new("sync").arg("-f").arg(dir))?;
    }
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
            .args(["-f", "--seccomp-bpf", "-q", "-e", "signal=none", "-e"])
            .arg("trace=write,pwrite64,writev,pwritev,pwritev2,copy_file_range")
            .args(["-s", "0", "-o"])
            .arg(trace.path())
            .args(["sh", "-e", "-c", &script])
            .current_dir(work.path()),
    )?;
    let mut calls = 0;
    let mut bytes = 0;
    for line in BufReader::new(trace.reopen()?).lines() {
        let line = line?;
        let result = line
            .rsplit_once("= ")
            .and_then(|(_, result)| result.parse::<u64>().ok());
        if let Some(result) = result {
            calls += 1;
            bytes += result;
        }
    }
    Ok((calls, bytes))
}

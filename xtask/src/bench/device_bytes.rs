//! Bytes that reach the device, against the data and metadata that the volume holds.
//!
//! What was written is counted by strace on the volume's file. What a volume holds is counted by `ntfsinfo`: its
//! allocated clusters, so data and metadata, each with the rest of its last cluster.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use super::groups::Jobs;
use crate::flash::record::{self, Event};
use crate::sample::{self, Size};
use crate::sh::{self, Result};

pub(super) fn table(jobs: &Jobs, size: Size, binary: &Path, dir: &Path) -> Result<String> {
    let data_bytes = data_bytes(&sample::dir(size).join("install.wim"), binary)?;
    let mut text = format!(
        "\nThe image's data, each hard-linked file once: {:.1} MB.\n\n\
| | writes | MB written | MB allocated | written / allocated | written / plain volume's allocated |\n\
|---|---|---|---|---|---|\n",
        data_bytes as f64 / 1e6
    );
    let mut plain = None;
    for (name, script) in [
        ("wtgctl", jobs.ntfs("install.wim", "")),
        ("wtgctl, compact", jobs.ntfs("install.wim", "--compact auto")),
        (
            "wtgctl, compact, from a solid image",
            jobs.ntfs("install.esd", "--compact auto"),
        ),
        ("mkntfs -Q, wimlib-imagex apply", jobs.ntfs_peer("install.wim")),
    ] {
        let work = tempfile::tempdir_in(dir)?;
        let script = format!("PATH=$PATH:/usr/sbin:/sbin\n{script}\n");
        let events = record::record(&script, work.path(), "volume.img")?;
        let writes = events.iter().filter(|event| **event != Event::Flush).count();
        let written = record::written_bytes(&events);
        let allocated = allocated_bytes(&work.path().join("volume.img"))?;
        let plain = *plain.get_or_insert(allocated);
        let _ = writeln!(
            text,
            "| {name} | {writes} | {:.1} | {:.1} | {:.3} | {:.3} |",
            written as f64 / 1e6,
            allocated as f64 / 1e6,
            written as f64 / allocated as f64,
            written as f64 / plain as f64,
        );
    }
    Ok(text)
}

/// Bytes of the streams of the first image, each file once.
fn data_bytes(wim: &Path, binary: &Path) -> Result<u64> {
    let text = sh::read(Command::new(binary).args(["wim", "info", "--json"]).arg(wim))?;
    let info: serde_json::Value = serde_json::from_str(text.lines().last().unwrap_or_default())?;
    let image = &info["images"][0];
    match (image["total_bytes"].as_u64(), image["hard_link_bytes"].as_u64()) {
        (Some(total), Some(links)) => Ok(total.saturating_sub(links)),
        _ => Err("wim info shows no sizes".into()),
    }
}

/// Clusters in use, in bytes, as `ntfsinfo` counts them.
fn allocated_bytes(volume: &Path) -> Result<u64> {
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let text = sh::read(
        Command::new("ntfsinfo")
            .args(["-f", "-m"])
            .arg(volume)
            .env("PATH", path),
    )?;
    let number = |label: &str| -> Result<u64> {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(label));
        let number = line.and_then(|rest| rest.trim_start_matches(':').split_whitespace().next());
        Ok(number
            .ok_or_else(|| format!("ntfsinfo shows no {label}"))?
            .parse()?)
    };
    let used = number("Volume Size in Clusters")?.saturating_sub(number("Free Clusters")?);
    Ok(used * number("Cluster Size")?)
}

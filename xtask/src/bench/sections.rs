//! The parts of docs/benchmarks.md that measurements write: between `<!-- bench:ID -->` and `<!-- /bench:ID -->`.

use std::path::Path;
use std::process::Command;

use crate::sh::{self, Result};

/// Replaces what a section holds.
pub(crate) fn write(id: &str, text: &str) -> Result {
    let path = testkit::workspace_root().join("docs/benchmarks.md");
    let document = std::fs::read_to_string(&path)?;
    let document =
        replace(&document, id, text).ok_or_else(|| format!("docs/benchmarks.md has no section {id}"))?;
    std::fs::write(&path, document)?;
    Ok(())
}

fn replace(document: &str, id: &str, text: &str) -> Option<String> {
    let (before, rest) = document.split_once(&format!("<!-- bench:{id} -->\n"))?;
    let (_, after) = rest.split_once(&format!("<!-- /bench:{id} -->"))?;
    let text = text.trim();
    Some(format!(
        "{before}<!-- bench:{id} -->\n\n{text}\n\n<!-- /bench:{id} -->{after}"
    ))
}

/// What was run, on what, how busy: a line.
pub(crate) fn conditions(sample: &str, binary: &Path, more: &str) -> Result<String> {
    let version = sh::read(Command::new(binary).arg("--version"))?;
    let wimlib = sh::read(Command::new("wimlib-imagex").arg("--version"))?;
    let wimlib = wimlib.split_whitespace().nth(1).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let load = sh::read_or_empty(Path::new("/proc/loadavg"));
    let newer: Vec<String> = sh::read_or_empty(&testkit::oracles::dir().join("newer/packages.txt"))
        .lines()
        .filter_map(|line| {
            let (name, rest) = line.split_once('_')?;
            let version = rest.split('_').next()?;
            matches!(name, "wimtools" | "7zip").then(|| format!("newer {name} {version}"))
        })
        .collect();
    Ok(format!(
        "`cargo xtask {}`: sample {sample}{more}; {}, wimlib {wimlib}, {}{cores} cores of {}, load {} at the start.{}\n",
        command(std::env::args().skip(1)),
        version.trim(),
        newer.iter().map(|name| format!("{name}, ")).collect::<String>(),
        processor(&sh::read_or_empty(Path::new("/proc/cpuinfo"))),
        load.split_whitespace().next().unwrap_or_default(),
        busy(&load, cores),
    ))
}

/// A warning when others used the machine.
fn busy(load: &str, cores: usize) -> &'static str {
    let load: f64 = load
        .split_whitespace()
        .next()
        .and_then(|word| word.parse().ok())
        .unwrap_or_default();
    // Twice the cores: the group before leaves some.
    if load > 2.0 * cores as f64 {
        " **The machine was busy: wall times say nothing, CPU times little.**"
    } else {
        ""
    }
}

/// The name in `/proc/cpuinfo`.
fn processor(text: &str) -> &str {
    text.lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("an unnamed processor", |rest| {
            rest.trim_start_matches([' ', '\t', ':'])
        })
}

/// The command as another person would give it: without this machine's paths.
fn command(arguments: impl Iterator<Item = String>) -> String {
    let mut words = Vec::new();
    let mut arguments = arguments.peekable();
    while let Some(word) = arguments.next() {
        if word == "--binary" {
            arguments.next();
        } else if word == "--dir" {
            arguments.next();
            words.push("--dir DIR".to_owned());
        } else if !word.starts_with("--binary=") && word != "--write" {
            words.push(word);
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Size;

    #[test]
    fn a_section_is_replaced_and_nothing_else() {
        let document = "a\n<!-- bench:x -->\nold\n<!-- /bench:x -->\nb\n<!-- bench:y --><!-- /bench:y -->\n";
        let once = replace(document, "x", "\nnew\n").unwrap();
        assert!(
            once.starts_with("a\n<!-- bench:x -->\n\nnew\n\n<!-- /bench:x -->\nb\n"),
            "{once}"
        );
        assert_eq!(replace(&once, "x", "new").unwrap(), once);
        assert_eq!(replace(document, "z", "new"), None);
    }

    #[test]
    fn a_busy_machine_is_told() {
        assert_eq!(busy("3.90 1.00 1.00 1/200 3\n", 2), "");
        assert!(busy("4.10 1.00 1.00 1/200 3\n", 2).contains("busy"));
    }

    #[test]
    fn the_processor_is_named() {
        assert_eq!(
            processor("flags : x\nmodel name\t: A CPU\nmodel name\t: B\n"),
            "A CPU"
        );
        assert_eq!(processor(""), "an unnamed processor");
    }

    #[test]
    fn a_command_shows_no_paths() {
        let given = [
            "bench-vs-peers",
            "--binary",
            "/x/y",
            "--dir",
            "/z",
            "--write",
            "--runs",
            "1",
        ];
        assert_eq!(
            command(given.map(str::to_owned).into_iter()),
            "bench-vs-peers --dir DIR --runs 1"
        );
    }

    #[test]
    fn the_document_has_a_section_for_everything_measured() {
        let document = std::fs::read_to_string(testkit::workspace_root().join("docs/benchmarks.md")).unwrap();
        let jobs = super::super::groups::Jobs::new(Size::Small, Path::new("wtgctl"));
        let mut ids: Vec<String> = Vec::new();
        for group in jobs.groups() {
            ids.push(group.id.to_owned());
            if group.to_disk() {
                ids.push(format!("disk-{}", group.id));
            }
        }
        ids.extend(["device-bytes", "flash-model", "instructions"].map(str::to_owned));
        for id in ids {
            assert!(replace(&document, &id, "").is_some(), "{id}");
        }
    }
}

//! Rules of the house that no compiler checks: module docs, edges between crates, licences, binary files.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::sh::{self, Result};

/// Which crates of the workspace each crate may use, tests aside. Arrows go down only.
const EDGES: &[(&str, &[&str])] = &[
    ("bootcfg", &["regf-hive"]),
    ("iso-loopback", &[]),
    ("ntfs-image", &[]),
    ("partitioner", &[]),
    ("regf-hive", &[]),
    (
        "stick",
        &[
            "bootcfg",
            "iso-loopback",
            "ntfs-image",
            "partitioner",
            "regf-hive",
            "wim-apply",
        ],
    ),
    ("testkit", &[]),
    ("wim-apply", &[]),
    (
        "wtgctl",
        &[
            "bootcfg",
            "iso-loopback",
            "ntfs-image",
            "partitioner",
            "regf-hive",
            "stick",
            "wim-apply",
        ],
    ),
];

/// Licences that may ship; an expression holds when each of its `AND` parts has one of them.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

const LARGEST_BINARY_BYTES: usize = 64 * 1024;

/// Checks every rule and lists everything that breaks one.
pub(crate) fn run() -> Result {
    let root = testkit::workspace_root();
    let mut findings = Vec::new();
    let files = sh::read(Command::new("git").args(["ls-files", "-z"]).current_dir(&root))?;
    for file in files.split('\0').filter(|file| !file.is_empty()) {
        let path = root.join(file);
        let Ok(bytes) = std::fs::read(&path) else { continue };
        if file.ends_with(".rs") && !bytes.starts_with(b"//!") && !starts_like_a_target(&bytes) {
            findings.push(format!("{file}: no module documentation at its start"));
        }
        if bytes.contains(&0) && bytes.len() > LARGEST_BINARY_BYTES {
            findings.push(format!("{file}: binary, and larger than 64 KiB"));
        }
    }
    let metadata = metadata(&root)?;
    edges(&metadata, &mut findings);
    licences(&metadata, &mut findings);
    headings(&root, &mut findings)?;
    if findings.is_empty() {
        return Ok(());
    }
    Err(format!("\n{}", findings.join("\n")).into())
}

/// Fuzz targets start with `#![no_main]`.
fn starts_like_a_target(bytes: &[u8]) -> bool {
    bytes.starts_with(b"#![no_main]")
}

fn metadata(root: &Path) -> Result<Value> {
    let text = sh::read(
        Command::new("cargo")
            .args(["metadata", "--format-version", "1", "--locked"])
            .current_dir(root),
    )?;
    Ok(serde_json::from_str(&text)?)
}

fn packages(metadata: &Value) -> impl Iterator<Item = &Value> {
    metadata["packages"].as_array().into_iter().flatten()
}

fn edges(metadata: &Value, findings: &mut Vec<String>) {
    let allowed: BTreeMap<_, _> = EDGES.iter().copied().collect();
    for package in packages(metadata).filter(|package| package["source"].is_null()) {
        let name = package["name"].as_str().unwrap_or_default();
        let in_crates = package["manifest_path"]
            .as_str()
            .is_some_and(|path| path.contains("/crates/"));
        if !in_crates {
            continue;
        }
        let Some(may) = allowed.get(name) else {
            findings.push(format!("{name}: a crate that xtask/src/tidy.rs does not know"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let used = dependency["name"].as_str().unwrap_or_default();
            let is_test = dependency["kind"] == "dev";
            if !dependency["path"].is_null() && !is_test && !may.contains(&used) {
                findings.push(format!("{name}: must not depend on {used}"));
            }
        }
    }
}

/// Licences of what ships: what the binary's tree of normal and build dependencies has.
fn licences(metadata: &Value, findings: &mut Vec<String>) {
    let by_id: BTreeMap<&str, &Value> = packages(metadata)
        .filter_map(|package| Some((package["id"].as_str()?, package)))
        .collect();
    let nodes: BTreeMap<&str, &Value> = metadata["resolve"]["nodes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|node| Some((node["id"].as_str()?, node)))
        .collect();
    let mut queue: Vec<&str> = by_id
        .iter()
        .filter(|(_, package)| package["name"] == "wtgctl")
        .map(|(id, _)| *id)
        .collect();
    let mut seen = std::collections::BTreeSet::new();
    while let Some(id) = queue.pop() {
        if !seen.insert(id) {
            continue;
        }
        let Some(package) = by_id.get(id) else { continue };
        let licence = package["license"].as_str().unwrap_or("none");
        if !licence_is_fine(licence) {
            findings.push(format!(
                "{}: licence {licence}",
                package["name"].as_str().unwrap_or(id)
            ));
        }
        let dependencies = nodes.get(id).and_then(|node| node["deps"].as_array());
        for dependency in dependencies.into_iter().flatten() {
            let ships = dependency["dep_kinds"]
                .as_array()
                .is_some_and(|kinds| kinds.iter().any(|kind| kind["kind"] != "dev"));
            if ships {
                queue.extend(dependency["pkg"].as_str());
            }
        }
    }
}

fn licence_is_fine(expression: &str) -> bool {
    let plain = expression.replace(['(', ')'], "").replace('/', " OR ");
    plain.split(" AND ").all(|part| {
        part.split(" OR ")
            .any(|licence| LICENCES.contains(&licence.trim()))
    })
}

/// Both READMEs have the same headings, level by level.
fn headings(root: &Path, findings: &mut Vec<String>) -> Result {
    let levels = |name: &str| -> Result<Vec<usize>> {
        let path = root.join(name);
        if !path.exists() {
            return Ok(Vec::new());
        }
        let text = std::fs::read_to_string(path)?;
        let mut in_code = false;
        let mut levels = Vec::new();
        for line in text.lines() {
            in_code ^= line.starts_with("```");
            if !in_code && line.starts_with('#') {
                levels.push(line.bytes().take_while(|byte| *byte == b'#').count());
            }
        }
        Ok(levels)
    };
    if levels("README.md")? != levels("README.zh-CN.md")? {
        findings.push("README.md and README.zh-CN.md: headings differ".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licence_expressions() {
        assert!(licence_is_fine("MIT OR Apache-2.0"));
        assert!(licence_is_fine("MIT/Apache-2.0"));
        assert!(licence_is_fine("(MIT OR Apache-2.0) AND Unicode-3.0"));
        assert!(licence_is_fine("GPL-3.0 OR MIT"));
        assert!(!licence_is_fine("MIT AND GPL-3.0"));
        assert!(!licence_is_fine("none"));
    }

    #[test]
    fn an_upward_edge_is_found() {
        let metadata = serde_json::json!({"packages": [{
            "name": "wim-apply", "source": null, "manifest_path": "/x/crates/wim-apply/Cargo.toml",
            "dependencies": [{"name": "stick", "path": "/x", "kind": null}, {"name": "testkit", "path": "/y", "kind": "dev"}],
        }]});
        let mut findings = Vec::new();
        edges(&metadata, &mut findings);
        assert_eq!(findings, ["wim-apply: must not depend on stick"]);
    }
}

//! Hard cases of WIM files: what wimlib accepts we accept, with the same paths, and what it refuses we refuse, or a
//! reason to differ.

#![allow(clippy::unwrap_used, reason = "what cannot be had fails the test")]

mod container;
mod draft;
mod lying;
mod metadata;
mod resources;
mod stored_chunks;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::io::Cursor;
use std::path::Path;

use support::options;
use wim_apply::apply::{Control, verify};
use wim_apply::{Image, Limits, Wim};

/// What is expected of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Both take it, and list the same paths.
    Taken,
    /// Both refuse it.
    Refused,
    /// We take it, for a reason.
    OnlyOurs(&'static str),
    /// We refuse it, for a reason.
    OnlyTheirs(&'static str),
    /// Both take it and list other paths, for a reason.
    OtherPaths(&'static str),
}

struct Case {
    name: &'static str,
    file: Vec<u8>,
    verdict: Verdict,
}

fn case(name: &'static str, verdict: Verdict, file: Vec<u8>) -> Case {
    Case { name, file, verdict }
}

/// The paths of image 1 if everything in the file is right.
fn ours(file: &[u8]) -> Result<BTreeSet<String>, String> {
    let wim = Wim::open(Cursor::new(file.to_vec()), &Limits::default()).map_err(|e| e.to_string())?;
    let report =
        Control::silent(&wim, |control| verify(&wim, &options(1), control)).map_err(|e| e.to_string())?;
    if !report.is_ok() {
        return Err(format!("{report:?}"));
    }
    if wim.images().is_empty() {
        return Ok(BTreeSet::new());
    }
    let image = wim.image(1).map_err(|e| e.to_string())?;
    let path = |id| image.path_of(id).replace('\\', "/");
    Ok(image.walk(Image::ROOT).map(|(id, _)| path(id)).collect())
}

/// The same of wimlib; `None` without it.
fn theirs(path: &Path) -> Option<Result<BTreeSet<String>, String>> {
    let run = |args: &[&str]| {
        let mut command = testkit::tool("wimlib-imagex")?;
        Some(command.args(args).output().unwrap())
    };
    let path = path.display().to_string();
    let verified = run(&["verify", &path])?;
    if !verified.status.success() {
        return Some(Err(String::from_utf8_lossy(&verified.stderr).into_owned()));
    }
    let listed = run(&["dir", &path, "1"])?;
    if !listed.status.success() {
        return Some(Err(String::from_utf8_lossy(&listed.stderr).into_owned()));
    }
    let lines = String::from_utf8_lossy(&listed.stdout).into_owned();
    Some(Ok(lines.lines().map(str::to_owned).collect()))
}

/// Judges every case, and shows all that are wrong.
fn judge(cases: Vec<Case>) {
    let dir = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for Case { name, file, verdict } in cases {
        let path = dir.path().join("case.wim");
        std::fs::write(&path, &file).unwrap();
        let Some(theirs) = theirs(&path) else { return };
        let ours = ours(&file);
        let right = match (&ours, &theirs) {
            (Ok(ours), Ok(theirs)) if ours == theirs => verdict == Verdict::Taken,
            (Ok(_), Ok(_)) => matches!(verdict, Verdict::OtherPaths(_)),
            (Err(_), Err(_)) => verdict == Verdict::Refused,
            (Ok(_), Err(_)) => matches!(verdict, Verdict::OnlyOurs(_)),
            (Err(_), Ok(_)) => matches!(verdict, Verdict::OnlyTheirs(_)),
        };
        if !right {
            wrong.push(format!(
                "{name}: not {verdict:?}\n  ours {ours:?}\n  wimlib {theirs:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

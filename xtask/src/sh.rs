//! Running programs: quiet when they succeed, everything they said when they do not.

use std::error::Error;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Instant;

/// What a task returns.
pub(crate) type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// Runs a program without input; its output is shown only when it fails.
pub(crate) fn run(command: &mut Command) -> Result<Output> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("{}: {e}", command.get_program().display()))?;
    if output.status.success() {
        return Ok(output);
    }
    Err(format!(
        "{command:?}: {}\n{}{}",
        output.status,
        tail(&output.stdout),
        tail(&output.stderr)
    )
    .into())
}

/// Runs a program without input and returns what it wrote to stdout.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    Ok(String::from_utf8_lossy(&run(command)?.stdout).into_owned())
}

/// Runs one step of a task and says how long it took.
pub(crate) fn step<T>(name: &str, body: impl FnOnce() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    let value = body().map_err(|e| format!("{name}: {e}"))?;
    eprintln!("{:7.1} s  {name}", start.elapsed().as_secs_f64());
    Ok(value)
}

/// Whether a program of that name is on the search path.
pub(crate) fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .any(|dir| dir.join(program).is_file())
}

/// Reads a text file; empty when there is none.
pub(crate) fn read_or_empty(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// The last part of a program's output, for error messages.
fn tail(bytes: &[u8]) -> String {
    const KEPT: usize = 8000;
    String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(KEPT)..]).into_owned()
}

/// The last program that cargo names in its JSON messages.
pub(crate) fn executable_of(messages: &str) -> Result<std::path::PathBuf> {
    let executable = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|message| message["executable"].as_str().map(std::path::PathBuf::from))
        .next_back();
    Ok(executable.ok_or("cargo names no executable")?)
}

//! What a program wrote to one file, in order: recorded with strace.
//!
//! Programs run under strace with the paths of their descriptors shown. Positions of `write` are followed through
//! `openat`, `lseek`, `read` and `write`; calls that strace shows in two parts are joined. Only one process at a time
//! may have the file open under one descriptor, which holds for the programs compared here.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Command;

use crate::sh::{self, Result};

/// Something done to the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Bytes written.
    Write {
        /// From here.
        offset: u64,
        /// So many.
        len: u64,
    },
    /// `fsync` or `fdatasync`.
    Flush,
}

/// The bytes of all writes.
pub(crate) fn written_bytes(events: &[Event]) -> u64 {
    events
        .iter()
        .map(|event| match event {
            Event::Write { len, .. } => *len,
            Event::Flush => 0,
        })
        .sum()
}

/// Runs a script by `sh -e` in `dir` and returns what was done to `dir/file`.
pub(crate) fn record(script: &str, dir: &Path, file: &str) -> Result<Vec<Event>> {
    let dir = dir.canonicalize()?;
    let trace = tempfile::NamedTempFile::new_in(&dir)?;
    sh::run(
        Command::new("strace")
            .args(["-f", "-y", "--seccomp-bpf", "-q", "-s", "0"])
            .args(["-e", "signal=none", "-e"])
            .arg(
                "trace=openat,lseek,read,write,pwrite64,writev,pwritev,pwritev2,copy_file_range,fsync,fdatasync",
            )
            .arg("-o")
            .arg(trace.path())
            .args(["sh", "-e", "-c", script])
            .current_dir(&dir),
    )?;
    let mut parser = Parser::new(&dir.join(file).display().to_string());
    let mut events = Vec::new();
    for line in BufReader::new(trace.reopen()?).lines() {
        let line = line?;
        if let Some(event) = parser.line(&line).map_err(|e| format!("{e}: {line}"))? {
            events.push(event);
        }
    }
    Ok(events)
}

/// Follows the lines of one trace.
struct Parser {
    /// `<path>`, as strace shows it after a descriptor.
    shown: String,
    /// Where each descriptor of the file stands.
    positions: BTreeMap<u64, u64>,
    /// First parts of calls, by process.
    pending: BTreeMap<String, String>,
}

impl Parser {
    fn new(path: &str) -> Self {
        Self {
            shown: format!("<{path}>"),
            positions: BTreeMap::new(),
            pending: BTreeMap::new(),
        }
    }

    /// One line of strace's: what it did to the file.
    fn line(&mut self, line: &str) -> std::result::Result<Option<Event>, &'static str> {
        let Some((process, text)) = line.split_once(' ') else {
            return Ok(None);
        };
        let text = text.trim_start();
        if let Some(first) = text.strip_suffix(" <unfinished ...>") {
            self.pending.insert(process.to_owned(), first.to_owned());
            return Ok(None);
        }
        if let Some((_, second)) = text
            .strip_prefix("<... ")
            .and_then(|rest| rest.split_once(" resumed>"))
        {
            let Some(first) = self.pending.remove(process) else {
                return Err("the second part of a call without its first");
            };
            return self.call(&format!("{first}{second}"));
        }
        self.call(text)
    }

    fn call(&mut self, text: &str) -> std::result::Result<Option<Event>, &'static str> {
        if !text.contains(&self.shown) {
            return Ok(None);
        }
        let (name, rest) = text.split_once('(').ok_or("no call")?;
        let (arguments, result) = rest.rsplit_once(" = ").ok_or("no result")?;
        let arguments = arguments.trim_end().strip_suffix(')').ok_or("no arguments")?;
        let Some(result) = leading_number(result) else {
            return Ok(None); // failed
        };
        if name == "openat" {
            self.positions.insert(result, 0);
            return Ok(None);
        }
        if name == "copy_file_range" {
            return Err("a call that is not followed");
        }
        let descriptor = leading_number(arguments).ok_or("no descriptor")?;
        let mut from_the_end = arguments.rsplit(", ");
        let mut last_number = || from_the_end.next().and_then(leading_number).ok_or("no number");
        let position = self.positions.entry(descriptor).or_default();
        let offset = match name {
            "lseek" => {
                *position = result;
                return Ok(None);
            }
            "fsync" | "fdatasync" => return Ok(Some(Event::Flush)),
            "read" => {
                *position += result;
                return Ok(None);
            }
            "write" | "writev" => {
                let offset = *position;
                *position += result;
                offset
            }
            "pwrite64" | "pwritev" => last_number()?,
            "pwritev2" => {
                last_number()?;
                last_number()?
            }
            _ => return Err("a call that is not followed"),
        };
        Ok(Some(Event::Write { offset, len: result }))
    }
}

fn leading_number(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(text: &str) -> Vec<Event> {
        let mut parser = Parser::new("/d/v.img");
        text.lines()
            .filter_map(|line| parser.line(line).unwrap())
            .collect()
    }

    const fn write(offset: u64, len: u64) -> Event {
        Event::Write { offset, len }
    }

    #[test]
    fn positions_are_followed() {
        let text = r#"7  openat(AT_FDCWD</d>, "v.img", O_RDWR) = 3</d/v.img>
7  write(3</d/v.img>, ""..., 512) = 512
7  write(3</d/v.img>, ""..., 512) = 100
7  lseek(3</d/v.img>, 4096, SEEK_SET) = 4096
7  read(3</d/v.img>, ""..., 10) = 10
7  write(3</d/v.img>, ""..., 2) = 2
7  fsync(3</d/v.img>) = 0
8  write(1</d/other>, ""..., 9) = 9
8  openat(AT_FDCWD</d>, "v.img", O_RDWR) = 3</d/v.img>
8  write(3</d/v.img>, ""..., 1) = 1"#;
        assert_eq!(
            events(text),
            [
                write(0, 512),
                write(512, 100),
                write(4106, 2),
                Event::Flush,
                write(0, 1)
            ]
        );
    }

    #[test]
    fn offsets_are_taken_from_calls_that_have_them() {
        let text = r#"7 pwrite64(4</d/v.img>, ""..., 4096, 8192) = 4096
7 pwritev(4</d/v.img>, [{iov_base=""..., iov_len=512}, {iov_base=""..., iov_len=512}], 2, 99) = 1024
7 pwritev2(4</d/v.img>, [{iov_base=""..., iov_len=5}], 1, 77, 0) = 5
7 pwrite64(4</d/v.img>, ""..., 4096, 8192) = -1 ENOSPC (No space left on device)"#;
        assert_eq!(events(text), [write(8192, 4096), write(99, 1024), write(77, 5)]);
    }

    #[test]
    fn calls_in_two_parts_are_joined() {
        let text = r#"7 write(4</d/v.img>, ""..., 4096 <unfinished ...>
8 fdatasync(4</d/v.img> <unfinished ...>
7 <... write resumed>) = 4096
8 <... fdatasync resumed>)              = 0
7 write(4</d/v.img>, ""..., 1) = 1"#;
        assert_eq!(events(text), [write(0, 4096), Event::Flush, write(4096, 1)]);
    }

    #[test]
    fn what_cannot_be_followed_is_an_error() {
        let mut parser = Parser::new("/d/v.img");
        let line = "7 copy_file_range(3</d/a>, NULL, 4</d/v.img>, NULL, 5, 0) = 5";
        assert!(parser.line(line).is_err());
    }

    #[test]
    fn a_program_is_recorded() {
        let dir = tempfile::tempdir().unwrap();
        let script = "dd if=/dev/zero of=f bs=1k count=3 status=none; printf ab | dd of=f bs=1 seek=5 conv=notrunc,fsync status=none";
        let events = record(script, dir.path(), "f").unwrap();
        assert_eq!(written_bytes(&events), 3 * 1024 + 2);
        assert_eq!(events.last(), Some(&Event::Flush));
        assert_eq!(events[0], write(0, 1024));
        assert_eq!(events[events.len() - 3], write(5, 1));
    }
}

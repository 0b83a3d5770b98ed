//! `wtgctl ntfs dump`.

use std::io::{self, BufWriter, Write};

use ntfs_image::Limits;
use serde::Serialize;

use super::VolumeArgs;
use super::open::window;
use crate::cmd::{Context, Outcome};
use crate::failure::Failure;

#[derive(Serialize)]
struct Count {
    count: usize,
}

#[derive(Serialize)]
struct Region<'a> {
    first_byte: u64,
    size_bytes: u64,
    what: &'a str,
}

/// Every byte and whose it is.
pub(super) fn run(args: &VolumeArgs, context: &Context) -> Result<Outcome, Failure> {
    if !context.output.is_json() {
        let mut out = BufWriter::new(io::stdout().lock());
        ntfs_image::dump::dump(window(args)?, &Limits::default(), &mut out)?;
        return Ok(Outcome::Holds);
    }
    let mut lines = Lines {
        context,
        pending: Vec::new(),
        count: 0,
    };
    ntfs_image::dump::dump(window(args)?, &Limits::default(), &mut lines)?;
    context
        .output
        .result(&Count { count: lines.count }, String::new)?;
    Ok(Outcome::Holds)
}

/// Turns the lines of a dump into records.
struct Lines<'c> {
    context: &'c Context,
    pending: Vec<u8>,
    count: usize,
}

impl Write for Lines<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        while let Some(end) = self.pending.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.pending.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end().trim_start_matches('!');
            let mut parts = line.splitn(2, ' ');
            let first_byte = parts.next().and_then(|at| u64::from_str_radix(at, 16).ok());
            let (length, what) = parts
                .next()
                .unwrap_or_default()
                .trim_start()
                .split_once(' ')
                .unwrap_or_default();
            let region = Region {
                first_byte: first_byte.unwrap_or(0),
                size_bytes: length.parse().unwrap_or(0),
                what,
            };
            self.count += 1;
            let sent = self.context.output.entry(&region, String::new);
            sent.map_err(|failure| io::Error::new(io::ErrorKind::BrokenPipe, failure.message))?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

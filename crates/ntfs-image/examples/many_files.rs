//! Builds a volume of many files into nothing, to measure time and memory: `many_files COUNT`.

#![allow(clippy::print_stderr, reason = "an example talks to its user")]
use std::io::{self, Seek, SeekFrom, Write};

use ntfs_image::{Content, Metadata, NodeSpec, NtfsBuilder, StreamForm, StreamKey, VolumeSpec};

/// An output that keeps nothing.
struct Nothing(u64);

impl Write for Nothing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Nothing {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        if let SeekFrom::Start(at) = to {
            self.0 = at;
        }
        Ok(self.0)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count: u64 = std::env::args()
        .nth(1)
        .ok_or("usage: many_files COUNT")?
        .parse()?;
    let mut builder = NtfsBuilder::new(VolumeSpec::new(64 << 30));
    let mut dir = builder.root();
    let data = vec![0x5A; 20_000];
    let size = |n: u64| n * 7919 % 20_000;
    for n in 0..count {
        if n % 25 == 0 {
            let root = builder.root();
            dir = builder.add(
                root,
                &format!("amd64_component-name_31bf3856ad364e35_{n:08x}"),
                NodeSpec::directory(),
            );
        }
        let mut node = NodeSpec::file(Content::Keyed {
            key: StreamKey(n),
            size_bytes: size(n),
        });
        node.metadata = Metadata {
            attributes: 0x20,
            creation_time: n,
            ..Metadata::default()
        };
        builder.add(dir, &format!("file number {n:08}.dat"), node);
    }
    let plan = builder.plan()?;
    let mut writer = builder.writer(Nothing(0))?;
    for n in 0..count {
        writer.begin_stream(StreamKey(n), StreamForm::Plain, size(n))?;
        writer.write(&data[..usize::try_from(size(n))?])?;
        writer.end_stream()?;
    }
    let (_, report) = writer.finish()?;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap_or_default();
    eprintln!(
        "{count} files: resident data {} bytes, {peak}",
        plan.resident_bytes
    );
    eprintln!("{report:?}");
    Ok(())
}

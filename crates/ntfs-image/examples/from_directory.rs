//! Makes an NTFS volume from a directory tree: `from_directory TREE VOLUME SIZE_MIB`.

#![allow(clippy::print_stderr, reason = "an example talks to its user")]
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use ntfs_image::{Content, NodeId, NodeSpec, NtfsBuilder, StreamForm, StreamKey, VolumeSpec};

type Error = Box<dyn std::error::Error>;

/// Adds what is in a directory, and collects the files in the order of their keys.
fn add(
    builder: &mut NtfsBuilder,
    parent: NodeId,
    from: &Path,
    files: &mut Vec<PathBuf>,
) -> Result<(), Error> {
    let mut entries = fs::read_dir(from)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry
            .file_name()
            .into_string()
            .map_err(|name| format!("{} is not UTF-8", name.display()))?;
        let kind = entry.metadata()?;
        if kind.is_dir() {
            let node = builder.add(parent, &name, NodeSpec::directory());
            add(builder, node, &entry.path(), files)?;
        } else if kind.is_file() {
            let key = StreamKey(files.len() as u64);
            builder.add(
                parent,
                &name,
                NodeSpec::file(Content::Keyed {
                    key,
                    size_bytes: kind.len(),
                }),
            );
            files.push(entry.path());
        }
    }
    Ok(())
}

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [tree, volume, mib] = &arguments[..] else {
        return Err("usage: from_directory TREE VOLUME MIB".into());
    };
    let mut builder = NtfsBuilder::new(VolumeSpec::new(mib.parse::<u64>()? << 20));
    let mut files = Vec::new();
    let root = builder.root();
    add(&mut builder, root, Path::new(tree), &mut files)?;
    let out = File::create_new(volume)?;
    out.set_len(mib.parse::<u64>()? << 20)?;
    let mut writer = builder.writer(out)?;
    let mut buffer = vec![0; 1 << 20];
    for (key, path) in (0..).zip(&files) {
        let mut file = File::open(path)?;
        writer.begin_stream(StreamKey(key), StreamForm::Plain, file.metadata()?.len())?;
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            writer.write(&buffer[..count])?;
        }
        writer.end_stream()?;
    }
    let (out, report) = writer.finish()?;
    out.sync_all()?;

    eprintln!("{report:?}");
    Ok(())
}

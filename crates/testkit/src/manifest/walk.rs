//! A mounted volume as a manifest, with what the NTFS drivers of Linux show in extended attributes.

use std::collections::{BTreeMap, HashMap};
use std::ffi::{CString, OsStr};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sha1::{Digest, Sha1};

use super::{Facts, Manifest, attributes_text, escape, hex, sha1_hex};

/// Reads everything below a mount point.
///
/// `windows_streams`: the driver opens the stream `s` of the file `f` as `f:s` and lists streams in the attribute
/// `ntfs.streams.list` (ntfs-3g with `streams_interface=windows`).
///
/// # Errors
/// When anything cannot be read: a volume whose files cannot be read has no manifest.
pub fn walk(root: &Path, windows_streams: bool) -> io::Result<Manifest> {
    let mut walker = Walker {
        root: root.to_path_buf(),
        windows_streams,
        tree: BTreeMap::new(),
        groups: HashMap::new(),
    };
    walker.visit(root, &mut Vec::new())?;
    for mut group in walker.groups.into_values().map(|g| g.paths) {
        group.sort();
        if group.len() > 1 {
            for path in &group {
                if let Some(facts) = walker.tree.get_mut(path) {
                    facts.insert("first_link".into(), group[0].clone());
                }
            }
        }
    }
    Ok(Manifest(walker.tree).without_own_short_names())
}

struct Walker {
    root: PathBuf,
    windows_streams: bool,
    tree: BTreeMap<String, Facts>,
    groups: HashMap<u64, Group>,
}

/// The paths of one file, and what has been read of it once.
struct Group {
    paths: Vec<String>,
    content: Facts,
}

impl Walker {
    fn visit(&mut self, path: &Path, relative: &mut Vec<u8>) -> io::Result<()> {
        let at = |e: io::Error| io::Error::new(e.kind(), format!("{}: {e}", path.display()));
        let metadata = path.symlink_metadata().map_err(at)?;
        let name = escape(relative);
        let kind = metadata.file_type();
        let mut facts = attributes(path);
        if kind.is_dir() {
            facts.insert("type".into(), "dir".into());
            facts.extend(self.streams(path).map_err(at)?);
        } else {
            facts.insert("links".into(), metadata.nlink().to_string());
            if !self.groups.contains_key(&metadata.ino()) {
                let content = self.content(path, &metadata).map_err(at)?;
                self.groups.insert(
                    metadata.ino(),
                    Group {
                        paths: Vec::new(),
                        content,
                    },
                );
            }
            if let Some(group) = self.groups.get_mut(&metadata.ino()) {
                group.paths.push(name.clone());
                facts.extend(group.content.clone());
            }
        }
        facts
            .entry("modified".into())
            .or_insert_with(|| ntfs_time(metadata.mtime(), metadata.mtime_nsec()));
        self.tree.insert(name, facts);
        if kind.is_dir() {
            let mut names = std::fs::read_dir(path)
                .map_err(at)?
                .map(|entry| Ok(entry?.file_name()))
                .collect::<io::Result<Vec<_>>>()
                .map_err(at)?;
            names.sort();
            for child in names {
                let len = relative.len();
                if len > 0 {
                    relative.push(b'/');
                }
                relative.extend_from_slice(child.as_bytes());
                self.visit(&path.join(&child), relative)?;
                relative.truncate(len);
            }
        }
        Ok(())
    }

    fn content(&self, path: &Path, metadata: &std::fs::Metadata) -> io::Result<Facts> {
        let mut facts = Facts::new();
        let kind = metadata.file_type();
        if kind.is_symlink() {
            facts.insert("type".into(), "link".into());
            let target = std::fs::read_link(path)?;
            // Links to the volume's own drive letter are shown below the mount point.
            let target = match target.strip_prefix(&self.root) {
                Ok(below) => Path::new("/").join(below),
                Err(_) => target,
            };
            facts.insert("target".into(), escape(target.as_os_str().as_bytes()));
        } else if kind.is_file() {
            facts.insert("type".into(), "file".into());
            facts.insert("size".into(), metadata.len().to_string());
            facts.insert("sha1".into(), file_sha1(path)?);
            facts.extend(self.streams(path)?);
        } else {
            facts.insert("type".into(), "other".into());
        }
        Ok(facts)
    }

    fn streams(&self, path: &Path) -> io::Result<Facts> {
        let mut facts = Facts::new();
        if !self.windows_streams {
            return Ok(facts);
        }
        let list = xattr(path, "ntfs.streams.list").unwrap_or_default();
        for stream in list.split(|b| *b == 0).filter(|name| !name.is_empty()) {
            let mut with_stream = path.as_os_str().as_bytes().to_vec();
            with_stream.push(b':');
            with_stream.extend_from_slice(stream);
            let file = PathBuf::from(OsStr::from_bytes(&with_stream));
            facts.insert(format!("sha1:{}", escape(stream)), file_sha1(&file)?);
        }
        Ok(facts)
    }
}

/// What extended attributes say, under names that do not depend on the driver.
///
/// # Source
/// ntfs-3g(8), "Extended attributes"; ntfs3 of Linux 6.12 shows `system.ntfs_attrib_be` and
/// `system.ntfs_security` (observed).
fn attributes(path: &Path) -> Facts {
    let mut facts = Facts::new();
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            facts.insert(name.into(), value);
        }
    };
    let acl = xattr(path, "system.ntfs_acl").or_else(|| xattr(path, "system.ntfs_security"));
    put("acl", acl.map(|v| sha1_hex(&v)));
    let value = xattr(path, "system.ntfs_attrib_be").and_then(|v| v.try_into().ok());
    put(
        "attributes",
        value.map(|v| attributes_text(u32::from_be_bytes(v))),
    );
    put(
        "dos_name",
        xattr(path, "system.ntfs_dos_name").map(|v| escape(&v)),
    );
    put(
        "reparse",
        xattr(path, "system.ntfs_reparse_data").map(|v| hex(&v)),
    );
    // What follows the identifier are the birth identifiers: zeros when there are none.
    let object_id = xattr(path, "system.ntfs_object_id");
    put("object_id", object_id.map(|v| hex(v.get(..16).unwrap_or(&v))));
    let times = xattr(path, "system.ntfs_times_be").unwrap_or_default();
    for (name, bytes) in ["created", "modified", "accessed"]
        .iter()
        .zip(times.chunks_exact(8))
    {
        let value = bytes
            .iter()
            .fold(0u64, |value, byte| value << 8 | u64::from(*byte));
        put(name, Some(value.to_string()));
    }
    facts
}

fn xattr(path: &Path, name: &str) -> Option<Vec<u8>> {
    let path = CString::new(path.as_os_str().as_bytes()).ok()?;
    let mut buffer = vec![0u8; 0x1_0000];
    let len = rustix::fs::lgetxattr(&path, name, &mut buffer[..]).ok()?;
    buffer.truncate(len);
    Some(buffer)
}

fn file_sha1(path: &Path) -> io::Result<String> {
    let mut file = std::fs::File::open(path)?;
    let mut hash = Sha1::new();
    let mut buffer = vec![0u8; 0x4_0000];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(hex(&hash.finalize()));
        }
        hash.update(&buffer[..count]);
    }
}

/// Unix time as NTFS counts it.
fn ntfs_time(seconds: i64, nanoseconds: i64) -> String {
    const EPOCH_DIFFERENCE_SECONDS: i64 = 11_644_473_600;
    (seconds
        .saturating_add(EPOCH_DIFFERENCE_SECONDS)
        .saturating_mul(10_000_000)
        .saturating_add(nanoseconds / 100))
    .to_string()
}

//! What several tests share: trees, files made by wimlib, a sink that writes down its calls.

#![allow(dead_code, reason = "each test file uses a part")]

use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::process::Command;

use wim_apply::apply::{ApplyOptions, BlobInfo, BlobSink, Form, TargetError, Want};
use wim_apply::{Limits, Wim};

/// `wimlib-imagex` with arguments; `None` when it is missing and that is allowed.
pub(crate) fn wimlib(args: &[&str], dir: &Path) -> Option<std::process::Output> {
    let mut command: Command = testkit::tool("wimlib-imagex")?;
    Some(testkit::run(command.args(args).current_dir(dir)))
}

/// Text that compresses, and differs by seed.
pub(crate) fn text(seed: u32, size: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(size + 16);
    let mut n = seed;
    while out.len() < size {
        n = n.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        out.extend(format!("{} {:x}\n", n % 1000, n >> 20).bytes());
    }
    out.truncate(size);
    out
}

/// Bytes that do not compress.
pub(crate) fn noise(seed: u64, size: usize) -> Vec<u8> {
    let mut n = seed | 1;
    let step = |_| {
        n ^= n << 13;
        n ^= n >> 7;
        n ^= n << 17;
        (n >> 32) as u8
    };
    (0..size).map(step).collect()
}

/// A tree with what a file system of the host can hold: sizes around chunk and group borders, links, odd names.
pub(crate) fn make_tree(root: &Path) {
    let write = |path: &str, bytes: &[u8]| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("directory");
        fs::write(path, bytes).expect("file");
    };
    write("Windows/System32/config/SYSTEM", &text(1, 300_000));
    write("Windows/System32/big.bin", &text(2, 1_700_001));
    write("Windows/noise.bin", &noise(3, 700_000));
    write("Windows/zero", &[]);
    write("Windows/one", &[7]);
    write("Windows/chunk", &text(4, 32_768));
    write("Windows/chunk+1", &text(5, 32_769));
    write("Windows/copy of chunk", &text(4, 32_768));
    write("Users/名前 ü/a.txt", b"a");
    for n in 0..60 {
        write(&format!("small/f{n}.txt"), &text(100 + n, 50 + n as usize * 97));
    }
    fs::create_dir_all(root.join("empty dir/inner")).expect("directory");
    fs::hard_link(root.join("Windows/chunk+1"), root.join("Users/link")).expect("hard link");
    std::os::unix::fs::symlink("../Windows/one", root.join("Users/sym")).expect("symbolic link");
}

/// Opens a file read into memory.
pub(crate) fn open(path: &Path) -> Wim {
    let bytes = fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    Wim::open(Cursor::new(bytes), &Limits::default()).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

pub(crate) fn options(threads: usize) -> ApplyOptions {
    ApplyOptions {
        threads: threads.try_into().expect("not zero"),
        ..ApplyOptions::default()
    }
}

/// Keeps what it gets.
#[derive(Default)]
pub(crate) struct Recorder {
    pub(crate) want: Option<Want>,
    pub(crate) blobs: Vec<(BlobInfo, Form, u64, Vec<u8>)>,
    pub(crate) ended: usize,
    /// Fails after so many bytes.
    pub(crate) fail_after: Option<usize>,
}

impl BlobSink for Recorder {
    fn want(&mut self, _: &BlobInfo) -> Want {
        self.want.unwrap_or(Want::Decoded)
    }

    fn begin_blob(&mut self, blob: &BlobInfo, form: Form, stored_bytes: u64) -> Result<(), TargetError> {
        assert_eq!(self.ended, self.blobs.len(), "a blob begins within another");
        self.blobs.push((*blob, form, stored_bytes, Vec::new()));
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), TargetError> {
        if let Some(left) = &mut self.fail_after {
            *left = left.checked_sub(bytes.len()).ok_or("no space left")?;
        }
        self.blobs.last_mut().expect("a blob").3.extend_from_slice(bytes);
        Ok(())
    }

    fn end_blob(&mut self, blob: &BlobInfo) -> Result<(), TargetError> {
        let (begun, _, stored_bytes, bytes) = self.blobs.last().expect("a blob");
        assert_eq!((begun.id, *stored_bytes), (blob.id, bytes.len() as u64));
        self.ended += 1;
        Ok(())
    }
}

/// Every entry of a tree: path, kind, content, last-write time of files and directories.
pub(crate) fn list_tree(root: &Path) -> Vec<(String, String, Vec<u8>)> {
    let mut entries = Vec::new();
    let mut pending = vec![root.to_path_buf()];
    while let Some(path) = pending.pop() {
        let found = fs::symlink_metadata(&path).expect("metadata");
        let name = path
            .strip_prefix(root)
            .expect("below the root")
            .display()
            .to_string();
        let time = found
            .modified()
            .expect("a time")
            .duration_since(std::time::UNIX_EPOCH)
            .expect("after 1970");
        // FILETIME counts 100 ns.
        let time = time.as_nanos() / 100;
        let links = std::os::unix::fs::MetadataExt::nlink(&found);
        if found.is_symlink() {
            let target = fs::read_link(&path).expect("link").display().to_string();
            entries.push((name, "link".to_owned(), target.into_bytes()));
        } else if found.is_dir() {
            entries.push((name, format!("directory {time}"), Vec::new()));
            pending.extend(
                fs::read_dir(&path)
                    .expect("directory")
                    .map(|e| e.expect("entry").path()),
            );
        } else {
            entries.push((
                name,
                format!("file {time} {links}"),
                fs::read(&path).expect("file"),
            ));
        }
    }
    entries.sort();
    entries
}

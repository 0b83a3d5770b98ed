//! Random trees: written to a volume by ntfs-3g, captured by wimlib, applied by us, captured again by wimlib: equal.
//!
//! `WTGCTL_RANDOM_TREES=N` asks for N trees instead of a few.

#![allow(clippy::unwrap_used, reason = "what cannot be had fails the test")]

#[path = "support/volume_options.rs"]
mod volume_options;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use stick::{PreparedVolume, VolumeOptions};
use testkit::manifest::{NtfsMount, from_wimlib};
use wim_apply::{DentryId, Image, Limits, Wim};

use crate::volume_options::{plain, run_options, write_volume};

const TREES: u64 = 5;
const NODES: u64 = 90;
const LINKS: u64 = 15;

#[test]
fn captured_applied_and_captured_again() {
    #[allow(
        clippy::disallowed_methods,
        reason = "how thorough a test is, is for the one who runs it to say"
    )]
    let trees = std::env::var("WTGCTL_RANDOM_TREES").map_or(TREES, |count| count.parse().expect("a count"));
    let mut seen = BTreeMap::new();
    for seed in 1..=trees {
        let dir = tempfile::tempdir().unwrap();
        let Some(source) = source(dir.path(), seed) else {
            return;
        };
        let applied = dir.path().join("applied.img");
        apply(&source, &applied, seed);
        let again = dir.path().join("again.wim");
        if capture(&applied, &again).is_none() {
            return;
        }
        let (Some(expected), Some(found)) = (from_wimlib(&source, "1"), from_wimlib(&again, "1")) else {
            return;
        };
        expected.assert_same(
            &found,
            &format!("tree {seed}, and what was captured of it as applied"),
        );
        assert_eq!(times(&source), times(&again), "tree {seed}");
        for fact in expected.0.values().flat_map(BTreeMap::keys) {
            let fact = fact.split(':').next().unwrap_or_default().to_owned();
            *seen.entry(fact).or_insert(0) += 1;
        }
    }
    // A generator that makes nothing would compare well.
    for fact in [
        "sha1",
        "first_link",
        "acl",
        "dos_name",
        "reparse_sha1",
        "object_id",
        "attributes",
    ] {
        assert!(
            seen.get(fact).is_some_and(|count| *count > 20),
            "{fact} in {seen:?}"
        );
    }
}

/// Applies image 1 to a new volume, which the check finds sound.
fn apply(wim: &Path, volume: &Path, seed: u64) {
    let wim = Wim::open(fs::File::open(wim).unwrap(), &Limits::default()).unwrap();
    let options = VolumeOptions {
        cluster_bytes: [4096, 512, 65_536][(seed % 3) as usize],
        seed,
        ..plain()
    };
    let prepared = PreparedVolume::new(&wim, 1, options, &run_options()).unwrap();
    write_volume(prepared, &wim, volume);
}

/// All of a volume by wimlib, page files and the like included.
fn capture(volume: &Path, wim: &Path) -> Option<()> {
    let config = wim.with_extension("ini");
    fs::write(&config, "[ExclusionList]\n").unwrap();
    let mut command = testkit::tool("wimlib-imagex")?;
    command
        .arg("capture")
        .args([volume, wim])
        .args(["N", "--compress=XPRESS"]);
    testkit::run(command.arg(format!("--config={}", config.display())));
    Some(())
}

/// Creation, last write and last access of every path, to 100 ns.
fn times(wim: &Path) -> BTreeMap<String, [u64; 3]> {
    let wim = Wim::open(fs::File::open(wim).unwrap(), &Limits::default()).unwrap();
    let image = wim.image(1).unwrap();
    let times_of = |(id, _): (DentryId, _)| {
        let inode = image.inode_of(id).unwrap();
        let times = [inode.creation_time, inode.last_write_time, inode.last_access_time];
        (image.path_of(id), times)
    };
    image.walk(Image::ROOT).map(times_of).collect()
}

/// A WIM of a random tree, made by mkntfs, ntfs-3g and wimlib.
fn source(dir: &Path, seed: u64) -> Option<PathBuf> {
    let volume = dir.join("source.img");
    fs::File::create(&volume).unwrap().set_len(48 << 20).unwrap();
    testkit::run(testkit::tool("mkntfs")?.args(["-q", "-F"]).arg(&volume));
    let mount = NtfsMount::new(&volume, "rw")?;
    let mut tree = Tree {
        root: mount.path().to_owned(),
        numbers: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        directories: vec![PathBuf::new()],
        files: Vec::new(),
        dos_names: String::new(),
        attributes: String::new(),
        times: String::new(),
    };
    for number in 0..NODES {
        tree.add(number);
    }
    let restore = |name: &str, attributes: &str| {
        let list = dir.join(name);
        fs::write(&list, attributes).unwrap();
        let mut command = testkit::tool("setfattr")?;
        command.current_dir(mount.path()).arg("-h");
        testkit::run(command.arg(format!("--restore={}", list.display())));
        Some(())
    };
    // ntfs-3g gives no DOS name to what has links already, and everything changes times.
    restore("names", &tree.dos_names)?;
    for number in NODES..NODES + LINKS {
        tree.link(number);
    }
    restore("attributes", &tree.attributes)?;
    restore("times", &tree.times)?;
    mount.unmount();
    let wim = dir.join("source.wim");
    capture(&volume, &wim)?;
    Some(wim)
}

/// A tree that grows on a mounted volume. Paths are relative to the root.
struct Tree {
    root: PathBuf,
    numbers: u64,
    directories: Vec<PathBuf>,
    files: Vec<PathBuf>,
    /// Lists for `setfattr --restore`.
    dos_names: String,
    attributes: String,
    times: String,
}

impl Tree {
    /// A number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.numbers ^= self.numbers << 13;
        self.numbers ^= self.numbers >> 7;
        self.numbers ^= self.numbers << 17;
        (self.numbers >> 16) % end
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    fn bytes(&mut self, len: u64) -> Vec<u8> {
        // Few distinct bytes: some blobs are the same.
        let kinds = 1 + self.below(255);
        (0..len).map(|_| self.below(kinds) as u8).collect()
    }

    /// Around the sizes where something changes.
    fn size(&mut self) -> u64 {
        let sizes = [0, 1, 8, 480, 700, 1000, 4096, 32_768, 65_536, 150_000];
        let size = sizes[self.below(sizes.len() as u64) as usize];
        size + if self.one_in(2) { self.below(200) } else { 0 }
    }

    fn name(&mut self, number: u64) -> String {
        let alphabet: Vec<char> = "abcXYZ019 ._-+,;=[]()äßΩж日本\u{1F600}\u{301}".chars().collect();
        let len = match self.below(8) {
            0 => 100,
            1..4 => 8,
            _ => 20,
        };
        let name: String = (0..self.below(len))
            .map(|_| alphabet[self.below(alphabet.len() as u64) as usize])
            .collect();
        // Whole, and ending as Win32 allows.
        format!("{name}{number}")
    }

    fn add(&mut self, number: u64) {
        let parent = self.below(self.directories.len() as u64) as usize;
        let name = self.name(number);
        let path = self.directories[parent].join(name);
        let place = self.root.join(&path);
        let mut flags = self.below(0x8) as u32 | if self.one_in(2) { 0x20 } else { 0 };
        flags |= [0, 0, 0x2000, 0x1000][self.below(4) as usize];
        let directory = self.one_in(4);
        if directory {
            fs::create_dir(&place).unwrap();
            flags |= 0x10;
        } else {
            let size = self.size();
            fs::write(&place, self.bytes(size)).unwrap();
            flags |= if self.one_in(8) { 0x100 } else { 0 };
        }
        let streams = if self.one_in(4) { 1 + self.below(5) } else { 0 };
        for stream in 0..streams {
            let (name, size) = (self.name(stream), self.size());
            let mut place = place.clone().into_os_string();
            place.push(format!(":{name}"));
            fs::write(place, self.bytes(size)).unwrap();
        }
        if self.one_in(3) {
            let name = format!("NAME~{number}.TXT");
            line(&mut self.dos_names, &path, "dos_name", name.as_bytes());
        }
        if self.one_in(2) {
            let descriptor = self.descriptor();
            self.attribute(&path, "acl", &descriptor);
        }
        if self.one_in(5) {
            let id = self.bytes(15);
            self.attribute(&path, "object_id", &[&id[..], &[number as u8]].concat());
        }
        self.attribute(&path, "attrib_be", &flags.to_be_bytes());
        let reparse = self.one_in(8);
        if reparse {
            let data = self.reparse_point(directory);
            self.attribute(&path, "reparse_data", &data);
        }
        let times: Vec<u8> = (0..4)
            .flat_map(|_| {
                let time = self.below(1 << 57) + 1;
                time.to_be_bytes()
            })
            .collect();
        line(&mut self.times, &path, "times_be", &times);
        match (reparse, directory) {
            (true, _) => {}
            (_, true) => self.directories.push(path),
            (_, false) => self.files.push(path),
        }
    }

    fn link(&mut self, number: u64) {
        let parent = self.below(self.directories.len() as u64) as usize;
        let file = self.below(self.files.len() as u64) as usize;
        let name = self.name(number);
        let place = self.root.join(&self.directories[parent]).join(name);
        fs::hard_link(self.root.join(&self.files[file]), place).unwrap();
    }

    fn attribute(&mut self, path: &Path, name: &str, value: &[u8]) {
        line(&mut self.attributes, path, name, value);
    }

    /// A self-relative descriptor: owner, group, and a list of access that may be empty or absent.
    fn descriptor(&mut self) -> Vec<u8> {
        let user = 500 + self.below(3) as u32;
        let [system, user] = [[18, 0, 0, 0], user.to_le_bytes()];
        let sid = |end: [u8; 4]| [&[1, 1, 0, 0, 0, 0, 0, 5][..], &end].concat();
        let mut entries = Vec::new();
        let count = self.below(4);
        for _ in 0..count {
            let kind = self.below(2) as u8;
            entries.extend([kind, self.below(16) as u8, 20, 0]);
            entries.extend((self.below(1 << 9) as u32 | 0x12_0000).to_le_bytes());
            entries.extend(sid(if kind == 0 { system } else { user }));
        }
        let present = !self.one_in(4);
        let control: u16 = if present { 0x8004 } else { 0x8000 };
        let mut out = vec![1, 0];
        out.extend(control.to_le_bytes());
        for offset in [20, 32, 0, if present { 44 } else { 0 }] {
            out.extend(u32::to_le_bytes(offset));
        }
        out.extend([sid(user), sid(system)].concat());
        if present {
            out.extend([2, 0]);
            out.extend((8 + entries.len() as u16).to_le_bytes());
            out.extend([count as u8, 0, 0, 0]);
            out.extend(entries);
        }
        out
    }

    /// A junction, a symbolic link, or a tag of Microsoft's that nothing here interprets.
    fn reparse_point(&mut self, directory: bool) -> Vec<u8> {
        let target: Vec<u8> = format!("\\??\\C:\\target {}", self.below(100))
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let len = target.len() as u16;
        let mut body: Vec<u8> = [0, len, len, 0].into_iter().flat_map(u16::to_le_bytes).collect();
        let tag: u32 = match self.below(3) {
            0 if directory => 0xa000_0003,
            1 => {
                body.extend(u32::to_le_bytes(self.below(2) as u32));
                0xa000_000c
            }
            _ => 0x8000_0000 | (0x100 + self.below(0x100) as u32),
        };
        if tag & 0x2000_0000 == 0 {
            let len = self.below(2000);
            body = self.bytes(len);
        } else {
            body.extend(target);
        }
        let mut out = tag.to_le_bytes().to_vec();
        out.extend((body.len() as u32).to_le_bytes());
        out.extend(body);
        out
    }
}

/// Adds an attribute of ntfs-3g to a list.
fn line(list: &mut String, path: &Path, name: &str, value: &[u8]) {
    let hex = testkit::manifest::hex(value);
    writeln!(list, "# file: {}\nsystem.ntfs_{name}=0x{hex}\n", path.display()).unwrap();
}

//! A volume with everything NTFS has, captured by wimlib: what we read is what wimlib lists.

mod support;

use std::fmt::Write;
use std::fs;
use std::path::Path;

use support::{open, wimlib};
use wim_apply::apply::{DirectoryTarget, Features, loss_report};
use wim_apply::{DentryId, Image, StreamKind, Wim};

/// Unmounts when dropped.
struct Mounted<'a>(&'a Path);

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        if let Some(mut command) = testkit::tool("fusermount") {
            testkit::run(command.arg("-u").arg(self.0));
        }
    }
}

fn set_attribute(path: &Path, name: &str, value: &[u8]) {
    let hex = value
        .iter()
        .fold("0x".to_owned(), |hex, byte| format!("{hex}{byte:02x}"));
    if let Some(mut command) = testkit::tool("setfattr") {
        testkit::run(
            command
                .args(["-h", "-n", &format!("system.{name}"), "-v", &hex])
                .arg(path),
        );
    }
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Reparse data as NTFS holds it: header, and a path buffer with or without the flags of a symbolic link.
fn link_data(tag: u32, flags: Option<u32>, target: &str) -> Vec<u8> {
    let name = utf16(target);
    let size = u16::try_from(name.len()).expect("short");
    let mut body: Vec<u8> = [0, size, size, 0]
        .into_iter()
        .flat_map(u16::to_le_bytes)
        .collect();
    body.extend(flags.into_iter().flat_map(u32::to_le_bytes));
    body.extend(name);
    let mut data = tag.to_le_bytes().to_vec();
    data.extend(u32::try_from(body.len()).expect("short").to_le_bytes());
    data.extend(body);
    data
}

/// Fills a mounted volume.
fn fill(root: &Path) {
    let file = |path: &str, bytes: &[u8]| fs::write(root.join(path), bytes).expect("file");
    fs::create_dir_all(root.join("Windows/System32/Long Directory Name")).expect("directory");
    fs::create_dir_all(root.join("a")).expect("directory");
    file("Windows/notepad.exe", b"hello");
    file("Windows/System32/big.txt", &support::text(1, 200_000));
    file("empty.txt", b"");
    file("Windows/empty with stream.txt", b"");
    // Streams; `streams_interface=windows`.
    file("Windows/notepad.exe:one", b"stream one");
    file("Windows/notepad.exe:empty", b"");
    file("Windows/notepad.exe:two", &support::text(2, 40_000));
    file("Windows/empty with stream.txt:s", b"s");
    file("a:on a directory", b"x");
    for link in ["a/link", "a/link2"] {
        fs::hard_link(root.join("Windows/System32/big.txt"), root.join(link)).expect("link");
    }
    for case in ["a/case", "a/CASE"] {
        file(case, case.as_bytes());
    }
    set_attribute(&root.join("Windows/notepad.exe"), "ntfs_object_id", &[0x5a; 16]);
    set_attribute(&root.join("a/link"), "ntfs_attrib_be", &[0, 0, 0, 0x23]);
    set_attribute(
        &root.join("Windows/System32/Long Directory Name"),
        "ntfs_dos_name",
        b"LONGDI~1",
    );
    file("sym", b"");
    set_attribute(
        &root.join("sym"),
        "ntfs_reparse_data",
        &link_data(0xa000_000c, Some(1), "Windows\\notepad.exe"),
    );
    fs::create_dir(root.join("junction")).expect("directory");
    set_attribute(
        &root.join("junction"),
        "ntfs_reparse_data",
        &link_data(0xa000_0003, None, "\\??\\C:\\Windows"),
    );
}

/// An image of such a volume, captured by wimlib.
fn capture(dir: &Path) -> Option<Wim> {
    let volume = dir.join("v.img");
    fs::File::create(&volume)
        .expect("file")
        .set_len(24 << 20)
        .expect("size");
    testkit::run(testkit::tool("mkntfs")?.args(["-q", "-F"]).arg(&volume));
    let mount = dir.join("m");
    fs::create_dir(&mount).expect("directory");
    let mut command = testkit::tool("ntfs-3g")?;
    testkit::run(
        command
            .args(["-o", "efs_raw,streams_interface=windows"])
            .arg(&volume)
            .arg(&mount),
    );
    {
        let _mounted = Mounted(&mount);
        fill(&mount);
    }
    wimlib(&["capture", "v.img", "n.wim", "NT"], dir)?;
    Some(open(&dir.join("n.wim")))
}

/// The lines of `wimlib-imagex dir --detailed` that both sides can say.
fn listing_of(text: &str) -> Vec<String> {
    let wanted = [
        "Full Path",
        "Short Name",
        "Attributes",
        "Security Descriptor",
        "Reparse Tag",
        "Link Count",
        "Object ID",
        "Hash",
        "Uncompressed size",
        "Named data stream",
        "Unnamed data stream",
        "Reparse point stream",
    ];
    let mut entries = Vec::new();
    let mut entry = String::new();
    for line in text.lines() {
        if line.starts_with("-----") {
            entries.push(std::mem::take(&mut entry));
        } else if wanted.iter().any(|prefix| line.trim_start().starts_with(prefix)) {
            entry.push_str(line.trim());
            entry.push('\n');
        }
    }
    entries.push(entry);
    entries.retain(|entry| !entry.is_empty());
    entries.sort();
    entries
}

/// The same, written from what we read.
fn listing(image: &Image) -> Vec<String> {
    let describe = |(id, dentry): (DentryId, &wim_apply::Dentry)| {
        let inode = &image.inodes[dentry.inode.0 as usize];
        let mut out = String::new();
        let hex = |bytes: &[u8]| {
            bytes
                .iter()
                .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
        };
        writeln!(
            out,
            "Full Path           = \"{}\"",
            image.path_of(id).replace('\\', "/")
        )
        .expect("text");
        let short_name = String::from_utf16_lossy(&dentry.short_name);
        writeln!(out, "Short Name          = \"{short_name}\"").expect("text");
        writeln!(out, "Attributes          = 0x{:08x}", inode.attributes).expect("text");
        if let Some(number) = inode.security {
            let descriptor = hex(&image.security_descriptors[number as usize]);
            writeln!(out, "Security Descriptor = {descriptor}").expect("text");
        }
        if inode.is_reparse_point() {
            writeln!(out, "Reparse Tag         = 0x{:08x}", inode.reparse_tag).expect("text");
        }
        writeln!(out, "Link Count          = {}", inode.link_count).expect("text");
        if let Some(item) = inode.tagged_items.iter().find(|item| item.tag == 1) {
            writeln!(out, "Object ID           = 0x{}", hex(&item.data[..16])).expect("text");
        }
        let mut stream = |head: &str, hash: String, size: u64| {
            writeln!(
                out,
                "{head}:\nHash              = 0x{hash}\nUncompressed size = {size} bytes"
            )
            .expect("text");
        };
        if inode.is_directory() && !inode.is_reparse_point() {
            stream("Unnamed data stream", "00".repeat(20), 0);
        }
        for s in &inode.streams {
            let head = match (s.kind, s.name.is_empty()) {
                (StreamKind::ReparsePoint, _) => "Reparse point stream".to_owned(),
                (_, true) => "Unnamed data stream".to_owned(),
                (_, false) => format!("Named data stream \"{}\"", String::from_utf16_lossy(&s.name)),
            };
            stream(&head, s.hash.to_string(), s.size_bytes);
        }
        out
    };
    let mut entries: Vec<String> = image.walk(Image::ROOT).map(describe).collect();
    entries.sort();
    entries
}

#[test]
fn everything_of_ntfs() {
    let dir = tempfile::tempdir().unwrap();
    let Some(wim) = capture(dir.path()) else { return };
    let image = wim.image(1).unwrap();
    let detailed = wimlib(&["dir", "n.wim", "1", "--detailed"], dir.path()).unwrap();
    let theirs = listing_of(&String::from_utf8_lossy(&detailed.stdout));
    let ours = listing(&image);
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(ours.len(), theirs.len());
    assert!(image.warnings.is_empty(), "{:?}", image.warnings);

    let link = image.lookup("\\a\\LINK2").unwrap();
    assert_eq!(
        image.inodes[image.dentries[link.0 as usize].inode.0 as usize].link_count,
        3
    );
    assert_ne!(image.lookup("/a/case").unwrap(), image.lookup("/a/CASE").unwrap());
    let blob = image.inodes[image.dentries[link.0 as usize].inode.0 as usize]
        .unnamed_data()
        .unwrap()
        .blob;
    let paths = image.paths_of_blob(blob.unwrap());
    assert_eq!(paths.len(), 3);
    assert!(paths.contains(&"\\Windows\\System32\\big.txt".to_owned()));

    let target = DirectoryTarget::new("unused");
    let losses = loss_report(&image, wim_apply::apply::ApplyTarget::features(&target));
    let what: Vec<(&str, u64)> = losses.iter().map(|loss| (loss.what, loss.count)).collect();
    for expected in [("named streams", 3), ("short names", 1), ("object ids", 1)] {
        assert!(what.contains(&expected), "{expected:?} in {what:?}");
    }
    // The junction becomes a link.
    assert!(
        !what.iter().any(|(what, _)| what.contains("junctions")),
        "{what:?}"
    );
    let everything = Features {
        security_descriptors: true,
        named_streams: true,
        hard_links: true,
        short_names: true,
        reparse_points: true,
        symbolic_links: true,
        object_ids: true,
        extended_attributes: true,
        efs_raw: true,
        attributes: true,
        sparse: true,
        timestamps: true,
        case_sensitive_names: true,
        any_utf16_name: true,
    };
    assert!(loss_report(&image, everything).is_empty());
}

//! A directory as target: links of every kind, what lies below them, and that nothing is written through one.

#![allow(clippy::unwrap_used, reason = "what cannot be had fails the test")]

#[path = "hard_cases/draft.rs"]
#[allow(dead_code, reason = "shared with the hard cases")]
mod draft;
mod support;

use std::fs;
use std::io::Cursor;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

use draft::{DIRECTORY, Draft, Metadata, data_file, fixed, hash};
use support::{list_tree, make_tree, open, options, wimlib};
use wim_apply::apply::{ApplyTarget, BlobInfo, Control, DirectoryTarget, Loss, apply_image, loss_report};
use wim_apply::layout::DentryFixed;
use wim_apply::{
    BlobHash, BlobId, Dentry, DentryId, Error, Image, Inode, InodeId, Limits, Stream, StreamKind, Wim,
};

const REPARSE_POINT: u32 = 0x400;
const SYMLINK: u32 = 0xa000_000c;
const MOUNT_POINT: u32 = 0xa000_0003;

fn wim_of(draft: Draft) -> Wim {
    Wim::open(Cursor::new(draft.finish()), &Limits::default()).expect("a WIM")
}

/// Reparse data: `flags` is what only symbolic links have.
fn reparse_data(target: &str, flags: Option<u32>) -> Vec<u8> {
    let name: Vec<u8> = target.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let size = u16::try_from(name.len()).expect("a short name");
    let mut data: Vec<u8> = [0, size, size, 0]
        .into_iter()
        .flat_map(u16::to_le_bytes)
        .collect();
    data.extend(flags.map(u32::to_le_bytes).into_iter().flatten());
    data.extend(name);
    data
}

fn link(tag: u32, data: &[u8], attributes: u32, is_fixed_up: bool) -> DentryFixed {
    DentryFixed {
        main_hash: hash(data),
        link: DentryFixed::reparse_link(tag, 0, u16::from(!is_fixed_up)),
        ..fixed(REPARSE_POINT | attributes)
    }
}

fn apply(wim: &Wim, target: &mut DirectoryTarget) -> Result<(), Error> {
    Control::silent(wim, |control| apply_image(wim, 1, target, &options(2), control)).map(|_| ())
}

#[test]
fn nothing_is_written_below_a_link() {
    let dir = tempfile::tempdir().unwrap();
    let (outside, target) = (dir.path().join("outside"), dir.path().join("target"));
    fs::create_dir(&outside).unwrap();
    let data = reparse_data("..\\outside", Some(1));
    let children = |at: u64| DentryFixed {
        subdir_offset: at,
        ..link(SYMLINK, &data, DIRECTORY, false)
    };
    let group = |number: u64| DentryFixed {
        link: number.to_le_bytes(),
        ..data_file()
    };
    // Names have one unit: each entry has 112 bytes, each list eight more.
    let root = Metadata::new();
    let (below, inside) = (root.at() + 3 * 112 + 8, root.at() + 3 * 112 + 8 + 4 * 112 + 8);
    let deeper = inside + 112 + 8;
    let metadata = root
        .with("a", group(1))
        .with("l", children(below))
        .directory("z", inside)
        .end()
        .with("a", group(1))
        .with("b", group(2))
        .with("c", data_file())
        .directory("d", deeper)
        .end()
        .with("b", group(2))
        .end()
        .with("e", data_file())
        .end();
    let mut draft = Draft::of(&metadata);
    draft.blob(&data, 0);
    let wim = wim_of(draft);
    let image = wim.image(1).unwrap();
    assert_eq!(image.dentries.len(), 10, "{:?}", image.warnings);
    let links: Vec<u32> = image.inodes.iter().map(|inode| inode.link_count).collect();
    assert_eq!(links.iter().filter(|count| **count == 2).count(), 2, "{links:?}");

    let mut to = DirectoryTarget::new(&target);
    let losses = loss_report(&image, to.features());
    let below = losses
        .iter()
        .find(|loss| loss.what == "entries below links")
        .unwrap();
    assert_eq!(below.count, 5);
    assert_eq!(
        below.examples,
        ["\\l\\a", "\\l\\b", "\\l\\c", "\\l\\d", "\\l\\d\\e"]
    );
    apply(&wim, &mut to).unwrap();
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    assert_eq!(fs::read_link(target.join("l")).unwrap(), Path::new("../outside"));
    for name in ["a", "z/b"] {
        assert_eq!(fs::read(target.join(name)).unwrap(), draft::CONTENT, "{name}");
        assert_eq!(fs::metadata(target.join(name)).unwrap().nlink(), 1, "{name}");
    }
}

/// With a link in the place of a directory of the image, an apply into what is there already stops.
#[test]
fn links_that_are_there_are_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let (outside, target) = (dir.path().join("outside"), dir.path().join("target"));
    let root = Metadata::new();
    let inside = root.at() + 112 + 8;
    let metadata = root.directory("d", inside).end().with("f", data_file()).end();
    let wim = wim_of(Draft::of(&metadata));
    for name in ["d", "d/f"] {
        let _ = fs::remove_dir_all(&target);
        fs::create_dir_all(&outside).unwrap();
        fs::write(outside.join("file"), "kept").unwrap();
        fs::create_dir(&target).unwrap();
        if name == "d/f" {
            fs::create_dir(target.join("d")).unwrap();
            symlink(outside.join("file"), target.join(name)).unwrap();
        } else {
            symlink(&outside, target.join(name)).unwrap();
        }
        let error = apply(&wim, &mut DirectoryTarget::new(&target).into_existing()).unwrap_err();
        let Error::Target { source, .. } = &error else {
            panic!("{error}")
        };
        assert!(source.to_string().contains("File exists"), "{name}: {source}");
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1, "{name}");
        assert_eq!(fs::read(outside.join("file")).unwrap(), b"kept", "{name}");
    }
}

/// Known before anything is replaced, also of a link that becomes an empty directory.
#[test]
fn directories_are_neither_replaced_nor_replace() {
    let root = Metadata::new();
    let inside = root.at() + 4 * 112 + 8;
    let data = reparse_data("\\??\\D:\\Users", None);
    let metadata = root
        .with("a", data_file())
        .directory("d", inside)
        .with("j", link(MOUNT_POINT, &data, DIRECTORY, false))
        .with("z", data_file())
        .end()
        .with("e", data_file())
        .end();
    let mut draft = Draft::of(&metadata);
    draft.blob(&data, 0);
    let wim = wim_of(draft);
    for (taken, by_directory) in [("a", true), ("d", false), ("j", false), ("j", true)] {
        let dir = tempfile::tempdir().unwrap();
        let mine = if by_directory {
            fs::create_dir(dir.path().join(taken)).unwrap();
            dir.path().join(taken).join("mine")
        } else {
            dir.path().join(taken)
        };
        for path in [&mine, &dir.path().join("z")] {
            fs::write(path, "mine").unwrap();
        }
        let error = apply(&wim, &mut DirectoryTarget::new(dir.path()).replacing()).unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains(&format!("/{taken}: ")), "{taken}: {source}");
        for path in [&mine, &dir.path().join("z")] {
            assert_eq!(fs::read(path).unwrap(), b"mine", "{taken}");
        }
        let names = fs::read_dir(dir.path()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        assert!(names.into_iter().all(|name| name.len() == 1), "{taken}");
    }
}

/// Absolute links of the host: as wimlib captures and applies them.
#[test]
fn links_of_a_host_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("tree");
    make_tree(&tree);
    let tree = tree.canonicalize().unwrap();
    for (name, to) in [
        ("to the host", Path::new("/etc/passwd")),
        ("folder of the host", Path::new("/usr")),
        ("root", Path::new("/")),
        ("with dots", Path::new("/usr/../etc")),
        ("inside", &tree.join("Windows/one")),
        ("folder inside", &tree.join("Windows")),
        ("the tree", &tree),
        ("dangling", Path::new("nothing/../here")),
    ] {
        symlink(to, tree.join(name)).unwrap();
    }
    if wimlib(&["capture", "tree", "x.wim", "N", "--no-acls"], dir.path()).is_none() {
        return;
    }
    let wim = open(&dir.path().join("x.wim"));
    assert!(loss_report(&wim.image(1).unwrap(), DirectoryTarget::new("").features()).is_empty());
    let mut target = DirectoryTarget::new(dir.path().join("ours"));
    apply(&wim, &mut target).unwrap();
    assert_eq!(target.lost_links(), None);
    wimlib(&["apply", "x.wim", "1", "theirs"], dir.path());
    let links = |name: &str| -> Vec<(String, String)> {
        let root = dir.path().join(name).canonicalize().unwrap();
        let links = list_tree(&root).into_iter().filter(|(_, kind, _)| kind == "link");
        let target = |to: Vec<u8>| {
            String::from_utf8(to)
                .unwrap()
                .replace(root.to_str().unwrap(), "ROOT")
        };
        links.map(|(path, _, to)| (path, target(to))).collect()
    };
    let (ours, theirs) = (links("ours"), links("theirs"));
    assert_eq!(ours, theirs);
    assert_eq!(ours, links("tree"));
    assert_eq!(ours.len(), 9);
}

#[test]
fn junctions_and_links_to_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("target");
    let volume = "\\??\\Volume{12345678-1234-1234-1234-123456789abc}\\";
    // More than Windows allows.
    let mut long = reparse_data("a", Some(1));
    long.resize((16 << 10) + 1, 0);
    let cases = [
        (
            "junction",
            MOUNT_POINT,
            reparse_data("\\??\\C:\\Users", None),
            DIRECTORY,
            true,
        ),
        ("link", SYMLINK, reparse_data("\\??\\C:\\a\\b", Some(0)), 0, true),
        ("rooted", SYMLINK, reparse_data("\\a\\b", Some(1)), 0, false),
        (
            "volume",
            MOUNT_POINT,
            reparse_data(volume, None),
            DIRECTORY,
            false,
        ),
        (
            "other drive",
            SYMLINK,
            reparse_data("\\??\\D:\\a", Some(0)),
            0,
            false,
        ),
        ("damaged", SYMLINK, vec![1, 2, 3], 0, false),
        ("long", SYMLINK, long, 0, false),
    ];
    let mut metadata = Metadata::new();
    for (name, tag, data, attributes, is_fixed_up) in &cases {
        metadata = metadata.with(name, link(*tag, data, *attributes, *is_fixed_up));
    }
    let mut draft = Draft::of(&metadata.end());
    for (_, _, data, ..) in &cases {
        draft.blob(data, 0);
    }
    let wim = wim_of(draft);
    let mut to = DirectoryTarget::new(&target);
    apply(&wim, &mut to).unwrap();
    let root = target.canonicalize().unwrap();
    let leads_to = |name: &str| fs::read_link(target.join(name)).unwrap();
    assert_eq!(leads_to("junction"), root.join("Users"));
    assert_eq!(leads_to("link"), root.join("a/b"));
    assert_eq!(leads_to("rooted"), root.join("a/b"));
    let lost = Loss {
        what: "links to other drives, volumes or shares",
        count: 4,
        examples: ["\\volume", "\\other drive", "\\damaged", "\\long"]
            .map(str::to_owned)
            .into(),
    };
    assert_eq!(to.lost_links(), Some(&lost));
    assert!(fs::symlink_metadata(target.join("volume")).unwrap().is_dir());
    assert_eq!(fs::read(target.join("other drive")).unwrap(), b"");
}

/// An image of links: `blobs` blobs, each held by `each` links.
fn image_of_links(blobs: u32, each: u32) -> Image {
    let mut image = Image::default();
    let directory = Inode {
        attributes: DIRECTORY,
        ..Inode::default()
    };
    let dentry = |name: &str, inode: usize| Dentry {
        name: name.encode_utf16().collect(),
        short_name: Box::default(),
        parent: DentryId(0),
        inode: InodeId(u32::try_from(inode).unwrap()),
        children: Vec::new(),
    };
    image.inodes.push(directory);
    image.dentries.push(dentry("", 0));
    for number in 0..blobs * each {
        let stream = Stream {
            kind: StreamKind::ReparsePoint,
            name: Box::default(),
            hash: BlobHash::ZERO,
            blob: Some(BlobId(number / each)),
            size_bytes: 16 << 10,
        };
        image
            .dentries
            .push(dentry(&format!("l{number}"), image.inodes.len()));
        image.inodes.push(Inode {
            attributes: REPARSE_POINT,
            reparse_tag: SYMLINK,
            streams: vec![stream],
            ..Inode::default()
        });
    }
    image
}

fn put_all(image: &Image, blobs: u32) -> Result<(), String> {
    let dir = tempfile::tempdir().unwrap();
    let mut target = DirectoryTarget::new(dir.path());
    target.begin(image).unwrap();
    let sink = wim_apply::apply::BlobSink::parallel(&target).unwrap();
    let data = vec![0; 16 << 10];
    for number in 0..blobs {
        let info = BlobInfo {
            id: BlobId(number),
            hash: BlobHash::ZERO,
            size_bytes: data.len() as u64,
        };
        sink.put(&info, 0, &data).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Peak memory of this process, in MiB.
fn peak_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

#[test]
fn the_data_of_links_is_held_once_and_bounded() {
    // 20,000 links to one blob of 16 KiB would be 312 MiB.
    let image = image_of_links(1, 20_000);
    let before = peak_mib();
    put_all(&image, 1).unwrap();
    let after = peak_mib();
    assert!(after < before + 64, "{before} MiB, then {after} MiB");
    let error = put_all(&image_of_links(9000, 1), 9000).unwrap_err();
    assert!(error.contains("bytes of reparse data"), "{error}");
}

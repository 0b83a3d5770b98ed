//! Encrypted files (EFS) from an image to a volume and back: no bit is lost, and foreign programs read what comes out.

#![allow(clippy::unwrap_used, reason = "what cannot be had fails the test")]

#[path = "support/described.rs"]
mod described;
#[path = "support/volume_options.rs"]
mod volume_options;

use std::fs::{self, File};
use std::io::{Cursor, Read};
use std::path::Path;

use ntfs_image::read::Volume;
use stick::{PreparedVolume, VolumeOptions, VolumeSource};
use testkit::efs::{Segment, Stream as RawStream, User, backup_form, efsinfo, raw_form, set_efsinfo};
use testkit::manifest::NtfsMount;
use wim_apply::efs_raw::{RawFile, Scanner};
use wim_apply::write::{Compare, diff};
use wim_apply::{Image, Limits, StreamKind, Wim};

use crate::described::{DIRECTORY, Described, ENCRYPTED, wim_of};
use crate::volume_options::{plain, run_options, write_volume};

fn open(wim: &[u8]) -> Wim {
    Wim::open(Cursor::new(wim.to_vec()), &Limits::default()).unwrap()
}

fn prepared(wim: &Wim, cluster_bytes: u32) -> stick::Result<PreparedVolume> {
    let options = VolumeOptions {
        cluster_bytes,
        ..plain()
    };
    PreparedVolume::new(wim, 1, options, &run_options())
}

fn apply(wim: &[u8], volume: &Path) -> File {
    let wim = open(wim);
    let prepared = prepared(&wim, 4096).unwrap();
    assert_eq!(prepared.warnings, Vec::<String>::new());
    write_volume(prepared, &wim, volume)
}

fn captured(volume: &Path) -> Vec<u8> {
    let volume = Volume::open(File::open(volume).unwrap(), &ntfs_image::Limits::default()).unwrap();
    wim_of(&mut VolumeSource::new(volume))
}

/// Raw forms of an image, by path: what they say, and their bytes.
fn raw_forms(wim: &[u8]) -> Vec<(String, RawFile, Vec<u8>)> {
    let wim = open(wim);
    let image = wim.image(1).unwrap();
    let mut found = Vec::new();
    for (id, _) in image.walk(Image::ROOT) {
        let streams = &image.inode_of(id).unwrap().streams;
        let Some(raw) = streams.iter().find(|stream| stream.kind == StreamKind::EfsRaw) else {
            continue;
        };
        let mut bytes = Vec::new();
        wim.open_blob(raw.blob.unwrap())
            .unwrap()
            .read_to_end(&mut bytes)
            .unwrap();
        let mut scanner = Scanner::default();
        scanner.push(&bytes).unwrap();
        found.push((image.path_of(id), scanner.finish().unwrap(), bytes));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

fn text(len: usize) -> Vec<u8> {
    (0..len).map(|at| b"encrypted "[at % 10]).collect()
}

fn stream<'a>(name: &'a str, segments: Vec<Segment>) -> RawStream<'a> {
    RawStream {
        name,
        encrypted: true,
        segments,
    }
}

/// Two segments of a stream of 70,000 bytes.
fn long(user: &User) -> Vec<Segment> {
    let ciphertext = user.encrypt(&text(70_000));
    let (first, rest) = ciphertext.split_at(0x1_0000);
    let second = Segment {
        start: 0x1_0000,
        ..Segment::whole(70_000 - 0x1_0000, rest)
    };
    vec![Segment::whole(0x1_0000, first), second]
}

/// A sparse stream with a hole, that ends beyond its valid data.
fn sparse(user: &User) -> Vec<Segment> {
    let unit = 0x1_0000;
    let sector = user.encrypt(&text(400));
    let mut data = sector.repeat(unit / 512);
    data.extend(&sector);
    let first = Segment {
        size_bytes: 3 * unit as u32,
        valid_bytes: 2 * unit as u32 + 400,
        blocks: vec![unit as u32, 0, 512],
        sparse: Some(true),
        ..Segment::whole(0, &data)
    };
    let tail = Segment {
        start: 3 * unit as u64,
        size_bytes: 300,
        valid_bytes: 0,
        blocks: vec![0],
        sparse: Some(true),
        ..Segment::whole(0, &[])
    };
    vec![first, tail]
}

#[test]
fn from_an_image_to_a_volume_and_back() {
    let Some(user) = User::new() else { return };
    let raw = |streams: &[RawStream<'_>]| Some(raw_form(&user.metadata, streams));
    let whole = |plain: &[u8]| vec![Segment::whole(plain.len() as u32, &user.encrypt(plain))];
    let plain = RawStream {
        encrypted: false,
        ..stream(":plain:$DATA", vec![Segment::whole(0, b"not encrypted")])
    };
    let named = [
        stream("::$DATA", whole(&text(1200))),
        plain,
        stream(":s:$DATA", whole(&text(12))),
    ];
    let mut tree = Described::new();
    tree.add(0, "open", 0x20, Some(b"not encrypted".to_vec()));
    tree.add(
        0,
        "secret",
        ENCRYPTED | 0x20,
        raw(&[stream("::$DATA", long(&user))]),
    );
    tree.add(
        0,
        "the same",
        ENCRYPTED | 0x20,
        raw(&[stream("::$DATA", long(&user))]),
    );
    let folder = tree.add(0, "folder", ENCRYPTED | DIRECTORY, raw(&[]));
    tree.add(folder, "named", ENCRYPTED, raw(&named));
    tree.add(
        folder,
        "sparse",
        ENCRYPTED | 0x200,
        raw(&[stream("::$DATA", sparse(&user))]),
    );
    tree.add(folder, "empty", ENCRYPTED, raw(&[stream("::$DATA", Vec::new())]));
    let wim = wim_of(&mut tree);

    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("encrypted.wim");
    fs::write(&file, &wim).unwrap();
    if let Some(mut wimlib) = testkit::tool("wimlib-imagex") {
        testkit::run(wimlib.arg("verify").arg(&file));
    }
    if let Some(mut wimlib) = testkit::tool("wimlib-imagex") {
        let listed = testkit::run(wimlib.arg("dir").arg(&file).args(["1", "--detailed"]));
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        assert_eq!(listed.matches("FILE_ATTRIBUTE_ENCRYPTED").count(), 6, "{listed}");
        assert_eq!(listed.matches("Raw encrypted data stream").count(), 6, "{listed}");
    }

    let first = dir.path().join("first.img");
    apply(&wim, &first);
    testkit::oracles::ntfs_gate(&first);
    for (path, expected) in [("secret", 70_000), ("the same", 70_000), ("folder/named", 1200)] {
        if let Some(found) = user.decrypt(&first, path) {
            assert!(found == text(expected), "{path} by ntfsdecrypt");
        }
    }
    let again = captured(&first);
    let (expected, found) = (raw_forms(&wim), raw_forms(&again));
    assert_eq!(found.len(), 6);
    for ((path, expected, _), (_, found, _)) in expected.iter().zip(&found) {
        assert!(
            expected == found,
            "{path}: {:?}, expected {:?}",
            found.streams,
            expected.streams
        );
    }
    let second = dir.path().join("second.img");
    apply(&again, &second);
    let third = captured(&second);
    let (a, b) = (open(&again).image(1).unwrap(), open(&third).image(1).unwrap());
    let differences = diff(&a, &b, &Compare::EVERYTHING);
    assert!(differences.is_empty(), "{differences:#?}");
}

#[test]
fn what_ntfs_3g_restored_is_captured() {
    let Some(user) = User::new() else { return };
    let dir = tempfile::tempdir().unwrap();
    let theirs = dir.path().join("theirs.img");
    File::create(&theirs).unwrap().set_len(64 << 20).unwrap();
    let Some(mut mkntfs) = testkit::tool("mkntfs") else {
        return;
    };
    testkit::run(mkntfs.args(["-q", "-F"]).arg(&theirs));
    let Some(mount) = NtfsMount::new(&theirs, "rw") else {
        return;
    };
    fs::create_dir(mount.path().join("folder")).unwrap();
    let names = ["file", "folder/file", "folder/file:s", "empty"];
    let sizes = [70_000, 700, 512, 0];
    for (name, size) in names.into_iter().zip(sizes) {
        let ciphertext = user.encrypt(&text(size));
        fs::write(mount.path().join(name), backup_form(&ciphertext, size as u64)).unwrap();
    }
    for name in ["file", "folder/file", "empty", "folder"] {
        set_efsinfo(&mount.path().join(name), &user.metadata);
    }
    mount.unmount();

    let wim = captured(&theirs);
    assert_eq!(raw_forms(&wim).len(), 4);
    let ours = dir.path().join("ours.img");
    apply(&wim, &ours);
    testkit::oracles::ntfs_gate(&ours);
    let (Some(theirs), Some(ours_mount)) = (NtfsMount::new(&theirs, "ro"), NtfsMount::new(&ours, "ro"))
    else {
        return;
    };
    for name in names {
        let of = |mount: &NtfsMount| fs::read(mount.path().join(name)).unwrap();
        assert!(of(&theirs) == of(&ours_mount), "{name}");
    }
    for name in ["file", "folder/file", "empty", "folder"] {
        let of = |mount: &NtfsMount| efsinfo(&mount.path().join(name));
        assert_eq!(of(&theirs).as_ref(), Some(&user.metadata), "{name}");
        assert_eq!(of(&theirs), of(&ours_mount), "{name}");
    }
}

#[test]
fn what_cannot_be_kept_is_refused_by_path() {
    let refused = |content: Option<Vec<u8>>, cluster_bytes| {
        let mut tree = Described::new();
        let folder = tree.add(0, "folder", DIRECTORY, None);
        tree.add(folder, "secret", ENCRYPTED, content);
        let wim = open(&wim_of(&mut tree));
        prepared(&wim, cluster_bytes)
            .map(drop)
            .map_err(|error| error.to_string())
    };
    let good = |hole: u32| {
        let segment = Segment {
            size_bytes: 3 * 0x1_0000,
            valid_bytes: 3 * 0x1_0000,
            unit_shift: hole.trailing_zeros() as u8,
            blocks: (0..3 * 0x1_0000 / hole)
                .map(|at| if at == 1 { 0 } else { hole })
                .collect(),
            data: vec![1; 3 * 0x1_0000 - hole as usize],
            ..Segment::whole(0, &[])
        };
        raw_form(&[0xEF; 100], &[stream("::$DATA", vec![segment])])
    };
    assert_eq!(refused(Some(good(0x1_0000)), 4096), Ok(()));
    let mut bad = good(0x1_0000);
    bad[20] ^= 1;
    for (content, cluster_bytes, text) in [
        (Some(bad), 4096, "EFS raw form: "),
        (Some(b"plain text".to_vec()), 4096, "needs 20 bytes, only 10 left"),
        (Some(good(4096)), 4096, "its holes lie in units of 4096 bytes"),
        (None, 4096, "has no encrypted content of it"),
    ] {
        let error = refused(content, cluster_bytes).expect_err(text);
        assert!(
            error.contains("\\folder\\secret: ") && error.contains(text),
            "{error}"
        );
    }
    assert!(refused(Some(good(4096)), 65_536).is_err());
    assert_eq!(refused(Some(good(0x1_0000)), 65_536), Ok(()));
}

#[test]
fn a_directory_without_keys_becomes_an_ordinary_one() {
    let mut tree = Described::new();
    tree.add(0, "folder", DIRECTORY | ENCRYPTED, None);
    let wim = open(&wim_of(&mut tree));
    let prepared = prepared(&wim, 4096).unwrap();
    assert_eq!(prepared.warnings.len(), 1);
    assert!(
        prepared.warnings[0].starts_with("1 directories are marked as encrypted"),
        "{:?}",
        prepared.warnings
    );
}

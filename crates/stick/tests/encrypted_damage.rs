//! Encrypted files (EFS) of damaged and of hostile images.

#![allow(clippy::unwrap_used, reason = "what cannot be had fails the test")]

#[path = "support/described.rs"]
mod described;
#[path = "support/volume_options.rs"]
mod volume_options;

use std::io::{Cursor, Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ntfs_image::read::Volume;
use stick::{Error, PreparedVolume, RunOptions, VolumeOptions, VolumeSource};
use testkit::efs::{Segment, Stream as RawStream, raw_form};
use wim_apply::write::{CaptureSource, Compression};
use wim_apply::{Image, Limits, StreamKind, Wim};

use crate::described::{Described, ENCRYPTED, captured, wim_of};
use crate::volume_options::{plain, run_options};

fn open(wim: &[u8]) -> Wim {
    Wim::open(Cursor::new(wim.to_vec()), &Limits::default()).unwrap()
}

fn raw(metadata: &[u8], segments: Vec<Segment>) -> Vec<u8> {
    let stream = RawStream {
        name: "::$DATA",
        encrypted: true,
        segments,
    };
    raw_form(metadata, &[stream])
}

fn whole(byte: u8) -> Vec<Segment> {
    vec![Segment::whole(1024, &[byte; 1024])]
}

#[test]
fn what_can_be_had_of_damaged_ones() {
    let mut tree = Described::new();
    tree.add(0, "data", ENCRYPTED, Some(raw(&[0xE1; 100], whole(0xC1))));
    tree.add(0, "form", ENCRYPTED, Some(raw(&[0xE2; 100], whole(0xC2))));
    tree.add(0, "sound", ENCRYPTED, Some(raw(&[0xE3; 100], whole(0xC3))));
    // Its damaged form still is one, with a hole that no volume can have.
    let parts = |second_start| {
        let part = Segment::whole(1 << 16, &[0xC4; 1 << 16]);
        let second = Segment {
            start: second_start,
            ..part.clone()
        };
        raw(&[0xE4; 100], vec![part, second])
    };
    let (good, with_hole) = (parts(1 << 16), parts((1 << 16) + 512));
    let differs: Vec<usize> = (0..good.len()).filter(|&at| good[at] != with_hole[at]).collect();
    tree.add(0, "hole", ENCRYPTED, Some(good));
    let mut wim = captured(&mut tree, Compression::None);
    let mut change = |path: &str, at: usize, mask: u8| {
        let opened = open(&wim);
        let image = opened.image(1).unwrap();
        let inode = image.inode_of(image.lookup(path).unwrap()).unwrap();
        let blob = opened.blob(inode.streams[0].blob.unwrap()).unwrap();
        assert!(blob.stored_bytes().is_none_or(|bytes| bytes == blob.size_bytes));
        wim[usize::try_from(blob.offset()).unwrap() + at] ^= mask;
    };
    // The last byte of the ciphertext, and a signature.
    let len = raw(&[0xE1; 100], whole(0xC1)).len();
    change("data", len - 1, 0x5a);
    change("form", 20, 0x5a);
    assert_eq!(differs.len(), 1, "{differs:?}");
    change("hole", differs[0], 2);
    let wim = open(&wim);
    let options = |recover| VolumeOptions { recover, ..plain() };
    let refused = PreparedVolume::new(&wim, 1, options(false), &run_options());
    assert!(refused.is_err());

    let prepared = PreparedVolume::new(&wim, 1, options(true), &run_options()).unwrap();
    let mut volume = Cursor::new(Vec::new());
    let report = prepared
        .write_to(&wim, &mut volume, &run_options(), &mut |_| {})
        .unwrap();
    assert_eq!(report.damaged.len(), 3, "{:?}", report.damaged);
    for path in ["\\data", "\\form", "\\hole"] {
        let named = |line: &String| line.ends_with(&format!("(used by {path})"));
        assert_eq!(
            report.damaged.iter().filter(|line| named(line)).count(),
            1,
            "{path}"
        );
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), volume.get_ref()).unwrap();
    testkit::oracles::ntfs_gate(file.path());
    let volume = Volume::open(file.reopen().unwrap(), &ntfs_image::Limits::default()).unwrap();
    let image = VolumeSource::new(volume).tree().unwrap();
    let kinds = |path: &str| -> Vec<StreamKind> {
        let inode = image.inode_of(image.lookup(path).unwrap()).unwrap();
        inode.streams.iter().map(|stream| stream.kind).collect()
    };
    assert_eq!(kinds("data"), [StreamKind::EfsRaw]);
    assert_eq!(kinds("sound"), [StreamKind::EfsRaw]);
    for path in ["form", "hole"] {
        assert!(!kinds(path).contains(&StreamKind::EfsRaw), "{path}");
        let inode = image.inode_of(image.lookup(path).unwrap()).unwrap();
        assert_eq!(inode.attributes & ENCRYPTED, 0, "{path}");
    }
    assert_eq!(image.dentries.len(), 5, "{:?}", Image::ROOT);
}

/// An output that keeps nothing.
#[derive(Default)]
struct Nowhere(u64);

impl Write for Nowhere {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Seek for Nowhere {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        match to {
            SeekFrom::Start(at) => self.0 = at,
            SeekFrom::Current(by) => self.0 = self.0.saturating_add_signed(by),
            SeekFrom::End(_) => return Err(std::io::ErrorKind::Unsupported.into()),
        }
        Ok(self.0)
    }
}

#[test]
fn holes_of_terabytes_can_be_interrupted() {
    let unit = 1 << 20;
    let hole = |at: u64| Segment {
        start: at << 30,
        size_bytes: 1 << 30,
        valid_bytes: 1 << 30,
        unit_shift: 20,
        blocks: vec![0; (1 << 30) / unit],
        sparse: Some(true),
        ..Segment::whole(0, &[])
    };
    let mut tree = Described::new();
    let content = raw(&[0xEF; 100], (0..1024).map(hole).collect());
    tree.add(0, "holes", ENCRYPTED | 0x200, Some(content));
    let wim = open(&wim_of(&mut tree));
    let interrupt = AtomicBool::new(false);
    let run = RunOptions {
        interrupt: &interrupt,
        ..run_options()
    };
    let prepared = PreparedVolume::new(&wim, 1, plain(), &run).unwrap();
    std::thread::scope(|scope| {
        let written = scope.spawn(|| {
            let result = prepared.write_to(&wim, &mut Nowhere::default(), &run, &mut |_| {});
            (result, Instant::now())
        });
        std::thread::sleep(Duration::from_millis(300));
        assert!(!written.is_finished(), "1 TiB of holes took no time");
        interrupt.store(true, Ordering::Relaxed);
        let began = Instant::now();
        let (result, ended) = written.join().unwrap();
        assert!(matches!(result, Err(Error::Interrupted)), "{result:?}");
        assert!(ended - began < Duration::from_secs(2), "{:?}", ended - began);
    });
}

#[test]
fn keys_count_against_the_memory_limit() {
    let mut tree = Described::new();
    for number in 0..5 {
        let content = raw(&vec![number; 250_000], whole(number));
        tree.add(0, &format!("{number}"), ENCRYPTED, Some(content));
    }
    let wim = open(&wim_of(&mut tree));
    let prepared = |memory_limit_bytes| {
        let run = RunOptions {
            memory_limit_bytes,
            ..run_options()
        };
        PreparedVolume::new(&wim, 1, plain(), &run).map(drop)
    };
    prepared(None).unwrap();
    prepared(Some(16 << 20)).unwrap();
    let error = prepared(Some(8 << 20)).unwrap_err();
    let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
    let text: Vec<String> = causes.map(ToString::to_string).collect();
    assert!(text.join(": ").contains("over 1048576 bytes"), "{text:?}");
}

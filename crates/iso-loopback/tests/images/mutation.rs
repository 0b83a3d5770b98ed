//! Damaged images: an error or a tree, never a panic, never without end.

use std::io::{Cursor, Read};
use std::time::{Duration, Instant};

use hadris_udf::UdfRevision;
use iso_loopback::{IsoImage, Limits, ReadOptions, View};

use crate::hadris::{bridge, seal};

/// A small generator, so that a failure names its round.
struct Xorshift(u64);

impl Xorshift {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

/// Offsets that hold structure, not file data: up to sector 400 in a bridge, and every UDF tag.
fn tags(bytes: &[u8]) -> Vec<usize> {
    let is_tag = |at: &usize| {
        let id = u16::from_le_bytes([bytes[*at], bytes[*at + 1]]);
        matches!(id, 1..=9 | 256..=266)
            && bytes[*at..*at + 16].iter().fold(0_u8, |s, b| s.wrapping_add(*b))
                == bytes[*at + 4].wrapping_mul(2)
    };
    (0..bytes.len() - 512).step_by(4).filter(is_tag).collect()
}

/// Reads every view to its end, within limits that a test can wait for.
fn read_everything(bytes: &[u8], verify_checksums: bool) -> usize {
    let options = ReadOptions {
        limits: Limits {
            max_directory_bytes: 1 << 20,
            max_depth: 32,
            max_entries: 5_000,
            max_extents: 10_000,
            max_descriptors: 1_000,
        },
        verify_checksums,
        ..ReadOptions::default()
    };
    let mut read = 0;
    for view in View::ALL {
        let Ok(mut image) = IsoImage::open_view(Cursor::new(bytes), view, &options) else {
            continue;
        };
        let _ = (image.boot_catalog(), image.volume_info());
        let Ok(root) = image.root() else { continue };
        let Ok(walk) = image.walk(&root) else { continue };
        let entries: Vec<_> = walk.flatten().collect();
        for (_, entry) in entries {
            let Ok(file) = image.open_file(&entry) else {
                continue;
            };
            let mut content = Vec::new();
            if file.take(1 << 16).read_to_end(&mut content).is_ok() {
                read += 1;
            }
        }
    }
    read
}

#[test]
fn damaged_bridges_give_errors_in_bounded_time() {
    let mut random = Xorshift(0x9e37_79b9_7f4a_7c15);
    for revision in [UdfRevision::V1_02, UdfRevision::V2_01] {
        let original = bridge(revision);
        let tags = tags(&original);
        assert!(tags.len() > 100, "{} tags", tags.len());
        let whole = read_everything(&original, true);
        assert!(whole > 4 * 80, "{whole} files");
        let mut damaged_reads = 0_usize;
        for round in 0..1500 {
            let mut bytes = original.clone();
            for _ in 0..=random.below(5) {
                let tag = tags[random.below(tags.len())];
                // Every other hit is on the ISO 9660 side: descriptors, path tables, directories.
                let (at, resealed) = if random.below(2) == 0 {
                    (tag + random.below(300), random.below(8) != 0)
                } else {
                    (16 * 2048 + random.below(40 * 2048), false)
                };
                let interesting = [0, 1, 0x7f, 0x80, 0xff, random.below(256) as u8];
                bytes[at] = interesting[random.below(interesting.len())];
                if resealed {
                    seal(&mut bytes, tag);
                }
            }
            let start = Instant::now();
            damaged_reads += read_everything(&bytes, round % 4 != 0);
            let spent = start.elapsed();
            assert!(
                spent < Duration::from_secs(20),
                "{revision:?} round {round}: {spent:?}"
            );
        }
        // Most of a damaged image stays readable: errors stay where the damage is.
        assert!(damaged_reads > 500 * whole, "{damaged_reads} of {whole} a round");
    }
}

#[test]
fn every_length_of_a_cut_image_is_an_error_or_whole() {
    let original = bridge(UdfRevision::V1_02);
    for len in (0..original.len()).step_by(1009) {
        let strict = IsoImage::open(Cursor::new(&original[..len]), &Limits::default());
        assert!(strict.is_err(), "{len} of {} bytes", original.len());
        let options = ReadOptions {
            allow_truncated: true,
            ..ReadOptions::default()
        };
        let Ok(mut image) = IsoImage::open_with(Cursor::new(&original[..len]), None, &options) else {
            continue;
        };
        let Ok(entry) = image.lookup("docs/big.bin") else {
            continue;
        };
        let mut content = Vec::new();
        let result = image
            .open_file(&entry)
            .map(|mut file| file.read_to_end(&mut content));
        match result {
            Ok(Ok(_)) => assert_eq!(content.len(), 70_000),
            Ok(Err(error)) => assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof, "{error}"),
            Err(_) => {}
        }
    }
}

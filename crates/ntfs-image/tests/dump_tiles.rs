//! The dump accounts for every byte of a volume, once, and is the same each time.

use std::io::Cursor;

use ntfs_image::{Limits, dump::dump};

mod check_base;

fn text(volume: &[u8]) -> String {
    let mut out = Vec::new();
    dump(Cursor::new(volume), &Limits::default(), &mut out).expect("a dump line");
    String::from_utf8(out).expect("a dump line")
}

/// Each line begins where the one before ended; the last ends with the volume.
fn assert_tiles(volume: &[u8], text: &str) {
    let mut at = 0;
    for line in text.lines() {
        let (offset, rest) = line.split_at(12);
        let length: u64 = rest[..13].trim().parse().expect("a dump line");
        assert_eq!(
            u64::from_str_radix(offset, 16).expect("a dump line"),
            at,
            "{line}"
        );
        assert!(length > 0, "{line}");
        assert!(rest.len() > 14, "{line}");
        at += length;
    }
    assert_eq!(at, volume.len() as u64);
}

#[test]
fn every_byte_has_one_line() {
    let Some((tree, base)) = check_base::volumes() else {
        return;
    };
    for volume in [tree, base] {
        let text = text(&volume);
        assert_tiles(&volume, &text);
        for part in [
            "boot sector: OEM id [4e, 54, 46, 53",
            "backup boot sector: signature [55, aa]",
            "record 5 \\: header, in use, flags 0x3",
            "$FILE_NAME, instance",
            "\"kernel.dll\" namespace 1",
            "entry",
            "record 10 \\$UpCase $DATA, from byte 0x0",
            "block 0, header",
            "free clusters",
            "slack of record",
        ] {
            assert!(text.contains(part), "{part}");
        }
    }
}

#[test]
fn volumes_of_windows_tile_too() {
    let archive = "ntfs-vhd/ncorrupt-ntfs_default.img.tar.xz";
    let Some(volume) = check_base::sample_member(archive, "ntfs_default.img") else {
        return;
    };
    let first = text(&volume);
    assert_tiles(&volume, &first);
    assert_eq!(first, text(&volume), "the same each time");
    assert!(first.contains("\\$Extend\\$RmMetadata\\$TxfLog"));
}

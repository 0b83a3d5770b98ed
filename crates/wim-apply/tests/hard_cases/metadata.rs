//! Metadata resources.

use wim_apply::BlobHash;
use wim_apply::layout::DentryFixed;

use crate::Verdict::{OnlyTheirs, OtherPaths, Refused, Taken};
use crate::draft::{DIRECTORY, Draft, Metadata, data_file, fixed, hash};
use crate::{Case, Verdict, case, judge};

const SHOWN: Verdict = OtherPaths("what is no path is shown as an escape");

fn of(name: &'static str, verdict: Verdict, metadata: Metadata) -> Case {
    case(name, verdict, Draft::of(&metadata).finish())
}

fn files(names: &[&str]) -> Metadata {
    names
        .iter()
        .fold(Metadata::new(), |all, name| all.file(name))
        .end()
}

/// A directory below the root with one file.
fn folder_with(name: &str, child: &str) -> Metadata {
    let metadata = Metadata::new();
    let length = 102 + 2 * name.encode_utf16().count() as u64 + 2;
    let children = metadata.at() + length.next_multiple_of(8) + 8;
    metadata.directory(name, children).end().file(child).end()
}

#[test]
fn trees() {
    let cyclic = Metadata::new();
    let children = cyclic.at();
    let cyclic = cyclic.directory("loop", children).end();
    let beyond = Metadata::new().directory("d", 1 << 30).end();
    let odd = Metadata::new().directory("d", 13).end();
    let mut shared = Metadata::new();
    let children = shared.at() + 2 * 112 + 8;
    shared = shared
        .directory("a", children)
        .directory("b", children)
        .end()
        .file("f")
        .end();
    let mut not_ended = files(&["a"]);
    not_ended.0.truncate(not_ended.0.len() - 8);
    let file_with_children = Metadata::new();
    let at = file_with_children.at() + 112 + 8;
    let entry = DentryFixed {
        subdir_offset: at,
        ..fixed(0x20)
    };
    let file_with_children = file_with_children.with("f", entry).end().file("below").end();
    judge(vec![
        of("cyclic", Refused, cyclic),
        of("children beyond the end", Refused, beyond),
        of("children at an odd place", Refused, odd),
        of(
            "children of two directories",
            OnlyTheirs("a few shared lists make a tree too large for anything"),
            shared,
        ),
        of(
            "lists that begin within another",
            OnlyTheirs("a few shared lists make a tree too large for anything"),
            lists_within_lists(200),
        ),
        of("list not ended", Refused, not_ended),
        of("a file with children", Taken, file_with_children),
        of("1,000 deep", Taken, deep(1000)),
        of("20,000 deep", Refused, deep(20_000)),
        of(
            "no root",
            Refused,
            Metadata(vec![8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        ),
        of("nothing at all", Refused, Metadata(Vec::new())),
        of(
            "a directory without children",
            Taken,
            Metadata::new().directory("d", 0).end(),
        ),
    ]);
}

/// Directories whose lists of files begin at each entry of one list.
fn lists_within_lists(count: u64) -> Metadata {
    let mut metadata = Metadata::new();
    let files = metadata.at() + count * 112 + 8;
    for number in 0..count {
        metadata = metadata.directory(&format!("{number:04}"), files + number * 112);
    }
    metadata = metadata.end();
    for number in 0..count {
        metadata = metadata.file(&format!("{number:04}"));
    }
    metadata.end()
}

fn deep(levels: usize) -> Metadata {
    let mut metadata = Metadata::new();
    for _ in 0..levels {
        let next = metadata.at() + 112 + 8;
        metadata = metadata.directory("d", next).end();
    }
    metadata.end()
}

#[test]
fn names() {
    let mut surrogate = Metadata::new();
    surrogate.units(&[0xd800, 0x61], fixed(0x20), &[]);
    surrogate.units(&[0x61, 0xdc00], fixed(0x20), &[]);
    let long = "n".repeat(255);
    let longer = "n".repeat(300);
    judge(vec![
        // wimlib's dotdot and duplicate_names.
        of("dot dot", Taken, folder_with("..", "passwd")),
        of("dot", Taken, files(&["a", ".", "b"])),
        of("twice", Taken, files(&["a", "a", "b"])),
        of("differing in case", Taken, files(&["a", "A", "ä", "Ä"])),
        of("empty", Taken, files(&["a", "", "b"])),
        of("NUL", Taken, files(&["a\0b", "c"])),
        of("slash", SHOWN, files(&["a/b", "c"])),
        of("backslash", SHOWN, files(&["a\\b", "c"])),
        of("colon", Taken, files(&["a:b", "c"])),
        of("reserved", Taken, files(&["CON", "nul.txt", "trailing. "])),
        of("unpaired surrogates", SHOWN, surrogate.end()),
        // wimlib's longpaths.
        of("255 units", Taken, folder_with(&long, &long)),
        of("300 units", Taken, files(&[&longer])),
    ]);
}

#[test]
fn entries() {
    let with_length = |length| {
        let entry = DentryFixed {
            length,
            ..fixed(0x20)
        };
        Metadata::new().with("name", entry).end()
    };
    let extra = |streams: &[(&str, BlobHash)]| {
        let mut metadata = Metadata::new();
        let name: Vec<u16> = "f".encode_utf16().collect();
        metadata.units(&name, fixed(0x20), streams);
        metadata.end()
    };
    let (data, none) = (hash(crate::draft::CONTENT), BlobHash([0; 20]));
    let times = DentryFixed {
        creation_time: u64::MAX,
        last_access_time: 1 << 63,
        last_write_time: 0,
        ..data_file()
    };
    let link = |group: u64, main_hash| DentryFixed {
        link: group.to_le_bytes(),
        main_hash,
        ..fixed(0x20)
    };
    let links = |second| {
        Metadata::new()
            .with("a", link(5, data))
            .with("b", link(5, second))
            .end()
    };
    let directory_links = Metadata::new()
        .with(
            "a",
            DentryFixed {
                attributes: DIRECTORY,
                ..link(5, none)
            },
        )
        .with(
            "b",
            DentryFixed {
                attributes: DIRECTORY,
                ..link(5, none)
            },
        )
        .end();
    let reparse = |main_hash| {
        let entry = DentryFixed {
            link: DentryFixed::reparse_link(0xa000_000c, 0, 0),
            main_hash,
            ..fixed(0x420)
        };
        Metadata::new().with("link", entry).end()
    };
    judge(vec![
        of("shorter than an entry", Refused, with_length(50)),
        of("shorter than its name", Refused, with_length(104)),
        of("beyond the end", Refused, with_length(1 << 20)),
        of(
            "a length that overflows",
            OnlyTheirs("wimlib takes it as the end of the list"),
            with_length(u64::MAX - 4),
        ),
        of("a length with room", Refused, with_length(120)),
        of("one unnamed extra stream", Taken, extra(&[("", data)])),
        of(
            "two unnamed extra streams",
            Taken,
            extra(&[("", data), ("", data)]),
        ),
        of(
            "a stream twice",
            Taken,
            extra(&[("", data), ("s", data), ("s", data)]),
        ),
        of("empty streams", Taken, extra(&[("", none), ("s", none)])),
        of(
            "times at their ends",
            Taken,
            Metadata::new().with("f", times).end(),
        ),
        of("linked", Taken, links(data)),
        of("linked with other data", Taken, links(none)),
        of("linked directories", Taken, directory_links),
        of("reparse data", Taken, reparse(data)),
        of("no reparse data", Taken, reparse(none)),
        of(
            "every attribute",
            Taken,
            Metadata::new()
                .with(
                    "f",
                    DentryFixed {
                        attributes: 0x0fff_fbef,
                        ..data_file()
                    },
                )
                .end(),
        ),
    ]);
}

#[test]
fn tagged_items() {
    let with = |name, verdict, tag: u32, len: u32, bytes: usize| {
        let mut metadata = Metadata::new();
        let room = 8 + bytes;
        let entry = DentryFixed {
            length: (112 + room) as u64,
            ..fixed(0x20)
        };
        metadata.units(&[u16::from(b'f')], entry, &[]);
        metadata.0.truncate(metadata.0.len().next_multiple_of(8));
        metadata.0.extend(tag.to_le_bytes());
        metadata.0.extend(len.to_le_bytes());
        metadata.0.resize(metadata.0.len() + bytes, 0x41);
        of(name, verdict, metadata.end())
    };
    judge(vec![
        with("object id", Taken, 1, 16, 16),
        with("object id of 64 bytes", Taken, 1, 64, 64),
        with("object id of 8 bytes", Taken, 1, 8, 8),
        with("unknown", Taken, 0x1234_5678, 24, 24),
        with("longer than the entry", Taken, 1, 4000, 16),
        with("a length that overflows", Taken, 1, u32::MAX, 16),
        // wimlib's linux_xattrs_old holds items of this kind.
        with("extended attributes of wimlib", Taken, 0x337d_d874, 16, 16),
    ]);
}

#[test]
fn security() {
    let data = |total: u32, sizes: &[u64], descriptors: &[u8]| {
        let mut bytes = total.to_le_bytes().to_vec();
        bytes.extend((sizes.len() as u32).to_le_bytes());
        bytes.extend(sizes.iter().flat_map(|size| size.to_le_bytes()));
        bytes.extend(descriptors);
        bytes
    };
    let with = |name, verdict, security: &[u8], id: i32| {
        let entry = DentryFixed {
            security_id: id,
            ..data_file()
        };
        of(
            name,
            verdict,
            Metadata::with_security(security).with("f", entry).end(),
        )
    };
    // Owner and group; wimlib's empty_dacl: a list without entries.
    let sid = [1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0];
    let mut descriptor = vec![1, 0, 4, 0x80, 20, 0, 0, 0, 32, 0, 0, 0, 0, 0, 0, 0, 44, 0, 0, 0];
    descriptor.extend(sid);
    descriptor.extend(sid);
    descriptor.extend([2, 0, 8, 0, 0, 0, 0, 0]);
    let total = 16 + descriptor.len() as u32;
    let sound = data(total, &[descriptor.len() as u64], &descriptor);
    let long = vec![1; 70_000];
    judge(vec![
        with("empty list of access", Taken, &sound, 0),
        with("number beyond the descriptors", Taken, &sound, 1),
        with("negative number", Taken, &sound, -7),
        with("total 0", Taken, &[0; 8], -1),
        with("total 4", Taken, &[4, 0, 0, 0, 0, 0, 0, 0], -1),
        with("total beyond the end", Refused, &data(1 << 30, &[], &[]), -1),
        with(
            "more descriptors than room",
            Refused,
            &[8, 0, 0, 0, 0, 0, 1, 0],
            -1,
        ),
        with(
            "a descriptor beyond the total",
            Refused,
            &data(24, &[100], &[0; 8]),
            0,
        ),
        with(
            "a size that overflows",
            Refused,
            &data(24, &[u64::MAX], &[0; 8]),
            0,
        ),
        with("an empty descriptor", Taken, &data(16, &[0], &[]), 0),
        with("no descriptor at all", Taken, &data(24, &[8], b"garbage!"), 0),
        with("70,000 bytes", Taken, &data(70_016, &[70_000], &long), 0),
    ]);
}

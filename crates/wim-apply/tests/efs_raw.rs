//! The raw form of encrypted files: what the specification describes is read, what is damaged is refused with its
//! place, and what is written is read again.

use testkit::efs::{Segment, Stream, raw_form};
use wim_apply::efs_raw::{Parser, Part, Piece, Pieces, RawFile, RawStream, Scanner};
use wim_apply::{Error, ErrorKind};

const METADATA: [u8; 100] = [0xEF; 100];

fn scan(raw: &[u8], step: usize) -> Result<RawFile, Error> {
    let mut scanner = Scanner::default();
    for bytes in raw.chunks(step) {
        scanner.push(bytes)?;
    }
    scanner.finish()
}

/// Every stream with its bytes, gaps filled with zeros.
fn contents(raw: &[u8], step: usize) -> Vec<(Vec<u16>, Vec<u8>)> {
    let mut found: Vec<(Vec<u16>, Vec<u8>)> = Vec::new();
    let mut take = |part: Part<'_>| {
        match part {
            Part::Metadata(metadata) => assert_eq!(metadata, METADATA),
            Part::Begin { name, .. } => found.push((name.to_vec(), Vec::new())),
            Part::Data { offset, bytes } => {
                let stream = &mut found.last_mut().expect("a stream").1;
                assert!(stream.len() as u64 <= offset, "data come in order");
                stream.resize(offset as usize, 0);
                stream.extend(bytes);
            }
            Part::End(stream) => {
                let bytes = &mut found.last_mut().expect("a stream").1;
                bytes.resize(stream.stored_bytes() as usize, 0);
            }
        }
        Ok::<_, Error>(())
    };
    let mut parser = Parser::default();
    for bytes in raw.chunks(step) {
        parser.push(bytes, &mut take).expect("a raw form");
    }
    parser.finish(&mut take).expect("the end of a raw form");
    found
}

fn bytes(len: usize, seed: u8) -> Vec<u8> {
    (0..len).map(|at| (at / 7 + at) as u8 ^ seed | 1).collect()
}

/// A file with an encrypted unnamed stream in two segments, an encrypted named one, a plain one, an empty one.
fn example() -> Vec<u8> {
    let second = Segment {
        start: 0x1_0000,
        ..Segment::whole(700, &bytes(1024, 2))
    };
    let plain = |data: &[u8]| Segment::whole(0, data);
    let streams = [
        Stream {
            name: "::$DATA",
            encrypted: true,
            segments: vec![Segment::whole(0x1_0000, &bytes(0x1_0000, 1)), second],
        },
        Stream {
            name: ":s:$DATA",
            encrypted: true,
            segments: vec![Segment::whole(13, &bytes(512, 3))],
        },
        Stream {
            name: ":plain:$DATA",
            encrypted: false,
            segments: vec![plain(b"not "), plain(b"encrypted")],
        },
        Stream {
            name: ":empty:$DATA",
            encrypted: true,
            segments: Vec::new(),
        },
    ];
    raw_form(&METADATA, &streams)
}

fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

#[test]
fn what_the_specification_describes_is_read_in_pieces_of_any_size() {
    let raw = example();
    let found = scan(&raw, raw.len()).unwrap();
    let plain = RawStream {
        encrypted: false,
        ..RawStream::encrypted(&units("plain"), 13, 13)
    };
    let expected = RawFile {
        metadata: METADATA.to_vec(),
        streams: vec![
            RawStream::encrypted(&[], 0x1_0000 + 700, 0x1_0000 + 700),
            RawStream::encrypted(&units("s"), 13, 13),
            plain,
            RawStream::encrypted(&units("empty"), 0, 0),
        ],
    };
    assert_eq!(found, expected);
    let data = contents(&raw, raw.len());
    assert_eq!(data[0].1, [bytes(0x1_0000, 1), bytes(1024, 2)].concat());
    assert_eq!(data[1].1, bytes(512, 3));
    assert_eq!(data[2].1, b"not encrypted");
    assert_eq!(data[3].1, b"");
    for step in [1, 2, 3, 17, 1000] {
        assert_eq!(scan(&raw, step).unwrap(), expected, "in pieces of {step}");
        assert_eq!(contents(&raw, step), data, "in pieces of {step}");
    }
}

#[test]
fn what_is_cut_off_is_refused() {
    let raw = example();
    let header = 20 + 30 + 16 + METADATA.len();
    let whole = [header, header + 28 + 16];
    for end in (0..header + 200).chain(raw.len() - 300..raw.len()) {
        match scan(&raw[..end], 4096) {
            Err(error) => {
                let kind = error.kind();
                assert!(
                    matches!(kind, ErrorKind::Truncated | ErrorKind::Corrupt),
                    "{end}: {error}"
                );
            }
            // Between two streams nothing says that more was there.
            Ok(file) => assert!(
                whole.contains(&end) || file.streams.len() < 4 || end == raw.len(),
                "{end}"
            ),
        }
    }
}

/// A sparse stream: data, a hole, data, and an end beyond the valid data.
fn sparse(sparse: Option<bool>) -> Vec<u8> {
    let unit = 0x1_0000_u32;
    let first = Segment {
        size_bytes: 3 * unit,
        valid_bytes: 2 * unit + 1000,
        blocks: vec![unit, 0, 1024],
        sparse,
        ..Segment::whole(0, &bytes(unit as usize + 1024, 5))
    };
    let tail = Segment {
        start: 3 * u64::from(unit),
        size_bytes: 5000,
        valid_bytes: 0,
        blocks: vec![0],
        sparse,
        ..Segment::whole(0, &[])
    };
    let stream = Stream {
        name: "::$DATA",
        encrypted: true,
        segments: vec![first, tail],
    };
    raw_form(&METADATA, &[stream])
}

#[test]
fn holes_and_the_end_of_valid_data_are_told_apart() {
    let file = scan(&sparse(Some(true)), 999).unwrap();
    let expected = RawStream {
        sparse: true,
        hole_unit_bytes: 0x1_0000,
        ..RawStream::encrypted(&[], 3 * 0x1_0000 + 5000, 2 * 0x1_0000 + 1000)
    };
    assert_eq!(file.streams, [expected]);
    let data = contents(&sparse(Some(true)), 999).remove(0).1;
    let all = bytes(0x1_0000 + 1024, 5);
    assert_eq!(data[..0x1_0000], all[..0x1_0000]);
    assert!(data[0x1_0000..0x2_0000].iter().all(|&byte| byte == 0));
    assert_eq!(data[0x2_0000..0x2_0000 + 1024], all[0x1_0000..]);
    assert!(data[0x2_0000 + 1024..].iter().all(|&byte| byte == 0));
    assert_eq!(data.len(), 3 * 0x1_0000 + 5120);
    let unmarked = scan(&sparse(None), 999).unwrap();
    assert!(!unmarked.streams[0].sparse);
    assert_eq!(unmarked.streams[0].hole_unit_bytes, 0x1_0000);
}

#[test]
fn what_is_written_is_read_again() {
    let hole = 0x1_0000..0x3_0000;
    let file = RawFile {
        metadata: METADATA.to_vec(),
        streams: vec![
            RawStream::encrypted(&[], 200_001, 150_000),
            RawStream {
                sparse: true,
                hole_unit_bytes: 0x1_0000,
                ..RawStream::encrypted(&units("sparse"), 5 << 30, 0x4_0000)
            },
            RawStream {
                encrypted: false,
                ..RawStream::encrypted(&units("plain"), 100_000, 100_000)
            },
            RawStream::encrypted(&units("empty"), 0, 0),
        ],
    };
    let holes = [Vec::new(), vec![hole.clone()]];
    let pieces = Pieces::new(&file, &holes, 4096).unwrap();
    let total = pieces.total_bytes();
    let mut raw = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Header(header) => raw.extend(header),
            Piece::Data {
                stream,
                offset,
                bytes,
            } => {
                assert!(stream != 1 || !hole.contains(&offset), "data in a hole");
                raw.extend((0..bytes).map(|at| (offset + at) as u8 | 1));
            }
        }
    }
    assert_eq!(raw.len() as u64, total);
    assert_eq!(scan(&raw, 4096).unwrap(), file);
    // Data are what whole sectors of the valid bytes have, no more.
    assert!(total < 150_016 + 2 * 0x1_0000 + 100_000 + 3000, "{total}");
    assert_eq!(raw_form(&METADATA, &[]), raw[..20 + 30 + 16 + 100]);
}

/// A change, the offset in the encryption header that the error names, and a part of its text.
type Case<'a> = (&'a dyn Fn(&mut Segment), usize, &'a str);

#[test]
fn what_cannot_be_is_refused_with_its_place() {
    let one = |segment: Segment| {
        let stream = Stream {
            name: "::$DATA",
            encrypted: true,
            segments: vec![segment],
        };
        raw_form(&METADATA, &[stream])
    };
    let good = Segment::whole(700, &bytes(1024, 1));
    let refused = |raw: &[u8]| scan(raw, 100).expect_err("refused").to_string();
    // Of the segment: behind file header, metadata, and stream header.
    let header = 20 + 30 + 16 + 100 + 28 + 16;
    let at = |offset: usize| format!("at offset {:#x}: ", header + 16 + offset);
    let with = |change: &dyn Fn(&mut Segment)| {
        let mut segment = good.clone();
        change(&mut segment);
        refused(&one(segment))
    };
    assert!(scan(&one(good.clone()), 100).is_ok());
    let cases: [Case<'_>; 6] = [
        (&|s| s.start = 100, 0, "multiple of 512"),
        (
            &|s| s.valid_bytes = 701,
            16,
            "at most those within the stream size",
        ),
        (&|s| s.unit_shift = 8, 22, "9 to 40"),
        (&|s| s.blocks = vec![512], 28, "what the segment holds"),
        (&|s| s.size_bytes = 1 << 20, 12, "at most the data units"),
        (&|s| s.size_bytes = 100, 16, "at most"),
    ];
    for (change, offset, text) in cases {
        let found = with(change);
        assert!(found.contains(&at(offset)) && found.contains(text), "{found}");
    }
    let short = with(&|s| (s.size_bytes, s.valid_bytes) = (100, 100));
    assert!(
        short.contains("data block size") && short.contains(&at(28)),
        "{short}"
    );
    let mut compressed = one(good.clone());
    compressed[header + 16 + 20] = 2;
    let found = scan(&compressed, 100).expect_err("refused");
    assert_eq!(found.kind(), ErrorKind::Unsupported, "{found}");
    let mut no_efs = one(good.clone());
    no_efs[0] = 1;
    assert!(refused(&no_efs).contains("signature at offset 0x0"));
    assert!(refused(&[]).contains("needs 20 bytes"));
    assert!(refused(&raw_form(&[1; 83], &[])).contains("84 bytes at least"));
    let large = scan(&raw_form(&[1; 0x4_0001], &[]), 100).expect_err("refused");
    assert_eq!(large.kind(), ErrorKind::Limit, "{large}");
    let named = |name| {
        raw_form(
            &METADATA,
            &[Stream {
                name,
                encrypted: false,
                segments: Vec::new(),
            }],
        )
    };
    assert!(refused(&named(":a:$BITMAP")).contains("the name of a data stream"));
    let twice = [
        named(":a:$DATA"),
        named(":a:$DATA")[20 + 30 + 16 + 100..].to_vec(),
    ]
    .concat();
    assert!(refused(&twice).contains("two streams of one name"));
}

#[test]
fn damage_never_does_more_than_fail() {
    let raw = [example(), sparse(Some(true))];
    let mut state = 1u64;
    let mut next = move || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        (state >> 33) as usize
    };
    let (mut good, mut bad) = (0, 0);
    for round in 0..4000 {
        let mut raw = raw[round % 2].clone();
        for _ in 0..1 + next() % 3 {
            let near = if next() % 2 == 0 { 400 } else { raw.len() };
            let at = next() % near.min(raw.len());
            raw[at] = [0, 1, 0x7f, 0x80, 0xff, next() as u8][next() % 6];
        }
        match scan(&raw, 1 + next() % 5000) {
            Ok(_) => good += 1,
            Err(_) => bad += 1,
        }
    }
    assert!(good > 100 && bad > 100, "{good} read, {bad} refused");
}

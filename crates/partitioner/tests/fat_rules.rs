//! What the FAT builder refuses, how it orders its writes, and that it says what space it needs.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{self, Cursor, Seek, SeekFrom, Write};

use partitioner::fat32::{Attributes, Content, FatBuilder, FatSpec, FatTime};
use partitioner::{Error, ErrorKind};

fn spec(size_bytes: u64) -> FatSpec {
    FatSpec {
        size_bytes,
        sector_bytes: 512,
        hidden_sectors: 0,
        volume_id: 1,
        label: String::new(),
        time: FatTime::MIN,
    }
}

fn add(builder: &mut FatBuilder, path: &str) -> partitioner::Result<()> {
    builder.add_file(path, Content::Bytes(path.into()), Attributes::NONE, FatTime::MIN)
}

#[test]
fn bad_names_are_refused() {
    let mut builder = FatBuilder::new(spec(64 << 20)).unwrap();
    let long = "x".repeat(256);
    for name in [
        "", "a?b", "a*b", "c:d", "q\"", "<", ">", "p|q", "dot.", "space ", ".", "..", "tab\t", &long,
    ] {
        assert_eq!(
            add(&mut builder, name).unwrap_err().kind(),
            ErrorKind::Invalid,
            "{name:?}"
        );
    }
    add(&mut builder, "Dir/File.txt").unwrap();
    assert!(
        add(&mut builder, "DIR\\fILE.TXT")
            .unwrap_err()
            .to_string()
            .contains("already")
    );
    assert!(
        add(&mut builder, "dir/file.txt/below")
            .unwrap_err()
            .to_string()
            .contains("is a file")
    );
    assert!(
        add(&mut builder, "dir")
            .unwrap_err()
            .to_string()
            .contains("already")
    );
    add(&mut builder, "dir/ǆ").unwrap();
    assert!(add(&mut builder, "dir/Ǆ").is_err());
    let labelled = FatSpec {
        label: "a*b".into(),
        ..spec(64 << 20)
    };
    assert!(FatBuilder::new(labelled).is_err());
}

#[test]
fn no_space_says_what_would_do() {
    let build = |size| {
        let mut builder = FatBuilder::new(spec(size)).unwrap();
        for i in 0..40 {
            let content = Content::Keyed {
                key: i,
                size_bytes: 7_000_001,
            };
            builder
                .add_file(&format!("file {i}"), content, Attributes::NONE, FatTime::MIN)
                .unwrap();
        }
        builder.plan()
    };
    let Err(Error::NoSpace {
        need_bytes,
        have_bytes,
        ..
    }) = build(40 << 20)
    else {
        panic!("280 MB do not fit 40 MiB");
    };
    assert_eq!(have_bytes, 40 << 20);
    build(need_bytes).unwrap();
    build(need_bytes - (2 << 20)).unwrap_err();
}

#[test]
fn too_many_entries_in_one_directory() {
    let mut builder = FatBuilder::new(spec(64 << 20)).unwrap();
    for i in 0..65_537 {
        add(&mut builder, &format!("D/{i}")).unwrap();
    }
    assert_eq!(builder.plan().unwrap_err().kind(), ErrorKind::Limit);
}

/// Records where writes go.
struct Trace {
    inner: Cursor<Vec<u8>>,
    writes: Vec<(u64, usize)>,
}

impl Write for Trace {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writes.push((self.inner.position(), bytes.len()));
        self.inner.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Trace {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

#[test]
fn writes_ascend_and_the_boot_sector_is_last() {
    let image = |fill: u8| {
        let mut builder = FatBuilder::new(spec(40 << 20)).unwrap();
        for i in 0..300 {
            builder
                .add_file(
                    &format!("d/{i}"),
                    Content::Bytes(vec![7; 20_000]),
                    Attributes::NONE,
                    FatTime::MIN,
                )
                .unwrap();
        }
        let plan = builder.plan().unwrap();
        let mut out = Trace {
            inner: Cursor::new(vec![fill; 40 << 20]),
            writes: Vec::new(),
        };
        plan.write(&mut out, |_| Ok(io::empty())).unwrap();
        let written: usize = out.writes.iter().map(|w| w.1).sum();
        assert_eq!(written as u64, plan.write_bytes());
        (out, plan.write_bytes() as usize - 512)
    };
    let (out, used) = image(0xA5);
    let mut expected = 0;
    let (last, before) = out.writes.split_last().unwrap();
    for &(at, length) in before {
        assert_eq!(at, expected);
        expected += length as u64;
    }
    assert_eq!(*last, (0, 512));
    assert!(before.len() <= used.div_ceil(1 << 20));
    // What lay on the medium before does not shine through, and the bytes are the same again.
    assert_eq!(out.inner.get_ref()[..used], image(0).0.inner.get_ref()[..used]);
}

#[test]
fn a_content_of_another_size_is_no_volume() {
    for (planned, given) in [(1000, 999), (1000, 1001), (0, 1)] {
        let mut builder = FatBuilder::new(spec(40 << 20)).unwrap();
        builder
            .add_file(
                "f",
                Content::Keyed {
                    key: 5,
                    size_bytes: planned,
                },
                Attributes::NONE,
                FatTime::MIN,
            )
            .unwrap();
        let mut out = Cursor::new(vec![0xFF; 40 << 20]);
        let error = builder.plan().unwrap().write(&mut out, |key| {
            assert_eq!(key, 5);
            Ok(Cursor::new(vec![1; given]))
        });
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(
            out.get_ref()[..512],
            [0xFF; 512],
            "nothing but a whole block is written before"
        );
    }
}

#[test]
fn times_convert() {
    let text = |seconds| FatTime::from_unix_seconds(seconds).to_text();
    assert_eq!(text(0), "1980-01-01 00:00:00");
    assert_eq!(text(951_782_399), "2000-02-28 23:59:59");
    assert_eq!(text(951_868_799), "2000-02-29 23:59:59");
    assert_eq!(text(4_107_542_400), "2100-03-01 00:00:00");
    assert_eq!(text(i64::MAX), "2107-12-31 23:59:59");
    assert_eq!(text(i64::MIN), "1980-01-01 00:00:00");
    // 2023-11-14 22:13:21.23
    let filetime = (1_700_000_001 + 11_644_473_600) * 10_000_000 + 2_300_000;
    assert_eq!(FatTime::from_filetime(filetime), {
        let t = FatTime::from_unix_seconds(1_700_000_000);
        assert_eq!(t.to_text(), "2023-11-14 22:13:20");
        FatTime::from_dos(22_382, 45_482, 123)
    });
    assert_eq!(FatTime::from_filetime(0), FatTime::MIN);
}

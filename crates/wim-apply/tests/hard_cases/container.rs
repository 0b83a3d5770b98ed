//! The header, the blob table, XML.

use wim_apply::BlobHash;
use wim_apply::layout::{BlobEntry, Header, ResourceHeader, resource_flag};

use crate::Verdict::{OnlyOurs, Refused, Taken};
use crate::draft::{CONTENT, Draft, hash};
use crate::{Case, Verdict, case, judge};

const XML: Verdict = OnlyOurs("XML describes, and is not needed to read the file");
const UNUSED: Verdict = OnlyOurs("no resource is compressed: nothing depends on it");

fn changed(name: &'static str, verdict: Verdict, change: impl FnOnce(&mut Draft)) -> Case {
    let mut draft = Draft::new();
    change(&mut draft);
    case(name, verdict, draft.finish())
}

fn header(name: &'static str, verdict: Verdict, change: impl FnOnce(&mut Header)) -> Case {
    changed(name, verdict, |draft| change(&mut draft.header))
}

fn blob(name: &'static str, verdict: Verdict, change: impl FnOnce(&mut BlobEntry)) -> Case {
    changed(name, verdict, |draft| change(&mut draft.blobs[0]))
}

#[test]
fn headers() {
    judge(vec![
        changed("sound", Taken, |_| {}),
        header("size", Refused, |h| {
            h.header_bytes = 212;
        }),
        header("older version", Refused, |h| {
            h.version = 0xd00;
        }),
        header("newer version", Refused, |h| {
            h.version = 0x10e00;
        }),
        header("version of solid files", Taken, |h| {
            h.version = 0xe00;
        }),
        header("no image, one described", XML, |h| {
            h.image_count = 0;
        }),
        header("two images, one described", Refused, |h| {
            h.image_count = 2;
        }),
        header("70,000 images", Refused, |h| {
            h.image_count = 70_000;
        }),
        header("boot index", Taken, |h| {
            h.boot_index = 9;
        }),
        header("part 0 of 1", Refused, |h| {
            h.part_number = 0;
        }),
        header("part 2 of 1", Refused, |h| {
            h.part_number = 2;
        }),
        header("part 1 of 0", Refused, |h| {
            h.part_count = 0;
        }),
        header("write in progress", Taken, |h| {
            h.flags |= 0x40;
        }),
        header("two codecs", UNUSED, |h| {
            h.flags |= 0x6_0002;
        }),
        header("a codec that is not used", Taken, |h| {
            h.flags |= 0x2_0002;
            h.chunk_bytes = 32_768;
        }),
        header("chunk size 0", UNUSED, |h| {
            h.flags |= 0x2_0002;
        }),
        header("chunk size 3000", UNUSED, |h| {
            h.flags |= 0x2_0002;
            h.chunk_bytes = 3000;
        }),
        header("blob table beyond the end", Refused, |h| {
            h.blob_table = ResourceHeader {
                stored_bytes: 100,
                flags: 2,
                offset: 1 << 40,
                size_bytes: 100,
            };
        }),
        header("blob table whose end overflows", Refused, |h| {
            h.blob_table = ResourceHeader {
                stored_bytes: 100,
                flags: 2,
                offset: u64::MAX - 50,
                size_bytes: 100,
            };
        }),
    ]);
}

#[test]
fn cut_files() {
    let whole = Draft::new().finish();
    judge(
        [1, 100, 400, whole.len() - 210]
            .map(|cut| case("cut", Refused, whole[..whole.len() - cut].to_vec()))
            .into(),
    );
}

#[test]
fn blob_tables() {
    judge(vec![
        // wimlib's corrupted_file_1.
        changed("content that is not its hash", Refused, |d| {
            d.data[3] ^= 1;
        }),
        changed("metadata that is not its hash", Refused, |d| {
            d.blobs[1].hash.0[0] ^= 1;
        }),
        blob("beyond the end", Refused, |b| {
            b.resource.offset = 1 << 40;
        }),
        blob("end overflows", Refused, |b| {
            b.resource.offset = u64::MAX - 3;
        }),
        blob("stored in other than its size", Refused, |b| {
            b.resource.stored_bytes = 3;
        }),
        blob("size 0", Refused, |b| {
            b.resource.size_bytes = 0;
            b.resource.stored_bytes = 0;
        }),
        blob("no hash", Refused, |b| b.hash = BlobHash([0; 20])),
        blob("part 5", Refused, |b| {
            b.part_number = 5;
        }),
        blob("not referenced", Taken, |b| {
            b.reference_count = 0;
        }),
        blob("solid in a file that is not", Taken, |b| {
            b.resource.flags |= resource_flag::SOLID;
        }),
        blob("compressed without a codec", Refused, |b| {
            b.resource.flags |= resource_flag::COMPRESSED;
        }),
        blob("free", Taken, |b| {
            b.resource.flags |= resource_flag::FREE;
        }),
        blob("spanned", Taken, |b| {
            b.resource.flags |= resource_flag::SPANNED;
        }),
        changed("metadata without references", Refused, |d| {
            d.blobs[1].reference_count = 0;
        }),
        changed("metadata missing", Refused, |d| {
            d.blobs.remove(1);
        }),
        changed("metadata twice", Taken, |d| d.blobs.push(d.blobs[1])),
        changed("a blob twice", Taken, |d| d.blobs.push(d.blobs[0])),
        changed("a hash with two sizes", Taken, |d| {
            d.blob(&CONTENT[1..], 0);
            d.blobs[2].hash = hash(CONTENT);
        }),
        changed("a blob missing", Refused, |d| {
            d.blobs.remove(0);
        }),
        changed("a table of odd length", Taken, |d| {
            let len = 100 + 7;
            d.header.blob_table = ResourceHeader {
                stored_bytes: len,
                flags: 2,
                offset: (208 + d.data.len()) as u64,
                size_bytes: len,
            };
        }),
    ]);
}

#[test]
fn xml() {
    let text = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let with = |name, verdict, xml: Vec<u8>| {
        changed(name, verdict, |d| {
            d.xml = xml;
        })
    };
    judge(vec![
        with("empty document", XML, text("\u{feff}<WIM></WIM>")),
        with(
            "no byte order mark",
            Taken,
            text("<WIM><IMAGE INDEX=\"1\"/></WIM>"),
        ),
        with("not closed", XML, text("\u{feff}<WIM><IMAGE INDEX=\"1\">")),
        with("another root", XML, text("\u{feff}<A><IMAGE INDEX=\"1\"/></A>")),
        with(
            "two images",
            XML,
            text("\u{feff}<WIM><IMAGE INDEX=\"1\"/><IMAGE INDEX=\"2\"/></WIM>"),
        ),
        with(
            "image 2 only",
            XML,
            text("\u{feff}<WIM><IMAGE INDEX=\"2\"/></WIM>"),
        ),
        with("a number of bytes that is odd", Refused, vec![0xff, 0xfe, b'<']),
        with("nothing", XML, Vec::new()),
    ]);
}

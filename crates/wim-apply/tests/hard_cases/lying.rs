//! Structures that contradict each other: integrity tables of odd chunks, resources that overlap, headers of pipable
//! files that lie, metadata where none may be, and very many of what is few.

use sha1::{Digest, Sha1};
use wim_apply::layout::{
    BlobEntry, DentryFixed, HEADER_BYTES, IntegrityHeader, PipableBlobHeader, ResourceHeader,
    SOLID_RESOURCE_MAGIC, SolidFormat, SolidHeader, VERSION_SOLID, resource_flag,
};

use crate::Verdict::{Refused, Taken};
use crate::draft::{CONTENT, Draft, Metadata, data_file, fixed, hash};
use crate::support::{text, wimlib};
use crate::{Verdict, case, judge};

/// A draft with an integrity table, changed by `change` before it is written.
fn with_integrity(chunk_bytes: u32, change: impl FnOnce(&mut IntegrityHeader)) -> Vec<u8> {
    let mut file = Draft::new().finish();
    let mut header = wim_apply::layout::Header::decode(file.first_chunk().unwrap()).unwrap();
    let end = usize::try_from(header.blob_table.offset + header.blob_table.stored_bytes).unwrap();
    let covered = &file[HEADER_BYTES..end];
    let hashes: Vec<u8> = match chunk_bytes {
        0 => Vec::new(),
        bytes => covered.chunks(bytes as usize).flat_map(Sha1::digest).collect(),
    };
    let mut table = IntegrityHeader {
        table_bytes: (IntegrityHeader::SIZE + hashes.len()) as u32,
        chunk_count: (hashes.len() / 20) as u32,
        chunk_bytes,
    };
    change(&mut table);
    header.integrity = ResourceHeader {
        stored_bytes: (IntegrityHeader::SIZE + hashes.len()) as u64,
        flags: 0,
        offset: file.len() as u64,
        size_bytes: (IntegrityHeader::SIZE + hashes.len()) as u64,
    };
    file[..HEADER_BYTES].copy_from_slice(&header.encode());
    [file, table.encode().to_vec(), hashes].concat()
}

#[test]
fn integrity_tables() {
    judge(vec![
        case("one chunk", Taken, with_integrity(10 << 20, |_| {})),
        case("chunks of one byte", Taken, with_integrity(1, |_| {})),
        case("chunks of 4 GiB", Taken, with_integrity(u32::MAX, |_| {})),
        case("chunks of nothing", Refused, with_integrity(0, |_| {})),
        case(
            "one chunk too few",
            Refused,
            with_integrity(64, |table| table.chunk_count -= 1),
        ),
        case(
            "very many chunks",
            Refused,
            with_integrity(64, |table| table.chunk_count = u32::MAX),
        ),
        case(
            "a size that is wrong",
            Refused,
            with_integrity(64, |table| table.table_bytes = 0),
        ),
    ]);
}

/// A draft with one blob more at a place of its own.
fn with_blob(verdict: Verdict, name: &'static str, content: &[u8], offset: u64) -> crate::Case {
    let mut draft = Draft::new();
    draft.blobs.push(BlobEntry {
        resource: ResourceHeader {
            stored_bytes: content.len() as u64,
            flags: 0,
            offset,
            size_bytes: content.len() as u64,
        },
        part_number: 1,
        reference_count: 1,
        hash: hash(content),
    });
    case(name, verdict, draft.finish())
}

#[test]
fn resources_that_overlap() {
    let at = HEADER_BYTES as u64;
    judge(vec![
        with_blob(Taken, "the end of another", &CONTENT[3..], at + 3),
        with_blob(Taken, "the middle of another", &CONTENT[3..9], at + 3),
        with_blob(Taken, "the magic of the file", b"MSWIM\0\0\0", 0),
    ]);
}

#[test]
fn metadata_in_a_solid_resource() {
    let mut draft = Draft::new();
    draft.header.version = VERSION_SOLID;
    let metadata = draft.blobs.pop().unwrap();
    let start = usize::try_from(metadata.resource.offset).unwrap() - HEADER_BYTES;
    let bytes = draft.data.split_off(start);
    let solid = SolidHeader {
        size_bytes: bytes.len() as u64,
        chunk_bytes: 32_768,
        format: SolidFormat::None,
    };
    let resource = [&solid.encode()[..], &(bytes.len() as u32).to_le_bytes(), &bytes].concat();
    draft.blob(&resource, resource_flag::SOLID);
    draft.blobs.last_mut().unwrap().resource.size_bytes = SOLID_RESOURCE_MAGIC;
    draft.blobs.push(BlobEntry {
        resource: ResourceHeader {
            flags: resource_flag::SOLID | resource_flag::METADATA,
            offset: 0,
            ..metadata.resource
        },
        ..metadata
    });
    judge(vec![case(
        "metadata in a solid resource",
        Refused,
        draft.finish(),
    )]);
}

#[test]
fn headers_of_pipable_files() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("tree")).unwrap();
    std::fs::write(dir.path().join("tree/file"), text(1, 100_000)).unwrap();
    let args = ["capture", "tree", "x.wim", "N", "--no-acls", "--pipable"];
    if wimlib(&args, dir.path()).is_none() {
        return;
    }
    let file = std::fs::read(dir.path().join("x.wim")).unwrap();
    let first = file
        .windows(PipableBlobHeader::SIZE)
        .position(|bytes| PipableBlobHeader::decode(bytes.try_into().unwrap()).is_some())
        .unwrap();
    let changed = |name, verdict, at: usize, bytes: &[u8]| {
        let mut file = file.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        case(name, verdict, file)
    };
    judge(vec![
        case("sound", Taken, file.clone()),
        changed("no magic before a resource", Taken, first, &[0; 8]),
        changed("another size before a resource", Taken, first + 8, &[0xff; 8]),
        changed("another hash before a resource", Taken, first + 16, &[0xff; 20]),
        changed(
            "another size before a chunk",
            Taken,
            first + PipableBlobHeader::SIZE,
            &[0xff; 4],
        ),
        changed("no images in the first header", Taken, 44, &[0; 4]),
    ]);
}

#[test]
fn very_many() {
    let mut same = Metadata::new();
    let mut links = Metadata::new();
    for number in 0..20_000 {
        same = same.file("name");
        let link = DentryFixed {
            link: 5_u64.to_le_bytes(),
            ..data_file()
        };
        links = links.with(&format!("{number}"), link);
    }
    let mut streams = Metadata::new();
    let names: Vec<String> = (0..5000).map(|number| format!("stream {number}")).collect();
    let list: Vec<_> = names.iter().map(|name| (name.as_str(), hash(CONTENT))).collect();
    streams.units(&[u16::from(b'f')], fixed(0x20), &list);
    let odd = [":$DATA", "a:b", "a/b", "..", "CON", "a\0b", "::$INDEX_ALLOCATION"];
    let mut odd_streams = Metadata::new();
    odd_streams.units(
        &[u16::from(b'f')],
        fixed(0x20),
        &odd.map(|name| (name, hash(CONTENT))),
    );
    let of = |name, verdict, metadata: Metadata| case(name, verdict, Draft::of(&metadata.end()).finish());
    judge(vec![
        of("20,000 entries of one name", Taken, same),
        of("20,000 names of one file", Taken, links),
        of("5,000 streams", Taken, streams),
        of("odd names of streams", Taken, odd_streams),
    ]);
}

//! Chunks of a solid resource without compression: each is as long as what it holds.

use wim_apply::layout::{
    BlobEntry, HEADER_BYTES, ResourceHeader, SOLID_RESOURCE_MAGIC, SolidFormat, SolidHeader, VERSION_SOLID,
    resource_flag,
};

use crate::Verdict::{OnlyOurs, Refused};
use crate::draft::{Draft, Metadata, data_file, fixed, hash};
use crate::support::text;
use crate::{Case, case, judge, ours};

const CHUNK_BYTES: u32 = 32_768;
const SIZE_BYTES: u32 = CHUNK_BYTES + 1000;

/// A file of two chunks, whose sizes are stated as these.
fn with_sizes(name: &'static str, verdict: crate::Verdict, sizes: [u32; 2]) -> Case {
    let content = text(1, SIZE_BYTES as usize);
    let mut file = fixed(0x20);
    file.main_hash = hash(&content);
    let metadata = Metadata::new()
        .with("data", data_file())
        .with("solid", file)
        .end();
    let mut draft = Draft::of(&metadata);
    draft.header.version = VERSION_SOLID;
    let header = SolidHeader {
        size_bytes: SIZE_BYTES.into(),
        chunk_bytes: CHUNK_BYTES,
        format: SolidFormat::None,
    };
    let offset = (HEADER_BYTES + draft.data.len()) as u64;
    draft.data.extend(header.encode());
    draft.data.extend(sizes.map(u32::to_le_bytes).concat());
    draft.data.extend(&content);
    let end = (HEADER_BYTES + draft.data.len()) as u64;
    let mut entry = |hash, reference_count, resource| {
        draft.blobs.push(BlobEntry {
            resource,
            part_number: 1,
            reference_count,
            hash,
        });
    };
    let resource = ResourceHeader {
        stored_bytes: end - offset,
        flags: resource_flag::SOLID,
        offset,
        size_bytes: SOLID_RESOURCE_MAGIC,
    };
    entry(wim_apply::BlobHash::default(), 0, resource);
    let blob = ResourceHeader {
        stored_bytes: SIZE_BYTES.into(),
        flags: resource_flag::SOLID,
        offset: 0,
        size_bytes: 0,
    };
    entry(hash(&content), 1, blob);
    case(name, verdict, draft.finish())
}

#[test]
fn sizes_of_stored_chunks() {
    let sound = OnlyOurs("wimlib knows no solid resource without compression");
    let mut cases = vec![with_sizes("sound", sound, [CHUNK_BYTES, 1000])];
    for (name, sizes) in [
        ("the last one too short", [CHUNK_BYTES, 999]),
        ("the first one too short", [CHUNK_BYTES - 1, 1000]),
        (
            "the first one too short, the last one too long",
            [CHUNK_BYTES - 1, 1001],
        ),
        (
            "the first one too long, the last one too short",
            [CHUNK_BYTES + 1, 999],
        ),
        ("no bytes", [CHUNK_BYTES, 0]),
    ] {
        let case = with_sizes(name, Refused, sizes);
        // Its hash would be wrong as well.
        let error = ours(&case.file).unwrap_err();
        assert!(error.contains("stored size of a chunk"), "{name}: {error}");
        cases.push(case);
    }
    judge(cases);
}

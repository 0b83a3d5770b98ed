//! Chunks of a solid resource that one delivery decoded serve the next.

mod support;

use std::fs;
use std::io::Cursor;

use support::{Recorder, make_tree, options, wimlib};
use wim_apply::apply::{Control, Keep, KeptChunks, deliver_keeping};
use wim_apply::{BlobId, BlobStorage, Error, Limits, Wim};

fn open(bytes: &[u8]) -> Wim {
    Wim::open(Cursor::new(bytes.to_vec()), &Limits::default()).expect("a WIM")
}

fn deliver(wim: &Wim, blobs: &[BlobId], keep: Keep<'_>) -> Result<Recorder, Error> {
    let mut sink = Recorder::default();
    let options = options(2);
    Control::silent(wim, |control| {
        deliver_keeping(wim, blobs, &mut sink, &options, control, keep)
    })
    .map(|_| sink)
}

#[test]
fn no_chunk_is_decoded_twice() {
    let dir = tempfile::tempdir().expect("directory");
    make_tree(&dir.path().join("tree"));
    let args = [
        "capture",
        "tree",
        "x.wim",
        "N",
        "--no-acls",
        "--solid",
        "--solid-chunk-size=512K",
    ];
    if wimlib(&args, dir.path()).is_none() {
        return;
    }
    let good = fs::read(dir.path().join("x.wim")).expect("file");
    let wim = open(&good);
    let all: Vec<BlobId> = (0..u32::try_from(wim.blobs().len()).expect("few"))
        .map(BlobId)
        .filter(|id| matches!(wim.blob(*id).expect("a blob").storage, BlobStorage::Solid { .. }))
        .collect();
    let nothing = KeptChunks::new(0);
    let expected = deliver(&wim, &all, Keep::Use(&nothing)).expect("delivered").blobs;

    // One small blob, and then all blobs of a file in which the chunk that the small one lies in is destroyed.
    let starts = |id: &BlobId| match wim.blob(*id).expect("a blob").storage {
        BlobStorage::Solid { offset, .. } => offset,
        _ => u64::MAX,
    };
    let first = *all.iter().min_by_key(|id| starts(id)).expect("blobs");
    assert!(wim.blob(first).expect("a blob").size_bytes < 512 << 10);
    let kept = KeptChunks::new(1 << 20);
    deliver(&wim, &[first], Keep::Fill(&kept)).expect("delivered");
    assert_eq!(kept.bytes(), 512 << 10);
    let resource = wim.solid_resources()[0];
    let mut bad = good.clone();
    // Behind its header and the table of a few chunks.
    let at = usize::try_from(resource.offset).expect("small") + 4096;
    bad[at..at + 16].fill(0x55);
    let bad = open(&bad);
    assert!(deliver(&bad, &all, Keep::Use(&nothing)).is_err());
    let found = deliver(&bad, &all, Keep::Use(&kept)).expect("delivered").blobs;
    assert_eq!(found.len(), expected.len());
    assert!(
        found
            .iter()
            .zip(&expected)
            .all(|(a, b)| a.0.id == b.0.id && a.3 == b.3)
    );
    assert_eq!(kept.bytes(), 0, "what was taken is not kept any more");

    // Without room nothing is kept.
    let small = KeptChunks::new(1000);
    deliver(&wim, &[first], Keep::Fill(&small)).expect("delivered");
    assert_eq!(small.bytes(), 0);
}

//! Real files: what each of them is, and whether it is intact.

use std::io::{Cursor, Read};

use sha1::{Digest, Sha1};
use wim_apply::{BlobHash, BlobId, ErrorKind, Limits, Wim};

fn open(name: &str) -> Option<Wim> {
    let bytes = testkit::sample(&format!("wim/{name}"))?;
    Some(Wim::open(Cursor::new(bytes), &Limits::default()).unwrap_or_else(|e| panic!("{name}: {e}")))
}

/// Number of blobs whose bytes do not have their hash.
fn bad_blobs(wim: &Wim) -> usize {
    let bad = |index: usize| {
        let mut bytes = Vec::new();
        let id = BlobId(u32::try_from(index).expect("a blob number"));
        let mut reader = wim.open_blob(id).expect("a blob");
        reader.read_to_end(&mut bytes).is_err()
            || BlobHash(Sha1::digest(&bytes).into()) != wim.blobs()[index].hash
    };
    (0..wim.blobs().len()).filter(|&index| bad(index)).count()
}

/// Name; directory entries of each image; blobs.
const INTACT: &[(&str, &[usize], usize)] = &[
    ("discutils_TestData.wim", &[7], 1),
    ("dissect-basic16k.wim", &[6], 5),
    ("dissect-basic4k.wim", &[6], 5),
    ("mwl-BootLZX.wim", &[15], 6),
    ("mwl-BootXPRESS.wim", &[15], 6),
    ("mwl-LZMS.wim", &[15], 6),
    ("mwl-LZX.wim", &[15], 6),
    ("mwl-MultiImage.wim", &[5, 5, 6], 2),
];

#[test]
fn intact_files() {
    for &(name, dentries, blobs) in INTACT {
        let Some(wim) = open(name) else { return };
        let found: Vec<usize> = wim
            .images()
            .iter()
            .map(|image| {
                let tree = wim.image(image.index).unwrap_or_else(|e| panic!("{name}: {e}"));
                assert!(tree.warnings.is_empty(), "{name}: {:?}", tree.warnings);
                assert!(tree.paths_of_missing_blobs().is_empty(), "{name}");
                tree.dentries.len()
            })
            .collect();
        assert_eq!((found.as_slice(), wim.blobs().len()), (dentries, blobs), "{name}");
        assert_eq!(bad_blobs(&wim), 0, "{name}");
        let damaged = wim.check_integrity(&mut |_| true).unwrap().into_iter().flatten();
        assert!(
            damaged.into_iter().all(|report| report.damaged.is_empty()),
            "{name}"
        );
        assert!(wim.warnings().is_empty(), "{name}: {:?}", wim.warnings());
    }
}

#[test]
fn split_file_needs_its_parts() {
    let Some(mut wim) = open("mwl-Split.swm") else {
        return;
    };
    assert_eq!(wim.missing_parts(), [2]);
    assert_eq!(wim.image(1).unwrap().paths_of_missing_blobs().len(), 1);
    let second = testkit::sample("wim/mwl-Split2.swm").unwrap();
    wim.add_part(Cursor::new(second.clone())).unwrap();
    assert!(wim.missing_parts().is_empty());
    assert!(wim.image(1).unwrap().paths_of_missing_blobs().is_empty());
    assert_eq!((wim.blobs().len(), bad_blobs(&wim)), (2, 0));
    assert_eq!(
        wim.add_part(Cursor::new(second)).unwrap_err().kind(),
        ErrorKind::Invalid
    );

    let second = open("mwl-Split2.swm").unwrap();
    assert_eq!(second.missing_parts(), [1]);
    assert_eq!(second.image(1).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn damaged_file_fails_its_integrity_table_and_its_metadata() {
    let Some(wim) = open("mwl-VerifyFail.wim") else {
        return;
    };
    let reports = wim.check_integrity(&mut |_| true).unwrap();
    assert_eq!(
        reports[0].as_ref().unwrap().damaged,
        std::iter::once(208..1243).collect::<Vec<_>>()
    );
    let error = wim.image(1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    let text = error.to_string();
    assert!(
        text.starts_with("metadata of image 1: compressed chunk at offset 0xd9: found LZX chunk"),
        "{text}"
    );
    let interrupted = wim.check_integrity(&mut |_| false).unwrap_err();
    assert_eq!(interrupted.kind(), ErrorKind::Interrupted);
}

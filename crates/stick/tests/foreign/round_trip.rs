//! An image, made into a volume and captured again by wimlib, is the image.

use std::collections::BTreeMap;
use std::path::Path;

use testkit::manifest::{from_ntfs3g, from_wimlib};
use testkit::samples::generated;
use wim_apply::{DentryId, Image};

use crate::volume::{capture, make};
use crate::volume_options::plain;

/// Names, data and named streams by hash, groups of hard links, security descriptors, short names, reparse data,
/// object ids and attributes as wimlib lists them. Its list has times in seconds; they are compared in full from the
/// metadata that wimlib wrote.
#[test]
fn wimlib_captures_the_image_that_was_applied() {
    let dir = tempfile::tempdir().unwrap();
    let Some(source) = generated("small", "install.wim") else {
        return;
    };
    let volume = dir.path().join("volume.img");
    make(&source, plain(), &volume);
    let (Some(expected), Some(captured)) = (from_wimlib(&source, "1"), capture(&volume, dir.path())) else {
        return;
    };
    for fact in [
        "sha1",
        "sha1:流",
        "first_link",
        "acl",
        "dos_name",
        "reparse_sha1",
        "reparse_tag",
        "object_id",
        "attributes",
    ] {
        let known = expected.0.values().any(|facts| facts.contains_key(fact));
        assert!(known, "the sample has no {fact}");
    }
    expected.assert_same(
        &captured.manifest,
        "the image, and what wimlib captured of the volume",
    );

    let (expected, found) = (times(&source), times(&captured.wim));
    assert!(expected.len() > 2000 && expected.values().any(|times| times[1] % 10_000_000 != 0));
    for (path, times) in &expected {
        assert_eq!(Some(times), found.get(path), "times of {path}");
    }
    assert_eq!(expected.len(), found.len());
}

/// What ntfs-3g shows of the volume is what it shows of a volume that `mkntfs` made and wimlib filled.
#[test]
fn ntfs3g_sees_what_wimlib_would_have_made() {
    let dir = tempfile::tempdir().unwrap();
    let Some(source) = generated("small", "install.wim") else {
        return;
    };
    let volume = dir.path().join("volume.img");
    let report = make(&source, plain(), &volume);
    let reference = dir.path().join("reference.img");
    let (Some(mut format), Some(mut apply)) = (testkit::tool("mkntfs"), testkit::tool("wimlib-imagex"))
    else {
        return;
    };
    std::fs::File::create(&reference)
        .unwrap()
        .set_len(report.size_bytes)
        .unwrap();
    testkit::run(format.args(["-q", "-F"]).arg(&reference));
    testkit::run(apply.arg("apply").arg(&source).arg("1").arg(&reference));
    let (Some(expected), Some(found)) = (from_ntfs3g(&reference), from_ntfs3g(&volume)) else {
        return;
    };
    assert!(expected.0.len() > 2000);
    expected.assert_same(&found, "wimlib's volume and ours, by ntfs-3g");
}

/// Creation, last write and last access of every path of image 1.
fn times(wim: &Path) -> BTreeMap<String, [u64; 3]> {
    let wim = stick::Source::open(wim).unwrap().wim;
    let image = wim.image(1).unwrap();
    let times_of = |(id, _): (DentryId, _)| {
        let inode = image.inode_of(id).unwrap();
        let times = [inode.creation_time, inode.last_write_time, inode.last_access_time];
        (image.path_of(id), times)
    };
    image.walk(Image::ROOT).map(times_of).collect()
}

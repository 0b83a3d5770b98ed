//! The same image from another container makes the same volume.

use testkit::manifest::from_ntfs3g;
use testkit::samples::generated;

use crate::volume::make;
use crate::volume_options::plain;

fn same_as_the_wim(file: &str) {
    let dir = tempfile::tempdir().unwrap();
    let (Some(wim), Some(other)) = (generated("small", "install.wim"), generated("small", file)) else {
        return;
    };
    let volumes = [dir.path().join("wim.img"), dir.path().join("other.img")];
    make(&wim, plain(), &volumes[0]);
    make(&other, plain(), &volumes[1]);
    let (Some(expected), Some(found)) = (from_ntfs3g(&volumes[0]), from_ntfs3g(&volumes[1])) else {
        return;
    };
    assert!(expected.0.len() > 2000);
    expected.assert_same(&found, file);
    testkit::oracles::ntfs_gate(&volumes[1]);
}

#[test]
fn solid_esd() {
    same_as_the_wim("install.esd");
}

#[test]
fn split_wim() {
    same_as_the_wim("install.swm");
}

#[test]
fn wim_in_an_iso() {
    same_as_the_wim("windows.iso");
}

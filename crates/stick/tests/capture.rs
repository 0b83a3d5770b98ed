//! Capturing NTFS volumes: what wimlib lists of our file is what it captures itself.

#[path = "support/volume_options.rs"]
mod volume_options;

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use stick::{Compact, PreparedVolume, VolumeOptions, VolumeSource};
use testkit::manifest::{capture_with_wimlib, from_wimlib};
use wim_apply::write::{Compare, WimWriter, WriteControl, WriteOptions, diff, hash_tree};
use wim_apply::{ImageInfo, Limits, Wim};

use crate::volume_options::{plain, run_options};

static GO_ON: AtomicBool = AtomicBool::new(false);

fn control() -> WriteControl<'static> {
    WriteControl {
        interrupt: &GO_ON,
        progress: Box::leak(Box::new(|_| {})),
    }
}

fn source(volume: &Path) -> VolumeSource<std::fs::File> {
    let file = std::fs::File::open(volume).expect("the volume");
    VolumeSource::new(ntfs_image::read::Volume::open(file, &ntfs_image::Limits::default()).expect("a volume"))
}

/// A volume that wimlib filled through ntfs-3g.
fn volume(dir: &Path, wim: &Path) -> Option<PathBuf> {
    let volume = dir.join("v.img");
    std::fs::File::create(&volume)
        .expect("a file")
        .set_len(320 << 20)
        .expect("a size");
    testkit::run(testkit::tool("mkntfs")?.args(["-q", "-F"]).arg(&volume));
    testkit::run(
        testkit::tool("wimlib-imagex")?
            .arg("apply")
            .arg(wim)
            .arg("1")
            .arg(&volume),
    );
    Some(volume)
}

#[test]
fn a_volume_is_captured_as_wimlib_does() {
    let Some(sample) = testkit::samples::generated("small", "install.wim") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let Some(volume) = volume(dir.path(), &sample) else {
        return;
    };
    let mut file = Cursor::new(Vec::new());
    let mut warnings = Vec::new();
    let windows = source(&volume).windows_info(&mut warnings).unwrap();
    assert_eq!(warnings, Vec::<String>::new());
    let mut writer = WimWriter::create(&mut file, &WriteOptions::default()).unwrap();
    let info = ImageInfo {
        name: Some("N".to_owned()),
        ..windows
    };
    let report = writer
        .capture(&mut source(&volume), &info, &[], &mut control())
        .unwrap();
    assert_eq!(report.warnings, Vec::<String>::new());
    writer.finish().unwrap();
    let ours = dir.path().join("ours.wim");
    std::fs::write(&ours, file.get_ref()).unwrap();
    if let Some(mut command) = testkit::tool("wimlib-imagex") {
        testkit::run(command.arg("verify").arg(&ours));
    }
    what_windows_says(dir.path(), &volume, &ours);
    let (Some(ours), Some(theirs)) = (from_wimlib(&ours, "1"), capture_with_wimlib(&volume)) else {
        return;
    };
    ours.assert_same(&theirs, "our capture and wimlib's");

    // And what was captured is what had been applied, to the last bit that wimlib keeps.
    let original = Wim::open(std::fs::File::open(&sample).unwrap(), &Limits::default()).unwrap();
    let captured = Wim::open(file, &Limits::default()).unwrap().image(1).unwrap();
    let differences = diff(&original.image(1).unwrap(), &captured, &Compare::EVERYTHING);
    assert!(
        differences.is_empty(),
        "{} differences: {:#?}",
        differences.len(),
        &differences[..3.min(differences.len())]
    );
}

/// The description of the image is the one that wimlib makes, but for the revision, which it does not note.
fn what_windows_says(dir: &Path, volume: &Path, ours: &Path) {
    let theirs = dir.join("theirs.wim");
    let Some(mut command) = testkit::tool("wimlib-imagex") else {
        return;
    };
    testkit::run(
        command
            .arg("capture")
            .args([volume, &theirs])
            .args(["N", "--compress=none"]),
    );
    let info = |path: &Path| {
        let wim = Wim::open(std::fs::File::open(path).expect("a file"), &Limits::default()).expect("a WIM");
        wim.images()[0].clone()
    };
    let (ours, mut theirs) = (info(ours), info(&theirs));
    let version = ours.version.expect("a version");
    assert!(version.service_pack_build > 0 && version.build > 20_000);
    theirs.version.as_mut().expect("a version").service_pack_build = version.service_pack_build;
    (theirs.creation_time, theirs.last_modification_time) = (ours.creation_time, ours.last_modification_time);
    assert_eq!(ours, theirs);
}

#[test]
fn compact_files_are_captured_as_what_they_contain() {
    let Some(sample) = testkit::samples::generated("small", "install.wim") else {
        return;
    };
    let original = Wim::open(std::fs::File::open(&sample).unwrap(), &Limits::default()).unwrap();
    let run = run_options();
    let options = VolumeOptions {
        compact: Compact::Auto,
        ..plain()
    };
    let prepared = PreparedVolume::new(&original, 2, options, &run).unwrap();
    let mut volume = Cursor::new(vec![0; usize::try_from(prepared.size_bytes).unwrap()]);
    let report = prepared
        .write_to(&original, &mut volume, &run, &mut |_| {})
        .unwrap();
    assert!(report.compact_files > 100, "{report:?}");
    let volume = ntfs_image::read::Volume::open(volume, &ntfs_image::Limits::default()).unwrap();
    let captured = hash_tree(&mut VolumeSource::new(volume), &[], &mut control()).unwrap();
    let differences = diff(&original.image(2).unwrap(), &captured, &Compare::EVERYTHING);
    assert!(
        differences.is_empty(),
        "{} differences: {:#?}",
        differences.len(),
        &differences[..3.min(differences.len())]
    );
}

//! Volumes of the first image of a sample file, and what wimlib captures of them.

use std::fs::File;
use std::path::{Path, PathBuf};

use stick::{PreparedVolume, Source, VolumeOptions, VolumeReport};
use testkit::manifest::{Manifest, from_wimlib};

use crate::volume_options::run_options;

/// Makes the volume `path` from image 1 of `source`.
pub(crate) fn make(source: &Path, options: VolumeOptions, path: &Path) -> VolumeReport {
    let source = Source::open(source).unwrap();
    let prepared = PreparedVolume::new(&source.wim, 1, options, &run_options()).unwrap();
    assert_eq!(
        prepared.warnings,
        Vec::<String>::new(),
        "nothing of the sample is lost"
    );
    let mut file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(path)
        .unwrap();
    file.set_len(prepared.size_bytes).unwrap();
    prepared
        .write_to(&source.wim, &mut file, &run_options(), &mut |_| {})
        .unwrap()
}

/// What wimlib captured of a volume, through libntfs-3g.
pub(crate) struct Captured {
    /// The WIM, not compressed.
    pub(crate) wim: PathBuf,
    /// Its image as wimlib lists it.
    pub(crate) manifest: Manifest,
}

/// Lets wimlib capture all of `volume` into `dir`; `None` when wimlib is not there and skipping was asked for.
pub(crate) fn capture(volume: &Path, dir: &Path) -> Option<Captured> {
    let wim = dir.join("captured.wim");
    // The default configuration would leave out page files and the like.
    let everything = dir.join("everything.ini");
    std::fs::write(&everything, "[ExclusionList]\n").unwrap();
    let mut command = testkit::tool("wimlib-imagex")?;
    command.arg("capture").arg(volume).arg(&wim);
    command.args(["1", "--compress=none"]);
    command.arg(format!("--config={}", everything.display()));
    testkit::run(&mut command);
    let manifest = from_wimlib(&wim, "1")?;
    Some(Captured { wim, manifest })
}

//! Volumes to check, made by foreign programs, and an editor that puts single faults into them.

#![allow(dead_code, reason = "each test program uses a part")]

pub(crate) mod editor;
pub(crate) mod faults;

use std::path::PathBuf;
use std::sync::OnceLock;

/// The two volumes of `make.sh`: written by ntfs-3g, and by wimlib. `None` only when oracles may be skipped.
pub(crate) fn volumes() -> Option<(Vec<u8>, Vec<u8>)> {
    static VOLUMES: OnceLock<Option<(Vec<u8>, Vec<u8>)>> = OnceLock::new();
    VOLUMES.get_or_init(make).clone()
}

fn make() -> Option<(Vec<u8>, Vec<u8>)> {
    for name in ["mkntfs", "ntfs-3g", "setfattr", "fusermount", "wimlib-imagex"] {
        testkit::tool(name)?;
    }
    let folder = tempfile::tempdir().expect("temporary folder");
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/check_base/make.sh");
    let mut shell = testkit::tool("bash")?;
    testkit::run(shell.arg(script).arg(folder.path()));
    let read = |name: &str| std::fs::read(folder.path().join(name)).expect(name);
    Some((read("tree.img"), read("base.img")))
}

/// A sample archive's only or named member.
pub(crate) fn sample_member(archive: &str, member: &str) -> Option<Vec<u8>> {
    let folder = testkit::sample_dir()?;
    let out = testkit::run(
        testkit::tool("tar")?
            .arg("-xOJf")
            .arg(folder.join(archive))
            .arg(member),
    );
    Some(out.stdout)
}

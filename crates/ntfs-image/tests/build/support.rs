//! Building a volume into a file, and asking others about it.

use std::fs::File;
use std::path::{Path, PathBuf};

use ntfs_image::{NtfsBuilder, Plan, Report, StreamForm, StreamKey, VolumeSpec};

/// A FILETIME in 2024.
pub(crate) const TIME: u64 = 133_500_000_000_000_000;

/// A volume in a file of its own, removed at the end.
#[derive(Debug)]
pub(crate) struct Volume {
    pub(crate) path: PathBuf,
    pub(crate) plan: Plan,
    pub(crate) report: Report,
    _folder: tempfile::TempDir,
}

pub(crate) fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

pub(crate) fn spec(mib: u64) -> VolumeSpec {
    VolumeSpec {
        serial: 0x1234_5678_9ABC_DEF0,
        time: TIME,
        label: units("Test"),
        ..VolumeSpec::new(mib << 20)
    }
}

/// Bytes that differ from cluster to cluster and do not compress.
pub(crate) fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut out = Vec::with_capacity(len + 8);
    while out.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.extend(state.to_le_bytes());
    }
    out.truncate(len);
    out
}

/// Builds with deliveries in the given order.
pub(crate) fn build(mut builder: NtfsBuilder, deliveries: &[(StreamKey, StreamForm, Vec<u8>)]) -> Volume {
    let plan = builder.plan().expect("plan");
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("volume.img");
    let file = File::create_new(&path).expect("image");
    let mut writer = builder.writer(file).expect("writer");
    for (key, form, bytes) in deliveries {
        writer
            .begin_stream(*key, *form, bytes.len() as u64)
            .expect("begin");
        for part in bytes.chunks(100_000) {
            writer.write(part).expect("write");
        }
        writer.end_stream().expect("end");
    }
    let (file, report) = writer.finish().expect("finish");
    let len = file.metadata().expect("metadata").len();
    assert!(len <= 2 << 40);
    assert!(
        report.used_clusters <= plan.needed_clusters,
        "used {} clusters, planned at most {}",
        report.used_clusters,
        plan.needed_clusters
    );
    Volume {
        path,
        plan,
        report,
        _folder: folder,
    }
}

/// Every checker finds nothing.
pub(crate) fn check(volume: &Path) {
    testkit::oracles::ntfs_gate(volume);
    if let Some(mut resize) = testkit::tool("ntfsresize") {
        testkit::run(resize.args(["-i", "-f", "-P"]).arg(volume));
    }
}

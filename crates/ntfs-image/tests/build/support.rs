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

/// Every checker finds nothing. With 4096-byte sectors rust-fs-ntfs is not asked: it expects an update
/// sequence of one word for each sector, where all others (and mkntfs) have one for each 512 bytes.
pub(crate) fn check(volume: &Path, sector_bytes: u32) {
    for verdict in testkit::oracles::ntfs_verdicts(volume) {
        if sector_bytes == 512 || !verdict.checker.starts_with("rust-fs-ntfs") {
            verdict.assert_clean(volume);
        }
    }
    let report = ntfs_image::check::check(
        File::open(volume).expect("volume"),
        &ntfs_image::Limits::default(),
    );
    let findings: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    assert!(
        findings.is_empty(),
        "our own check finds {} faults:\n{}",
        findings.len(),
        findings[..findings.len().min(30)].join("\n")
    );
    if let Some(mut resize) = testkit::tool("ntfsresize") {
        testkit::run(resize.args(["-i", "-f", "-P"]).arg(volume));
    }
}

/// A self-relative descriptor that differs with `n`: owner Administrators, one entry for a user of number `n`.
pub(crate) fn descriptor(n: u32) -> Vec<u8> {
    let mut user = vec![1, 5, 0, 0, 0, 0, 0, 5];
    for word in [21u32, 1, 2, 3, 1000 + n] {
        user.extend(word.to_le_bytes());
    }
    let administrators = [1u8, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0];
    let acl = 8 + 8 + user.len() as u32;
    let mut out = vec![1, 0, 4, 0x80];
    for offset in [20 + acl, 36 + acl, 0, 20] {
        out.extend(offset.to_le_bytes());
    }
    out.extend([2, 0]);
    out.extend((acl as u16).to_le_bytes());
    out.extend([1, 0, 0, 0, 0, 0]);
    out.extend((acl as u16 - 8).to_le_bytes());
    out.extend(0x001F_01FFu32.to_le_bytes());
    out.extend(user);
    out.extend(administrators);
    out.extend(administrators);
    out
}

/// A `WofCompressedData` stream whose chunks are all stored: the table of offsets, then the bytes.
pub(crate) fn wof_stored(bytes: &[u8], format: ntfs_image::CompactFormat) -> Vec<u8> {
    use ntfs_image::CompactFormat;
    let chunk = match format {
        CompactFormat::Xpress4K => 4096,
        CompactFormat::Lzx32K => 32768,
        CompactFormat::Xpress8K => 8192,
        CompactFormat::Xpress16K => 16384,
    };
    let mut out = Vec::new();
    for at in (chunk..bytes.len()).step_by(chunk) {
        out.extend((at as u32).to_le_bytes());
    }
    out.extend_from_slice(bytes);
    out
}

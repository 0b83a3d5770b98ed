//! GRUB's NTFS driver reads what lies on a volume: that is how a machine starts from it without Microsoft's loader.

use std::collections::BTreeSet;
use std::path::Path;

use ntfs_image::{Content, NodeSpec, NtfsBuilder, StreamForm, StreamKey, VolumeSpec};
use testkit::manifest::{from_wimlib, sha1_hex};
use testkit::samples::generated;

use crate::volume::make;
use crate::volume_options::plain;

/// What `grub-fstest` prints for a command and a path.
fn grub(volume: &Path, command: &str, path: &str) -> Option<Vec<u8>> {
    let mut grub = testkit::tool("grub-fstest")?;
    Some(testkit::run(grub.arg(volume).arg(command).arg(path)).stdout)
}

#[test]
fn grub_reads_files_of_every_kind() {
    let dir = tempfile::tempdir().unwrap();
    let Some(source) = generated("small", "install.wim") else {
        return;
    };
    let volume = dir.path().join("volume.img");
    make(&source, plain(), &volume);
    let Some(image) = from_wimlib(&source, "1") else {
        return;
    };
    // Path, size and hash of all plain files; wimlib's list has no hash for links and directories.
    let files: Vec<(&str, u64, &str)> = image
        .0
        .iter()
        .filter_map(|(path, facts)| {
            Some((
                path.as_str(),
                facts.get("size")?.parse().ok()?,
                facts.get("sha1")?.as_str(),
            ))
        })
        .collect();
    let mut chosen: BTreeSet<&(&str, u64, &str)> = BTreeSet::new();
    chosen.extend(files.iter().step_by(25));
    chosen.extend(files.iter().max_by_key(|file| file.1));
    chosen.extend(files.iter().max_by_key(|file| file.0.matches('/').count()));
    chosen.extend(files.iter().filter(|file| !file.0.is_ascii()));
    let sparse = |path: &str| image.0[path]["attributes"] == "00000220";
    let linked = |path: &str| image.0[path]["links"] != "1";
    // In the record, and just too large for it.
    chosen.extend(
        files
            .iter()
            .filter(|file| (1..1024).contains(&file.1))
            .step_by(10),
    );
    chosen.extend(files.iter().find(|file| sparse(file.0)));
    chosen.extend(files.iter().filter(|file| linked(file.0)).step_by(20));
    for name in [
        "Windows/System32/wtgctl-boot-proof.txt",
        "Windows/System32/winload.efi",
    ] {
        chosen.extend(files.iter().find(|file| file.0 == name));
    }
    assert!(chosen.len() > 80, "{}", chosen.len());
    assert!(chosen.iter().any(|file| file.1 < 300) && chosen.iter().any(|file| file.1 > 1 << 20));
    assert!(chosen.iter().any(|file| sparse(file.0)) && chosen.iter().any(|file| linked(file.0)));
    assert!(chosen.iter().any(|file| file.0.matches('/').count() > 20));
    for (path, _, sha1) in chosen {
        let Some(bytes) = grub(&volume, "cat", &format!("/{path}")) else {
            return;
        };
        assert_eq!(sha1_hex(&bytes), *sha1, "{path} as GRUB reads it");
    }
}

#[test]
fn grub_lists_directories_of_every_size() {
    let dir = tempfile::tempdir().unwrap();
    let Some(source) = generated("small", "install.wim") else {
        return;
    };
    let volume = dir.path().join("volume.img");
    make(&source, plain(), &volume);
    let Some(image) = from_wimlib(&source, "1") else {
        return;
    };
    for directory in [
        "Windows/WinSxS/Manifests",
        "Windows/servicing/Packages",
        "Windows/System32",
        "Windows/Boot",
        "Users/Public/Documents",
    ] {
        let Some(listing) = grub(&volume, "ls", &format!("/{directory}/")) else {
            return;
        };
        let mut listing = String::from_utf8(listing).unwrap();
        let children = image
            .0
            .keys()
            .filter_map(|path| path.strip_prefix(directory)?.strip_prefix('/'))
            .filter(|name| !name.contains('/'));
        // Longest first: a name may end another one.
        let mut children: Vec<&str> = children.collect();
        children.sort_by_key(|name| std::cmp::Reverse(name.len()));
        assert!(!children.is_empty(), "{directory}");
        for name in children {
            let at = listing.find(name);
            let at = at.unwrap_or_else(|| panic!("GRUB does not list {name} in {directory}: {listing}"));
            listing.replace_range(at..at + name.len(), "");
        }
        let rest = listing
            .trim_matches([' ', '/', '\n'])
            .replace(['/', ' ', '\n'], "");
        assert_eq!(rest, "", "{directory}: GRUB lists more than there is");
    }
}

/// A file around clusters that are kept free, in more pieces than one record has room for.
#[test]
fn grub_reads_a_file_in_many_pieces() {
    const KEY: StreamKey = StreamKey(1);
    let dir = tempfile::tempdir().unwrap();
    let data: Vec<u8> = (0_u32..13_500_001)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 23) as u8)
        .collect();
    let mut spec = VolumeSpec::new(128 << 20);
    spec.cluster_bytes = 512;
    // The builder leaves smaller gaps alone. Uneven ones, so that no two pieces look alike.
    spec.keep_free = (0..300).map(|i| 2000 + i * 280..2200 + i * 280 + i % 5).collect();
    let mut builder = NtfsBuilder::new(spec);
    let root = builder.root();
    let content = Content::Keyed {
        key: KEY,
        size_bytes: data.len() as u64,
    };
    builder.add(root, "pieces.bin", NodeSpec::file(content));
    let volume = dir.path().join("volume.img");
    let mut file = std::fs::File::create(&volume).unwrap();
    file.set_len(128 << 20).unwrap();
    let mut writer = builder.writer(&mut file).unwrap();
    writer
        .begin_stream(KEY, StreamForm::Plain, data.len() as u64)
        .unwrap();
    writer.write(&data).unwrap();
    writer.end_stream().unwrap();
    writer.finish().unwrap();
    let (Some(blocks), Some(read)) = (
        grub(&volume, "blocklist", "/pieces.bin"),
        grub(&volume, "cat", "/pieces.bin"),
    ) else {
        return;
    };
    let pieces = blocks.iter().filter(|byte| **byte == b',').count();
    assert!(
        pieces >= 300,
        "{pieces} pieces: {}",
        String::from_utf8_lossy(&blocks)
    );
    assert_eq!(sha1_hex(&read), sha1_hex(&data));
    testkit::oracles::ntfs_gate(&volume);
}

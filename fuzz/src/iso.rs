//! Fuzz targets: iso, udf.

use std::io::{Cursor, Read};

use iso_loopback::{IsoImage, Limits, ReadOptions, View};

/// Body of the target `iso`: the ISO 9660 trees, checked and unchecked, and the boot catalog.
pub fn iso(data: &[u8]) {
    for view in [View::RockRidge, View::Joliet, View::Iso9660] {
        read_view(data, view, true);
        read_view(data, view, false);
    }
}

/// Body of the target `udf`.
pub fn udf(data: &[u8]) {
    read_view(data, View::Udf, true);
    read_view(data, View::Udf, false);
}

/// Walks a tree and reads what it names: every file's map, its first bytes and its last.
fn read_view(data: &[u8], view: View, verify_checksums: bool) {
    let options = ReadOptions {
        limits: Limits {
            max_directory_bytes: 1 << 18,
            max_depth: 16,
            max_entries: 500,
            max_extents: 2000,
            max_descriptors: 200,
        },
        verify_checksums,
        allow_truncated: !verify_checksums,
        session_start: 0,
    };
    let Ok(mut image) = IsoImage::open_view(Cursor::new(data), view, &options) else {
        return;
    };
    let _ = image.volume_info();
    let _ = image.boot_catalog();
    let _ = image.lookup_ignore_case("sources/install.wim");
    let Ok(root) = image.root() else {
        return;
    };
    let Ok(walk) = image.walk(&root) else {
        return;
    };
    let entries: Vec<_> = walk.flatten().collect();
    for (_, entry) in &entries {
        let Ok(extents) = image.extents(entry) else {
            continue;
        };
        let mapped = extents
            .iter()
            .try_fold(0_u64, |sum, extent| sum.checked_add(extent.length_bytes));
        assert_eq!(mapped, Some(entry.size_bytes), "the map covers the file");
        if let Ok(file) = image.open_file(entry) {
            let mut content = Vec::new();
            let _ = file.take(4096).read_to_end(&mut content);
        }
    }
}

//! Fuzz targets: ntfs_read, ntfs_check.

/// Body of the target `ntfs_read`.
pub fn ntfs_read(data: &[u8]) {
    let _ = data;
}

/// Body of the target `ntfs_check`.
pub fn ntfs_check(data: &[u8]) {
    let _ = data;
}

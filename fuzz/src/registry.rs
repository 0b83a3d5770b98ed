//! Fuzz targets: hive, bcd.

/// Body of the target `hive`.
pub fn hive(data: &[u8]) {
    let _ = data;
}

/// Body of the target `bcd`.
pub fn bcd(data: &[u8]) {
    let _ = data;
}

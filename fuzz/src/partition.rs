//! Fuzz targets: gpt, fat.

/// Body of the target `gpt`.
pub fn gpt(data: &[u8]) {
    let _ = data;
}

/// Body of the target `fat`.
pub fn fat(data: &[u8]) {
    let _ = data;
}

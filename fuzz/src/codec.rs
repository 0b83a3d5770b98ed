//! Fuzz targets: xpress, lzx, lzms.

/// Body of the target `xpress`.
pub fn xpress(data: &[u8]) {
    let _ = data;
}

/// Body of the target `lzx`.
pub fn lzx(data: &[u8]) {
    let _ = data;
}

/// Body of the target `lzms`.
pub fn lzms(data: &[u8]) {
    let _ = data;
}

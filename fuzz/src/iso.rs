//! Fuzz targets: iso, udf.

/// Body of the target `iso`.
pub fn iso(data: &[u8]) {
    let _ = data;
}

/// Body of the target `udf`.
pub fn udf(data: &[u8]) {
    let _ = data;
}

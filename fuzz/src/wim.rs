//! Fuzz targets: wim_header, wim_metadata, wim_xml.

/// Body of the target `wim_header`.
pub fn wim_header(data: &[u8]) {
    let _ = data;
}

/// Body of the target `wim_metadata`.
pub fn wim_metadata(data: &[u8]) {
    let _ = data;
}

/// Body of the target `wim_xml`.
pub fn wim_xml(data: &[u8]) {
    let _ = data;
}

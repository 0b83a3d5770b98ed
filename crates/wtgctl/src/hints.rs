//! Advice that goes with errors, keyed by what failed.

/// Advice for errors of reading a WIM.
pub(crate) fn wim(kind: wim_apply::ErrorKind) -> Option<String> {
    use wim_apply::ErrorKind as K;
    let text = match kind {
        K::Corrupt => "the image is damaged: copy or download it again and compare its checksum",
        K::Truncated => "the file is shorter than it says: copy or download it again",
        K::Unsupported => "convert it with another tool, or use another edition of the image",
        _ => return None,
    };
    Some(text.to_owned())
}

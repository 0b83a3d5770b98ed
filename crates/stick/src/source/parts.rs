//! The other parts of a split WIM on the host: `install.swm`, `install2.swm`, `install3.swm`, ...

use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// The paths of parts 2 and on, beside the first.
///
/// # Errors
/// When the named file is not the first part, or a part is missing.
pub(super) fn other_parts(first: &Path, part_number: u16, total_parts: u16) -> Result<Vec<PathBuf>> {
    if total_parts <= 1 {
        return Ok(Vec::new());
    }
    let refuse = |reason: String| Error::Unusable {
        path: first.to_owned(),
        reason,
    };
    if part_number != 1 {
        return Err(refuse(format!(
            "part {part_number} of {total_parts} of a split image; name the first part"
        )));
    }
    let stem = first.file_stem().and_then(|s| s.to_str()).unwrap_or_default();
    let extension = first.extension().and_then(|s| s.to_str()).unwrap_or("swm");
    // wimlib and DISM name the parts NAME.swm, NAME2.swm, NAME3.swm; NAME1.swm as the first is also seen.
    let base = stem
        .strip_suffix('1')
        .filter(|_| !first.with_file_name(format!("{stem}2.{extension}")).exists());
    (2..=total_parts)
        .map(|number| {
            let part = first.with_file_name(format!("{}{number}.{extension}", base.unwrap_or(stem)));
            if part.is_file() {
                Ok(part)
            } else {
                Err(refuse(format!(
                    "part {number} of {total_parts} is missing: {}",
                    part.display()
                )))
            }
        })
        .collect()
}

//! Leaving entries out of a capture.

use crate::image::{DentryId, Image, InodeId};
use crate::{Result, parse_list_file, select};

/// What Windows' own tools leave out of every capture.
pub const DEFAULT_EXCLUDE: [&str; 9] = [
    "\\$ntfs.log",
    "\\hiberfil.sys",
    "\\pagefile.sys",
    "\\swapfile.sys",
    "\\System Volume Information",
    "\\RECYCLER",
    "\\$Recycle.Bin",
    "\\Windows\\CSC",
    "\\DumpStack.log.tmp",
];

/// The patterns of a capture configuration file (`WimScript.ini`), as DISM and wimlib take them: the lines of
/// `[ExclusionList]`, and with `!` in front those of `[ExclusionException]`. Other sections do not count. A name
/// without a directory is excluded wherever it is; a drive letter is left out.
#[must_use]
pub fn parse_capture_config(bytes: &[u8]) -> Vec<String> {
    let mut prefix = None;
    let mut patterns = Vec::new();
    for line in parse_list_file(bytes) {
        if line.starts_with('[') {
            prefix = match line.to_ascii_lowercase().as_str() {
                "[exclusionlist]" => Some(""),
                "[exclusionexception]" => Some("!"),
                _ => None,
            };
        } else if let Some(prefix) = prefix {
            let path = match line.split_once(':') {
                Some((drive, path)) if drive.len() == 1 => path,
                _ => &line,
            };
            let anywhere = if path.contains(['\\', '/']) { "" } else { "**\\" };
            patterns.push(format!("{prefix}{anywhere}{path}"));
        }
    }
    patterns
}

/// The image without what the patterns fit ([`select`]), and for each of its inodes the one it was. What fits a
/// pattern after `!` is not taken out.
pub(super) fn exclude(image: Image, patterns: &[String]) -> Result<(Image, Vec<InodeId>)> {
    let (kept, excluded): (Vec<&str>, Vec<&str>) = patterns
        .iter()
        .map(String::as_str)
        .partition(|pattern| pattern.starts_with('!'));
    let kept: Vec<&str> = kept.into_iter().map(|pattern| &pattern[1..]).collect();
    let kept = select(&image, &kept, true)?;
    let mut excluded = select(&image, &excluded, true)?;
    excluded.retain(|id| kept.binary_search(id).is_err());
    if !excluded.iter().any(|id| *id != Image::ROOT) {
        let inodes = (0..image.inodes.len()).filter_map(|number| u32::try_from(number).ok());
        let inodes = inodes.map(InodeId).collect();
        return Ok((image, inodes));
    }
    let mut keep = vec![true; image.dentries.len()];
    for id in excluded.into_iter().filter(|id| *id != Image::ROOT) {
        keep[id.0 as usize] = false;
    }
    let mut dentry_map: Vec<Option<DentryId>> = vec![None; image.dentries.len()];
    let mut inode_map: Vec<Option<InodeId>> = vec![None; image.inodes.len()];
    let mut origin = Vec::new();
    let mut out = Image {
        security_descriptors: image.security_descriptors,
        warnings: image.warnings,
        ..Image::default()
    };
    let mut inodes: Vec<_> = image.inodes.into_iter().map(Some).collect();
    for (number, mut dentry) in image.dentries.into_iter().enumerate() {
        // Parents come before their children.
        let parent = dentry_map.get(dentry.parent.0 as usize).copied().flatten();
        if !keep[number] || (number > 0 && parent.is_none()) {
            continue;
        }
        let id = DentryId(u32::try_from(out.dentries.len()).unwrap_or(u32::MAX));
        dentry_map[number] = Some(id);
        let old = dentry.inode.0 as usize;
        if let Some(mut inode) = inodes.get_mut(old).and_then(Option::take) {
            inode_map[old] = Some(InodeId(u32::try_from(out.inodes.len()).unwrap_or(u32::MAX)));
            origin.push(dentry.inode);
            inode.link_count = 0;
            out.inodes.push(inode);
        }
        let Some(inode) = inode_map.get(old).copied().flatten() else {
            continue;
        };
        dentry.inode = inode;
        dentry.parent = parent.unwrap_or(id);
        dentry.children.clear();
        out.inodes[inode.0 as usize].link_count += 1;
        if number > 0 {
            out.dentries[dentry.parent.0 as usize].children.push(id);
        }
        out.dentries.push(dentry);
    }
    Ok((out, origin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capture_configurations() {
        let text = "[ExclusionList]\r\n\\pagefile.sys\n*.tmp\n; comment\nC:\\Temp\n\
                    [ExclusionException]\n\\keep.tmp\n[CompressionExclusionList]\n*.zip\n";
        let expected = ["\\pagefile.sys", "**\\*.tmp", "\\Temp", "!\\keep.tmp"];
        assert_eq!(parse_capture_config(text.as_bytes()), expected);
    }
}

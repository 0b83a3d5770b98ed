//! Choosing entries of an image by paths, patterns, and list files.

use std::collections::HashMap;

use crate::image::{Dentry, DentryId, Image, InodeId};
use crate::path::{name_from_text, to_upper};
use crate::{Error, Result};

/// The entries that the patterns mean, ascending. `\` and `/` separate names; case does not count; `?` is any
/// unit, `*` any run within a name, `**` any number of directories. A directory stands for itself: use
/// [`Image::subset`], which takes what is below, or [`Image::walk`].
///
/// # Errors
/// `NotFound` for the first pattern that fits nothing, unless `allow_empty`.
pub fn select(image: &Image, patterns: &[impl AsRef<str>], allow_empty: bool) -> Result<Vec<DentryId>> {
    let mut selected = Vec::new();
    for pattern in patterns {
        let pattern = pattern.as_ref();
        let before = selected.len();
        if !pattern.contains(['*', '?']) {
            match image.lookup(pattern) {
                Ok(id) => selected.push(id),
                Err(error) if !allow_empty => return Err(error),
                Err(_) => {}
            }
            continue;
        }
        let components: Vec<Vec<u16>> = pattern
            .split(['\\', '/'])
            .filter(|component| !component.is_empty())
            .map(|component| name_from_text(component).into_iter().map(to_upper).collect())
            .collect();
        expand(image, &components, &mut selected);
        if selected.len() == before && !allow_empty {
            return Err(Error::NotFound {
                what: "path",
                name: format!("{pattern} (nothing fits)"),
            });
        }
    }
    selected.sort_unstable();
    selected.dedup();
    Ok(selected)
}

/// Walks the tree with the set of components that may come next (an NFA), so that time is bounded by
/// entries × components.
fn expand(image: &Image, components: &[Vec<u16>], selected: &mut Vec<DentryId>) {
    let any_depth: &[u16] = &[u16::from(b'*'), u16::from(b'*')];
    let close = |states: &mut Vec<usize>| {
        // `**` may stand for nothing.
        let mut i = 0;
        while let Some(&state) = states.get(i) {
            if components.get(state).is_some_and(|c| c == any_depth) && !states.contains(&(state + 1)) {
                states.push(state + 1);
            }
            i += 1;
        }
    };
    let mut start = vec![0];
    close(&mut start);
    let mut stack = vec![(Image::ROOT, start)];
    while let Some((id, states)) = stack.pop() {
        if states.contains(&components.len()) {
            selected.push(id);
        }
        let Some(dentry) = image.dentries.get(id.0 as usize) else {
            continue;
        };
        for &child in dentry.children.iter().rev() {
            let Some(found) = image.dentries.get(child.0 as usize) else {
                continue;
            };
            let mut next = Vec::new();
            for &state in &states {
                match components.get(state) {
                    Some(component) if component == any_depth => next.push(state),
                    Some(component) if matches(component, &found.name) => next.push(state + 1),
                    _ => {}
                }
            }
            close(&mut next);
            if !next.is_empty() {
                stack.push((child, next));
            }
        }
    }
}

/// Whether a name fits a pattern in upper case with `*` and `?`. Linear backtracking to the last `*` only.
fn matches(pattern: &[u16], name: &[u16]) -> bool {
    let (star, any) = (u16::from(b'*'), u16::from(b'?'));
    let (mut p, mut n) = (0, 0);
    let mut retry = None;
    while n < name.len() {
        if p < pattern.len() && pattern[p] == star {
            retry = Some((p + 1, n));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == any || pattern[p] == to_upper(name[n])) {
            p += 1;
            n += 1;
        } else if let Some((after, from)) = retry {
            p = after;
            n = from + 1;
            retry = Some((after, n));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&unit| unit == star)
}

/// The paths of a list file: one a line, UTF-8 or UTF-16 with a byte order mark. Empty lines and those that
/// begin with `#` or `;` do not count; quotes around a line are taken off.
#[must_use]
pub fn parse_list_file(bytes: &[u8]) -> Vec<String> {
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => String::from_utf8_lossy(bytes)
            .trim_start_matches('\u{feff}')
            .to_owned(),
    };
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with(['#', ';']))
        .map(|line| line.trim_matches('"').to_owned())
        .collect()
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units)
        .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

impl Image {
    /// The part of the image with these entries, all that is below them, and the directories that lead there.
    #[must_use]
    pub fn subset(&self, selected: &[DentryId]) -> Self {
        let mut keep = vec![false; self.dentries.len()];
        for id in selected {
            if let Some(slot) = keep.get_mut(id.0 as usize) {
                *slot = true;
            }
        }
        // Parents come before their children: downwards first, then upwards.
        for (number, dentry) in self.dentries.iter().enumerate().skip(1) {
            keep[number] |= keep[dentry.parent.0 as usize];
        }
        for number in (1..self.dentries.len()).rev() {
            if keep[number] {
                keep[self.dentries[number].parent.0 as usize] = true;
            }
        }
        if let Some(root) = keep.first_mut() {
            *root = true;
        }
        self.with_dentries(&keep, &[])
    }

    /// These entries with all that is below them, right in the root: without the directories that lead there.
    ///
    /// # Errors
    /// `Invalid` when two of them have the same name.
    pub fn flattened(&self, selected: &[DentryId]) -> Result<Self> {
        let mut keep = vec![false; self.dentries.len()];
        let mut top = Vec::new();
        for &id in selected {
            if let Some(slot) = keep.get_mut(id.0 as usize) {
                *slot = true;
            }
        }
        for (number, dentry) in self.dentries.iter().enumerate() {
            let below = number > 0 && keep[dentry.parent.0 as usize];
            let id = DentryId(u32::try_from(number).unwrap_or(u32::MAX));
            // The root stands for its content.
            if number > 0 && (dentry.parent == Self::ROOT && below || keep[number] && !below) {
                top.push(id);
            }
            keep[number] |= below;
        }
        let mut names = HashMap::new();
        for &id in &top {
            if let Some(other) = names.insert(&self.dentries[id.0 as usize].name, id) {
                return Err(Error::Invalid {
                    what: "extracting without directories",
                    reason: format!(
                        "{} and {} have the same name",
                        self.path_of(other),
                        self.path_of(id)
                    ),
                });
            }
        }
        if let Some(root) = keep.first_mut() {
            *root = true;
        }
        Ok(self.with_dentries(&keep, &top))
    }

    /// What is kept; `top` is put into the root. Both are ascending.
    fn with_dentries(&self, keep: &[bool], top: &[DentryId]) -> Self {
        let mut image = Self {
            security_descriptors: self.security_descriptors.clone(),
            warnings: self.warnings.clone(),
            ..Self::default()
        };
        let mut dentries: Vec<Option<DentryId>> = vec![None; self.dentries.len()];
        let mut inodes: HashMap<InodeId, InodeId> = HashMap::new();
        for (number, dentry) in self
            .dentries
            .iter()
            .enumerate()
            .filter(|(number, _)| keep[*number])
        {
            let id = DentryId(u32::try_from(image.dentries.len()).unwrap_or(u32::MAX));
            dentries[number] = Some(id);
            let is_top = top.binary_search(&DentryId(u32::try_from(number).unwrap_or(u32::MAX)));
            let parent = if is_top.is_ok() {
                Self::ROOT
            } else {
                dentries[dentry.parent.0 as usize].unwrap_or(id)
            };
            let inode = *inodes.entry(dentry.inode).or_insert_with(|| {
                let mut inode = self.inodes[dentry.inode.0 as usize].clone();
                inode.link_count = 0;
                image.inodes.push(inode);
                InodeId(u32::try_from(image.inodes.len() - 1).unwrap_or(u32::MAX))
            });
            image.inodes[inode.0 as usize].link_count += 1;
            if parent != id {
                image.dentries[parent.0 as usize].children.push(id);
            }
            image.dentries.push(Dentry {
                name: dentry.name.clone(),
                short_name: dentry.short_name.clone(),
                parent,
                inode,
                children: Vec::new(),
            });
        }
        image
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, name: &str) -> bool {
        let pattern: Vec<u16> = pattern.encode_utf16().map(to_upper).collect();
        matches(&pattern, &name.encode_utf16().collect::<Vec<_>>())
    }

    #[test]
    fn patterns() {
        assert!(fits("*.dll", "Kernel32.DLL") && fits("k*32*", "kernel32.dll") && fits("?.t", "A.t"));
        assert!(!fits("*.dll", "dll") && !fits("?", "") && !fits("a*b", "ac"));
        let stars = "*a".repeat(50);
        assert!(!fits(&stars, &"a".repeat(49)));
    }

    #[test]
    fn list_files() {
        let text = "\u{feff}# comment\r\n\\Windows\r\n\r\n\"\\a b\"\n; x\n";
        let expected = ["\\Windows", "\\a b"];
        assert_eq!(parse_list_file(text.as_bytes()), expected);
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(parse_list_file(&wide), expected);
    }
}
